/*
 * One probe that somebody asks for: the words of the request, and what became
 * of it. Who asks owns it, and does not touch it until done().
 */
#ifndef INQUIRY_H
#define INQUIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "details.h"
#include "once.h"

enum inquiry_end {
	INQUIRY_PROBED,	   /* the rest tells how that went */
	INQUIRY_BAD,	   /* it cannot be asked so */
	INQUIRY_FORBIDDEN, /* the configuration does not allow it */
	INQUIRY_LIMITED,   /* too many were asked for in a second */
	INQUIRY_BUSY	   /* too many are under way, or the daemon ends */
};

enum { INQUIRY_WHY = 512 };

struct inquiry {
	/* what is asked; texts are the asker's */
	const char *target, *module;
	const char *hostname; /* what the host is called, or NULL */
	uint64_t timeout_ns;  /* all that there is; 0: 15 s */
	/* In the control's thread, once. */
	void (*done)(struct inquiry *q);

	/* what became of it */
	enum inquiry_end end;
	char why[INQUIRY_WHY]; /* unless probed */
	bool success;
	uint8_t prober; /* enum config_prober */
	uint64_t lookup_ns, took_ns;
	struct addr addr; /* family 0: it did not resolve */
	/* of all requests, when answers led from one to the next */
	unsigned redirects;
	uint64_t phase_ns[PHASE_END], transfer_ns;
	/* of the last one */
	bool probed; /* it came to that */
	enum transport transport;
	struct once_result result;
	struct details details;
	struct buf log; /* a line for each step, for people */
	struct buf module_text;

	struct inquiry *next; /* the engine's */
};

/* Lets go of what became of it. */
void inquiry_clear(struct inquiry *q);

/* A line of its log, with the time since the start. */
void inquiry_log(struct inquiry *q, uint64_t since, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A hop has ended: what it adds to the whole. */
void inquiry_add(struct inquiry *q, const struct once *o);

#endif
