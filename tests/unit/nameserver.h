/*
 * A name server of a test, UDP and TCP, on the loop of the code under test:
 * a small zone, and misbehaviour by name and type.
 */
#ifndef NAMESERVER_H
#define NAMESERVER_H

#include <stdint.h>

struct uv_loop_s;
struct nameserver;

enum { NS_ANY = 0, NS_A = 1, NS_CNAME = 5, NS_AAAA = 28 };

enum ns_mode {
	NS_ANSWER, /* what the zone says, NXDOMAIN else */
	NS_SILENT,
	NS_SERVFAIL,
	NS_REFUSED,
	NS_TRUNCATED,	   /* over UDP; TCP has it all */
	NS_WRONG_ID,	   /* a lie under another id, then the truth */
	NS_WRONG_QUESTION, /* the same with another question */
	NS_SHORT,	   /* a header cut short */
	NS_LOOP,	   /* an owner name that points at itself */
	NS_NOISE	   /* an answer with some bytes changed */
};

/* port 0: one that the kernel chooses. */
struct nameserver *nameserver_open(
    struct uv_loop_s *loop, const char *addr, uint16_t port);
void nameserver_close(struct nameserver *ns);
/* "127.0.0.1:PORT"; owned by the server. */
const char *nameserver_text(const struct nameserver *ns);

/* data: an address, or the name that a CNAME points to. */
void nameserver_add(struct nameserver *ns, const char *name, int type,
    uint32_t ttl, const char *data);
void nameserver_clear(struct nameserver *ns);
/* name NULL: every one. The last that fits holds. */
void nameserver_mode(
    struct nameserver *ns, const char *name, int type, enum ns_mode mode);

/* Questions so far; name NULL: about any. */
unsigned nameserver_asked(
    const struct nameserver *ns, const char *name, int type);
unsigned nameserver_over_tcp(const struct nameserver *ns);

#endif
