/*
 * A schedule on a real loop, with a collector that answers at once: what the
 * control thread leaves is taken up, timers are met, the loop ends.
 */
#include "build.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include <uv.h>

#include "engine.h"
#include "event.h"
#include "fleet.h"
#include "row.h"

/* The collectors of a process cannot be given a pointer. */
static struct {
	uv_loop_t *loop;
	_Atomic unsigned starts, ticks;
	unsigned opens, closes, adjusts;
	char ca_file[64];
	uint64_t early; /* ticks before the time they were promised for */
	void (*ticked)(void);
} fake;

static int
fake_open(const struct collector_setup *setup, void **out)
{
	assert_ptr_equal(setup->loop, fake.loop);
	fake.opens++;
	*out = &fake;
	return 0;
}

static void
fake_adjust(void *loop, const struct collector_setup *setup)
{
	assert_ptr_equal(loop, &fake);
	assert_ptr_equal(setup->loop, fake.loop);
	snprintf(fake.ca_file, sizeof(fake.ca_file), "%s",
	    setup->ca_file != NULL ? setup->ca_file : "");
	fake.adjusts++;
}

static void
fake_tick(void *loop, uint64_t now)
{
	(void)loop;
	fake.early += now % (SCHED_TICK_MS * CLOCK_MS) > 19 * CLOCK_MS;
	fake.ticks++;
	if (fake.ticked != NULL)
		fake.ticked();
}

static void
fake_close(void *loop)
{
	assert_ptr_equal(loop, &fake);
	fake.closes++;
}

static int
fake_start(struct probe *p)
{
	fake.starts++;
	probe_ready(p);
	return 0;
}

static int
fake_request(struct probe *p, unsigned seq)
{
	struct answer a = {.outcome = OUTCOME_ANSWERED, .rtt_ns = 1000};

	probe_answer(p, seq, &a);
	return 0;
}

static void
fake_stop(struct probe *p)
{
	(void)p;
}

static const struct collector fake_collector = {
    .name = "stun",
    .transports = 1u << TRANSPORT_UDP,
    .open = fake_open,
    .adjust = fake_adjust,
    .tick = fake_tick,
    .close = fake_close,
    .start = fake_start,
    .request = fake_request,
    .stop = fake_stop,
};

/* ---- an engine and its loop ---- */

static struct store *store;
static struct engine *engine;
static uv_loop_t loop;
static _Atomic unsigned notified;

static void
on_notify(void *arg)
{
	assert_ptr_equal(arg, &loop);
	notified++;
}

static int
set_up(void **state)
{
	static const struct collector *const list[] = {&fake_collector, NULL};
	struct engine_setup setup = {.loop = &loop,
	    .number = 0,
	    .collectors = list,
	    .notify = on_notify,
	    .arg = &loop};

	memset(&fake, 0, sizeof(fake));
	fake.loop = &loop;
	notified = 0;
	uv_loop_init(&loop);
	store = store_new();
	engine = engine_new(&setup);
	return store == NULL || engine == NULL;
}

/* Closes the engine and lets the loop run out. */
static int
tear_down(void **state)
{
	engine_close(engine);
	engine_close(engine);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(fake.opens, fake.closes);
	engine_free(engine);
	engine_free(NULL);
	store_free(store);
	return 0;
}

static void
adopt(unsigned n, uint64_t interval, const char *ca_file)
{
	struct sched_settings settings = {
	    .short_ns = 60 * CLOCK_SEC, .rate = 1000};
	char *ca = ca_file != NULL ? strdup(ca_file) : NULL;
	struct collector_setup collector = {.ca_file = ca};
	struct inventory inv = {0};

	for (unsigned i = 0; i < n; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i,
				    .interval = interval,
				    .timeout = interval / 2});
	assert_int_equal(
	    engine_adopt(engine, store_adopt(store, &inv, fleet_loop),
		&settings, &collector),
	    0);
	fleet_clear(&inv);
	/* Nobody promised that it stays. */
	if (ca != NULL)
		memset(ca, 'x', strlen(ca));
	free(ca);
}

static void
run_until_starts(unsigned n)
{
	while (atomic_load(&fake.starts) < n)
		uv_run(&loop, UV_RUN_ONCE);
}

static struct row *
row(unsigned i)
{
	struct roster *r = store_roster(store);
	struct row *found = r->entry[i].row;

	roster_unref(r);
	return found;
}

/* ---- the tests ---- */

static void
test_probes(void **state)
{
	struct sched_counts c = {0};
	struct sched_note n;

	adopt(2, 100 * CLOCK_MS, "anchors.pem");
	run_until_starts(12);
	assert_true(row_get(row(0), TALLY_REQUESTS) >= 4);
	assert_int_equal(row_get(row(0), TALLY_STATE), STATE_UP);
	engine_counts(engine, &c);
	assert_true(c.wakeups > 4 && c.wakeups >= fake.ticks);
	assert_int_equal(c.in_flight, 0);
	assert_int_equal(c.first_pending, 0);
	assert_int_equal(c.lag.count > 0, 1);
	/* The timer never came too soon, for which it would come again. */
	assert_int_equal(fake.early, 0);
	assert_true(notified >= 2);
	assert_true(engine_note(engine, &n));
	assert_int_equal(n.kind, EVENT_TARGET_UP);
	assert_int_equal(engine_notes_dropped(engine), 0);
	assert_int_equal(fake.adjusts, 1);
	assert_string_equal(fake.ca_file, "anchors.pem");
}

/* The newest list is taken, the one before it never seen. */
static void
test_newest_plan(void **state)
{
	adopt(5, 100 * CLOCK_MS, "old.pem");
	adopt(0, 100 * CLOCK_MS, NULL);
	adopt(1, 100 * CLOCK_MS, "new.pem");
	run_until_starts(3);
	assert_int_equal(fake.adjusts, 1);
	assert_string_equal(fake.ca_file, "new.pem");
	adopt(0, CLOCK_SEC, NULL);
	uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(fake.adjusts, 2);
	assert_string_equal(fake.ca_file, "");
	/* Nothing to do: the timer rests. */
	assert_int_equal(engine_late(engine), 0);
}

static void
test_trigger(void **state)
{
	unsigned starts;

	adopt(1, 3600 * CLOCK_SEC, NULL);
	run_until_starts(1);
	starts = fake.starts;
	assert_true(engine_trigger(engine, TRIGGER_REQUEST, 1));
	run_until_starts(starts + 1);
	assert_int_equal(row_get(row(0), TALLY_TRIGGER), TRIGGER_REQUEST);
	assert_true(engine_trigger(engine, TRIGGER_NETWORK, 0));
	run_until_starts(starts + 2);
	assert_int_equal(row_get(row(0), TALLY_TRIGGER), TRIGGER_NETWORK);
	/* As many as there is room for. */
	for (unsigned i = 0; i < 256; i++)
		assert_true(engine_trigger(engine, TRIGGER_REQUEST, 1));
	assert_false(engine_trigger(engine, TRIGGER_REQUEST, 1));
	run_until_starts(starts + 3);
}

/* ---- from another thread ---- */

static void *
run_loop(void *arg)
{
	(void)arg;
	uv_run(&loop, UV_RUN_DEFAULT);
	return NULL;
}

static void
test_another_thread(void **state)
{
	struct sched_counts c = {0};
	pthread_t thread;

	adopt(3, 100 * CLOCK_MS, "a.pem");
	assert_int_equal(pthread_create(&thread, NULL, run_loop, NULL), 0);
	for (unsigned i = 0; i < 200; i++)
		adopt(1 + i % 3, 100 * CLOCK_MS, i % 2 == 0 ? "b.pem" : NULL);
	while (atomic_load(&fake.starts) < 10) {
		engine_counts(engine, &c);
		engine_trigger(engine, TRIGGER_REQUEST, 0);
		sched_yield();
	}
	/* It ends there, and with it the loop. */
	engine_stop(engine);
	pthread_join(thread, NULL);
	assert_int_equal(fake.closes, 1);
}

/* ---- after a stall ---- */

static struct {
	int pipe[2];
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned ticks; /* when the pipe was read */
	bool read;
} stall;

static void
on_pipe(uv_poll_t *p, int status, int events)
{
	char c;

	assert_int_equal(read(stall.pipe[0], &c, 1), 1);
	stall.read = true;
	stall.ticks = fake.ticks;
	uv_close((uv_handle_t *)p, NULL);
}

/* An answer comes in, and the loop stands still past the engine's timer. */
static void
on_stall(uv_timer_t *t)
{
	uint64_t until = uv_now(&loop) + 400;

	assert_int_equal(write(stall.pipe[1], "x", 1), 1);
	while (uv_now(&loop) < until)
		uv_update_time(&loop);
	stall.ticks = fake.ticks;
	uv_close((uv_handle_t *)t, NULL);
}

static void
test_sockets_before_time_outs(void **state)
{
	unsigned before;

	memset(&stall, 0, sizeof(stall));
	assert_int_equal(pipe2(stall.pipe, O_CLOEXEC | O_NONBLOCK), 0);
	adopt(1, 200 * CLOCK_MS, NULL);
	run_until_starts(1);
	uv_poll_init(&loop, &stall.poll, stall.pipe[0]);
	uv_poll_start(&stall.poll, UV_READABLE, on_pipe);
	uv_timer_init(&loop, &stall.timer);
	uv_timer_start(&stall.timer, on_stall, 1, 0);
	while (stall.ticks == 0)
		uv_run(&loop, UV_RUN_ONCE);
	before = stall.ticks;
	while (!stall.read)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(stall.ticks, before);
	run_until_starts(fake.starts + 2);
	close(stall.pipe[0]);
	close(stall.pipe[1]);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_probes),
	    T(test_newest_plan),
	    T(test_trigger),
	    T(test_another_thread),
	    T(test_sockets_before_time_outs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
