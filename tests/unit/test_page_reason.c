/* What the status page says of a target's last request. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "outcome.h"
#include "page_reason.h"
#include "word.h"

#define NOW  (1000 * (int64_t)CLOCK_SEC)
#define WALL "probe=\"tcp\",expect=\"blocked\""

static const struct {
	const char *info;
	enum state state;
	uint64_t outcome, code, success_at;
	const char *text; /* without what stands in <> */
} rows[] = {
    {"", STATE_UP, OUTCOME_ANSWERED, 0, NOW, ""},
    {"", STATE_UNKNOWN, STATS_NONE, STATS_NONE, STATS_NONE, ""},
    {"probe=\"stun\"", STATE_DEGRADED, OUTCOME_ERROR_RESPONSE, 401, NOW,
	"error_response 401"},
    {"probe=\"dns\"", STATE_DEGRADED, OUTCOME_ERROR_RESPONSE, 3, NOW,
	"error_response 3"},
    {"probe=\"ntp\"", STATE_DISABLED, OUTCOME_ERROR_RESPONSE, NTP_ERROR_DENY,
	NOW, "error_response deny"},
    {"", STATE_DOWN, OUTCOME_TIMEOUT, 0, NOW - 60 * (int64_t)CLOCK_SEC,
	"timeout, no answer for 1 min"},
    {"", STATE_DOWN, OUTCOME_TIMEOUT, 0, STATS_NONE, "timeout"},
    {WALL, STATE_UP, OUTCOME_REFUSED, 0, STATS_NONE,
	"blocked, as expected: refused"},
    {WALL, STATE_DOWN, OUTCOME_ANSWERED, 0, NOW,
	"open, expected blocked: answered"},
    {WALL, STATE_UNKNOWN, OUTCOME_DNS, 0, STATS_NONE, "expected blocked: dns"},
    {WALL, STATE_UNKNOWN, STATS_NONE, STATS_NONE, STATS_NONE,
	"expected blocked"},
    {"probe=\"tcp\",expect=\"reachable\"", STATE_UP, OUTCOME_ANSWERED, 0, NOW,
	""},
};

static void
strip(char *s)
{
	char *to = s;

	for (bool tag = false; *s != '\0'; s++) {
		if (*s == '<')
			tag = true;
		if (!tag)
			*to++ = *s;
		if (*s == '>')
			tag = false;
	}
	*to = '\0';
}

static void
reasons(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snap_target t = {.info = rows[i].info,
		    .state = rows[i].state,
		    .last_outcome = rows[i].outcome,
		    .last_code = rows[i].code,
		    .success_at = rows[i].success_at};
		struct buf b = BUF_INIT;
		char *text;

		page_reason(&b, &t, NOW);
		text = buf_steal(&b);
		assert_non_null(text);
		strip(text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(page_reason_is_wall(&t),
		    strstr(rows[i].info, "blocked") != NULL);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reasons)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
