/*
 * Time. Everything is scheduled and measured in nanoseconds of
 * CLOCK_MONOTONIC; CLOCK_REALTIME only names a moment to people. The clock is
 * an object so that a simulation can turn it by hand.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_MS UINT64_C(1000000)
#define CLOCK_SEC UINT64_C(1000000000)

/* Nanoseconds of CLOCK_MONOTONIC; never 0. */
uint64_t clock_mono(void);

/* Nanoseconds since 1970 of CLOCK_REALTIME. */
int64_t clock_real(void);

/*
 * CLOCK_REALTIME minus CLOCK_MONOTONIC as of now, read so that a preemption
 * between the two reads cannot spoil it (least of three sandwiched reads).
 */
int64_t clock_offset(void);

/* Simulation only: from now on clock_mono() and clock_real() return these. */
void clock_fake(uint64_t mono, int64_t real);

/* "2023-05-24T10:11:12.123Z" of nanoseconds since 1970, into buf[32]. */
char *clock_text(int64_t real, char buf[32]);

/*
 * Durations as people write them: "250ms", "10s", "1h30m". 0 or -EINVAL.
 * clock_duration_text() writes the shortest exact form, "1m30s", into buf[32].
 */
int clock_duration_parse(const char *text, uint64_t *ns);
char *clock_duration_text(uint64_t ns, char buf[32]);

#endif
