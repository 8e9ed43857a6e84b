/*
 * Strings of JSON (RFC 8259 §7), for whoever writes it a piece at a time: what
 * is no UTF-8 becomes U+FFFD. Pure.
 */
#ifndef EXPO_JSON_TEXT_H
#define EXPO_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* A string of n octets; a label's value comes with \\, \" and \n escaped. */
void expo_json_text_string(
    struct buf *out, const char *text, size_t n, bool escaped);
/* A text as a string. */
void expo_json_text_put(struct buf *out, const char *text);
/* The key of a member, of two parts, with the comma before it if need be. */
void expo_json_text_key(struct buf *out, const char *key, const char *suffix);
/* Labels as members of the object that is open. */
void expo_json_text_labels(struct buf *out, const char *labels);

#endif
