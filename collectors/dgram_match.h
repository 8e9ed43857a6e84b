/* Which request under way on a socket a datagram is about. */
#ifndef DGRAM_MATCH_H
#define DGRAM_MATCH_H

struct dgram_item;
struct dgram_kind;
struct dgram_socket;

/* The slot of the request that the datagram answers, or 0. */
unsigned dgram_match_data(const struct dgram_kind *kind,
    const struct dgram_socket *s, const struct dgram_item *item);
/*
 * The slot of the request that an error is about, or 0. Routers may quote no
 * more than eight bytes: then it is the oldest one to there.
 */
unsigned dgram_match_quoted(const struct dgram_kind *kind,
    const struct dgram_socket *s, const struct dgram_item *item);

#endif
