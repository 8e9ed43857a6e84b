/*
 * The status page for a terminal: the verdict, the media clusters, and the
 * targets that are not up, as plain text of at most 100 columns.
 */
#ifndef SUMMARY_H
#define SUMMARY_H

struct buf;
struct snapshot;

/* Appends it; the verdict is the first line. 0 or -ENOMEM. */
int summary_text(struct buf *out, const struct snapshot *s);

#endif
