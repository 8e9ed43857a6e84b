/*
 * A snapshot as JSON (RFC 8259), for the API. Written from stats_table: a
 * key is the field's name with its unit's suffix, a number an exact decimal,
 * a state a word, and null what has no value now.
 */
#ifndef EXPO_JSON_H
#define EXPO_JSON_H

#include <stddef.h>
#include <stdint.h>

struct body;
struct event;
struct snapshot;

enum expo_json_document {
	EXPO_JSON_TARGETS,	/* with windows, phases and certificates */
	EXPO_JSON_CLUSTERS,	/* with their links, a link per transport */
	EXPO_JSON_REQUIREMENTS,	/* with the targets that they are judged by */
	EXPO_JSON_SITE,		/* verdicts, sums, and the daemon itself */
	EXPO_JSON_DOCUMENTS
};

/* Takes a reference of its own. NULL: no memory. */
struct body *expo_json_body(
    struct snapshot *s, enum expo_json_document document);

/* n events, newest first; total is the number ever told. NULL: no memory. */
struct body *expo_json_events(
    const struct event *event, size_t n, uint64_t total);

#endif
