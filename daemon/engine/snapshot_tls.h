/* The part of a snapshot that tells what TLS handshakes showed. */
#ifndef SNAPSHOT_TLS_H
#define SNAPSHOT_TLS_H

#include <stdint.h>

struct roster_entry;
struct snapshot_builder;

/* An item, if its last handshake showed something; it took so long, or 0. */
void snapshot_tls_fill(struct snapshot_builder *b, const struct roster_entry *e,
    uint64_t handshake_ns);

#endif
