/* Exact text of both formats, a line at a time and read in any slices. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "body.h"
#include "buf.h"
#include "expo_text.h"
#include "mock_snapshot.h"
#include "word.h"

#define A "target=\"a\",transport=\"tcp\",media_cluster=\"\""
#define B "target=\"b \\\"\\\\\",transport=\"udp\",media_cluster=\"fra1\""

static char *
render(struct snapshot *s, bool openmetrics)
{
	struct body *body = expo_text_body(s, openmetrics);
	struct buf out = BUF_INIT;

	assert_non_null(body);
	assert_int_equal(body_drain(body, &out), 0);
	body_free(body);
	return buf_steal(&out);
}

static void
expect(struct snapshot *s, const char *plain, const char *openmetrics)
{
	char *text = render(s, false);

	assert_string_equal(text, plain);
	free(text);
	text = render(s, true);
	assert_string_equal(text, openmetrics);
	free(text);
	snapshot_unref(s);
}

static void
nothing(void **state)
{
	expect(mock_snapshot(), "", "# EOF\n");
}

/* Every nature but the histogram; families without a value are left out. */
static void
natures(void **state)
{
	struct snapshot *s = mock_snapshot();
	struct snap_target *t = MOCK(s, target, A);

	t->info = "host=\"x\\\\y\"";
	t->state = STATE_DOWN;
	t->probes = 0;
	t->interval = 10000000000;
	t->last_outcome = 3; /* no metric */
	t = MOCK(s, target, B);
	t->info = "";
	t->probes = 18446744073709551614u;
	t->last_rtt = 12345678;
	t->changed_at = MOCK_NOW;
	expect(s,
	    "# HELP reachd_target_info "
	    "Properties of a target: host, address, port, probe, class, "
	    "expect, source, interface, dscp, proxy, url. The address is "
	    "that of the next hop: of the proxy, where there is one.\n"
	    "# TYPE reachd_target_info gauge\n"
	    "reachd_target_info{" A ",host=\"x\\\\y\"} 1\n"
	    "# HELP reachd_target_state Judged state of the target.\n"
	    "# TYPE reachd_target_state gauge\n"
	    "reachd_target_state{" A ",state=\"unknown\"} 0\n"
	    "reachd_target_state{" A ",state=\"up\"} 0\n"
	    "reachd_target_state{" A ",state=\"degraded\"} 0\n"
	    "reachd_target_state{" A ",state=\"down\"} 1\n"
	    "reachd_target_state{" A ",state=\"disabled\"} 0\n"
	    "# HELP reachd_target_last_change_timestamp_seconds "
	    "Time of the last change of the judged state.\n"
	    "# TYPE reachd_target_last_change_timestamp_seconds gauge\n"
	    "reachd_target_last_change_timestamp_seconds{" B "} 1684923072.5\n"
	    "# HELP reachd_target_interval_seconds "
	    "Interval between probes in effect.\n"
	    "# TYPE reachd_target_interval_seconds gauge\n"
	    "reachd_target_interval_seconds{" A "} 10\n"
	    "# HELP reachd_probes_total Probes completed.\n"
	    "# TYPE reachd_probes_total counter\n"
	    "reachd_probes_total{" A "} 0\n"
	    "reachd_probes_total{" B "} 18446744073709551614\n"
	    "# HELP reachd_probe_last_rtt_seconds "
	    "Round-trip time of the last answered request.\n"
	    "# TYPE reachd_probe_last_rtt_seconds gauge\n"
	    "reachd_probe_last_rtt_seconds{" B "} 0.012345678\n",
	    "# HELP reachd_target "
	    "Properties of a target: host, address, port, probe, class, "
	    "expect, source, interface, dscp, proxy, url. The address is "
	    "that of the next hop: of the proxy, where there is one.\n"
	    "# TYPE reachd_target info\n"
	    "reachd_target_info{" A ",host=\"x\\\\y\"} 1\n"
	    "# HELP reachd_target_state Judged state of the target.\n"
	    "# TYPE reachd_target_state gauge\n"
	    "reachd_target_state{" A ",state=\"unknown\"} 0\n"
	    "reachd_target_state{" A ",state=\"up\"} 0\n"
	    "reachd_target_state{" A ",state=\"degraded\"} 0\n"
	    "reachd_target_state{" A ",state=\"down\"} 1\n"
	    "reachd_target_state{" A ",state=\"disabled\"} 0\n"
	    "# HELP reachd_target_last_change_timestamp_seconds "
	    "Time of the last change of the judged state.\n"
	    "# TYPE reachd_target_last_change_timestamp_seconds gauge\n"
	    "# UNIT reachd_target_last_change_timestamp_seconds seconds\n"
	    "reachd_target_last_change_timestamp_seconds{" B "} 1684923072.5\n"
	    "# HELP reachd_target_interval_seconds "
	    "Interval between probes in effect.\n"
	    "# TYPE reachd_target_interval_seconds gauge\n"
	    "# UNIT reachd_target_interval_seconds seconds\n"
	    "reachd_target_interval_seconds{" A "} 10\n"
	    "# HELP reachd_probes Probes completed.\n"
	    "# TYPE reachd_probes counter\n"
	    "reachd_probes_total{" A "} 0\n"
	    "reachd_probes_total{" B "} 18446744073709551614\n"
	    "# HELP reachd_probe_last_rtt_seconds "
	    "Round-trip time of the last answered request.\n"
	    "# TYPE reachd_probe_last_rtt_seconds gauge\n"
	    "# UNIT reachd_probe_last_rtt_seconds seconds\n"
	    "reachd_probe_last_rtt_seconds{" B "} 0.012345678\n"
	    "# EOF\n");
}

/* Ratios, thousandths and items without labels. */
static void
signs(void **state)
{
	struct snapshot *s = mock_snapshot();
	char *out;

	MOCK(s, fact, A)->ntp_offset = (uint64_t)INT64_C(-1500);
	MOCK(s, fact, B)->ntp_offset = (uint64_t)INT64_C(-61000000000);
	MOCK(s, fact, "target=\"c\"")->ntp_offset = 25000000;
	out = render(s, false);
	assert_non_null(
	    strstr(out, "reachd_ntp_offset_seconds{" A "} -0.0000015\n"));
	assert_non_null(strstr(out, "reachd_ntp_offset_seconds{" B "} -61\n"));
	assert_non_null(
	    strstr(out, "reachd_ntp_offset_seconds{target=\"c\"} 0.025\n"));
	free(out);
	snapshot_unref(s);
}

static void
units(void **state)
{
	struct snapshot *s = mock_snapshot();
	struct snap_window *w = MOCK(s, window, "window=\"1m\"");
	struct snap_process *p = MOCK(s, process, NULL);

	w->loss = 1000000;
	w->mos = 4410;
	w = MOCK(s, window, "window=\"5m\"");
	w->loss = 1;
	p->cpu = 1500000000;
	expect(s,
	    "# HELP reachd_rolling_loss_ratio Unanswered requests per request "
	    "completed in the window.\n"
	    "# TYPE reachd_rolling_loss_ratio gauge\n"
	    "reachd_rolling_loss_ratio{window=\"1m\"} 1\n"
	    "reachd_rolling_loss_ratio{window=\"5m\"} 0.000001\n"
	    "# HELP reachd_rolling_mos Mean opinion score, 1 to 4.5, estimated "
	    "by the ITU-T G.107 E-model from round-trip time, jitter and loss "
	    "of UDP requests; an estimate.\n"
	    "# TYPE reachd_rolling_mos gauge\n"
	    "reachd_rolling_mos{window=\"1m\"} 4.41\n"
	    "# HELP process_cpu_seconds_total User and system CPU time.\n"
	    "# TYPE process_cpu_seconds_total counter\n"
	    "process_cpu_seconds_total 1.5\n",
	    "# HELP reachd_rolling_loss_ratio Unanswered requests per request "
	    "completed in the window.\n"
	    "# TYPE reachd_rolling_loss_ratio gauge\n"
	    "# UNIT reachd_rolling_loss_ratio ratio\n"
	    "reachd_rolling_loss_ratio{window=\"1m\"} 1\n"
	    "reachd_rolling_loss_ratio{window=\"5m\"} 0.000001\n"
	    "# HELP reachd_rolling_mos Mean opinion score, 1 to 4.5, estimated "
	    "by the ITU-T G.107 E-model from round-trip time, jitter and loss "
	    "of UDP requests; an estimate.\n"
	    "# TYPE reachd_rolling_mos gauge\n"
	    "reachd_rolling_mos{window=\"1m\"} 4.41\n"
	    "# HELP process_cpu_seconds User and system CPU time.\n"
	    "# TYPE process_cpu_seconds counter\n"
	    "# UNIT process_cpu_seconds seconds\n"
	    "process_cpu_seconds_total 1.5\n"
	    "# EOF\n");
}

/* Buckets add up, bounds are floats in both formats. */
static void
histogram(void **state)
{
	static const char *const bounds[] = {"0.0001", "0.00025", "0.0005",
	    "0.001", "0.0025", "0.005", "0.01", "0.02", "0.03", "0.05", "0.075",
	    "0.1", "0.15", "0.2", "0.3", "0.5", "1.0", "2.5", "+Inf"};
	struct snapshot *s = mock_snapshot();
	struct snap_rtt *r = MOCK(s, rtt, "transport=\"udp\"");
	struct buf want = BUF_INIT;
	unsigned sum = 0;
	char *text;

	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		r->rtt.bucket[i] = i;
	r->rtt.count = 171;
	r->rtt.sum = 98765432101;
	buf_puts(&want,
	    "# HELP reachd_rtt_seconds Round-trip time of answered requests.\n"
	    "# TYPE reachd_rtt_seconds histogram\n");
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		sum += i;
		buf_printf(&want,
		    "reachd_rtt_seconds_bucket{transport=\"udp\",le=\"%s\"} "
		    "%u\n",
		    bounds[i], sum);
	}
	buf_puts(&want,
	    "reachd_rtt_seconds_count{transport=\"udp\"} 171\n"
	    "reachd_rtt_seconds_sum{transport=\"udp\"} 98.765432101\n");
	text = render(s, false);
	assert_string_equal(text, buf_str(&want));
	free(text);
	snapshot_unref(s);
	buf_free(&want);
}

/* However it is read, the text is the same, and no family comes twice. */
static void
slices(void **state)
{
	struct snapshot *s = mock_many(300);
	char *whole = render(s, true), *at = whole, *seen = NULL;
	struct body *b = expo_text_body(s, true);
	char piece[7777];
	unsigned heads = 0;
	ssize_t n;

	for (size_t max = 1; (n = body_read(b, piece, max)) > 0;
	     max = max % sizeof(piece) + 1) {
		assert_memory_equal(piece, at, (size_t)n);
		at += n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(*at, '\0');
	body_free(b);
	assert_string_equal(at - 6, "# EOF\n");
	while ((seen = strstr(seen != NULL ? seen + 1 : whole, "# TYPE ")))
		heads++;
	/* 20 of a target and 13 of a window */
	assert_int_equal(heads, 32);
	free(whole);
	assert_int_equal(s->refs, 1);
	/* let go of in the middle */
	b = expo_text_body(s, false);
	assert_int_equal(body_read(b, piece, 100), 100);
	body_free(b);
	assert_int_equal(s->refs, 1);
	snapshot_unref(s);
}

/* Every line of a whole site has the shape of its kind. */
static void
shapes(void **state)
{
	struct snapshot *s = mock_site();
	char *text = render(s, true), *line, *rest = text, *space;

	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		assert_true(line[0] != '\0');
		if (line[0] == '#')
			continue;
		space = strrchr(line, ' ');
		assert_non_null(space);
		assert_int_equal(
		    strspn(space + 1, "0123456789."), strlen(space + 1));
		*space = '\0';
		assert_true(strchr(line, '{') == NULL || space[-1] == '}');
		assert_null(strstr(line, ",,"));
		assert_null(strstr(line, "{,"));
		assert_null(strstr(line, "18446744073709551615"));
	}
	free(text);
	snapshot_unref(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing),
	    cmocka_unit_test(natures),
	    cmocka_unit_test(signs),
	    cmocka_unit_test(units),
	    cmocka_unit_test(histogram),
	    cmocka_unit_test(slices),
	    cmocka_unit_test(shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
