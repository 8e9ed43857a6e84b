/*
 * The status page: what the person on call wants to know, at a glance and
 * without a script; with one it stays fresh.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

struct body;
struct event;
struct snapshot;

struct page_setup {
	const char *telemetry_path;	/* borrowed */
	const char *nonce;		/* for its script and style; copied */
	const struct event *event;	/* the last ones, oldest first */
	size_t events;
};

/* Takes a reference of its own. NULL: no memory. */
struct body *page_body(struct snapshot *s, const struct page_setup *setup);

#endif
