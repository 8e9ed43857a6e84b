/* The page for a terminal, from a site made by hand and from none. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "mock_snapshot.h"
#include "summary.h"

static char *
text_of(struct snapshot *s)
{
	struct buf out = BUF_INIT;

	assert_int_equal(summary_text(&out, s), 0);
	snapshot_unref(s);
	return buf_steal(&out);
}

static void
test_site(void **state)
{
	char *text = text_of(mock_site()), *line, *at = text;

	assert_memory_equal(text, "Would a meeting work from here? ", 32);
	assert_non_null(strstr(text, "MEDIA CLUSTER"));
	/* One target is down: it stands with its reason, above the others. */
	assert_non_null(strstr(text, " targets are up; the others:\n"));
	assert_non_null(strstr(text, " down "));
	assert_true(strstr(text, " down ") < strstr(text, " degraded ") ||
		    strstr(text, " degraded ") < strstr(text, "TARGET"));
	while ((line = strsep(&at, "\n")) != NULL)
		if (strlen(line) > 100)
			fail_msg("%zu columns: %s", strlen(line), line);
	free(text);
}

static struct snapshot *
with_site(void)
{
	struct snapshot *s = mock_snapshot();
	struct snap_cluster *c = MOCK(s, cluster, "media_cluster=\"ams\"");
	struct snap_link *l;
	struct snap_site *site;

	c->info = "class=\"public\"";
	c->rank = 1;
	c->preferred = TRANSPORT_TCP;
	c->state = STATE_UP;
	c->changed_at = (uint64_t)MOCK_NOW - UINT64_C(90000000000);
	l = MOCK(s, link, "media_cluster=\"ams\",transport=\"tcp\"");
	l->rtt = 8250000;
	l->reach = REACH_REACHABLE;
	site = MOCK(s, site, "");
	site->udp_blocked = 1;
	site->media_unreachable = 0;
	return s;
}

static void
test_verdicts(void **state)
{
	struct snapshot *s = with_site();
	char *text = text_of(snapshot_ref(s));

	assert_memory_equal(text,
	    "Would a meeting work from here? yes, over tcp to ams (8.2 ms), "
	    "but UDP is blocked\n",
	    82);
	assert_non_null(strstr(text,
	    "UDP blocked: YES   media unreachable: no   local outage: not "
	    "known   symmetric NAT: not known\n"));
	assert_non_null(strstr(text,
	    "ams                        up           1  tcp     8.2 ms   -    "
	    "yes  -     1m30s\n"));
	assert_non_null(strstr(text, "\nNothing is probed: "));
	free(text);
	SNAP(s, site)->media_unreachable = 1;
	text = text_of(snapshot_ref(s));
	assert_non_null(strstr(text, "here? no: no media cluster answers"));
	free(text);
	SNAP(s, site)->local_outage = 1;
	text = text_of(s);
	assert_non_null(strstr(text, "here? no: the site's own link"));
	free(text);
}

static struct snap_target *
web_target(struct snapshot *s, const char *labels, uint64_t state)
{
	struct snap_target *t = MOCK(s, target, labels);

	t->info = "expect=\"reachable\"";
	t->state = state;
	return t;
}

/* A cause stands for what it takes down, the gravest first. */
static void
test_troubles(void **state)
{
	struct snapshot *s = with_site();
	struct snap_target *direct, *wall;
	struct snap_link *l = SNAP(s, link);
	struct snap_requirement *r;
	char *text;

	SNAP(s, site)->udp_blocked = 0;
	SNAP(s, site)->tls_intercepted = 1;
	l->rtt = 8250000;
	MOCK(s, name, "host=\"a.b\"")->resolved = 1;
	MOCK(s, name, "host=\"c.d\"")->resolved = 0;
	MOCK(s, proxy, "proxy=\"deep\"")->state = STATE_UP;
	MOCK(s, proxy, "proxy=\"hq\"")->state = STATE_DOWN;
	r = MOCK(s, requirement, "profile=\"p\",id=\"R-1\",section=\"s\"");
	r->status = REQUIREMENT_STATUS_FAILED;
	r->now = "reason=\"why not\"";
	r->changed_at = (uint64_t)MOCK_NOW - UINT64_C(90000000000);
	direct = web_target(
	    s, "target=\"a\",transport=\"https\",media_cluster=\"\"", STATE_UP);
	text = text_of(snapshot_ref(s));
	assert_non_null(strstr(text,
	    "here? yes, over tcp to ams (8.2 ms), but 1 of 2 names does not "
	    "resolve; TLS is intercepted; proxy hq is down\n"));
	assert_non_null(strstr(text,
	    "\nnames that resolve: 1 of 2   proxies up: 1 of 2   TLS "
	    "intercepted: YES\n"));
	assert_non_null(strstr(text, "\nR-1              1m30s    why not\n"));
	free(text);
	/* Nothing of signalling works: what media does is no matter. */
	direct->state = STATE_DOWN;
	wall = web_target(
	    s, "target=\"b\",transport=\"wss\",media_cluster=\"\"", STATE_UP);
	wall->info = "expect=\"blocked\"";
	text = text_of(snapshot_ref(s));
	assert_non_null(strstr(text,
	    "here? no: nothing answers over HTTPS or WSS; 1 of 2 names does "
	    "not resolve; TLS is intercepted; proxy hq is down\n"));
	free(text);
	wall->info = "expect=\"reachable\"";
	SNAP(s, name)[0].resolved = 0;
	text = text_of(s);
	assert_non_null(strstr(text, "here? no: names do not resolve; TLS"));
	free(text);
}

/* Half of what goes through a proxy fails: it is not judged down yet. */
static void
test_proxy_at_fault(void **state)
{
	struct snapshot *s = with_site();
	struct snap_target *t;
	char *text;

	SNAP(s, site)->udp_blocked = 0;
	MOCK(s, proxy, "proxy=\"hq\"")->state = STATE_UP;
	for (unsigned i = 0; i < 4; i++) {
		char labels[64];

		snprintf(labels, sizeof(labels),
		    "target=\"t%u\",transport=\"https\",media_cluster=\"\"", i);
		t = web_target(s, labels, STATE_UP);
		/* The last one goes directly. */
		t->info = i < 3 ? "proxy=\"hq\",expect=\"reachable\""
				: "proxy=\"\",expect=\"reachable\"";
		t->success = i == 0;
	}
	text = text_of(snapshot_ref(s));
	assert_non_null(strstr(
	    text, "(8.2 ms), but 2 of 3 targets through proxy hq fail\n"));
	free(text);
	SNAP(s, target)[1].success = 1;
	text = text_of(s);
	assert_non_null(strstr(text, "here? yes, over tcp to ams (8.2 ms)\n"));
	free(text);
}

/* Loss that is not yet an outage stands beside the choice. */
static void
test_loss(void **state)
{
	struct snapshot *s = with_site();
	struct snap_window *w;
	char *text;

	MOCK(s, target, "target=\"n\",transport=\"tcp\",media_cluster=\"ams\"")
	    ->state = STATE_DEGRADED;
	w = MOCK(s, window,
	    "target=\"n\",transport=\"tcp\",media_cluster=\"ams\","
	    "window=\"1m\"");
	w->requests = 60;
	w->answers = 40;
	text = text_of(s);
	assert_non_null(strstr(text, "to ams (8.2 ms, 33.3 % loss), but UDP"));
	free(text);
}

static void
test_nothing(void **state)
{
	char *text = text_of(mock_snapshot());

	assert_string_equal(text,
	    "Would a meeting work from here? not known: there is no media "
	    "cluster to probe\n\nNothing is probed: the configuration names no "
	    "media cluster, no target and no product\nof a profile. \"man "
	    "reachd.conf\" has each, with examples.\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_site),
	    cmocka_unit_test(test_verdicts),
	    cmocka_unit_test(test_troubles),
	    cmocka_unit_test(test_proxy_at_fault),
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
