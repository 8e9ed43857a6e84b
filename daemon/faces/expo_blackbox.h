/*
 * What became of one probe that was asked for, as metrics that bear the names
 * and labels of blackbox_exporter's. Pure.
 */
#ifndef EXPO_BLACKBOX_H
#define EXPO_BLACKBOX_H

struct buf;
struct inquiry;

/* The exposition in the text format 0.0.4. */
void expo_blackbox_text(struct buf *b, const struct inquiry *q);

/* The same for people: each step, the metrics, the module. */
void expo_blackbox_debug(struct buf *b, const struct inquiry *q);

#endif
