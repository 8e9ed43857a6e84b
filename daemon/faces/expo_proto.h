/*
 * A snapshot as Prometheus reads it in protobuf: io.prometheus.client's
 * MetricFamily messages, each with its length before it. The one format that
 * has native histograms, exemplars with them, and created timestamps.
 */
#ifndef EXPO_PROTO_H
#define EXPO_PROTO_H

struct body;
struct snapshot;

/* Takes a reference of its own. NULL: no memory. */
struct body *expo_proto_body(struct snapshot *s);

#endif
