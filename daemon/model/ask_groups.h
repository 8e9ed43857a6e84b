/* The groups of a target's questions, as the table of settings knows them. */
#ifndef ASK_GROUPS_H
#define ASK_GROUPS_H

#include <stddef.h>

#include "ask.h"
#include "option.h"

struct ask_group_desc {
	enum option_group option;
	size_t offset; /* of its struct in struct ask */
};

static const struct ask_group_desc ask_groups[ASK_GROUPS] = {
    [ASK_TLS] = {OPTION_ask_tls, offsetof(struct ask, tls)},
    [ASK_SIP] = {OPTION_ask_sip, offsetof(struct ask, sip)},
    [ASK_DNS] = {OPTION_ask_dns, offsetof(struct ask, dns)},
    [ASK_NTP] = {OPTION_ask_ntp, offsetof(struct ask, ntp)},
    [ASK_HTTP] = {OPTION_ask_http, offsetof(struct ask, http)},
    [ASK_LIGHT] = {OPTION_ask_light, offsetof(struct ask, light)},
};

#endif
