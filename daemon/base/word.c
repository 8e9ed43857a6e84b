/* The closed sets of words, from words.def. */
#include "build.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "word.h"

enum { WORDS_MAX = 16, WORD_LIST_SIZE = 160 };

/* The set of a row, and the constant that word.h has for it. */
enum {
	SET_transport = WORD_TRANSPORT,
	SET_state = WORD_STATE,
	SET_reach = WORD_REACH,
	SET_phase = WORD_PHASE,
	SET_trigger = WORD_TRIGGER,
	SET_missed = WORD_MISSED,
	SET_cluster_class = WORD_CLUSTER_CLASS,
	SET_expect = WORD_EXPECT,
	SET_stamp = WORD_STAMP,
	SET_netchange = WORD_NETCHANGE,
	SET_source = WORD_SOURCE,
	SET_status = WORD_REQUIREMENT_STATUS,
	SET_category = WORD_REQUIREMENT_CATEGORY,
	SET_ntp_error = WORD_NTP_ERROR,
	SET_ping_notification = WORD_PING_NOTIFICATION,
	SET_chain = WORD_CHAIN,
	SET_staple = WORD_STAPLE,
	SET_proxy_auth = WORD_PROXY_AUTH
};
#define NUMBER_transport(name)	       TRANSPORT_##name
#define NUMBER_state(name)	       STATE_##name
#define NUMBER_reach(name)	       REACH_##name
#define NUMBER_phase(name)	       PHASE_##name
#define NUMBER_trigger(name)	       TRIGGER_##name
#define NUMBER_missed(name)	       MISSED_##name
#define NUMBER_cluster_class(name)     CLUSTER_CLASS_##name
#define NUMBER_expect(name)	       EXPECT_##name
#define NUMBER_stamp(name)	       STAMP_##name
#define NUMBER_netchange(name)	       NETCHANGE_##name
#define NUMBER_source(name)	       SOURCE_##name
#define NUMBER_status(name)	       REQUIREMENT_STATUS_##name
#define NUMBER_category(name)	       REQUIREMENT_CATEGORY_##name
#define NUMBER_ntp_error(name)	       NTP_ERROR_##name
#define NUMBER_ping_notification(name) PING_NOTIFICATION_##name
#define NUMBER_chain(name)	       CHAIN_##name
#define NUMBER_staple(name)	       STAPLE_##name
#define NUMBER_proxy_auth(name)	       PROXY_AUTH_##name

/* word.h spells the table out, for readers and ctags: both must agree. */
#define WORD(set, name, number, label) \
	static_assert(NUMBER_##set(name) == (number), #set "." #name);
#include "words.def"

static const char *const labels[WORD_SETS][WORDS_MAX] = {
#define WORD(set, name, number, label) [SET_##set][number] = label,
#include "words.def"
};

static const unsigned ends[WORD_SETS] = {
    [WORD_TRANSPORT] = TRANSPORT_END,
    [WORD_STATE] = STATE_END,
    [WORD_REACH] = REACH_END,
    [WORD_PHASE] = PHASE_END,
    [WORD_TRIGGER] = TRIGGER_END,
    [WORD_MISSED] = MISSED_END,
    [WORD_CLUSTER_CLASS] = CLUSTER_CLASS_END,
    [WORD_EXPECT] = EXPECT_END,
    [WORD_STAMP] = STAMP_END,
    [WORD_NETCHANGE] = NETCHANGE_END,
    [WORD_SOURCE] = SOURCE_END,
    [WORD_REQUIREMENT_STATUS] = REQUIREMENT_STATUS_END,
    [WORD_REQUIREMENT_CATEGORY] = REQUIREMENT_CATEGORY_END,
    [WORD_NTP_ERROR] = NTP_ERROR_END,
    [WORD_PING_NOTIFICATION] = PING_NOTIFICATION_END,
    [WORD_CHAIN] = CHAIN_END,
    [WORD_STAPLE] = STAPLE_END,
    [WORD_PROXY_AUTH] = PROXY_AUTH_END,
};

static const char *const names[WORD_SETS] = {
    [WORD_TRANSPORT] = "transport",
    [WORD_STATE] = "state",
    [WORD_REACH] = "reach",
    [WORD_PHASE] = "phase",
    [WORD_TRIGGER] = "trigger",
    [WORD_MISSED] = "missed",
    [WORD_CLUSTER_CLASS] = "cluster_class",
    [WORD_EXPECT] = "expect",
    [WORD_STAMP] = "stamp",
    [WORD_NETCHANGE] = "netchange",
    [WORD_SOURCE] = "source",
    [WORD_REQUIREMENT_STATUS] = "status",
    [WORD_REQUIREMENT_CATEGORY] = "category",
    [WORD_NTP_ERROR] = "ntp_error",
    [WORD_PING_NOTIFICATION] = "ping_notification",
    [WORD_CHAIN] = "chain",
    [WORD_STAPLE] = "staple",
    [WORD_PROXY_AUTH] = "proxy_auth",
};

/* Made once; constant from then on. */
static pthread_once_t lists_once = PTHREAD_ONCE_INIT;
static char lists[WORD_SETS][WORD_LIST_SIZE];

unsigned
word_end(enum word_set set)
{
	return (unsigned)set < WORD_SETS ? ends[set] : 0;
}

const char *
word_set_name(enum word_set set)
{
	assert((unsigned)set < WORD_SETS);
	return names[set];
}

const char *
word_set_label(enum word_set set)
{
	/* A state of the staple, as others have states. */
	return set == WORD_STAPLE ? word_set_name(WORD_STATE)
				  : word_set_name(set);
}

const char *
word_label(enum word_set set, unsigned n)
{
	if (n >= word_end(set) || labels[set][n] == NULL)
		return "none";
	return labels[set][n];
}

unsigned
word_number(enum word_set set, const char *label)
{
	for (unsigned n = 1; n < word_end(set); n++) {
		if (labels[set][n] != NULL &&
		    strcmp(labels[set][n], label) == 0)
			return n;
	}
	return 0;
}

static void
make_list(char list[WORD_LIST_SIZE], const char *const *label)
{
	size_t len = 0;

	for (unsigned n = 1; n < WORDS_MAX; n++) {
		if (label[n] == NULL)
			continue;
		len += (size_t)snprintf(list + len, WORD_LIST_SIZE - len,
		    "%s%s", len > 0 ? ", " : "", label[n]);
		assert(len < WORD_LIST_SIZE);
	}
}

static void
make_lists(void)
{
	for (unsigned set = 0; set < WORD_SETS; set++)
		make_list(lists[set], labels[set]);
}

const char *
word_list(enum word_set set)
{
	assert((unsigned)set < WORD_SETS);
	pthread_once(&lists_once, make_lists);
	return lists[set];
}
