/* Reading the clocks, and times and durations as text. */
#include "build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

/* Set by simulations before anything runs, never by the daemon. */
static struct {
	bool on;
	uint64_t mono;
	int64_t real;
} fake;

/* Longest first; "w" is read and not written, for 14d says more than 2w. */
static const struct clock_unit {
	const char *name;
	uint64_t ns;
	bool written;
} clock_units[] = {
    {"w", 604800 * CLOCK_SEC, false},
    {"d", 86400 * CLOCK_SEC, true},
    {"h", 3600 * CLOCK_SEC, true},
    {"m", 60 * CLOCK_SEC, true},
    {"s", CLOCK_SEC, true},
    {"ms", CLOCK_MS, true},
    {"us", 1000, true},
    {"ns", 1, true},
};

enum { CLOCK_UNITS = sizeof(clock_units) / sizeof(clock_units[0]) };

static uint64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t
clock_mono(void)
{
	uint64_t now = fake.on ? fake.mono : read_clock(CLOCK_MONOTONIC);

	return now > 0 ? now : 1;
}

int64_t
clock_real(void)
{
	return fake.on ? fake.real : (int64_t)read_clock(CLOCK_REALTIME);
}

int64_t
clock_offset(void)
{
	uint64_t least = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_mono();
		int64_t real = clock_real();
		uint64_t took = clock_mono() - before;

		if (took < least) {
			least = took;
			offset = real - (int64_t)(before + took / 2);
		}
	}
	return offset;
}

void
clock_fake(uint64_t mono, int64_t real)
{
	fake.on = true;
	fake.mono = mono;
	fake.real = real;
}

char *
clock_text(int64_t real, char buf[32])
{
	int64_t sec = real / (int64_t)CLOCK_SEC;
	int64_t ns = real % (int64_t)CLOCK_SEC;
	struct tm tm;
	time_t t;
	size_t n;

	if (ns < 0) {
		ns += (int64_t)CLOCK_SEC;
		sec--;
	}
	t = (time_t)sec;
	gmtime_r(&t, &tm);
	n = strftime(buf, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, 32 - n, ".%03uZ", (unsigned)(ns / 1000000) % 1000);
	return buf;
}

/* Digits at *text; -EINVAL when there are none or too many. */
static int
parse_number(const char **text, uint64_t *out)
{
	const char *s = *text;
	uint64_t v = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (unsigned)(*s - '0'), &v))
			return -EINVAL;
	}
	*text = s;
	*out = v;
	return 0;
}

/* The unit that stands at text up to the next digit or the end. */
static unsigned
find_unit(const char *text, size_t len)
{
	unsigned i;

	for (i = 0; i < CLOCK_UNITS; i++) {
		if (strlen(clock_units[i].name) == len &&
		    memcmp(clock_units[i].name, text, len) == 0)
			break;
	}
	return i;
}

int
clock_duration_parse(const char *text, uint64_t *ns)
{
	uint64_t total = 0, v;
	unsigned next = 0;

	if (strcmp(text, "0") == 0) {
		*ns = 0;
		return 0;
	}
	do {
		size_t len;
		unsigned unit;

		if (parse_number(&text, &v) < 0)
			return -EINVAL;
		len = strcspn(text, "0123456789");
		unit = find_unit(text, len);
		/* Each unit once, the greater before the less. */
		if (unit < next || unit == CLOCK_UNITS)
			return -EINVAL;
		next = unit + 1;
		if (__builtin_mul_overflow(v, clock_units[unit].ns, &v) ||
		    __builtin_add_overflow(total, v, &total))
			return -EINVAL;
		text += len;
	} while (*text != '\0');
	*ns = total;
	return 0;
}

char *
clock_duration_text(uint64_t ns, char buf[32])
{
	size_t n = 0;

	/* The longest is 31 characters: 213503d23h34m33s709ms551us615ns. */
	snprintf(buf, 32, "0s");
	for (unsigned i = 0; i < CLOCK_UNITS; i++) {
		const struct clock_unit *u = &clock_units[i];
		uint64_t v = ns / u->ns;

		if (!u->written || v == 0)
			continue;
		n += (size_t)snprintf(
		    buf + n, 32 - n, "%" PRIu64 "%s", v, u->name);
		ns -= v * u->ns;
	}
	return buf;
}
