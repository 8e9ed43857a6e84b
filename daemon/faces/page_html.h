/*
 * The words and the dress of the status page: its head and foot, and how
 * times, shares and texts read to a person.
 */
#ifndef PAGE_HTML_H
#define PAGE_HTML_H

#include <stdint.h>

struct buf;

/* Everything up to the content, with the style; title is escaped here. */
void page_html_head(struct buf *out, const char *title, const char *nonce);
/* From the end of the content on, with the script that keeps it fresh. */
void page_html_foot(struct buf *out, const char *nonce);

/* Any text, in an element or in a quoted attribute. */
void page_html_text(struct buf *out, const char *text);

/* "12.3 ms", "0.43 ms"; "–" for STATS_NONE. */
void page_html_ms(struct buf *out, uint64_t ns);
/* "0 %", "<0.1 %", "2.5 %"; "–" for STATS_NONE. */
void page_html_share(struct buf *out, uint64_t ppm);
/* How long: "now", "45 s", "12 min", "2 h 5 min", "3 d 4 h". */
void page_html_span(struct buf *out, uint64_t ns);
/* That long before now, with the moment itself to hover over. */
void page_html_ago(struct buf *out, uint64_t at, int64_t now);

#endif
