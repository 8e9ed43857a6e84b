/*
 * A snapshot as Prometheus reads it: text 0.0.4 or OpenMetrics 1.0.0. Written
 * from stats_table alone; no statistic is named here.
 */
#ifndef EXPO_TEXT_H
#define EXPO_TEXT_H

#include <stdbool.h>

struct body;
struct snapshot;
struct stats_desc;
struct buf;

/* Takes a reference of its own. NULL: no memory. */
struct body *expo_text_body(struct snapshot *s, bool openmetrics);

/*
 * The name of a family's samples: its own with the unit, and _total or _info
 * behind it. Appended; for the reference, too.
 */
void expo_text_sample(const struct stats_desc *d, struct buf *out);

/* "counter", "gauge", "info", "histogram": the type as OpenMetrics has it. */
const char *expo_text_type(const struct stats_desc *d);

#endif
