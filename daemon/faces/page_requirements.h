/*
 * Requirements for people: how many are met, those that failed, and the whole
 * list with the reasons as a page of its own.
 */
#ifndef PAGE_REQUIREMENTS_H
#define PAGE_REQUIREMENTS_H

struct body;
struct buf;
struct snapshot;

/* A section of the status page; nothing when there are no requirements. */
void page_requirements_section(struct buf *out, const struct snapshot *s);

/* The page. Takes a reference of its own. NULL: no memory. */
struct body *page_requirements_body(struct snapshot *s, const char *nonce);

#endif
