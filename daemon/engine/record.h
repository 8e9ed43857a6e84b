/*
 * A file of little-endian fields with a checksum at its end, replaced as a
 * whole: whoever reads it finds the old one or the new one. Nothing is known
 * here of what the fields mean.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- writing: errors are kept and come out at the end ---- */

struct record_out;

/* Begins FILE.tmp.PID, mode 0600. 0 and *out, or -errno. */
int record_create(const char *file, struct record_out **out);
void record_put(struct record_out *o, const void *bytes, size_t n);
void record_put8(struct record_out *o, uint8_t v);
void record_put16(struct record_out *o, uint16_t v);
void record_put32(struct record_out *o, uint32_t v);
void record_put64(struct record_out *o, uint64_t v);
/* What is to be written could not be had: the file will not come about. */
void record_fail(struct record_out *o, int err);
/*
 * Adds the checksum, syncs, and takes the place of the old file. 0, or the
 * first -errno; o is freed.
 */
int record_commit(struct record_out *o);

/* ---- reading: past the end everything is 0 and `bad` is set ---- */

struct record_in {
	const uint8_t *at, *end;
	bool bad;
};

/* *data is the caller's, and in stands at its start. 0 or -errno. */
int record_read(const char *file, char **data, struct record_in *in);
/* Takes the checksum off the end; false: it is not that of the rest. */
bool record_check(struct record_in *in);
size_t record_left(const struct record_in *in);
/* The next n bytes, borrowed; NULL when there are fewer. */
const uint8_t *record_get(struct record_in *in, size_t n);
uint8_t record_get8(struct record_in *in);
uint16_t record_get16(struct record_in *in);
uint32_t record_get32(struct record_in *in);
uint64_t record_get64(struct record_in *in);

#endif
