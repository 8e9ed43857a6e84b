/*
 * The text that SIP messages are made of (RFC 3261 section 25): what stands
 * at the beginning of a piece of a header, taken off it. Pure. A value may
 * be folded: line ends in it are white space, see wire_sip_text_header().
 */
#ifndef WIRE_SIP_TEXT_H
#define WIRE_SIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; a piece that is read from gets shorter. */
struct sip_text {
	const uint8_t *at;
	size_t len;
};

/* Without regard to case. */
bool wire_sip_text_is(struct sip_text t, const char *word);
/* To the byte. */
bool wire_sip_text_equals(struct sip_text t, const void *bytes, size_t len);

/* White space, any amount of it; whether there was some. */
bool wire_sip_text_space(struct sip_text *t);
/* One character, with white space around it. */
bool wire_sip_text_char(struct sip_text *t, char c);
bool wire_sip_text_token(struct sip_text *t, struct sip_text *out);
/* Digits; what is beyond UINT32_MAX is UINT32_MAX. */
bool wire_sip_text_number(struct sip_text *t, uint32_t *out);

/*
 * An address of From, To or Contact with its parameters. The value of the one
 * called name, of those behind the URI and not in it, is put in *value, which
 * is left alone when there is none; false also when there are two.
 */
bool wire_sip_text_address(
    struct sip_text *t, const char *name, struct sip_text *value);
/* One value of Via, up to its end or a comma, and its branch, if any. */
bool wire_sip_text_via(struct sip_text *t, struct sip_text *branch);

/* The line that t begins with, which is not folded: without its end. */
bool wire_sip_text_line(struct sip_text *t, struct sip_text *line);
/*
 * The header that t begins with, its value without white space around it.
 * 1; 0 for the empty line at the end, which is taken off as well; -EBADMSG
 * for what is no header, among that a line without an end.
 */
int wire_sip_text_header(
    struct sip_text *t, struct sip_text *name, struct sip_text *value);

#endif
