/*
 * Probes that others ask for: from the words of a request over the name and
 * what is allowed to a loop and back. Nothing of them is kept, and nobody
 * waits for them but who asks. The control's thread, unless said otherwise.
 */
#ifndef INQUIRIES_H
#define INQUIRIES_H

#include <stdbool.h>

struct config;
struct engine;
struct inquiries;
struct inquiry;
struct resolve;
struct store;
struct uv_loop_s;

enum {
	INQUIRIES_MOST = 256, /* under way */
	INQUIRIES_JOBS = 512  /* with what is left over of others */
};

struct inquiries_setup {
	struct uv_loop_s *loop;	      /* the control's */
	struct engine *const *engine; /* by enum collector_room; borrowed */
	struct store *store;
};

/* NULL: no memory. All others take NULL. */
struct inquiries *inquiries_new(const struct inquiries_setup *setup);
/* What holds from now on; both borrowed until the next call. */
void inquiries_configure(
    struct inquiries *i, const struct config *c, struct resolve *r);
/* An engine may have ended some. */
void inquiries_collect(struct inquiries *i);
/* All are answered, none is taken any more. */
void inquiries_stop(struct inquiries *i);
void inquiries_close(struct inquiries *i); /* on its loop */
void inquiries_free(struct inquiries *i);  /* when the loops have run out */

/* Any thread. */

/* False: too many are under way, or it has been stopped. */
bool inquiries_ask(struct inquiries *i, struct inquiry *q);
/* Soon all that were asked until now are answered. */
void inquiries_recall(struct inquiries *i);

#endif
