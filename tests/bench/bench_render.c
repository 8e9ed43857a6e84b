/*
 * What a sample costs when a scrape is rendered: 1,000 targets with all
 * their statistics, against copying the same number of finished lines. CPU
 * time of the process, best of several rounds, interleaved.
 */
#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "body.h"
#include "expo_text.h"
#include "mock_snapshot.h"

enum { TARGETS = 1000, ROUNDS = 15, OUT = 64 * 1024 };

static char out[OUT];

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Renders all; counts the samples when asked, which is not timed. */
static size_t
render(struct snapshot *s, size_t *samples)
{
	struct body *b = expo_text_body(s, true);
	size_t bytes = 0;
	bool start = true;
	ssize_t n;

	while ((n = body_read(b, out, sizeof(out))) > 0) {
		bytes += (size_t)n;
		for (ssize_t i = 0; samples != NULL && i < n; i++) {
			*samples += start && out[i] != '#';
			start = out[i] == '\n';
		}
	}
	body_free(b);
	return bytes;
}

/* The floor: lines of the mean length, copied one by one. */
static void
copy(size_t samples, size_t length, const char *line)
{
	size_t at = 0;

	for (size_t i = 0; i < samples; i++) {
		if (at + length > sizeof(out))
			at = 0;
		memcpy(out + at, line, length);
		__asm__ volatile("" : : "r"(out + at) : "memory");
		at += length;
	}
}

int
main(void)
{
	struct snapshot *s = mock_many(TARGETS);
	double best = 1e18, least = 1e18, t0, t1, t2;
	size_t samples = 0, bytes = render(s, &samples);
	char *line = calloc(1, bytes / samples + 1);

	if (line == NULL)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		t0 = cpu_ns();
		render(s, NULL);
		t1 = cpu_ns();
		copy(samples, bytes / samples, line);
		t2 = cpu_ns();
		best = t1 - t0 < best ? t1 - t0 : best;
		least = t2 - t1 < least ? t2 - t1 : least;
	}
	printf("render: %zu samples, %.2f MB, %.2f ms, %.1f ns/sample, "
	       "%.0f MB/s; copy of the same lines %.1f ns/sample\n",
	    samples, (double)bytes / 1e6, best / 1e6, best / (double)samples,
	    (double)bytes / best * 1e3, least / (double)samples);
	free(line);
	snapshot_unref(s);
	return 0;
}
