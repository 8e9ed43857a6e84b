/*
 * Files that others replace: one path, or the files that match a pattern.
 * Their directory is watched, so that a rename is seen; what changed is told
 * by stat, so that noise is not; and they are looked at now and then without
 * any event, as file systems exist that send none. Thread of the loop only.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct watch;

struct watch_setup {
	struct uv_loop_s *loop;
	const char *path; /* absolute; copied */
	bool glob;	  /* a pattern, wildcards in its last part only */
	uint64_t settle;  /* ns without a further event; 0: 200 ms */
	uint64_t recheck; /* ns between looks without events; 0: 60 s */
	/* Something is another file, or none, or one anew. */
	void (*changed)(void *arg);
	void *arg;
};

/* A file that is there; the stamp is another one once it was written to. */
struct watch_file {
	char *path;
	uint64_t stamp;
};

/*
 * From here on no change is missed, so read the files after this call. A
 * path that does not exist yet is fine. NULL: no memory.
 */
struct watch *watch_new(const struct watch_setup *setup);
/* No more calls; its handles are closed on the loop. */
void watch_free(struct watch *w);

/* The files, by name; borrowed until changed() or watch_free(). */
size_t watch_files(const struct watch *w, const struct watch_file **out);

#endif
