/* `reachd reflect` as a process of its own, for tests. */
#ifndef MIRROR_H
#define MIRROR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { MIRROR_PORTS = 4 };

struct mirror {
	pid_t pid;
	uint16_t port[MIRROR_PORTS]; /* in the order of the listeners */
};

/* Whether this is such a process: main() is then reflect_main()'s to end. */
bool mirror_is(int argc, char **argv);
/*
 * Runs it with the arguments up to NULL; what it writes to the descriptor
 * comes out of *out.
 */
pid_t mirror_spawn(const char *const *args, int descriptor, FILE **out);
/* Waits for its end; the exit status. */
int mirror_exit(pid_t pid);

/* Its listeners come first, --print-ports follows; waits until it listens. */
struct mirror mirror_start(const char *const *args);
/* Ends it, cleanly or the test fails. */
void mirror_stop(struct mirror *m);

#define MIRROR(...) mirror_start((const char *const[]){__VA_ARGS__, NULL})

#endif
