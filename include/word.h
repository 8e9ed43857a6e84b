/*
 * Enumerations made from words.def: WORD(transport, UDP, ...) is
 * TRANSPORT_UDP of enum transport. Numbers start at 1; 0 is "none".
 */
#ifndef WORD_H
#define WORD_H

#include <stddef.h>

enum word_set {
	WORD_TRANSPORT,
	WORD_STATE,
	WORD_REACH,
	WORD_PHASE,
	WORD_TRIGGER,
	WORD_MISSED,
	WORD_CLUSTER_CLASS,
	WORD_EXPECT,
	WORD_STAMP,
	WORD_NETCHANGE,
	WORD_SOURCE,
	WORD_REQUIREMENT_STATUS,
	WORD_REQUIREMENT_CATEGORY,
	WORD_NTP_ERROR,
	WORD_PING_NOTIFICATION,
	WORD_CHAIN,
	WORD_STAPLE,
	WORD_PROXY_AUTH,
	WORD_SETS
};

enum transport {
	TRANSPORT_UDP = 1,
	TRANSPORT_TCP = 2,
	TRANSPORT_TLS = 3,
	TRANSPORT_HTTPS = 4,
	TRANSPORT_WSS = 5,
	TRANSPORT_SIP_UDP = 6,
	TRANSPORT_SIP_TCP = 7,
	TRANSPORT_SIP_TLS = 8,
	TRANSPORT_SIP_MTLS = 9,
	TRANSPORT_DNS_UDP = 10,
	TRANSPORT_DNS_TCP = 11,
	TRANSPORT_NTP = 12,
	TRANSPORT_ICMP = 13,
	TRANSPORT_HTTP = 14,
	TRANSPORT_END = 15
};

enum state {
	STATE_UNKNOWN = 1,
	STATE_UP = 2,
	STATE_DEGRADED = 3,
	STATE_DOWN = 4,
	STATE_DISABLED = 5,
	STATE_END = 6
};

enum reach {
	REACH_UNTESTED = 1,
	REACH_REACHABLE = 2,
	REACH_UNREACHABLE = 3,
	REACH_END = 4
};

enum phase {
	PHASE_RESOLVE = 1,
	PHASE_PROXY = 2,
	PHASE_CONNECT = 3,
	PHASE_TLS = 4,
	PHASE_REQUEST = 5,
	PHASE_RESPONSE = 6,
	PHASE_END = 7
};

enum trigger {
	TRIGGER_START = 1,
	TRIGGER_INTERVAL = 2,
	TRIGGER_RELOAD = 3,
	TRIGGER_REQUEST = 4,
	TRIGGER_NETWORK = 5,
	TRIGGER_RETRY = 6,
	TRIGGER_END = 7
};

enum missed {
	MISSED_CONCURRENCY = 1,
	MISSED_OVERRUN = 2,
	MISSED_STALL = 3,
	MISSED_END = 4
};

enum cluster_class {
	CLUSTER_CLASS_PUBLIC = 1,
	CLUSTER_CLASS_VIDEO_MESH = 2,
	CLUSTER_CLASS_REFERENCE = 3,
	CLUSTER_CLASS_END = 4
};

enum expect {
	EXPECT_REACHABLE = 1,
	EXPECT_BLOCKED = 2,
	EXPECT_END = 3
};

enum stamp {
	STAMP_NONE = 1,
	STAMP_KERNEL = 2,
	STAMP_KERNEL_RX = 3,
	STAMP_TCP_INFO = 4,
	STAMP_USER = 5,
	STAMP_END = 6
};

enum netchange {
	NETCHANGE_LINK = 1,
	NETCHANGE_ADDRESS = 2,
	NETCHANGE_ROUTE = 3,
	NETCHANGE_RESYNC = 4,
	NETCHANGE_END = 5
};

enum source {
	SOURCE_CONFIG = 1,
	SOURCE_DISCOVERY_FILE = 2,
	SOURCE_DISCOVERY_URL = 3,
	SOURCE_TARGET_FILE = 4,
	SOURCE_END = 5
};

enum requirement_status {
	REQUIREMENT_STATUS_MET = 1,
	REQUIREMENT_STATUS_FAILED = 2,
	REQUIREMENT_STATUS_UNTESTED = 3,
	REQUIREMENT_STATUS_NOT_PROBEABLE = 4,
	REQUIREMENT_STATUS_NOT_SELECTED = 5,
	REQUIREMENT_STATUS_END = 6
};

enum requirement_category {
	REQUIREMENT_CATEGORY_REQUIRED = 1,
	REQUIREMENT_CATEGORY_OPTIONAL = 2,
	REQUIREMENT_CATEGORY_DEPRECATED = 3,
	REQUIREMENT_CATEGORY_END = 4
};

enum ntp_error {
	NTP_ERROR_UNSYNCHRONISED = 1,
	NTP_ERROR_RATE = 2, /* kiss-o'-death: asked too often */
	NTP_ERROR_DENY = 3, /* the same: not to be asked at all */
	NTP_ERROR_RSTR = 4,
	NTP_ERROR_STRATUM = 5, /* as the target bounds these two */
	NTP_ERROR_OFFSET = 6,
	NTP_ERROR_END = 7
};

enum ping_notification {
	PING_NOTIFICATION_PROBE_FAILED = 1,
	PING_NOTIFICATION_TEST_FAILED = 2,
	PING_NOTIFICATION_TEST_COMPLETED = 3,
	PING_NOTIFICATION_END = 4
};

enum chain {
	CHAIN_VALID = 1,
	CHAIN_EXPIRED = 2,
	CHAIN_NOT_YET_VALID = 3,
	CHAIN_SELF_SIGNED = 4,
	CHAIN_UNTRUSTED_ROOT = 5,
	CHAIN_UNKNOWN_ISSUER = 6,
	CHAIN_WRONG_PURPOSE = 7,
	CHAIN_WEAK = 8,
	CHAIN_BAD_SIGNATURE = 9,
	CHAIN_BAD_CHAIN = 10,
	CHAIN_OTHER = 11,
	CHAIN_END = 12
};

enum staple {
	STAPLE_ABSENT = 1,
	STAPLE_GOOD = 2,
	STAPLE_REVOKED = 3,
	STAPLE_UNKNOWN = 4,
	STAPLE_EXPIRED = 5,
	STAPLE_INVALID = 6,
	STAPLE_END = 7
};

enum proxy_auth {
	PROXY_AUTH_NONE = 1,
	PROXY_AUTH_BASIC = 2,
	PROXY_AUTH_DIGEST = 3,
	PROXY_AUTH_NTLM = 4,
	PROXY_AUTH_NEGOTIATE = 5,
	PROXY_AUTH_END = 6
};

/* The label of number n in the set, or "none" if there is no such word. */
const char *word_label(enum word_set set, unsigned n);

/* The number whose label it is, or 0. */
unsigned word_number(enum word_set set, const char *label);

/* "transport" for WORD_TRANSPORT: what a label or a key with its words is. */
const char *word_set_name(enum word_set set);

/* The label of a metric that tells the words of the set apart. */
const char *word_set_label(enum word_set set);

/* One more than the greatest number of the set. */
unsigned word_end(enum word_set set);

/* "a, b, c": every label of the set, for messages. Static storage. */
const char *word_list(enum word_set set);

#endif
