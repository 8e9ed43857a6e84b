/* What a configuration would do: said in full, for good files and bad. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "buf.h"
#include "check_config.h"
#include "inventory.h"
#include "shard.h"
#include "stats.h"
#include "store.h"

/* A directory of its own, with files that the tests write. */
static char directory[] = "/tmp/reachd-check-XXXXXX";

static char *
path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
make_directory(void **state)
{
	return mkdtemp(directory) == NULL;
}

static int
remove_directory(void **state)
{
	static const char *const names[] = {"c.yml", "t.yml", "d.json"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(path_of(names[i]));
	return rmdir(directory);
}

struct result {
	int code;
	char *out, *errors;
};

/* What --shard says. */
static struct shard own;

static struct result
check(const char *config)
{
	struct result r;
	size_t n;
	FILE *out = open_memstream(&r.out, &n);
	FILE *errors = open_memstream(&r.errors, &n);

	write_file("c.yml", config);
	r.code = check_config_main(path_of("c.yml"), &own, out, errors);
	fclose(out);
	fclose(errors);
	return r;
}

static void
free_result(struct result *r)
{
	free(r->out);
	free(r->errors);
}

static void
expect_line(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("no '%s' in:\n%s", line, text);
}

static void
a_good_file(void **state)
{
	struct result r =
	    check("media: {clusters: [{name: fra1, interval: 2s, udp: [\n"
		  "  stun:198.51.100.7:5004, stun:198.51.100.7:9000],\n"
		  "  xtls: [stun:media.example.net]}]}\n"
		  "targets: [{name: web, probe: tcp, family: ipv6,\n"
		  "  address: \"www.example.net:443\"}]\n");
	char line[300];

	assert_int_equal(r.code, 0);
	assert_string_equal(r.errors, "");
	snprintf(line, sizeof(line), "%s is valid\n", path_of("c.yml"));
	expect_line(r.out, line);
	expect_line(r.out, "\ntargets: 5 in 1 media cluster\n");
	expect_line(r.out, " stun udp  198.51.100.7:9000    ");
	expect_line(r.out, "\n  fra1-tls-443-??????              stun tls  "
			   "media.example.net:443 over IPv4          every "
			   "2s\n");
	expect_line(r.out, "\n  web                              tcp  tcp  "
			   "www.example.net:443 over IPv6            every "
			   "10s\n");
	expect_line(r.out, "\n  (a name counts as one IPv4 and one IPv6 "
			   "address until it is resolved)\n");
	/* two ports x 5 each 2 s, two addresses x 1 each 2 s, 1 each 10 s */
	expect_line(r.out, "\nrequests: 6.1 a second in all, at most 5 to one "
			   "address (198.51.100.7)\n");
	free_result(&r);
}

static void
files_beside_it_are_read(void **state)
{
	struct result r;

	write_file("t.yml", "- targets: [\"192.0.2.1:80\"]\n"
			    "  labels: {__probe__: tcp, name: one}\n");
	write_file("d.json", "{\"clusters\": {\"a\": {\"udp\": "
			     "[\"stun:192.0.2.2\", \"stun:\"]}}, \"x\": 1}");
	r = check("target_files: [\"t*.yml\", none.yml]\n"
		  "media: {discovery: [{file: d.json}, {file: none.json},\n"
		  "  {url: \"https://d.example/x?secret\"}]}\n");
	assert_int_equal(r.code, 0);
	expect_line(r.out, "\ntargets: 2 in 1 media cluster\n");
	expect_line(r.out, "\n  one        ");
	expect_line(r.out, "\n  (and the nodes of https://d.example/x, not "
			   "fetched here)\n");
	expect_line(r.errors, "/d.json: warning: ignored unknown key 'x'\n");
	expect_line(r.errors, "/d.json: warning: cluster 'a': udp 'stun:': it "
			      "has no host\n");
	expect_line(r.errors, "/none.json: warning: cannot be read now: "
			      "there is no such file\n");
	expect_line(r.errors, "/none.yml: warning: no such file now\n");
	free_result(&r);
}

static void
mistakes_are_all_shown(void **state)
{
	struct result r = check("rolling: x\ntargets: [{}]\n");
	char text[1024];

	assert_int_equal(r.code, 1);
	assert_string_equal(r.out, "");
	snprintf(text, sizeof(text),
	    "%s:1:10: error: rolling: 'x' is neither true nor false\n"
	    "%s:2:11: error: targets[0]: 'address' is missing\n"
	    "%s:2:11: error: targets[0]: 'name' is missing\n",
	    path_of("c.yml"), path_of("c.yml"), path_of("c.yml"));
	assert_string_equal(r.errors, text);
	free_result(&r);
	write_file("t.yml", "- targets: 7\n");
	write_file("d.json", "{}");
	r = check("target_files: [t.yml]\n"
		  "media: {discovery: [{file: d.json}]}\n");
	assert_int_equal(r.code, 1);
	assert_string_equal(r.out, "");
	expect_line(r.errors, "/t.yml:1:12: error: [0].targets: 'targets' must "
			      "be a list of HOST:PORT\n");
	expect_line(r.errors, "/d.json: error: it has no object 'clusters'\n");
	free_result(&r);
}

static void
limits_are_warned_of(void **state)
{
	struct result r =
	    check("limits: {requests_per_address: 1}\n"
		  "targets: [{name: a, address: n.example, addresses: one,\n"
		  "  interval: 1s}]\n");

	assert_int_equal(r.code, 0);
	expect_line(r.errors, ": 5 requests a second are more than 1; the "
			      "interval of its target is made longer\n");
	expect_line(r.out, " every 5s\n");
	expect_line(r.out, "at most 1 to one address (n.example)\n");
	free_result(&r);
}

/* ---- cost ---- */

static struct config *
configure(const char *text)
{
	struct doc_errors errors = {0};
	struct config *c = config_parse("/t.yml", text, strlen(text), &errors);

	assert_non_null(c);
	return c;
}

static size_t
series(const char *text)
{
	struct config *c = configure(text);
	struct inventory_input in = {.config = c};
	struct inventory *i = inventory_build(&in);
	size_t n = check_config_series(c, i);

	inventory_free(i);
	config_free(c);
	return n;
}

/* Rows of a scope that are a metric, each state of a set one series. */
static size_t
rows_of(enum stats_scope scope)
{
	size_t n = 0;

	for (unsigned i = 0; i < stats_rows; i++) {
		const struct stats_desc *d = &stats_table[i];

		if (d->scope != scope || d->family[0] == '\0')
			continue;
		if (d->nature == STATS_STATESET && d->unit == UNIT_STATE)
			n += 5;
		else if (d->nature == STATS_STATESET && d->unit == UNIT_TRIGGER)
			n += 6;
		else
			n += 1;
	}
	return n;
}

static void
series_follow_the_tables(void **state)
{
	size_t one = series("targets: [{name: a, address: 192.0.2.1}]\n");
	size_t two = series("targets: [{name: a, address: 192.0.2.1},\n"
			    "  {name: b, address: 192.0.2.2}]\n");
	size_t bare = series("rolling: false\n"
			     "targets: [{name: a, address: 192.0.2.1}]\n");
	size_t names = series("targets: [{name: a, address: \"a.test:1\"},\n"
			      "  {name: b, address: \"A.test:2\"}]\n");
	size_t each = series("histograms: target\n"
			     "targets: [{name: a, address: 192.0.2.1},\n"
			     "  {name: b, address: 192.0.2.2}]\n");

	/* The second is of the same group, and has three windows. */
	assert_int_equal(
	    two - one, rows_of(SCOPE_target) + 3 * rows_of(SCOPE_window));
	assert_int_equal(one - bare, 3 * rows_of(SCOPE_window));
	assert_int_equal(each - two, STATS_BUCKETS + 2);
	/* Two targets of one name. */
	assert_int_equal(names - two, rows_of(SCOPE_name));
}

static void
memory_follows_the_rings(void **state)
{
	struct config *c =
	    configure("defaults: {windows: [1m, 1h], interval: 1s}\n"
		      "targets: [{name: a, address: 192.0.2.1}]\n");
	struct inventory_input in = {.config = c};
	struct inventory *i = inventory_build(&in);
	struct check_config_memory m = check_config_memory(c, i);

	/* 3,600 probes of 5: 18,000 samples, in a ring of 32,768 x 16 */
	assert_int_equal(m.samples, 524288);
	assert_true(m.all > m.samples + (4 << 20));
	assert_true(m.all < m.samples + (10 << 20));
	inventory_free(i);
	config_free(c);
}

/* Two clusters of unlike size and a target: four paths, whole in one each. */
static void
shards_are_told(void **state)
{
	static const char text[] =
	    "media: {clusters: [{name: a, udp: [\n"
	    "  stun:192.0.2.1:1, stun:192.0.2.2:1, stun:192.0.2.3:1]},\n"
	    "  {name: b, udp: [stun:192.0.2.4:1]}]}\n";
	unsigned all = 0, clusters = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct result r;
		unsigned n[2], c[2];
		char line[64];
		const char *at;

		own = (struct shard){i, 2};
		r = check(text);
		assert_int_equal(r.code, 0);
		at = strstr(r.out, "\nshard 0/2: ");
		assert_non_null(at);
		assert_int_equal(
		    sscanf(at, "\nshard 0/2: %u targets in %u", &n[0], &c[0]),
		    2);
		at = strstr(r.out, "\nshard 1/2: ");
		assert_non_null(at);
		assert_int_equal(
		    sscanf(at, "\nshard 1/2: %u targets in %u", &n[1], &c[1]),
		    2);
		assert_int_equal(n[0] + n[1], 4);
		assert_int_equal(n[0] * n[1], 3);
		assert_int_equal(c[0] * c[1], 1);
		snprintf(line, sizeof(line),
		    "\ntargets: %u in 1 media cluster\n", n[i]);
		expect_line(r.out, line);
		all += n[i];
		clusters += c[i];
		free_result(&r);
	}
	assert_int_equal(all, 4);
	assert_int_equal(clusters, 2);
	own = (struct shard){0};
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_file),
	    cmocka_unit_test(shards_are_told),
	    cmocka_unit_test(files_beside_it_are_read),
	    cmocka_unit_test(mistakes_are_all_shown),
	    cmocka_unit_test(limits_are_warned_of),
	    cmocka_unit_test(series_follow_the_tables),
	    cmocka_unit_test(memory_follows_the_rings),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
