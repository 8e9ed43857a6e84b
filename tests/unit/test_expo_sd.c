/* Service discovery, read back: where each target goes, and what is said. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "body.h"
#include "buf.h"
#include "expo_sd.h"
#include "mock_snapshot.h"

static json_t *
parse(struct snapshot *s)
{
	struct body *b = expo_sd_body(s);
	struct buf out = BUF_INIT;
	json_error_t error;
	json_t *j;

	assert_non_null(b);
	assert_int_equal(body_drain(b, &out), 0);
	body_free(b);
	assert_int_equal(s->refs, 1);
	snapshot_unref(s);
	j = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
	if (j == NULL)
		fail_msg("%s at %d: %.*s", error.text, error.position,
		    (int)out.len, out.data);
	buf_free(&out);
	assert_true(json_is_array(j));
	return j;
}

static const char *
label(const json_t *all, size_t i, const char *name)
{
	return json_string_value(json_object_get(
	    json_object_get(json_array_get(all, i), "labels"), name));
}

static const char *
where(const json_t *all, size_t i)
{
	const json_t *t = json_object_get(json_array_get(all, i), "targets");

	assert_int_equal(json_array_size(t), 1);
	return json_string_value(json_array_get(t, 0));
}

static void
where_they_go(void **state)
{
	static const struct {
		const char *info, *where;
	} rows[] = {
	    {"host=\"192.0.2.7\",port=\"5004\",url=\"\"", "192.0.2.7:5004"},
	    {"host=\"a.example\",port=\"443\"", "a.example:443"},
	    {"host=\"2001:db8::7\",port=\"5004\"", "[2001:db8::7]:5004"},
	    /* what has no ports */
	    {"host=\"192.0.2.1\",port=\"0\"", "192.0.2.1"},
	    {"host=\"2001:db8::1\",port=\"0\"", "2001:db8::1"},
	    {"host=\"a.example\",port=\"443\",url=\"https://a.example/"
	     "\\\\b?c\"",
		"https://a.example/\\b?c"},
	};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	struct snapshot *s = mock_snapshot();
	json_t *all;

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		MOCK(s, target, "target=\"t\"")->info = rows[i].info;
	all = parse(s);
	assert_int_equal(json_array_size(all), ROWS);
	for (size_t i = 0; i < ROWS; i++)
		assert_string_equal(where(all, i), rows[i].where);
	json_decref(all);
}

static void
what_is_said(void **state)
{
	json_t *all = parse(mock_site());

	(void)state;
	assert_int_equal(json_array_size(all), 8);
	assert_string_equal(where(all, 0), "198.51.100.7:5004");
	assert_string_equal(
	    label(all, 0, "__meta_reachd_target"), "fra1-udp-5004-a");
	assert_string_equal(label(all, 0, "__meta_reachd_transport"), "udp");
	assert_string_equal(
	    label(all, 0, "__meta_reachd_media_cluster"), "fra1");
	assert_string_equal(label(all, 0, "__meta_reachd_port"), "5004");
	/* quotes; and what is empty is not there */
	assert_string_equal(
	    label(all, 7, "__meta_reachd_target"), "new \"one\"");
	assert_null(label(all, 7, "__meta_reachd_media_cluster"));
	json_decref(all);
}

static void
none_and_many(void **state)
{
	json_t *all = parse(mock_snapshot());

	(void)state;
	assert_int_equal(json_array_size(all), 0);
	json_decref(all);
	/* longer than a piece */
	all = parse(mock_many(2000));
	assert_int_equal(json_array_size(all), 2000);
	assert_string_equal(label(all, 1999, "__meta_reachd_transport"), "udp");
	json_decref(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(where_they_go),
	    cmocka_unit_test(what_is_said),
	    cmocka_unit_test(none_and_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
