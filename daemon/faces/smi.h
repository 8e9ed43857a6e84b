/* Pieces of SMIv2 modules (RFC 2578), for those who write one. */
#ifndef SMI_H
#define SMI_H

#include <stdbool.h>

struct buf;

/* Long ago: compilers find fault with a date that is to come. */
#define SMI_REVISION "202501010000Z"

/* Text in quotes after a keyword, broken into lines. */
void smi_text(struct buf *out, const char *keyword, const char *text);
/* error_response: errorResponse, or ErrorResponse with upper. */
void smi_camel(struct buf *out, const char *label, bool upper);

/* A list in braces, an item a line. */
struct smi_list {
	struct buf *out;
	bool begun;
};

/* What is written next is an item; smi_object() writes one of ours. */
void smi_item(struct smi_list *l);
void smi_object(struct smi_list *l, const char *object);
void smi_end(struct smi_list *l);

#endif
