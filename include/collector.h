/*
 * A collector: the code of one probe kind over one or more transports. One
 * file, one struct; it holds no timer, retry, counter, log line or label.
 */
#ifndef COLLECTOR_H
#define COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "word.h"

struct anchors;
struct probe;
struct uv_loop_s;

/* What a collector counts for a whole loop; cumulative. */
struct collector_counts {
	uint64_t unmatched;	/* datagrams that answer nothing under way */
	uint64_t drops;		/* datagrams lost in our own receive buffers */
	uint64_t stamp[STAMP_END];	/* round-trip times by clock */
};

/* What holds for all collectors of a loop. */
struct collector_setup {
	struct uv_loop_s *loop;
	/*
	 * A source port is used for no longer than this; at most the shortest
	 * interval of any target, so that each probe has a new one.
	 */
	uint64_t rotate_ns;
	bool transmit_stamps;	/* ask the kernel for transmit times too */
	struct anchors *anchors;	/* shared; NULL: each its own */
	const char *ca_file;	/* trust anchors, NULL: the system's */
};

/* The loops: what may block inside a library is kept from media. */
enum collector_room { COLLECTOR_MEDIA, COLLECTOR_SIGNALLING, COLLECTOR_ROOMS };

struct collector {
	const char *name;	/* as configured: "stun", "tcp", "icmp" */
	enum collector_room room;
	uint32_t transports;	/* 1 << TRANSPORT_x, for each it can do */
	uint16_t port;		/* unless configured; 0: must be */
	unsigned count;		/* requests of a probe, unless configured */
	unsigned concurrent;	/* probes at once in a loop; 0: no limit */
	bool lingers;		/* until the next start(): late answers */
	size_t state;		/* bytes per probe, kept by the engine */
	/*
	 * Bytes per target, from one probe to the next; zero at first and
	 * after a reload. p->memory is NULL in a probe that stands alone.
	 */
	size_t memory;

	/* Once per loop; *out is what probes see as p->loop. 0 or -errno. */
	int (*open)(const struct collector_setup *setup, void **out);
	/* The setup changed (reload); may be NULL. */
	void (*adjust)(void *loop, const struct collector_setup *setup);
	/* Read what has come in; at each tick of the engine. May be NULL. */
	void (*tick)(void *loop, uint64_t now);
	void (*counts)(const void *loop, struct collector_counts *add);
	void (*close)(void *loop);

	/* < 0 (-errno): failed at once, nothing will be called. */
	int (*start)(struct probe *p);
	/* Send request seq. < 0 (-errno): not sent. */
	int (*request)(struct probe *p, unsigned seq);
	/* May come at any time; nothing is called for p after it. */
	void (*stop)(struct probe *p);
};

/* The list, NULL at its end; more than one may have the same name. */
extern const struct collector *const collectors[];

/* The collector of that name for the transport, or NULL. */
const struct collector *collectors_find(const char *name, enum transport t);

#endif
