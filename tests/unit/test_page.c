/* The status page: what stands where, and that no text can break it. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "body.h"
#include "buf.h"
#include "event.h"
#include "mock_snapshot.h"
#include "page.h"
#include "page_html.h"

#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)

static char *
render(struct snapshot *s, const struct event *event, size_t events)
{
	struct page_setup setup = {.telemetry_path = "/metrics",
	    .nonce = "0123456789abcdef",
	    .event = event,
	    .events = events};
	struct body *b = page_body(s, &setup);
	struct buf out = BUF_INIT;

	assert_non_null(b);
	assert_int_equal(body_drain(b, &out), 0);
	body_free(b);
	assert_int_equal(s->refs, 1);
	snapshot_unref(s);
	return buf_steal(&out);
}

/* The texts stand in the page in that order; NULL ends them. */
static void
expect_order(const char *page, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, page);
	while ((text = va_arg(ap, const char *)) != NULL) {
		page = strstr(page, text);
		if (page == NULL)
			fail_msg("\"%s\" is missing or too early", text);
		page += strlen(text);
	}
	va_end(ap);
}

static unsigned
count(const char *page, const char *text)
{
	unsigned n = 0;

	while ((page = strstr(page, text)) != NULL) {
		page++;
		n++;
	}
	return n;
}

static void
site(void **state)
{
	char *page = render(mock_site(), NULL, 0);

	expect_order(page, "<!doctype html>", "<title>reachd: 1 down</title>",
	    "<main>", "2023-05-24T10:11:12.500Z", "class=\"verdict warn\"",
	    "Media would use fra1 over UDP, 12.0 ms and 3.3 % loss.",
	    "Of 8 targets, 1 is down and 1 is degraded.", "Local link", "works",
	    "Media backend", "reachable", "UDP to media", "open", "NAT",
	    "not known yet", "203.0.113.9", "Media clusters", "fra1", "public",
	    "s ok\">up", "class=\"pick\">12.0 ms", "3.3 %", "lon2",
	    "s warn\">degraded", "unreachable", "class=\"pick\">21.0 ms",
	    "mesh-&lt;hq&gt;", "video_mesh", "untested", "Targets",
	    "lon2-udp-5004-b", "s bad\">down", "2 h 5 min", "100 %", "timeout",
	    "no answer for", "2 h 5 min", "lon2-tcp-5004-b", "degraded",
	    "21.1 ms", "25.2 ms", "6.1 %", "new &quot;one&quot;", "unknown",
	    "fra1-udp-5004-a", "Recent events", "None.", "href=\"metrics\"",
	    "href=\"api/v1/targets\"", "reachd 0.1.0", "</main>", "</html>",
	    NULL);
	/* Nothing from elsewhere, nothing absolute, nothing unguarded. */
	assert_null(strstr(page, "http:"));
	assert_null(strstr(page, "//"));
	assert_null(strstr(page, "href=\"/"));
	assert_null(strstr(page, "mesh-<hq>"));
	assert_null(strstr(page, "style=\""));
	assert_null(strstr(page, "18446744073709551615"));
	assert_int_equal(count(page, "nonce=\"0123456789abcdef\""), 2);
	assert_int_equal(count(page, "<style nonce=\""), 1);
	assert_int_equal(count(page, "<script"), 1);
	free(page);
}

/* The verdict that tells most is the headline. */
static void
headlines(void **state)
{
	static const struct {
		size_t offset;
		const char *look, *text;
	} rows[] = {
	    {offsetof(struct snap_site, udp_blocked), "verdict warn",
		"UDP is blocked: media would fall back to TCP or TLS."},
	    {offsetof(struct snap_site, media_unreachable), "verdict bad",
		"Meetings would not work: no media cluster answers"},
	    {offsetof(struct snap_site, local_outage), "verdict bad",
		"own link is at fault."},
	};
	for (size_t i = 0; i < 3; i++) {
		struct snapshot *s = mock_site();
		char *page;

		for (size_t k = 0; k <= i; k++)
			*(uint64_t *)((char *)SNAP(s, site) + rows[k].offset) =
			    1;
		page = render(s, NULL, 0);
		expect_order(page, rows[i].look, rows[i].text, NULL);
		free(page);
	}
}

static struct snapshot *
in_trouble(void)
{
	struct snapshot *s = mock_site();

	SNAP(s, site)->tls_intercepted = 1;
	MOCK(s, proxy, "proxy=\"<hq>\"")->state = STATE_DOWN;
	return s;
}

/* What is wrong beside media is said at once. */
static void
troubles(void **state)
{
	struct snapshot *s = in_trouble();
	char *page = render(s, NULL, 0);

	expect_order(page, "verdict ", "Media would use ",
	    " But TLS is intercepted; proxy &lt;hq&gt; is down. </strong>",
	    "<dt>TLS</dt><dd class=\"warn\">intercepted</dd>", NULL);
	free(page);
	s = in_trouble();
	MOCK(s, name, "host=\"a.b\"")->resolved = 0;
	page = render(s, NULL, 0);
	expect_order(page, "verdict bad",
	    "<strong>Nobody can sign in: names do not resolve; TLS is "
	    "intercepted; ",
	    "Media would use ", NULL);
	free(page);
}

static void
nothing(void **state)
{
	char *page = render(mock_snapshot(), NULL, 0);

	expect_order(page, "<title>reachd</title>", "verdict none",
	    "Nothing can be said of media yet.", "not known yet", "Targets",
	    "Nothing is probed: ", "</html>", NULL);
	assert_null(strstr(page, "Media clusters"));
	free(page);
}

/* A page has an end; the list has not. */
static void
many(void **state)
{
	char *page = render(mock_many(1234), NULL, 0);

	assert_int_equal(count(page, "<td class=\"name\">"), 1000);
	assert_non_null(strstr(page, ">234 more: <a href=\"api/v1/targets\">"));
	free(page);
}

static void
hostile(void **state)
{
	static const char text[] = "<script>alert('1')</script>&\"";
	struct snapshot *s = mock_site();
	struct event e[40] = {{.kind = EVENT_TARGET_DOWN}};
	char *page;

	MOCK(s, target,
	    "target=\"</td><script>\\\"\\\\\",transport=\"<b>\","
	    "media_cluster=\"'><img src=x>\"")
	    ->state = 99;
	SNAP(s, cluster)->info = "class=\"<i>\"";
	SNAP(s, site)->info = "ipv4=\"<u>\"";
	SNAP(s, agent)->build = "version=\"<s>\"";
	for (int i = 0; i < 40; i++) {
		e[i] = (struct event){
		    .kind = EVENT_TARGET_DOWN, .at = MOCK_NOW + 1, .to = 77};
		snprintf(e[i].subject, sizeof(e[i].subject), "%s", text);
		snprintf(e[i].cause, sizeof(e[i].cause), "%s", text);
	}
	e[39].kind = 9999;
	page = render(s, e, 40);
	assert_int_equal(count(page, "<script"), 1);
	assert_int_equal(count(page, "</script"), 1);
	assert_null(strstr(page, "<b>"));
	assert_null(strstr(page, "<i>"));
	assert_null(strstr(page, "<u>"));
	assert_null(strstr(page, "<s>"));
	assert_null(strstr(page, "<img"));
	assert_int_equal(count(page, "&#39;1&#39;"), 60);
	expect_order(page, "&lt;/td&gt;&lt;script&gt;&quot;\\", "&lt;b&gt;",
	    "&#39;&gt;&lt;img src=x&gt;", "Recent events", NULL);
	free(page);
}

static void
events(void **state)
{
	struct event e[] = {
	    {.kind = EVENT_CLUSTER_TRANSPORT,
		.at = MOCK_NOW - 90 * (int64_t)SEC,
		.from = TRANSPORT_UDP,
		.to = TRANSPORT_TCP,
		.value = 21 * MS,
		.subject = "lon2",
		.cause = "udp unreachable"},
	    {.kind = EVENT_LOSS_HIGH,
		.at = MOCK_NOW - 5 * (int64_t)SEC,
		.value = 61000,
		.threshold = 20000,
		.subject = "x"},
	    {.kind = EVENT_SITE_UDP_BLOCKED, .at = MOCK_NOW + 1},
	};
	char *page = render(mock_snapshot(), e, 3);

	expect_order(page, "Recent events", "now", "warn", "site",
	    "UDP is blocked", "5 s", "loss is high: 6.1 %, threshold 2.0 %",
	    "1 min", "lon2",
	    "preferred transport changed (udp \xe2\x86\x92 tcp): 21.0 ms",
	    "udp unreachable", NULL);
	free(page);
}

static const char *
made(void (*put)(struct buf *, uint64_t), uint64_t v)
{
	static struct buf b = BUF_INIT;
	static char text[64];

	put(&b, v);
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_free(&b);
	return text;
}

static void
words(void **state)
{
	static const char dash[] = "\xe2\x80\x93";

	assert_string_equal(made(page_html_ms, STATS_NONE), dash);
	assert_string_equal(made(page_html_ms, 0), "0.00 ms");
	assert_string_equal(made(page_html_ms, 432100), "0.43 ms");
	assert_string_equal(made(page_html_ms, 12345678), "12.3 ms");
	assert_string_equal(made(page_html_ms, 123456789), "123 ms");
	assert_string_equal(made(page_html_share, STATS_NONE), dash);
	assert_string_equal(made(page_html_share, 0), "0 %");
	assert_string_equal(made(page_html_share, 1), "&lt;0.1 %");
	assert_string_equal(made(page_html_share, 25000), "2.5 %");
	assert_string_equal(made(page_html_share, 1000000), "100 %");
	assert_string_equal(made(page_html_span, SEC - 1), "now");
	assert_string_equal(made(page_html_span, 59 * SEC), "59 s");
	assert_string_equal(made(page_html_span, 3599 * SEC), "59 min");
	assert_string_equal(made(page_html_span, 7500 * SEC), "2 h 5 min");
	assert_string_equal(made(page_html_span, 90000 * SEC), "1 d 1 h");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(site),
	    cmocka_unit_test(headlines),
	    cmocka_unit_test(troubles),
	    cmocka_unit_test(nothing),
	    cmocka_unit_test(many),
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(events),
	    cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
