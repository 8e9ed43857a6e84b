/* The documents as jansson reads them: values, nesting, hostile text. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "body.h"
#include "buf.h"
#include "clock.h"
#include "event.h"
#include "expo_json.h"
#include "mock_snapshot.h"

static json_t *
parse(struct body *b)
{
	struct buf out = BUF_INIT;
	json_error_t error;
	json_t *j;

	assert_non_null(b);
	assert_int_equal(body_drain(b, &out), 0);
	body_free(b);
	j = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
	if (j == NULL)
		fail_msg("%s at %d: %.*s", error.text, error.position,
		    (int)out.len, out.data);
	buf_free(&out);
	return j;
}

static json_t *
document(struct snapshot *s, enum expo_json_document which)
{
	json_t *j = parse(expo_json_body(s, which));

	assert_int_equal(s->refs, 1);
	snapshot_unref(s);
	return j;
}

static const char *
text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (s == NULL)
		fail_msg("no string %s", key);
	return s;
}

static double
number(const json_t *j, const char *key)
{
	json_t *v = json_object_get(j, key);

	if (!json_is_number(v))
		fail_msg("no number %s", key);
	return json_number_value(v);
}

static void
targets(void **state)
{
	json_t *j = document(mock_site(), EXPO_JSON_TARGETS), *all, *t, *w;

	assert_string_equal(text(j, "time"), "2023-05-24T10:11:12.500Z");
	all = json_object_get(j, "targets");
	assert_int_equal(json_array_size(all), 8);
	t = json_array_get(all, 0);
	assert_string_equal(text(t, "target"), "fra1-udp-5004-a");
	assert_string_equal(text(t, "transport"), "udp");
	assert_string_equal(text(t, "media_cluster"), "fra1");
	assert_string_equal(text(t, "state"), "up");
	assert_string_equal(text(t, "last_outcome"), "answered");
	assert_string_equal(text(t, "trigger"), "interval");
	assert_true(json_is_true(json_object_get(t, "up")));
	assert_string_equal(
	    text(json_object_get(t, "info"), "host"), "198.51.100.7");
	assert_true(number(t, "last_rtt_seconds") == 0.012123456);
	assert_true(number(t, "interval_seconds") == 10);
	assert_true(number(t, "changed_at_timestamp_seconds") == 1684915572.5);
	assert_true(json_is_null(json_object_get(t, "tls")));
	assert_int_equal(json_array_size(json_object_get(t, "phases")), 0);
	w = json_object_get(t, "windows");
	assert_int_equal(json_array_size(w), 3);
	w = json_array_get(w, 2);
	assert_string_equal(text(w, "window"), "15m");
	assert_null(json_object_get(w, "target"));
	assert_true(number(w, "loss_ratio") == 0.004);
	assert_true(number(w, "mos") == 4.321);
	/* the third has a certificate, the fourth never answered */
	t = json_array_get(all, 2);
	assert_string_equal(
	    text(json_object_get(json_object_get(t, "tls"), "info"), "version"),
	    "TLSv1.3");
	assert_true(json_is_true(
	    json_object_get(json_object_get(t, "tls"), "chain_valid")));
	w = json_array_get(json_object_get(t, "phases"), 0);
	assert_string_equal(text(w, "phase"), "connect");
	assert_true(number(w, "duration_seconds") == 0.014);
	t = json_array_get(all, 3);
	assert_string_equal(text(t, "state"), "down");
	assert_string_equal(text(t, "last_outcome"), "timeout");
	assert_true(json_is_null(json_object_get(t, "last_rtt_seconds")));
	w = json_array_get(json_object_get(t, "windows"), 0);
	assert_true(json_is_null(json_object_get(w, "rtt_p95_seconds")));
	t = json_array_get(all, 7);
	assert_string_equal(text(t, "target"), "new \"one\"");
	assert_true(json_is_null(json_object_get(t, "last_outcome")));
	json_decref(j);
}

static void
clusters(void **state)
{
	json_t *j = document(mock_site(), EXPO_JSON_CLUSTERS), *c, *l;

	assert_int_equal(json_array_size(json_object_get(j, "clusters")), 3);
	c = json_array_get(json_object_get(j, "clusters"), 1);
	assert_string_equal(text(c, "media_cluster"), "lon2");
	assert_string_equal(
	    text(json_object_get(c, "info"), "class"), "public");
	assert_string_equal(text(c, "state"), "degraded");
	assert_string_equal(text(c, "preferred"), "tcp");
	assert_true(number(c, "rank") == 2);
	assert_int_equal(json_array_size(json_object_get(c, "links")), 3);
	l = json_array_get(json_object_get(c, "links"), 0);
	assert_string_equal(text(l, "transport"), "udp");
	assert_string_equal(text(l, "reach"), "unreachable");
	assert_true(json_is_false(json_object_get(l, "preferred")));
	assert_true(json_is_null(json_object_get(l, "rtt_seconds")));
	l = json_array_get(json_object_get(c, "links"), 1);
	assert_true(number(l, "rtt_seconds") == 0.021);
	c = json_array_get(json_object_get(j, "clusters"), 2);
	assert_string_equal(text(c, "media_cluster"), "mesh-<hq>");
	assert_int_equal(json_array_size(json_object_get(c, "links")), 1);
	json_decref(j);
}

static void
site(void **state)
{
	json_t *j = document(mock_site(), EXPO_JSON_SITE), *s, *l;

	s = json_object_get(j, "site");
	assert_true(json_is_false(json_object_get(s, "udp_blocked")));
	assert_true(json_is_null(json_object_get(s, "nat_symmetric")));
	assert_string_equal(
	    text(json_object_get(s, "info"), "ipv4"), "203.0.113.9");
	assert_true(number(json_object_get(j, "agent"), "targets_down") == 1);
	assert_true(
	    number(json_object_get(j, "process"), "cpu_seconds") == 1.23456789);
	l = json_object_get(
	    json_array_get(json_object_get(j, "loops"), 0), "lag_seconds");
	assert_true(number(l, "sum") == 0.045);
	assert_true(number(l, "count") == 300);
	l = json_object_get(l, "buckets");
	assert_int_equal(json_array_size(l), STATS_BUCKETS);
	assert_true(number(json_array_get(l, 1), "count") == 200);
	assert_true(number(json_array_get(l, 0), "le") == 0.0001);
	assert_true(json_is_null(
	    json_object_get(json_array_get(l, STATS_BUCKETS - 1), "le")));
	assert_int_equal(json_array_size(json_object_get(j, "failures")), 2);
	json_decref(j);
	/* nothing is known at all */
	j = document(mock_snapshot(), EXPO_JSON_SITE);
	assert_true(json_is_null(json_object_get(j, "site")));
	assert_int_equal(json_array_size(json_object_get(j, "subnets")), 0);
	json_decref(j);
	j = document(mock_snapshot(), EXPO_JSON_TARGETS);
	assert_int_equal(json_array_size(json_object_get(j, "targets")), 0);
	json_decref(j);
}

/* Large enough for many pieces; every target keeps its own windows. */
static void
many(void **state)
{
	json_t *j = document(mock_many(500), EXPO_JSON_TARGETS);
	json_t *all = json_object_get(j, "targets"), *w;

	assert_int_equal(json_array_size(all), 500);
	for (size_t i = 0; i < 500; i++) {
		w = json_object_get(json_array_get(all, i), "windows");
		assert_int_equal(json_array_size(w), 3);
		assert_true(number(json_array_get(w, 0), "loss_ratio") ==
			    (double)(i % 3 * 4000) / 1e6);
	}
	json_decref(j);
}

static void
hostile(void **state)
{
	static const char bad[] =
	    "source=\"a\\\\\\\"\\nb\x01\xff\xc0\xaf"
	    "\xed\xa0\x80\xf5</script>\xc3\xa9\",kind=\"\"";
	struct snapshot *s = mock_snapshot();
	json_t *j, *t;

	MOCK(s, source, bad);
	j = document(s, EXPO_JSON_SITE);
	t = json_array_get(json_object_get(j, "sources"), 0);
	assert_string_equal(text(t, "source"),
	    "a\\\"\nb\x01\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</script>\xc3\xa9");
	assert_string_equal(text(t, "kind"), "");
	json_decref(j);
}

static void
events(void **state)
{
	struct event e[] = {
	    {.kind = EVENT_TARGET_DOWN,
		.at = MOCK_NOW,
		.from = STATE_UP,
		.to = STATE_DOWN,
		.subject = "fra1 \"x\"\n\xff",
		.cause = "No answer came in time."},
	    {.kind = EVENT_LATENCY_HIGH,
		.at = MOCK_NOW + 1,
		.value = 312500000,
		.threshold = 250000000,
		.window = 60,
		.subject = "fra1"},
	    {.kind = EVENT_CLUSTER_TRANSPORT,
		.at = MOCK_NOW + 2,
		.from = TRANSPORT_UDP,
		.to = 0,
		.value = STATS_NONE},
	};
	json_t *j = parse(expo_json_events(e, 3, 1000)), *v;

	assert_true(number(j, "total") == 1000);
	assert_int_equal(json_array_size(json_object_get(j, "events")), 3);
	v = json_array_get(json_object_get(j, "events"), 2);
	assert_string_equal(text(v, "event"), "target_down");
	assert_string_equal(text(v, "severity"), "warn");
	assert_string_equal(text(v, "from"), "up");
	assert_string_equal(text(v, "to"), "down");
	assert_string_equal(text(v, "time"), "2023-05-24T10:11:12.500Z");
	assert_string_equal(text(v, "subject"), "fra1 \"x\"\n\xef\xbf\xbd");
	assert_null(json_object_get(v, "value"));
	v = json_array_get(json_object_get(j, "events"), 1);
	assert_true(number(v, "value_seconds") == 0.3125);
	assert_true(number(v, "threshold_seconds") == 0.25);
	assert_true(number(v, "window_seconds") == 60);
	assert_null(json_object_get(v, "from"));
	v = json_array_get(json_object_get(j, "events"), 0);
	assert_string_equal(text(v, "from"), "udp");
	assert_string_equal(text(v, "to"), "none");
	assert_true(json_is_null(json_object_get(v, "value_seconds")));
	json_decref(j);
	j = parse(expo_json_events(NULL, 0, 0));
	assert_int_equal(json_array_size(json_object_get(j, "events")), 0);
	json_decref(j);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(targets),
	    cmocka_unit_test(clusters),
	    cmocka_unit_test(site),
	    cmocka_unit_test(many),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
