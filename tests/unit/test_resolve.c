/*
 * resolve: names that are kept fresh, against a name server that is right,
 * wrong, slow or mute.
 */
#include "build.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "addr.h"
#include "clock.h"
#include "event.h"
#include "folder.h"
#include "loop.h"
#include "nameserver.h"
#include "resolve.h"
#include "resolve_bench.h"
#include "space.h"
#include "watch.h"

/* ---- answers ---- */

static void
test_both_families(void **state)
{
	struct bench *b = *state;
	const char *why;
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.9");
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.1");
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.9");
	nameserver_add(b->ns, "a.test", NS_AAAA, 60, "2001:db8::7");
	BEGIN(b, SERVER(b));
	assert_true(resolve_settled(b->resolve));
	want(b, "a.test");
	assert_false(resolve_settled(b->resolve));
	check(b, "a.test", NULL);
	loop_until_count(&b->loop, &b->changes, 1);
	assert_true(resolve_settled(b->resolve));
	check(b, "a.test", "192.0.2.1", "192.0.2.9", "2001:db8::7", NULL);
	check(b, "A.TEST", "192.0.2.1", "192.0.2.9", "2001:db8::7", NULL);
	assert_int_equal(resolve_failures(b->resolve, "a.test", &why), 0);
	assert_string_equal(why, "");
	check(b, "unknown.test", NULL);
}

static void
test_one_family(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.1");
	nameserver_add(b->ns, "a.test", NS_AAAA, 60, "2001:db8::7");
	BEGIN(b, SERVER(b), .family = 4);
	want(b, "a.test");
	wait_for(b, is_settled, NULL, 0);
	check(b, "a.test", "192.0.2.1", NULL);
	assert_int_equal(nameserver_asked(b->ns, NULL, NS_AAAA), 0);
}

/* The least ones whatever the rotation, so that targets do not flap. */
static void
test_max_addresses(void **state)
{
	struct bench *b = *state;
	char text[32];
	for (unsigned i = 20; i > 0; i--) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		nameserver_add(b->ns, "a.test", NS_A, 60, text);
	}
	BEGIN(b, SERVER(b), .max_addresses = 3);
	want(b, "a.test");
	wait_for(b, is_settled, NULL, 0);
	check(b, "a.test", "192.0.2.1", "192.0.2.2", "192.0.2.3", NULL);
}

static void
test_cname_chain(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_CNAME, 60, "b.test");
	nameserver_add(b->ns, "b.test", NS_CNAME, 60, "c.test");
	nameserver_add(b->ns, "c.test", NS_A, 60, "192.0.2.3");
	/* And one that leads nowhere, and one that leads to itself. */
	nameserver_add(b->ns, "d.test", NS_CNAME, 60, "gone.test");
	nameserver_add(b->ns, "e.test", NS_CNAME, 60, "e.test");
	BEGIN(b, SERVER(b));
	resolve_want(b->resolve, (char *[]){"a.test", "d.test", "e.test"}, 3);
	wait_for(b, is_settled, NULL, 0);
	check(b, "a.test", "192.0.2.3", NULL);
	check_why(b, "d.test", "no address");
	check_why(b, "e.test", "no address");
}

static void
test_truncation_goes_to_tcp(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.1");
	nameserver_mode(b->ns, NULL, NS_A, NS_TRUNCATED);
	BEGIN(b, SERVER(b), .timeout = 2 * CLOCK_SEC);
	want(b, "a.test");
	wait_for(b, is_settled, NULL, 0);
	check(b, "a.test", "192.0.2.1", NULL);
	assert_int_equal(nameserver_over_tcp(b->ns), 1);
}

static void
test_lies_are_not_taken(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.1");
	nameserver_add(b->ns, "b.test", NS_A, 60, "192.0.2.2");
	nameserver_mode(b->ns, "a.test", NS_ANY, NS_WRONG_ID);
	nameserver_mode(b->ns, "b.test", NS_ANY, NS_WRONG_QUESTION);
	BEGIN(b, SERVER(b), .timeout = 2 * CLOCK_SEC);
	resolve_want(b->resolve, (char *[]){"b.test", "a.test"}, 2);
	wait_for(b, is_settled, NULL, 0);
	check(b, "a.test", "192.0.2.1", NULL);
	check(b, "b.test", "192.0.2.2", NULL);
}

/* ---- failures ---- */

static void
test_reasons(void **state)
{
	struct bench *b = *state;
	char longer[300];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	nameserver_add(b->ns, "loop.test", NS_A, 60, "192.0.2.1");
	nameserver_add(b->ns, "short.test", NS_A, 60, "192.0.2.1");
	nameserver_add(b->ns, "text.test", 16, 60, "");
	nameserver_mode(b->ns, "servfail.test", NS_ANY, NS_SERVFAIL);
	nameserver_mode(b->ns, "refused.test", NS_ANY, NS_REFUSED);
	nameserver_mode(b->ns, "silent.test", NS_ANY, NS_SILENT);
	nameserver_mode(b->ns, "loop.test", NS_A, NS_LOOP);
	nameserver_mode(b->ns, "short.test", NS_ANY, NS_SHORT);
	char *host[] = {"nxdomain.test", "servfail.test", "refused.test",
	    "silent.test", "loop.test", "short.test", "text.test", "a..b",
	    longer, ""};
	BEGIN(b, SERVER(b), .timeout = 300 * CLOCK_MS);
	resolve_want(b->resolve, host, sizeof(host) / sizeof(*host));
	wait_for(b, is_settled, NULL, 0);
	check_why(b, "nxdomain.test", "NXDOMAIN");
	check_why(b, "servfail.test", "SERVFAIL");
	check_why(b, "refused.test", "REFUSED");
	check_why(b, "silent.test", "timeout");
	check_why(b, "loop.test", "malformed answer");
	check_why(b, "short.test", "timeout"); /* it is no answer at all */
	check_why(b, "text.test", "no address");
	check_why(b, "a..b", "not a host name");
	check_why(b, longer, "not a host name");
	assert_true(resolve_failures(b->resolve, "", NULL) > 0);
}

/* One event when it began to fail, one when that was over. */
static void
check_events(const char *host)
{
	struct event e[2];
	assert_int_equal(event_recent(e, 2, NULL), 2);
	assert_int_equal(e[0].kind, EVENT_NAME_FAILED);
	assert_string_equal(e[0].subject, host);
	assert_string_equal(e[0].cause, "NXDOMAIN");
	assert_int_equal(e[1].kind, EVENT_NAME_RESOLVED);
	assert_string_equal(e[1].subject, host);
}

static void
test_recovers(void **state)
{
	struct bench *b = *state;
	BEGIN(b, SERVER(b));
	want(b, "a.test");
	wait_for(b, has_failed, "a.test", 2);
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.1");
	unsigned before = b->changes;
	wait_for(b, has_addresses, "a.test", 1);
	assert_int_equal(resolve_failures(b->resolve, "a.test", NULL), 0);
	loop_until_count(&b->loop, &b->changes, before + 1);
	check_events("a.test");
}

/* Whatever comes after an answer, the last addresses stay. */
static void
test_keeps_last_addresses(void **state)
{
	static const enum ns_mode mode[] = {NS_ANSWER, NS_SERVFAIL, NS_SILENT};
	static const char *const why[] = {"NXDOMAIN", "SERVFAIL", "timeout"};
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_A, 0, "192.0.2.1");
	BEGIN(b, SERVER(b), .timeout = 200 * CLOCK_MS);
	want(b, "a.test");
	for (unsigned i = 0; i < 3; i++) {
		wait_for(b, has_addresses, "a.test", 1);
		nameserver_clear(b->ns);
		nameserver_mode(b->ns, "a.test", NS_ANY, mode[i]);
		wait_for(b, has_failed, "a.test", 1);
		check_why(b, "a.test", why[i]);
		check(b, "a.test", "192.0.2.1", NULL);
		nameserver_clear(b->ns);
		nameserver_add(b->ns, "a.test", NS_A, 0, "192.0.2.1");
		LOOP_UNTIL(&b->loop,
		    resolve_failures(b->resolve, "a.test", NULL) == 0);
	}
}

/* Many name servers choke on AAAA: no reason to blame the name. */
static void
test_half_a_name(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_A, 600, "192.0.2.1");
	nameserver_add(b->ns, "a.test", NS_AAAA, 600, "2001:db8::1");
	nameserver_mode(b->ns, "a.test", NS_AAAA, NS_SILENT);
	BEGIN(b, SERVER(b), .timeout = 200 * CLOCK_MS);
	want(b, "a.test");
	wait_for(b, is_settled, NULL, 0);
	check(b, "a.test", "192.0.2.1", NULL);
	assert_int_equal(resolve_failures(b->resolve, "a.test", NULL), 0);
	/* But it is not left at that for the ten minutes of the TTL. */
	nameserver_mode(b->ns, "a.test", NS_AAAA, NS_ANSWER);
	wait_for(b, has_addresses, "a.test", 2);
}

static void
test_mute_server_blocks_nothing(void **state)
{
	struct bench *b = *state;
	char *host[200];
	for (unsigned i = 0; i < 200; i++) {
		host[i] = malloc(32);
		snprintf(host[i], 32, i ? "n%u.test" : "192.0.2.77", i);
	}
	nameserver_mode(b->ns, NULL, NS_ANY, NS_SILENT);
	/* Those that failed are due again before all had their turn. */
	BEGIN(b, SERVER(b), .retry = CLOCK_MS, .timeout = 10 * CLOCK_MS);
	loop_watch_gaps(&b->loop);
	resolve_want(b->resolve, host, 200);
	check(b, "192.0.2.77", "192.0.2.77", NULL);
	wait_for(b, is_settled, NULL, 0);
	assert_true(b->loop.gap < CLOCK_SEC);
	for (unsigned i = 1; i < 200; i++)
		check_why(b, host[i], "timeout");
	for (unsigned i = 0; i < 200; i++)
		free(host[i]);
}

static void
test_nobody_listens(void **state)
{
	struct bench *b = *state;
	BEGIN(b, .server = "127.0.0.1:1", .timeout = 5 * CLOCK_SEC);
	want(b, "a.test");
	uint64_t start = clock_mono();
	wait_for(b, is_settled, NULL, 0);
	check_why(b, "a.test", "name server cannot be reached");
	assert_true(clock_mono() - start < 5 * CLOCK_SEC);
}

static void
test_noise(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_CNAME, 0, "b.test");
	nameserver_add(b->ns, "b.test", NS_A, 0, "192.0.2.1");
	nameserver_add(b->ns, "b.test", NS_AAAA, 0, "2001:db8::1");
	nameserver_mode(b->ns, NULL, NS_ANY, NS_NOISE);
	BEGIN(b, SERVER(b), .ttl_least = CLOCK_MS, .ttl_most = CLOCK_MS,
	    .retry = CLOCK_MS, .timeout = CLOCK_MS);
	want(b, "a.test");
	wait_for(b, was_asked, "a.test", 150);
	nameserver_clear(b->ns);
	nameserver_add(b->ns, "a.test", NS_A, 0, "192.0.2.9");
	const struct addr *a;
	unsigned len;
	LOOP_UNTIL(&b->loop, resolve_get(b->resolve, "a.test", &a) == 1 &&
				 addr_bytes(a, &len)[3] == 9);
}

/* ---- time ---- */

static void
test_refresh_before_expiry(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_A, 1, "192.0.2.1");
	BEGIN(b, SERVER(b), .family = 4);
	want(b, "a.test");
	wait_for(b, has_addresses, "a.test", 1);
	uint64_t first = clock_mono();
	wait_for(b, was_asked, "a.test", 2);
	assert_true(clock_mono() - first >= 800 * CLOCK_MS);
	/* A change is told of, the same again is not. */
	loop_until_count(&b->loop, &b->changes, 1);
	wait_for(b, was_asked, "a.test", 3);
	assert_int_equal(b->changes, 1);
	nameserver_clear(b->ns);
	nameserver_add(b->ns, "a.test", NS_A, 1, "192.0.2.2");
	loop_until_count(&b->loop, &b->changes, 2);
	check(b, "a.test", "192.0.2.2", NULL);
}

/* TTLs of 0 and of a week are brought within bounds. */
static void
test_ttl_bounds(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "zero.test", NS_A, 0, "192.0.2.1");
	nameserver_add(b->ns, "week.test", NS_A, 604800, "192.0.2.2");
	nameserver_add(b->ns, "huge.test", NS_A, 0xffffffff, "192.0.2.3");
	BEGIN(b, SERVER(b), .family = 4, .ttl_least = 300 * CLOCK_MS,
	    .ttl_most = 300 * CLOCK_MS);
	uint64_t start = clock_mono();
	resolve_want(
	    b->resolve, (char *[]){"zero.test", "week.test", "huge.test"}, 3);
	wait_for(b, was_asked, "zero.test", 3);
	wait_for(b, was_asked, "week.test", 3);
	wait_for(b, was_asked, "huge.test", 3);
	assert_true(clock_mono() - start >= 500 * CLOCK_MS);
}

static void
test_one_call_per_batch(void **state)
{
	struct bench *b = *state;
	char *host[60], name[60][32];
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name[i], sizeof(name[i]), "n%u.test", i);
		nameserver_add(b->ns, name[i], NS_A, 600, "192.0.2.1");
		host[i] = name[i];
	}
	BEGIN(b, SERVER(b), .timeout = 2 * CLOCK_SEC);
	resolve_want(b->resolve, host, 60);
	wait_for(b, is_settled, NULL, 0);
	loop_until_count(&b->loop, &b->changes, 1);
	assert_true(b->changes <= 3); /* one, but on a machine that stalls */
}

/* ---- what is wanted ---- */

static void
test_unwanted_rest(void **state)
{
	struct bench *b = *state;
	nameserver_add(b->ns, "a.test", NS_A, 0, "192.0.2.1");
	nameserver_add(b->ns, "b.test", NS_A, 0, "192.0.2.2");
	BEGIN(b, SERVER(b));
	resolve_want(
	    b->resolve, (char *[]){"b.test", "a.test", "B.test", "a.test"}, 4);
	wait_for(b, is_settled, NULL, 0);
	want(b, "b.test");
	unsigned asked = nameserver_asked(b->ns, "a.test", 0);
	wait_for(
	    b, was_asked, "b.test", nameserver_asked(b->ns, "b.test", 0) + 6);
	assert_int_equal(nameserver_asked(b->ns, "a.test", 0), asked);
	/* What was known of it is still at hand when it is wanted again. */
	nameserver_mode(b->ns, NULL, NS_ANY, NS_SILENT);
	resolve_want(b->resolve, (char *[]){"a.test", "b.test"}, 2);
	check(b, "a.test", "192.0.2.1", NULL);
	resolve_want(b->resolve, NULL, 0);
	assert_true(resolve_settled(b->resolve));
}

static void
test_literals(void **state)
{
	struct bench *b = *state;
	BEGIN(b, SERVER(b));
	resolve_want(b->resolve, (char *[]){"192.0.2.1", "2001:db8::1"}, 2);
	assert_true(resolve_settled(b->resolve));
	check(b, "192.0.2.1", "192.0.2.1", NULL);
	check(b, "2001:db8::1", "2001:db8::1", NULL);
	nameserver_add(b->ns, "a.test", NS_A, 60, "192.0.2.1");
	resolve_want(b->resolve, (char *[]){"192.0.2.1", "a.test"}, 2);
	loop_until_count(&b->loop, &b->changes, 1);
	assert_int_equal(nameserver_asked(b->ns, "192.0.2.1", 0), 0);
	assert_int_equal(nameserver_asked(b->ns, "2001:db8::1", 0), 0);
}

static void
test_hosts_file(void **state)
{
	struct bench *b = *state;
	folder_write(&b->folder, "hosts",
	    "# comment\n192.0.2.5 one.test alias.test # more.test\n"
	    "2001:db8::5\tone.test\nnonsense line\n192.0.2.6\n"
	    "  192.0.2.7 Two.Test\r\n");
	nameserver_add(b->ns, "one.test", NS_A, 60, "203.0.113.1");
	nameserver_add(b->ns, "more.test", NS_A, 60, "203.0.113.2");
	BEGIN(b, SERVER(b));
	resolve_want(b->resolve,
	    (char *[]){"one.test", "alias.test", "two.test.", "more.test",
		"localhost"},
	    5);
	check(b, "one.test", "192.0.2.5", "2001:db8::5", NULL);
	check(b, "alias.test", "192.0.2.5", NULL);
	check(b, "two.test.", "192.0.2.7", NULL);
	check(b, "localhost", "127.0.0.1", "::1", NULL);
	wait_for(b, is_settled, NULL, 0);
	check(b, "more.test", "203.0.113.2", NULL);
	assert_int_equal(nameserver_asked(b->ns, "one.test", 0), 0);
	/* The file changes: one goes, one comes. */
	loop_until_count(&b->loop, &b->changes, 1);
	folder_replace(&b->folder, "hosts", "192.0.2.8 more.test\n");
	wait_for(b, has_addresses, "one.test", 1);
	loop_until_count(&b->loop, &b->changes, 2);
	check(b, "one.test", "203.0.113.1", NULL);
	check(b, "more.test", "192.0.2.8", NULL);
	check(b, "alias.test", "192.0.2.5", NULL); /* its last */
}

/* ---- resolv.conf ---- */

static void
on_seen(void *arg)
{
	((struct bench *)arg)->seen++;
}

/* Sees what the resolver sees, but later: then it has had its chance. */
static struct watch *
watch_conf_later(struct bench *b)
{
	struct watch_setup setup = {
	    .loop = &b->loop.uv,
	    .path = folder_path(&b->folder, "resolv.conf"),
	    .settle = 500 * CLOCK_MS,
	    .changed = on_seen,
	    .arg = b,
	};
	return watch_new(&setup);
}

/* Who probes the name servers themselves is told of others, too. */
static void
test_servers(void **state)
{
	struct bench *b = *state;
	const struct addr *server;
	char text[ADDR_TEXT];

	folder_write(&b->folder, "resolv.conf",
	    "nameserver 127.0.0.1\nnameserver ::1\n");
	BEGIN(b, .server = NULL);
	assert_int_equal(resolve_servers(b->resolve, &server), 2);
	assert_string_equal(addr_text(&server[1], text), "[::1]:53");
	folder_replace(&b->folder, "resolv.conf", "nameserver 127.0.0.3\n");
	loop_until_count(&b->loop, &b->changes, 1);
	assert_int_equal(resolve_servers(b->resolve, &server), 1);
	assert_string_equal(addr_text(server, text), "127.0.0.3:53");
}

static void
test_resolv_conf_changes(void **state)
{
	struct bench *b = *state;
	struct nameserver *one = nameserver_open(&b->loop.uv, "127.0.0.1", 53);
	struct nameserver *two = nameserver_open(&b->loop.uv, "127.0.0.2", 53);
	nameserver_add(one, "a.test", NS_A, 600, "192.0.2.1");
	nameserver_add(two, "a.test", NS_A, 600, "192.0.2.2");
	folder_write(&b->folder, "resolv.conf",
	    "search example.net\nnameserver 127.0.0.1\noptions rotate\n");
	BEGIN(b, .server = NULL, .timeout = 2 * CLOCK_SEC);
	want(b, "a.test");
	loop_until_count(&b->loop, &b->changes, 1);
	check(b, "a.test", "192.0.2.1", NULL);
	/* Written anew with the same servers: no reason to ask again. */
	struct watch *later = watch_conf_later(b);
	folder_replace(&b->folder, "resolv.conf", "nameserver 127.0.0.1\n");
	loop_until_count(&b->loop, &b->seen, 1);
	watch_free(later);
	assert_int_equal(nameserver_asked(one, "a.test", NS_A), 1);
	folder_replace(&b->folder, "resolv.conf", "nameserver 127.0.0.2\n");
	loop_until_count(&b->loop, &b->changes, 2);
	check(b, "a.test", "192.0.2.2", NULL);
	assert_int_equal(nameserver_asked(two, "a.test.example.net", 0), 0);
	/* While questions are under way. */
	nameserver_mode(two, NULL, NS_ANY, NS_SILENT);
	resolve_want(b->resolve, (char *[]){"a.test", "c.test"}, 2);
	nameserver_add(one, "c.test", NS_A, 600, "192.0.2.9");
	LOOP_UNTIL(&b->loop, nameserver_asked(two, "c.test", 0) > 0);
	folder_replace(&b->folder, "resolv.conf", "nameserver 127.0.0.1\n");
	wait_for(b, has_addresses, "c.test", 1);
	wait_for(b, is_settled, NULL, 0);
	nameserver_close(one);
	nameserver_close(two);
}

/* A server that fails, refuses, is silent or is not there: the next one. */
static void
test_next_server(void **state)
{
	static const enum ns_mode mode[] = {
	    NS_SERVFAIL, NS_REFUSED, NS_SILENT, NS_LOOP};
	struct bench *b = *state;
	struct nameserver *one = nameserver_open(&b->loop.uv, "127.0.0.1", 53);
	struct nameserver *two = nameserver_open(&b->loop.uv, "127.0.0.2", 53);
	char name[32];
	folder_write(&b->folder, "resolv.conf",
	    "nameserver 127.0.0.3\nnameserver 127.0.0.1\n"
	    "nameserver 127.0.0.2\nnameserver 127.0.0.4\n");
	BEGIN(b, .server = NULL, .timeout = 300 * CLOCK_MS);
	for (unsigned i = 0; i < sizeof(mode) / sizeof(*mode); i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		nameserver_add(one, name, NS_A, 60, "192.0.2.66");
		nameserver_mode(one, name, NS_ANY, mode[i]);
		nameserver_add(two, name, NS_A, 60, "192.0.2.1");
		want(b, name);
		wait_for(b, is_settled, NULL, 0);
		check(b, name, "192.0.2.1", NULL);
		assert_int_equal(nameserver_asked(one, name, NS_A), 1);
	}
	/* NXDOMAIN is an answer: nobody else is asked. */
	nameserver_add(two, "none.test", NS_A, 60, "192.0.2.1");
	want(b, "none.test");
	wait_for(b, is_settled, NULL, 0);
	check_why(b, "none.test", "NXDOMAIN");
	assert_int_equal(nameserver_asked(two, "none.test", 0), 0);
	nameserver_close(one);
	nameserver_close(two);
}

static void
test_bad_server_text(void **state)
{
	static const char *const text[] = {
	    "", "name.test", "1.2.3.4:x", "::1:"};
	struct bench *b = *state;
	for (unsigned i = 0; i < sizeof(text) / sizeof(*text); i++) {
		struct resolve_setup s = {.loop = &b->loop.uv,
		    .server = text[i],
		    .changed = on_changed};
		assert_null(resolve_new(&s));
	}
}

static void
test_free_while_asking(void **state)
{
	struct bench *b = *state;
	nameserver_mode(b->ns, NULL, NS_ANY, NS_SILENT);
	BEGIN(b, SERVER(b));
	want(b, "a.test");
	wait_for(b, was_asked, "a.test", 1);
	resolve_free(b->resolve);
	resolve_free(NULL);
	b->resolve = NULL;
	BEGIN(b, SERVER(b));
	want(b, "a.test");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    T(test_both_families),
	    T(test_one_family),
	    T(test_max_addresses),
	    T(test_cname_chain),
	    T(test_truncation_goes_to_tcp),
	    T(test_lies_are_not_taken),
	    T(test_reasons),
	    T(test_recovers),
	    T(test_keeps_last_addresses),
	    T(test_half_a_name),
	    T(test_mute_server_blocks_nothing),
	    T(test_nobody_listens),
	    T(test_noise),
	    T(test_refresh_before_expiry),
	    T(test_ttl_bounds),
	    T(test_one_call_per_batch),
	    T(test_unwanted_rest),
	    T(test_literals),
	    T(test_hosts_file),
	    T(test_servers),
	    T(test_resolv_conf_changes),
	    T(test_next_server),
	    T(test_bad_server_text),
	    T(test_free_while_asking),
	};
	space_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
