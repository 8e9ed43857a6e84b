/*
 * What it costs to save and to load the state of 10,000 targets with 512
 * samples each: time in which the control thread does nothing else.
 */
#include "build.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fleet.h"
#include "row.h"
#include "state.h"

enum { TARGETS = 10000, SAMPLES = 512, ROUNDS = 5 };

static struct roster *
adopt(struct store *s)
{
	struct inventory inv = {0};
	struct roster *r;

	for (unsigned i = 0; i < TARGETS; i++)
		fleet_add(&inv, &(struct fleet_spec){.number = i, .count = 5});
	r = store_adopt(s, &inv, fleet_loop);
	fleet_clear(&inv);
	return r;
}

static void
fill(struct roster *r)
{
	uint64_t start = clock_mono() - SAMPLES * CLOCK_MS;

	for (size_t i = 0; i < r->entries; i++) {
		for (unsigned k = 0; k < SAMPLES; k++) {
			struct sample s = sample_make(start + k * CLOCK_MS,
			    1000000 + k, OUTCOME_ANSWERED, 0);

			row_append(r->entry[i].row, &s);
		}
	}
}

static double
ms_since(uint64_t start)
{
	return (double)(clock_mono() - start) / (double)CLOCK_MS;
}

int
main(void)
{
	const char *file = "bench_state.tmp";
	struct store *s = store_new();
	struct roster *r = adopt(s);
	struct stat st = {0};

	fill(r);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct store *other = store_new();
		uint64_t start = clock_mono();
		double save, load;

		state_save(s, file);
		save = ms_since(start);
		start = clock_mono();
		state_load(other, file);
		load = ms_since(start);
		stat(file, &st);
		printf("%d targets, %d samples each, %.1f MB: saved in %.0f "
		       "ms, loaded in %.0f ms\n",
		    TARGETS, SAMPLES, (double)st.st_size / 1e6, save, load);
		store_free(other);
	}
	unlink(file);
	roster_unref(r);
	store_free(s);
	return 0;
}
