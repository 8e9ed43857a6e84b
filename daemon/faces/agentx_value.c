/* Numbers and labels as SNMP spells them. */
#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addr.h"
#include "agentx_value.h"
#include "clock.h"
#include "word.h"

enum { TRUTH_YES = 1, TRUTH_NO = 2 };
/* RFC 4001 §3 */
enum { INET_IPV4 = 1, INET_IPV6 = 2 };

#define TICK (CLOCK_SEC / 100)
#define DAY  ((int64_t)(86400 * CLOCK_SEC))

void
agentx_value_date(uint8_t out[AGENTX_DATE], int64_t real)
{
	time_t seconds = (time_t)(real / (int64_t)CLOCK_SEC);
	struct tm tm;
	unsigned year;

	gmtime_r(&seconds, &tm);
	year = (unsigned)tm.tm_year + 1900;
	out[0] = (uint8_t)(year >> 8);
	out[1] = (uint8_t)year;
	out[2] = (uint8_t)(tm.tm_mon + 1);
	out[3] = (uint8_t)tm.tm_mday;
	out[4] = (uint8_t)tm.tm_hour;
	out[5] = (uint8_t)tm.tm_min;
	out[6] = (uint8_t)tm.tm_sec;
	out[7] =
	    (uint8_t)(real % (int64_t)CLOCK_SEC / (int64_t)(CLOCK_SEC / 10));
	out[8] = '+';
	out[9] = out[10] = 0;
}

uint32_t
agentx_value_gauge(enum stats_unit unit, uint64_t v)
{
	v /= stats_units[unit].smi_divisor;
	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

/* Whole days, rounded down: an hour ago is -1. */
static int64_t
days(int64_t ns)
{
	return ns / DAY - (ns % DAY < 0);
}

static int32_t
signed_value(enum stats_unit unit, int64_t v)
{
	v /= (int64_t)stats_units[unit].smi_divisor;
	if (v < INT32_MIN)
		return INT32_MIN;
	return v < INT32_MAX ? (int32_t)v : INT32_MAX;
}

/* sysUpTime at a moment; 0 for what was before the agent's start. */
static uint32_t
ticks_at(int64_t real, int64_t boot)
{
	return real > boot ? (uint32_t)((uint64_t)(real - boot) / TICK) : 0;
}

bool
agentx_value_number(struct agentx_value *out, const struct stats_desc *d,
    uint64_t v, int64_t boot)
{
	if (v == STATS_NONE)
		return false;
	out->number = v;
	if (d->nature == STATS_COUNTER) {
		out->type = AGENTX_COUNTER64;
		out->number /= stats_units[d->unit].smi_divisor;
	} else if (d->unit == UNIT_TIMESTAMP) {
		out->type = AGENTX_OCTETS;
		out->len = AGENTX_DATE;
		agentx_value_date(out->octets, (int64_t)v);
	} else if (d->unit == UNIT_SINCE) {
		out->type = AGENTX_TICKS;
		out->number = ticks_at((int64_t)v, boot);
	} else if (d->unit == UNIT_BOOL) {
		out->type = AGENTX_INTEGER;
		out->number = v != 0 ? TRUTH_YES : TRUTH_NO;
	} else if (stats_units[d->unit].is_signed) {
		out->type = AGENTX_INTEGER;
		out->number = (uint64_t)signed_value(d->unit, (int64_t)v);
	} else if (d->unit == UNIT_OUTCOME || d->nature == STATS_STATESET) {
		out->type = AGENTX_INTEGER;
	} else {
		out->type = AGENTX_UNSIGNED;
		out->number = agentx_value_gauge(d->unit, v);
	}
	return true;
}

bool
agentx_value_moment(
    struct agentx_value *out, enum mib_form form, uint64_t at, int64_t now)
{
	if (at == STATS_NONE)
		return false;
	if (form == MIB_FORM_DATE) {
		out->type = AGENTX_OCTETS;
		out->len = AGENTX_DATE;
		agentx_value_date(out->octets, (int64_t)at);
		return true;
	}
	out->type = AGENTX_INTEGER;
	out->number = (uint64_t)days((int64_t)at - now);
	return form == MIB_FORM_DAYS;
}

void
agentx_value_bucket(
    struct agentx_value *out, const struct snap_hist *h, unsigned bucket)
{
	out->type = AGENTX_COUNTER64;
	out->number = 0;
	for (unsigned i = 0; i <= bucket; i++)
		out->number += h->bucket[i];
}

/* At most 255 octets, and no half of a character (RFC 3411 §5). */
static bool
put_text(struct agentx_value *out, const char *text)
{
	size_t n = strlen(text);

	if (n > AGENTX_TEXT) {
		n = AGENTX_TEXT;
		while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
			n--;
	}
	out->type = AGENTX_OCTETS;
	out->len = n;
	memcpy(out->octets, text, n);
	return true;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
put_hex(struct agentx_value *out, const char *text)
{
	out->type = AGENTX_OCTETS;
	for (out->len = 0; *text != '\0'; text += 2) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

		if (low < 0 || out->len == AGENTX_TEXT)
			return false;
		out->octets[out->len++] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
put_address(struct agentx_value *out, enum mib_form form, const char *text)
{
	const uint8_t *bytes;
	struct addr a;
	unsigned len;

	if (addr_parse_host(&a, text) < 0)
		return false;
	bytes = addr_bytes(&a, &len);
	if (form == MIB_FORM_ADDRESS_TYPE) {
		out->type = AGENTX_INTEGER;
		out->number = len == 4 ? INET_IPV4 : INET_IPV6;
		return true;
	}
	out->type = AGENTX_OCTETS;
	out->len = len;
	memcpy(out->octets, bytes, len);
	return true;
}

static bool
put_word(struct agentx_value *out, enum word_set set, const char *text)
{
	out->type = AGENTX_INTEGER;
	out->number = word_number(set, text);
	return true;
}

bool
agentx_value_text(
    struct agentx_value *out, enum mib_form form, const char *text)
{
	switch (form) {
	case MIB_FORM_TEXT:
		return put_text(out, text);
	case MIB_FORM_HEX:
		return put_hex(out, text);
	case MIB_FORM_TRANSPORT:
		return put_word(out, WORD_TRANSPORT, text);
	case MIB_FORM_CLASS:
		return put_word(out, WORD_CLUSTER_CLASS, text);
	case MIB_FORM_AUTH:
		return put_word(out, WORD_PROXY_AUTH, text);
	case MIB_FORM_ADDRESS:
	case MIB_FORM_ADDRESS_TYPE:
		return put_address(out, form, text);
	case MIB_FORM_PORT:
		out->type = AGENTX_UNSIGNED;
		out->number = strtoul(text, NULL, 10);
		return true;
	case MIB_FORM_CLUSTER: /* a number that only the roster knows */
	case MIB_FORM_PROXY:
	case MIB_FORM_DATE:    /* not of texts */
	case MIB_FORM_DAYS:
	case MIB_FORMS:
		break;
	}
	return false;
}
