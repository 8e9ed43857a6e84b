/* Every collector there is; see include/collector.h for what they are. */
#ifndef COLLECTORS_H
#define COLLECTORS_H

#include "collector.h"

extern const struct collector collector_dns;	    /* DNS over UDP */
extern const struct collector collector_dns_stream; /* and over TCP */
extern const struct collector collector_http;
extern const struct collector collector_https;
extern const struct collector collector_icmp;
extern const struct collector collector_sip;		 /* SIP over UDP */
extern const struct collector collector_sip_stream;	 /* SIP over TCP */
extern const struct collector collector_sip_stream_tls;	 /* and over TLS */
extern const struct collector collector_ntp;
extern const struct collector collector_stun;		 /* STUN over UDP */
extern const struct collector collector_stun_stream;	 /* STUN over TCP */
extern const struct collector collector_stun_stream_tls; /* and over TLS */
extern const struct collector collector_tcp;
extern const struct collector collector_tls;
extern const struct collector collector_wss;

#endif
