/* Certificates that expire soon: told once each way, whatever comes between. */
#include "build.h"

#include "event.h"
#include "expiry.h"
#include "fleet.h"

#define DAY  INT64_C(86400)
#define REAL (INT64_C(1684923072) * (int64_t)CLOCK_SEC)

enum { TARGETS = 4, EVENTS = 16 };

static struct store *store;
static struct roster *roster;
static struct expiry *expiry;
static struct event event[EVENTS];
static unsigned events;
static uint64_t now;

static void
take_event(void *arg, const struct event *e)
{
	if (events < EVENTS)
		event[events++] = *e;
}

static void
adopt(unsigned first, uint64_t threshold_days)
{
	struct inventory inv = {0};

	for (unsigned i = first; i < TARGETS; i++)
		fleet_add(&inv, &(struct fleet_spec){
				    .number = i, .transport = TRANSPORT_TLS});
	for (size_t i = 0; i < inv.targets; i++)
		inv.target[i]->thresholds.certificate_ns =
		    threshold_days * (uint64_t)DAY * CLOCK_SEC;
	roster_unref(roster);
	roster = store_adopt(store, &inv, fleet_loop);
	assert_non_null(roster);
	fleet_clear(&inv);
}

static int
set_up(void **state)
{
	store = store_new();
	expiry = expiry_new();
	roster = NULL;
	events = 0;
	now = CLOCK_SEC;
	adopt(0, 21);
	return 0;
}

static int
tear_down(void **state)
{
	roster_unref(roster);
	expiry_free(expiry);
	store_free(store);
	return 0;
}

/* So many seconds from REAL on. */
static void
set(size_t i, int64_t left)
{
	struct tls_facts f = {
	    .have_cert = 1, .not_after = REAL / (int64_t)CLOCK_SEC + left};

	row_set_tls(roster->entry[i].row, &f);
}

/* A while later; how many events there were. */
static unsigned
look(void)
{
	events = 0;
	now += 10 * CLOCK_SEC;
	expiry_run(expiry, roster, REAL, now);
	return events;
}

static void
expect(unsigned i, enum event_kind kind, size_t target, uint64_t days)
{
	assert_true(i < events);
	assert_int_equal(event[i].kind, kind);
	assert_int_equal(event[i].index, roster->entry[target].target->index);
	assert_string_equal(
	    event[i].subject, roster->entry[target].target->name);
	assert_int_equal(event[i].value, days);
}

static void
test_each_once(void **state)
{
	assert_int_equal(look(), 0); /* no handshake yet */
	set(0, 21 * DAY);
	set(1, 21 * DAY - 1);
	set(3, 3 * DAY + 5);
	assert_int_equal(look(), 2);
	expect(0, EVENT_CERTIFICATE_EXPIRING, 1, 20);
	expect(1, EVENT_CERTIFICATE_EXPIRING, 3, 3);
	assert_int_equal(event[0].threshold, 21);
	assert_string_equal(event[1].cause, "expires 2023-05-27T10:11:17.000Z");
	assert_int_equal(look(), 0);
	set(3, 90 * DAY);
	set(0, -1);
	assert_int_equal(look(), 2);
	expect(0, EVENT_CERTIFICATE_EXPIRING, 0, 0);
	expect(1, EVENT_CERTIFICATE_RENEWED, 3, 90);
	assert_string_equal(event[0].cause, "expired 2023-05-24T10:11:11.000Z");
	assert_int_equal(look(), 0);
}

/* Between the two thresholds nothing is said, either way. */
static void
test_hysteresis(void **state)
{
	set(0, 20 * DAY);
	assert_int_equal(look(), 1);
	set(0, 22 * DAY - 1);
	assert_int_equal(look(), 0);
	set(0, 20 * DAY);
	assert_int_equal(look(), 0);
	set(0, 22 * DAY);
	assert_int_equal(look(), 1);
	set(0, 21 * DAY + 1);
	assert_int_equal(look(), 0);
}

static void
test_not_too_often(void **state)
{
	assert_int_equal(look(), 0);
	set(0, DAY);
	now += CLOCK_SEC;
	expiry_run(expiry, roster, REAL, now);
	assert_int_equal(events, 0);
	assert_int_equal(look(), 1);
}

/* What was told goes with its target, to another roster as well. */
static void
test_over_a_reload(void **state)
{
	set(0, DAY);
	set(2, DAY);
	assert_int_equal(look(), 2);
	adopt(1, 21);
	assert_int_equal(look(), 0);
	set(1, 100 * DAY); /* that was 2 */
	assert_int_equal(look(), 1);
	expect(0, EVENT_CERTIFICATE_RENEWED, 1, 100);
	adopt(1, 200);
	assert_int_equal(look(), 1);
	adopt(1, 0); /* never */
	assert_int_equal(look(), 1);
	expect(0, EVENT_CERTIFICATE_RENEWED, 1, 100);
}

/* A handshake that showed none says nothing; one may be for ever. */
static void
test_odd_certificates(void **state)
{
	struct tls_facts none = {.not_after = 1};

	set(0, DAY);
	assert_int_equal(look(), 1);
	row_set_tls(roster->entry[0].row, &none);
	assert_int_equal(look(), 0);
	set(0, INT64_C(253402300799)); /* beyond the year 9999 */
	assert_int_equal(look(), 1);
	expect(0, EVENT_CERTIFICATE_RENEWED, 0,
	    (uint64_t)(INT64_C(253402300799) / DAY));
	set(1, -REAL / (int64_t)CLOCK_SEC - DAY); /* before 1970 */
	assert_int_equal(look(), 1);
	expect(0, EVENT_CERTIFICATE_EXPIRING, 1, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_each_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_hysteresis, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_not_too_often, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_over_a_reload, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_odd_certificates, set_up, tear_down),
	};

	event_subscribe(take_event, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
