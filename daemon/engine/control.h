/*
 * The control: configuration, reload, lists of nodes, names, network
 * changes, decisions and the state file, all on the signalling loop, so that
 * the media loop never waits for any of it.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "config.h"
#include "engine.h"
#include "shard.h"
#include "snapshot.h"
#include "store.h"

struct inquiries;
struct uv_loop_s;
struct control;

struct control_setup {
	struct uv_loop_s *loop;	 /* the signalling loop */
	const char *config_file; /* borrowed */
	struct config *config;	 /* already loaded; taken over */
	struct shard shard;	 /* the part of it that is one's own */
	struct store *store;	 /* borrowed, as the rest */
	struct snapshotter *snapshots;
	struct engine *const *engine; /* by enum collector_room */
	unsigned engines;
	struct inquiries *inquiries; /* or NULL */
	/* On the loop, each with arg. The process shall end; once. */
	void (*finished)(void *arg);
	/* Once a second; a reload begins; it has ended. May be NULL. */
	void (*tick)(void *arg, uint64_t now);
	void (*reloading)(void *arg, uint64_t now);
	void (*reloaded)(void *arg, bool ok);
	void *arg;
};

/* In the loop's thread, before it runs. NULL: logged why. */
struct control *control_new(const struct control_setup *setup);
/* In the loop's thread: everything is closed on the loop. */
void control_close(struct control *c);
void control_free(struct control *c); /* when the loop has run out */

/* Any thread. */

/* There are notes in an engine's queue. */
void control_notify(struct control *c);
/*
 * Loads the configuration again and waits for the end of it. 0, or negative
 * with what was wrong, for people, in *errors.
 */
int control_reload(struct control *c, struct buf *errors);
/* A round now, of one target by name or of all; 0, -ENOENT, -EAGAIN. */
int control_probe(struct control *c, const char *target);
/* Every target's first round is over, or its grace time is. */
bool control_ready(struct control *c);
/* The loops have turned lately, and the control has decided. */
bool control_healthy(struct control *c);

#endif
