/*
 * What SIP servers of the tests reply to OPTIONS, rightly or not, and what a
 * probe is to make of it. In the texts $ stands for a piece of the request:
 * $A all headers that a response brings back, $V $F $T $C $S one of them as a
 * line (Via, From, To, Call-ID, CSeq), $R all of it, $I the id in hex; $L is
 * a header of 20,000 octets, $N are 300 headers. \1 begins another datagram.
 */
#ifndef SIP_REPLIES_H
#define SIP_REPLIES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outcome.h"

enum { SIP_REPLY_MAX = 65536 };

struct sip_reply {
	const char *name, *text;
	/*
	 * NONE: it is let pass, and a good one after it is the answer. RESET,
	 * on a stream: it is waited for more, to the end of the connection.
	 */
	enum outcome datagram, stream;
	int status; /* that is told; 0: none */
};

#define SIP_END	 "l: 0\r\n\r\n"
#define SIP_GOOD "SIP/2.0 200 OK\r\n$A" SIP_END
#define SIP_BAD(name, text)                                       \
	{                                                         \
		name, text, OUTCOME_PROTOCOL, OUTCOME_PROTOCOL, 0 \
	}
#define SIP_PASSED(name, text)                            \
	{                                                 \
		name, text, OUTCOME_NONE, OUTCOME_NONE, 0 \
	}
#define SIP_STATUS(text, outcome, status)                                 \
	{                                                                 \
		text, "SIP/2.0 " text "\r\n$A" SIP_END, outcome, outcome, \
		    status                                                \
	}

static const struct sip_reply sip_replies[] = {
    SIP_STATUS("200 OK", OUTCOME_ANSWERED, 200),
    SIP_STATUS("202 Accepted", OUTCOME_ANSWERED, 202),
    SIP_STATUS("302 Moved Temporarily", OUTCOME_ANSWERED, 302),
    SIP_STATUS("400 Bad Request", OUTCOME_ANSWERED, 400),
    SIP_STATUS("401 Unauthorized", OUTCOME_ANSWERED, 401),
    SIP_STATUS("404 Not Found", OUTCOME_ANSWERED, 404),
    SIP_STATUS("405 Method Not Allowed", OUTCOME_ANSWERED, 405),
    SIP_STATUS("407 Proxy Authentication Required", OUTCOME_ANSWERED, 407),
    SIP_STATUS("483 Too Many Hops", OUTCOME_ANSWERED, 483),
    SIP_STATUS("486 Busy Here", OUTCOME_ANSWERED, 486),
    SIP_STATUS("500 Server Internal Error", OUTCOME_ERROR_RESPONSE, 500),
    SIP_STATUS("503 Service Unavailable", OUTCOME_ERROR_RESPONSE, 503),
    SIP_STATUS("504 Server Time-out", OUTCOME_ERROR_RESPONSE, 504),
    SIP_STATUS("603 Decline", OUTCOME_ANSWERED, 603),
    {"with a body", "SIP/2.0 200 \r\n$AContent-Length: 5\r\n\r\nv=0\r\n",
	OUTCOME_ANSWERED, OUTCOME_ANSWERED, 200},
    {"no length", "SIP/2.0 200 OK\r\n$A\r\n", OUTCOME_ANSWERED,
	OUTCOME_PROTOCOL, 200},
    {"trying, then busy",
	"SIP/2.0 100 Trying\r\n$A" SIP_END "\1SIP/2.0 180 Ringing\r\n$A" SIP_END
	"\1SIP/2.0 486 Busy\r\n$A" SIP_END,
	OUTCOME_ANSWERED, OUTCOME_ANSWERED, 486},
    /* Of a request that was forked, each way may answer: the first counts. */
    {"two answers",
	"SIP/2.0 200 OK\r\n$A" SIP_END "\1SIP/2.0 404 Not Found\r\n$A" SIP_END,
	OUTCOME_ANSWERED, OUTCOME_ANSWERED, 200},
    {"kept alive", "\r\n\r\n" SIP_GOOD, OUTCOME_NONE, OUTCOME_ANSWERED, 200},
    SIP_PASSED("provisional", "SIP/2.0 100 Trying\r\n$A" SIP_END),
    SIP_PASSED("provisional, all that there are",
	"SIP/2.0 199 \r\n$A" SIP_END "\1SIP/2.0 183 \r\n$A" SIP_END),
    /* Somebody's, but not ours. */
    SIP_PASSED("another branch",
	"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h;branch=z9hG4bK77\r\n"
	"$F$T$C$S" SIP_END),
    SIP_PASSED(
	"no branch", "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h\r\n$F$T$C$S" SIP_END),
    SIP_PASSED("no Via", "SIP/2.0 200 OK\r\n$F$T$C$S" SIP_END),
    SIP_PASSED("a Via before ours",
	"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h\r\n$A" SIP_END),
    SIP_PASSED(
	"a Via after ours", "SIP/2.0 200 OK\r\n$Av: SIP/2.0/UDP h\r\n" SIP_END),
    SIP_PASSED(
	"another Call-ID", "SIP/2.0 200 OK\r\n$V$F$Ti: $Ix\r\n$S" SIP_END),
    SIP_PASSED("no Call-ID", "SIP/2.0 200 OK\r\n$V$F$T$S" SIP_END),
    SIP_PASSED("two of them", "SIP/2.0 200 OK\r\n$V$F$T$C$C$S" SIP_END),
    SIP_PASSED(
	"another tag", "SIP/2.0 200 OK\r\n$Vf: sip:h;tag=$I\r\n$T$C$S" SIP_END),
    SIP_PASSED("no From", "SIP/2.0 200 OK\r\n$V$T$C$S" SIP_END),
    SIP_PASSED("no To", "SIP/2.0 200 OK\r\n$V$F$C$S" SIP_END),
    SIP_PASSED("another number",
	"SIP/2.0 200 OK\r\n$V$F$T$CCSeq: 2 OPTIONS\r\n" SIP_END),
    SIP_PASSED("another method",
	"SIP/2.0 200 OK\r\n$V$F$T$CCSeq: 1 INVITE\r\n" SIP_END),
    SIP_PASSED("no CSeq", "SIP/2.0 200 OK\r\n$V$F$T$C" SIP_END),
    SIP_PASSED("a request",
	"OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
	"$F$T$C$S" SIP_END),
    /* Ours, and wrong. */
    SIP_BAD("the request", "$R"),
    SIP_BAD("the request, twice", "$R\1$R"),
    SIP_BAD("a code of ten digits", "SIP/2.0 4294967496 OK\r\n$A" SIP_END),
    SIP_BAD("a code of four", "SIP/2.0 2000 OK\r\n$A" SIP_END),
    SIP_BAD("a code of two", "SIP/2.0 20 OK\r\n$A" SIP_END),
    SIP_BAD("a code that is none", "SIP/2.0 0.2 OK\r\n$A" SIP_END),
    SIP_BAD("a code below all", "SIP/2.0 099 OK\r\n$A" SIP_END),
    SIP_BAD("a code above all", "SIP/2.0 700 OK\r\n$A" SIP_END),
    SIP_BAD("another version", "SIP/3.0 200 OK\r\n$A" SIP_END),
    SIP_BAD("another protocol", "HTTP/1.1 200 OK\r\n$A" SIP_END),
    SIP_BAD("no status line", "200 OK\r\n$A" SIP_END),
    SIP_BAD("a length below nothing", "SIP/2.0 200 OK\r\n$Al: -1\r\n\r\n"),
    SIP_BAD("a length that is none", "SIP/2.0 200 OK\r\n$Al: none\r\n\r\n"),
    SIP_BAD("two lengths", "SIP/2.0 200 OK\r\n$Al: 0\r\nl: 0\r\n\r\n"),
    SIP_BAD(
	"a length of a gigabyte", "SIP/2.0 200 OK\r\n$Al: 1073741824\r\n\r\n"),
    SIP_BAD("a quotation without end",
	"SIP/2.0 200 OK\r\n$Vf: \"a <sip:h>\r\n$T$C$S" SIP_END),
    SIP_BAD("a header that is none",
	"SIP/2.0 200 OK\r\n$V$F$T$C$S\tfolded\r\nno header\r\n" SIP_END),
    SIP_BAD("headers without number", "SIP/2.0 200 OK\r\n$A$N" SIP_END),
    SIP_BAD("a header without end", "SIP/2.0 200 OK\r\n$A$L" SIP_END),
    {"a body that is short", "SIP/2.0 200 OK\r\n$Al: 999\r\n\r\nv=0",
	OUTCOME_PROTOCOL, OUTCOME_RESET, 0},
    {"cut off", "SIP/2.0 200 OK\r\n$V$F$T", OUTCOME_PROTOCOL, OUTCOME_RESET, 0},
    {"cut off early", "SIP/2.", OUTCOME_NONE, OUTCOME_RESET, 0},
    /* Neither. */
    {"line ends of another kind", "SIP/2.0 200 OK\n$A" SIP_END, OUTCOME_NONE,
	OUTCOME_PROTOCOL, 0},
    {"the banner of another", "SSH-2.0-OpenSSH_9.2p1\r\n", OUTCOME_NONE,
	OUTCOME_PROTOCOL, 0},
    {"a record of TLS", "\x16\x03\x03\x02", OUTCOME_NONE, OUTCOME_PROTOCOL, 0},
};

enum { SIP_REPLIES = sizeof(sip_replies) / sizeof(sip_replies[0]) };

/* ---- making them ---- */

struct sip_text_out {
	char *at;
	size_t len;
};

static inline void
sip_put(struct sip_text_out *out, const char *text, size_t len)
{
	if (out->len + len < SIP_REPLY_MAX)
		memcpy(out->at + out->len, text, len);
	out->len += len;
}

/* The header of the request as a line; one of To has a tag added. */
static inline void
sip_put_line(struct sip_text_out *out, const char *request, const char *name)
{
	const char *at = strstr(request, name), *end;

	if (at == NULL)
		return;
	end = strstr(at + 2, "\r\n");
	sip_put(out, at + 2, (size_t)(end - at) - 2);
	if (strcmp(name, "\r\nTo: ") == 0)
		sip_put(out, ";tag=hers", 9);
	sip_put(out, "\r\n", 2);
}

static inline void
sip_put_many(struct sip_text_out *out, char which)
{
	for (unsigned i = 0; which == 'N' && i < 300; i++)
		sip_put(out, "x: y\r\n", 6);
	if (which == 'L') {
		sip_put(out, "x: ", 3);
		for (unsigned i = 0; i < 20000; i++)
			sip_put(out, "y", 1);
		sip_put(out, "\r\n", 2);
	}
}

static inline void
sip_put_piece(struct sip_text_out *out, const char *request, char which)
{
	static const char *const lines[] = {"\r\nVia: ", "\r\nFrom: ",
	    "\r\nTo: ", "\r\nCall-ID: ", "\r\nCSeq: "};
	static const char letters[] = "VFTCS";
	const char *id = strstr(request, "\r\nCall-ID: ");

	for (unsigned i = 0; i < 5; i++) {
		if (which == 'A' || which == letters[i])
			sip_put_line(out, request, lines[i]);
	}
	if (which == 'I' && id != NULL)
		sip_put(out, id + 11, 32);
	if (which == 'R')
		sip_put(out, request, strlen(request));
	sip_put_many(out, which);
}

/* The reply to the request (both end in a NUL), to be freed; its length. */
static inline char *
sip_reply_to(const char *request, const char *text, size_t *len)
{
	struct sip_text_out out = {calloc(1, SIP_REPLY_MAX), 0};

	if (out.at == NULL)
		abort();
	for (; *text != '\0'; text++) {
		if (*text == '$')
			sip_put_piece(&out, request, *++text);
		else
			sip_put(&out, text, 1);
	}
	if (out.len >= SIP_REPLY_MAX)
		abort();
	*len = out.len;
	return out.at;
}

#endif
