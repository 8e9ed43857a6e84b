/* The list of collectors, and finding one by its name in the configuration. */
#include "build.h"

#include <string.h>

#include "collectors.h"

const struct collector *const collectors[] = {
    &collector_stun,
    &collector_stun_stream,
    &collector_stun_stream_tls,
    &collector_tls,
    &collector_tcp,
    &collector_icmp,
    &collector_sip,
    &collector_sip_stream,
    &collector_sip_stream_tls,
    &collector_dns,
    &collector_dns_stream,
    &collector_ntp,
    &collector_https,
    &collector_http,
    &collector_wss,
    NULL,
};

const struct collector *
collectors_find(const char *name, enum transport t)
{
	for (const struct collector *const *c = collectors; *c != NULL; c++) {
		if (strcmp((*c)->name, name) == 0 &&
		    ((*c)->transports & UINT32_C(1) << t) != 0)
			return *c;
	}
	return NULL;
}
