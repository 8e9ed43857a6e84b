/*
 * The one place where threads meet: per target a row of numbers and a ring of
 * samples. A row has one writer (the loop that the target belongs to) that
 * never waits; readers copy a consistent row and retry if it moved. Which
 * rows there are is a roster, immutable and counted, swapped as a whole by
 * the control thread.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "choose.h"
#include "judge.h"
#include "outcome.h"
#include "site.h"
#include "stats.h"
#include "nodelist.h"
#include "target.h"
#include "window.h"

/*
 * The numbers of a row. Times are monotonic ns, 0 for never; one that came
 * over a restart of the machine is from before it, a negative number.
 */
enum tally {
	TALLY_PROBES,
	TALLY_PROBE_FAILURES,
	TALLY_REQUESTS,
	TALLY_LOST,
	TALLY_LATE,
	TALLY_LOCAL,
	TALLY_PROBE_AT,
	TALLY_SUCCESS_AT,
	TALLY_SUCCESS,
	TALLY_LAST_RTT,
	TALLY_LAST_OUTCOME,
	TALLY_LAST_CODE,
	TALLY_TRIGGER,
	TALLY_STATE,
	TALLY_CHANGED_AT,
	TALLY_CHANGES,
	TALLY_FAILS,
	TALLY_LOSS_HIGH,
	TALLY_RTT_HIGH,
	TALLY_SHORT_LOSS,
	TALLY_SHORT_RTT, /* shortest window, for choose */
	TALLY_MAPPED_CHANGES,
	TALLY_MAPPED_AT,
	TALLY_LOCAL_PORT,
	TALLY_JUDGE, /* what else the judge remembers, packed by row.c */
	TALLY_FLAP_FROM,
	TALLY_FLAP_COUNT,
	TALLY_INTERVAL, /* that a peer demanded; 0: the target's own */
	TALLY_MAPPED,	/* struct addr in 4 words */
	TALLY_PHASE = TALLY_MAPPED + 4,		   /* + phase - 1 */
	TALLY_ENDED = TALLY_PHASE + PHASE_END - 1, /* + outcome - 1 */
	TALLY_RTT_SUM = TALLY_ENDED + OUTCOME_END - 1,
	TALLY_BUCKET, /* + stats_bucket() */
	TALLY_WORDS = TALLY_BUCKET + STATS_BUCKETS
};

struct row; /* of a target; writer's calls below */

/* A roster: the targets of a moment, sorted by index. */
struct roster {
	unsigned refs; /* atomic */
	uint64_t generation;
	uint64_t changed_at; /* monotonic: when others came or went */
	struct roster_entry {
		struct target *target; /* reference held by the roster */
		struct row *row;       /* reference held by the roster */
		uint8_t loop;	       /* engine it belongs to */
	} * entry;
	size_t entries;
	/* Clusters in the order of their index; plain names and classes. */
	struct roster_cluster {
		uint32_t index;
		char name[CLUSTER_NAME + 1];
		enum cluster_class class;
		struct cluster_about about;
		bool has[TRANSPORT_TLS + 1];
	} * cluster;
	size_t clusters;
	/* Proxies that targets go through, in the order of their index. */
	struct roster_proxy {
		uint32_t index;
		struct proxy *proxy; /* reference held by the roster */
	} * proxy;
	size_t proxies;
};

/* What is known of a proxy. */
struct decision_proxy {
	enum state state;
	uint64_t changed_at; /* monotonic */
};

/* What decide.c worked out for one roster; replaced as a whole. */
struct decision {
	unsigned refs;
	uint64_t generation;		/* of the roster it is about */
	struct choose_cluster *cluster; /* one per roster cluster */
	uint64_t *changed_at;		/* monotonic, per cluster */
	size_t clusters;
	struct decision_proxy *proxy; /* one per roster proxy */
	size_t proxies;
	struct site site;
	uint64_t rank_changes;
};

struct store;

struct store *store_new(void);
void store_free(struct store *s);

/* ---- writer: the loop that owns the row; never waits, never allocates ---- */

/* Between begin and end, readers see the row as it was or retry. */
void row_begin(struct row *r);
void row_set(struct row *r, unsigned word, uint64_t v);
void row_add(struct row *r, unsigned word, uint64_t v);
uint64_t row_get(const struct row *r, unsigned word);
void row_set_addr(struct row *r, unsigned word, const struct addr *a);
void row_append(struct row *r, const struct sample *s);
void row_end(struct row *r);
/* A round-trip time in the histogram of the row's group. */
void row_add_native(struct row *r, uint64_t rtt_ns);
/* Writer's own view of its ring, for sums: sample i of those appended. */
uint64_t row_appended(const struct row *r);
struct sample row_sample(const struct row *r, uint64_t i);
uint32_t row_capacity(const struct row *r);
/* The last handshake; copied. */
void row_set_tls(struct row *r, const struct tls_facts *facts);
void row_set_fact(struct row *r, enum fact fact, int64_t value);
/* The judge's memory lives with the row, so that it survives reload. */
struct judge *row_judge(struct row *r);
/* Copies it to the words, between begin and end: what others see of it. */
void row_publish_judge(struct row *r);
/* Takes up a ring of another size, if store_adopt() left one. */
void row_adopt_ring(struct row *r);
/* What the writer hangs on the row: its run. */
void row_set_owner(struct row *r, void *owner);
void *row_owner(const struct row *r);
struct row *row_ref(struct row *r);
void row_unref(struct row *r);

/* ---- any thread ---- */

/*
 * Local link of the path: set by netwatch through control. since 0: usable.
 * A request that was under way while it was not is marked local.
 */
void row_set_link(struct row *r, bool usable, uint64_t now);
bool row_link_was_down(const struct row *r, uint64_t sent_ns);

/* When it was made: its numbers began then, or at the restart. Monotonic. */
uint64_t row_made_at(const struct row *r);
/* A consistent copy of all words. */
void row_read(const struct row *r, uint64_t out[TALLY_WORDS]);
/* The same of those before TALLY_PHASE: all but phases and counts by kind. */
void row_read_brief(const struct row *r, uint64_t out[TALLY_PHASE]);
void row_read_addr(
    const uint64_t words[TALLY_PHASE], unsigned word, struct addr *a);
/*
 * The newest samples sent after `after`, oldest first, at most max; returns
 * how many. None is torn, none is skipped within the range.
 */
size_t row_read_samples(
    const struct row *r, uint64_t after, struct sample *out, size_t max);
/* The newest at most max; *end: the number (from 1 on) of the last of them. */
size_t row_read_newest(
    const struct row *r, struct sample *out, size_t max, uint64_t *end);
bool row_read_tls(const struct row *r, struct tls_facts *out);
/*
 * When a certificate first came, or one came with another version, cipher or
 * verdict on its chain; monotonic. 0: never.
 */
uint64_t row_tls_changed(const struct row *r);
/* Which are known, 1 << FACT_x; the others are 0. */
uint64_t row_read_facts(const struct row *r, int64_t out[FACT_END]);

struct roster *store_roster(struct store *s); /* a reference */
/* The index of a target that is there, by its name; 0: there is none. */
uint32_t store_target_index(struct store *s, const char *name);
struct roster *roster_ref(struct roster *r);
void roster_unref(struct roster *r);
struct decision *store_decision(struct store *s); /* a reference or NULL */
void decision_unref(struct decision *d);

/* ---- control thread ---- */

/*
 * Takes a new list of targets: rows of equal keys go on, others are made new
 * or let go; indexes by name are remembered for good (clusters alike). A ring
 * that must grow or shrink is handed to the row's writer, which moves its
 * samples over (row_adopt_ring). Returns the new roster, which the caller
 * posts to the engines: a reference; NULL: no memory, nothing changed.
 * loop_of says which engine a target belongs to.
 */
struct inventory;
struct roster *store_adopt(struct store *s, const struct inventory *inv,
    uint8_t (*loop_of)(const struct target *t));
void store_decide(struct store *s, struct decision *d); /* takes d over */

/*
 * Readers that walk rows of a roster hold this, so that a ring that was
 * replaced is not freed under them. A roster that is taken while it is held
 * agrees with the sums of those departed. Never taken by a writer.
 */
void store_read_lock(struct store *s);
void store_read_unlock(struct store *s);

/*
 * What targets that were let go had counted, by transport and cluster, so
 * that sums over targets never go back. Under store_read_lock().
 */
struct departed {
	enum transport transport;
	char cluster[CLUSTER_NAME + 1];
	uint64_t ended[OUTCOME_END - 1], bucket[STATS_BUCKETS], rtt_sum;
};
void store_departed_each(struct store *s,
    void (*each)(void *arg, const struct departed *d), void *arg);
/* Adds to the sums of its group; control thread. 0 or -ENOMEM. */
int store_departed_add(struct store *s, const struct departed *d);

/*
 * The round-trip times of a transport and cluster in exponential buckets, of
 * targets that are gone, too; made if there are none. NULL: no memory. Control
 * thread. Readers walk them under store_read_lock().
 */
struct native;
struct native *store_native(
    struct store *s, enum transport transport, const char *cluster);
void store_native_each(struct store *s,
    void (*each)(void *arg, enum transport transport, const char *cluster,
	const struct native *n),
    void *arg);
/* Whether some counts began in an earlier process. */
bool store_restored_any(const struct store *s);

/* Every row that exists, also those kept for targets not known yet. */
void store_row_each(struct store *s,
    void (*each)(void *arg, const char *key, struct row *r), void *arg);
/* Indexes, for the state file. kind 0: target, 1: cluster, 2: proxy. */
void store_index_each(struct store *s,
    void (*each)(void *arg, int kind, const char *name, uint32_t index),
    void *arg);
void store_index_set(
    struct store *s, int kind, const char *name, uint32_t index);
/*
 * A row for a key that is in no roster yet, to be filled by the caller and
 * taken up by the store_adopt() that brings the key. NULL: no memory.
 */
struct row *store_row_restore(
    struct store *s, const char *key, uint32_t capacity);
/* Lets go of restored rows that no target has claimed. */
void store_restored_drop(struct store *s);

#endif
