/* The MIB as an SMIv2 module (RFC 2578 to 2580), from the tree. */
#ifndef MIB_TEXT_H
#define MIB_TEXT_H

struct buf;

void mib_text(struct buf *out);

#endif
