/* The word sets: numbers, labels and the ends that word.h spells out. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "word.h"

static const struct {
	const char *set;
	unsigned number;
	const char *label;
} words[] = {
#define WORD(set, name, number, label) {#set, number, label},
#include "words.def"
};

static const struct {
	enum word_set set;
	const char *name;
	unsigned end;
} sets[] = {
    {WORD_TRANSPORT, "transport", TRANSPORT_END},
    {WORD_STATE, "state", STATE_END},
    {WORD_REACH, "reach", REACH_END},
    {WORD_PHASE, "phase", PHASE_END},
    {WORD_TRIGGER, "trigger", TRIGGER_END},
    {WORD_MISSED, "missed", MISSED_END},
    {WORD_CLUSTER_CLASS, "cluster_class", CLUSTER_CLASS_END},
    {WORD_EXPECT, "expect", EXPECT_END},
    {WORD_STAMP, "stamp", STAMP_END},
    {WORD_NETCHANGE, "netchange", NETCHANGE_END},
    {WORD_SOURCE, "source", SOURCE_END},
    {WORD_REQUIREMENT_STATUS, "status", REQUIREMENT_STATUS_END},
    {WORD_REQUIREMENT_CATEGORY, "category", REQUIREMENT_CATEGORY_END},
    {WORD_NTP_ERROR, "ntp_error", NTP_ERROR_END},
    {WORD_PING_NOTIFICATION, "ping_notification", PING_NOTIFICATION_END},
    {WORD_CHAIN, "chain", CHAIN_END},
    {WORD_STAPLE, "staple", STAPLE_END},
    {WORD_PROXY_AUTH, "proxy_auth", PROXY_AUTH_END},
};

enum {
	WORDS = sizeof(words) / sizeof(words[0]),
	SETS = sizeof(sets) / sizeof(sets[0])
};

/* Both ways for each row, and the end is one more than the greatest. */
static void
test_rows(void **state)
{
	unsigned seen = 0;

	assert_int_equal(SETS, WORD_SETS);
	for (unsigned s = 0; s < SETS; s++) {
		unsigned greatest = 0;

		for (unsigned i = 0; i < WORDS; i++) {
			if (strcmp(words[i].set, sets[s].name) != 0)
				continue;
			seen++;
			assert_string_equal(
			    word_label(sets[s].set, words[i].number),
			    words[i].label);
			assert_int_equal(
			    word_number(sets[s].set, words[i].label),
			    words[i].number);
			if (words[i].number > greatest)
				greatest = words[i].number;
		}
		assert_int_equal(sets[s].end, greatest + 1);
		assert_int_equal(word_end(sets[s].set), greatest + 1);
	}
	assert_int_equal(seen, WORDS);
}

/* What may stand in labels, JSON, the configuration and the MIB. */
static void
test_spelling(void **state)
{
	for (unsigned i = 0; i < WORDS; i++) {
		assert_true(words[i].number > 0);
		assert_true(islower((unsigned char)words[i].label[0]));
		assert_int_equal(strspn(words[i].label,
				     "abcdefghijklmnopqrstuvwxyz0123456789_"),
		    strlen(words[i].label));
	}
}

static void
test_set_names(void **state)
{
	assert_string_equal(word_set_name(WORD_STAPLE), "staple");
	assert_string_equal(word_set_label(WORD_STAPLE), "state");
	assert_string_equal(word_set_label(WORD_REACH), "reach");
}

static void
test_unknown(void **state)
{
	assert_string_equal(word_label(WORD_STATE, 0), "none");
	assert_string_equal(word_label(WORD_STATE, STATE_END), "none");
	assert_string_equal(word_label(WORD_STATE, 4000000000u), "none");
	assert_string_equal(word_label(WORD_SETS, 1), "none");
	assert_int_equal(word_number(WORD_STATE, "udp"), 0);
	assert_int_equal(word_number(WORD_STATE, ""), 0);
	assert_int_equal(word_number(WORD_STATE, "UP"), 0);
	assert_int_equal(word_number(WORD_SETS, "up"), 0);
	assert_int_equal(word_end(WORD_SETS), 0);
}

static void
test_lists(void **state)
{
	assert_string_equal(
	    word_list(WORD_STATE), "unknown, up, degraded, down, disabled");
	assert_string_equal(word_list(WORD_EXPECT), "reachable, blocked");
	assert_string_equal(word_list(WORD_TRANSPORT),
	    "udp, tcp, tls, https, wss, sip_udp, sip_tcp, sip_tls, sip_mtls, "
	    "dns_udp, dns_tcp, ntp, icmp, http");
	for (unsigned s = 0; s < WORD_SETS; s++)
		assert_true(strlen(word_list((enum word_set)s)) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_spelling),
	    cmocka_unit_test(test_set_names),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests_name("word", tests, NULL, NULL);
}
