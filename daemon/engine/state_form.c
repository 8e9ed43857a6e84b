/*
 * The state file, field by field: a header that says what is in the lists of
 * numbers, then indexes, rows with their samples, and the sums of targets
 * that are gone. Times stand in it as nanoseconds of the wall clock.
 */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "state_form.h"

const char state_form_magic[] = {'r', 'e', 'a', 'c', 'h', 'd', '\r', '\n'};

const struct state_word state_form_words[] = {
    {TALLY_PROBES, false},
    {TALLY_PROBE_FAILURES, false},
    {TALLY_REQUESTS, false},
    {TALLY_LOST, false},
    {TALLY_LATE, false},
    {TALLY_LOCAL, false},
    {TALLY_PROBE_AT, true},
    {TALLY_SUCCESS_AT, true},
    {TALLY_SUCCESS, false},
    {TALLY_LAST_RTT, false},
    {TALLY_LAST_OUTCOME, false},
    {TALLY_LAST_CODE, false},
    {TALLY_TRIGGER, false},
    {TALLY_STATE, false},
    {TALLY_CHANGED_AT, true},
    {TALLY_CHANGES, false},
    {TALLY_FAILS, false},
    {TALLY_LOSS_HIGH, false},
    {TALLY_RTT_HIGH, false},
    {TALLY_SHORT_LOSS, false},
    {TALLY_SHORT_RTT, false},
    {TALLY_MAPPED_CHANGES, false},
    {TALLY_MAPPED_AT, true},
    {TALLY_LOCAL_PORT, false},
    {TALLY_JUDGE, false},
    {TALLY_FLAP_FROM, true},
    {TALLY_FLAP_COUNT, false},
    {TALLY_RTT_SUM, false},
    {TALLY_INTERVAL, false},
};

_Static_assert((int)STATE_WORDS + 4 + (int)STATE_PHASES + (int)STATE_OUTCOMES +
		       (int)STATS_BUCKETS ==
		   (int)TALLY_WORDS,
    "each number of a row has its place in the file");

void
state_form_boot_id(char id[STATE_BOOT_ID])
{
	char *text;
	size_t len;

	memset(id, 0, STATE_BOOT_ID);
	if (file_read("/proc/sys/kernel/random/boot_id", 64, &text, &len) < 0)
		return;
	if (len >= STATE_BOOT_ID)
		memcpy(id, text, STATE_BOOT_ID);
	free(text);
}
