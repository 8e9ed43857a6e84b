/*
 * The control. Every source of targets (configuration, lists, names) leads to
 * one function, rebuild(), which makes the inventory anew and posts it; so a
 * reload, a discovery and a DNS answer are the same transaction.
 */
#include "build.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "collector.h"
#include "control.h"
#include "coverage.h"
#include "decide.h"
#include "discovery.h"
#include "event.h"
#include "inquiries.h"
#include "log.h"
#include "mail.h"
#include "netwatch.h"
#include "resolve.h"
#include "signals.h"
#include "state.h"
#include "state_lock.h"
#include "supply.h"
#include "telemetry.h"

enum { DECIDE_MS = 1000, GATHER_MS = 50, ENGINES = 4 };

#define READY_GRACE   (30 * CLOCK_SEC)
#define PROBE_LEAST   (2 * CLOCK_SEC) /* between two rounds of all by request */
#define BEAT_MOST     (10 * CLOCK_SEC) /* a loop that is this late is ill */
#define RESTORED_KEPT (3600 * CLOCK_SEC)
#define LOCK_WAIT     (10 * CLOCK_SEC) /* for one that is ending */

struct control {
	struct control_setup setup;
	struct config *config; /* owned */
	struct discovery *discovery;
	struct resolve *resolve;
	struct netwatch *netwatch;
	struct decide *decide;
	struct coverage *coverage;
	struct telemetry *telemetry;
	struct mail *mail;
	struct state_lock lock;
	uv_timer_t decide_timer, gather_timer, state_timer;
	struct signals *signals;
	uint64_t started, reloads;
	bool closed, stopping;
	_Atomic bool settled;
	_Atomic uint64_t beat;	    /* when it last decided */
	_Atomic uint64_t probed_at; /* last round of all by request */
};

/* ---- the inventory ---- */

static void
post(struct control *c, struct roster *r, uint64_t rotate_ns)
{
	struct sched_settings set = {.short_ns = c->config->window[0],
	    .rate = c->config->requests_per_second,
	    .reloads = c->reloads};
	struct collector_setup col = {.rotate_ns = rotate_ns,
	    .transmit_stamps = c->config->transmit_stamps,
	    .ca_file = c->config->ca_file};

	for (unsigned i = 0; i < c->setup.engines; i++)
		if (engine_adopt(
			c->setup.engine[i], roster_ref(r), &set, &col) < 0)
			log_error("control", "no memory for the new targets");
}

static void
check_paths(void *arg)
{
	struct control *c = arg;
	struct roster *r;
	uint64_t now = clock_mono();
	size_t usable = 0;

	if (c->netwatch == NULL)
		return;
	r = store_roster(c->setup.store);
	for (size_t i = 0; i < r->entries; i++) {
		const struct path *p = &r->entry[i].target->path;
		bool ok = netwatch_usable(c->netwatch, p);

		row_set_link(r->entry[i].row, ok, now);
		usable += ok;
	}
	/* The outage of the link is told before all that follows from it. */
	if (decide_link(c->decide, r->entries > 0 && usable == 0))
		decide_run(c->decide, now);
	roster_unref(r);
}

static void
show_sources(struct control *c)
{
	struct discovery_status s[64];

	telemetry_sources(
	    c->telemetry, s, discovery_sources(c->discovery, s, 64));
}

static void on_gather(uv_timer_t *t);

/* Several lists and names that change at once are one change. */
static void
gather(void *arg)
{
	struct control *c = arg;

	if (!c->closed && !uv_is_active((uv_handle_t *)&c->gather_timer))
		uv_timer_start(&c->gather_timer, on_gather, GATHER_MS, 0);
}

static void
judge(struct control *c, uint64_t now)
{
	decide_run(c->decide, now);
	if (coverage_run(c->coverage, c->resolve, now))
		gather(c);
}

static void
rebuild(struct control *c)
{
	struct supply from = {.config = c->config,
	    .discovery = c->discovery,
	    .resolve = c->resolve,
	    .telemetry = c->telemetry,
	    .shard = c->setup.shard};
	struct inventory *inv;
	struct roster *r = NULL;

	from.learned = coverage_learned(c->coverage, &from.learnt);
	inv = supply_build(&from);
	if (inv != NULL)
		r = store_adopt(c->setup.store, inv, supply_loop);
	if (r == NULL) {
		log_error("control", "no memory for the targets; the old "
				     "ones are kept");
	} else {
		coverage_adopt(c->coverage, inv, r);
		log_lines(LOG_LEVEL_WARN, "control", inv->warnings);
		post(c, r, inventory_shortest(inv, 60 * CLOCK_SEC));
		log_info("control", "%zu targets in %zu media clusters%s",
		    r->entries, r->clusters,
		    r->entries > 0 ? "" : ": nothing is to be probed");
		roster_unref(r);
	}
	inventory_free(inv);
	show_sources(c);
	check_paths(c);
	/* Else clusters would be out of sight until the next second. */
	judge(c, clock_mono());
}

static void
on_gather(uv_timer_t *t)
{
	rebuild(t->data);
}

static void
trigger_all(struct control *c, enum trigger t, uint32_t index)
{
	for (unsigned i = 0; i < c->setup.engines; i++)
		engine_trigger(c->setup.engine[i], t, index);
}

static void
on_network(void *arg, unsigned kinds, const char *cause)
{
	struct control *c = arg;
	struct event e = {.kind = EVENT_NETWORK_CHANGE};

	snprintf(e.cause, sizeof(e.cause), "%s", cause);
	event_emit(&e);
	telemetry_network(c->telemetry, kinds);
	check_paths(c);
	trigger_all(c, TRIGGER_NETWORK, 0);
}

static void
resolver_make(struct control *c)
{
	struct resolve_setup s = {.loop = c->setup.loop,
	    .server = c->config->nameserver,
	    .max_addresses = c->config->max_addresses,
	    .changed = gather,
	    .arg = c};

	c->resolve = resolve_new(&s);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void
save(struct control *c)
{
	if (c->config->state_file != NULL &&
	    state_save(c->setup.store, c->config->state_file) == 0)
		telemetry_saved(c->telemetry);
}

static void
on_state(uv_timer_t *t)
{
	struct control *c = t->data;

	save(c);
	if (clock_mono() - c->started > RESTORED_KEPT)
		store_restored_drop(c->setup.store);
}

/* Settings that are not part of a target. */
static void
apply(struct control *c, const struct config *old)
{
	struct snapshot_settings s = {.windows = c->config->windows,
	    .per_target = c->config->histograms == HISTOGRAMS_TARGET};

	memcpy(s.window, c->config->window, sizeof(s.window));
	if (!c->config->rolling)
		s.windows = 0;
	snapshot_configure(c->setup.snapshots, &s);
	decide_configure(c->decide, c->config->margin_ppm);
	telemetry_config(c->telemetry, c->config);
	if (coverage_configure(c->coverage, c->config) < 0)
		log_error("control", "no memory for the requirements");
	if (old != NULL &&
	    (!same_text(old->nameserver, c->config->nameserver) ||
		old->max_addresses != c->config->max_addresses)) {
		resolve_free(c->resolve);
		resolver_make(c);
	}
	inquiries_configure(c->setup.inquiries, c->config, c->resolve);
	discovery_configure(c->discovery, c->config);
	if (old == NULL || old->state_interval != c->config->state_interval)
		uv_timer_start(&c->state_timer, on_state,
		    c->config->state_interval / CLOCK_MS,
		    c->config->state_interval / CLOCK_MS);
}

/* Rounds of all that somebody asks for keep a distance; any thread. */
static bool
round_allowed(struct control *c)
{
	uint64_t now = clock_mono(), last = atomic_load(&c->probed_at);

	return (last == 0 || now - last >= PROBE_LEAST) &&
	       atomic_compare_exchange_strong(&c->probed_at, &last, now);
}

static int
load_again(struct control *c, struct buf *errors)
{
	struct doc_errors e = {0};
	struct event ev = {.kind = EVENT_CONFIG_RELOADED};
	struct config *fresh = config_reload(c->setup.config_file, &e), *old;

	if (fresh == NULL) {
		config_errors_text(errors, c->setup.config_file, &e);
	} else if (state_lock_move(&c->lock, fresh->state_file, 0, errors) <
		   0) {
		config_free(fresh);
		fresh = NULL;
	}
	telemetry_reload(c->telemetry, fresh != NULL);
	snapshot_expire(c->setup.snapshots);
	if (fresh == NULL) {
		ev.kind = EVENT_CONFIG_RELOAD_FAILED;
		snprintf(ev.cause, sizeof(ev.cause), "%.*s",
		    errors->len > 0 ? (int)errors->len - 1 : 0,
		    buf_str(errors));
		event_emit(&ev);
		doc_errors_free(&e);
		return -EINVAL;
	}
	old = c->config;
	c->config = fresh;
	c->reloads++;
	apply(c, old);
	rebuild(c);
	if (round_allowed(c))
		trigger_all(c, TRIGGER_RELOAD, 0);
	snapshot_expire(c->setup.snapshots);
	config_free(old);
	event_emit(&ev);
	return 0;
}

static int
reload(struct control *c, struct buf *errors)
{
	int result;

	if (c->setup.reloading != NULL)
		c->setup.reloading(c->setup.arg, clock_mono());
	result = load_again(c, errors);
	if (c->setup.reloaded != NULL)
		c->setup.reloaded(c->setup.arg, result == 0);
	return result;
}

/* ---- once a second, now and then ---- */

static void
on_decide(uv_timer_t *t)
{
	struct control *c = t->data;
	uint64_t now = clock_mono();

	atomic_store(&c->beat, now);
	judge(c, now);
	show_sources(c);
	if (!atomic_load(&c->settled) && resolve_settled(c->resolve) &&
	    discovery_settled(c->discovery))
		atomic_store(&c->settled, true);
	if (c->setup.tick != NULL)
		c->setup.tick(c->setup.arg, now);
}

/* A target that changed may have changed its cluster: decided at once. */
static void
fetch_notes(struct control *c)
{
	struct sched_note n;
	bool any = false;

	for (unsigned i = 0; i < c->setup.engines; i++)
		while (engine_note(c->setup.engine[i], &n)) {
			decide_note(c->decide, &n);
			any = true;
		}
	if (any)
		decide_run(c->decide, clock_mono());
}

/* ---- the mailbox ---- */

static void
finish(struct control *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	inquiries_stop(c->setup.inquiries);
	save(c);
	c->setup.finished(c->setup.arg);
}

static void
answer_reload(struct control *c)
{
	struct buf errors = BUF_INIT;
	uint64_t ticket;
	int result;

	if (!mail_reload_asked(c->mail, &ticket))
		return;
	result = reload(c, &errors);
	mail_reload_answer(c->mail, ticket, result, buf_str(&errors));
	buf_free(&errors);
}

static void
start_rounds(struct control *c)
{
	uint32_t round[MAIL_ROUNDS];
	unsigned n = mail_rounds(c->mail, round);

	for (unsigned i = 0; i < n; i++)
		trigger_all(c, TRIGGER_REQUEST, round[i]);
}

static void
on_mail(void *arg)
{
	struct control *c = arg;

	fetch_notes(c);
	inquiries_collect(c->setup.inquiries);
	answer_reload(c);
	start_rounds(c);
}

static void
on_signal(void *arg, int number)
{
	struct control *c = arg;
	struct buf errors = BUF_INIT;

	if (number != SIGHUP) {
		finish(c);
		return;
	}
	if (reload(c, &errors) < 0)
		log_lines(LOG_LEVEL_ERROR, "control", buf_str(&errors));
	buf_free(&errors);
}

/* ---- other threads ---- */

void
control_notify(struct control *c)
{
	mail_wake(c->mail);
}

int
control_reload(struct control *c, struct buf *errors)
{
	return mail_reload(c->mail, errors);
}

int
control_probe(struct control *c, const char *target)
{
	uint32_t index = 0;

	if (target != NULL) {
		index = store_target_index(c->setup.store, target);
		if (index == 0)
			return -ENOENT;
	} else if (!round_allowed(c)) {
		return -EAGAIN;
	}
	return mail_round(c->mail, index);
}

bool
control_ready(struct control *c)
{
	struct sched_counts n = {0};

	if (clock_mono() - c->started > READY_GRACE)
		return true;
	for (unsigned i = 0; i < c->setup.engines; i++)
		engine_counts(c->setup.engine[i], &n);
	return atomic_load(&c->settled) && n.first_pending == 0;
}

bool
control_healthy(struct control *c)
{
	uint64_t beat = atomic_load(&c->beat), now = clock_mono();

	for (unsigned i = 0; i < c->setup.engines; i++)
		if (engine_late(c->setup.engine[i]) > BEAT_MOST)
			return false;
	return now < beat + BEAT_MOST;
}

/* ---- life ---- */

static void
start_timers(struct control *c)
{
	uv_timer_t *all[] = {
	    &c->decide_timer, &c->gather_timer, &c->state_timer};

	for (unsigned i = 0; i < 3; i++) {
		uv_timer_init(c->setup.loop, all[i]);
		all[i]->data = c;
	}
	uv_timer_start(&c->decide_timer, on_decide, DECIDE_MS, DECIDE_MS);
}

static bool
make_parts(struct control *c)
{
	struct discovery_setup d = {c->setup.loop, gather, c};
	struct netwatch_setup n = {.loop = c->setup.loop,
	    .settle = CLOCK_SEC,
	    .least = 2 * CLOCK_SEC,
	    .paths = check_paths,
	    .changed = on_network,
	    .arg = c};

	c->decide = decide_new(c->setup.store);
	c->telemetry = telemetry_new(c->setup.engine, c->setup.engines);
	c->discovery = discovery_new(&d);
	c->netwatch = netwatch_new(&n); /* NULL is survivable */
	c->coverage = coverage_new(c->setup.store, c->netwatch != NULL);
	resolver_make(c);
	if (c->telemetry != NULL)
		telemetry_shard(c->telemetry, &c->setup.shard);
	return c->decide != NULL && c->telemetry != NULL &&
	       c->coverage != NULL && c->discovery != NULL &&
	       c->resolve != NULL;
}

/* Before there are signals of ours: whoever waits for it can be ended. */
static bool
lock_state(struct control *c)
{
	struct buf errors = BUF_INIT;
	int err = state_lock_move(
	    &c->lock, c->config->state_file, LOCK_WAIT, &errors);

	if (err < 0)
		log_lines(LOG_LEVEL_ERROR, "control", buf_str(&errors));
	buf_free(&errors);
	return err == 0;
}

struct control *
control_new(const struct control_setup *setup)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->setup = *setup;
	c->config = setup->config;
	if (!lock_state(c)) {
		control_free(c);
		return NULL;
	}
	c->started = clock_mono();
	atomic_init(&c->beat, c->started);
	c->mail = mail_new(setup->loop, on_mail, c);
	c->signals = signals_new(setup->loop, on_signal, c);
	if (c->mail == NULL || c->signals == NULL || !make_parts(c)) {
		log_error("control", "could not be set up");
		return NULL; /* the process ends */
	}
	start_timers(c);
	snapshot_add_source(setup->snapshots, telemetry_source(c->telemetry));
	snapshot_add_source(setup->snapshots, coverage_source(c->coverage));
	if (c->config->state_file != NULL)
		state_load(setup->store, c->config->state_file);
	apply(c, NULL);
	rebuild(c);
	return c;
}

void
control_close(struct control *c)
{
	if (c->closed)
		return;
	c->closed = true;
	uv_close((uv_handle_t *)&c->decide_timer, NULL);
	uv_close((uv_handle_t *)&c->gather_timer, NULL);
	uv_close((uv_handle_t *)&c->state_timer, NULL);
	mail_close(c->mail);
	signals_close(c->signals);
	inquiries_close(c->setup.inquiries);
	netwatch_free(c->netwatch);
	discovery_free(c->discovery);
	resolve_free(c->resolve);
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	decide_free(c->decide);
	coverage_free(c->coverage);
	telemetry_free(c->telemetry);
	state_lock_drop(&c->lock);
	config_free(c->config);
	mail_free(c->mail);
	free(c);
}
