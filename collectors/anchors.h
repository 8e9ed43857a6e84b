/*
 * Trust anchors: read when the first path over TLS needs them, again when the
 * file is another one or has changed, and shared by all loops. Any thread.
 */
#ifndef ANCHORS_H
#define ANCHORS_H

#include <stdbool.h>

struct anchors;
struct x509_store_st;

/* One reference. The system's are wanted at first. NULL: no memory. */
struct anchors *anchors_new(void);
struct anchors *anchors_ref(struct anchors *a);
void anchors_unref(struct anchors *a); /* NULL is fine */

/* Which file is wanted from now on; NULL: the system's. 0 or -ENOMEM. */
int anchors_want(struct anchors *a, const char *ca_file);
/* Whether what is wanted has been read and has not changed since. */
bool anchors_fresh(struct anchors *a);
/*
 * Reads what is wanted unless it is there: 20 ms, so not for the loop. 0, or
 * -errno: it cannot be used (said once), and the old ones stay.
 */
int anchors_load(struct anchors *a);
/*
 * What was read last, a reference of the caller's; NULL: nothing yet. The
 * version grows whenever others are read.
 */
struct x509_store_st *anchors_store(struct anchors *a, unsigned *version);
unsigned anchors_version(struct anchors *a);

#endif
