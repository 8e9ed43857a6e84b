/*
 * What a client asked for: the format by its Accept header (RFC 9110 §12.5.1)
 * and the coding by Accept-Encoding (§12.5.3). Pure; takes hostile bytes.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include <stdbool.h>

/* Formats of the exposition, the one for those who do not care first. */
enum accept_format {
	ACCEPT_TEXT,	      /* Prometheus text 0.0.4 */
	ACCEPT_OPENMETRICS,   /* OpenMetrics text 1.0.0 */
	ACCEPT_OPENMETRICS_0, /* the same text to those who know 0.0.1 only */
	ACCEPT_PROTOBUF,      /* io.prometheus.client, delimited */
	ACCEPT_FORMATS
};

/*
 * The format with the greatest q-value. Among equals the one that was named
 * more exactly, then the one that was named first, then the one on top of the
 * list above; protobuf only for who names it. ACCEPT_TEXT without a header
 * (NULL) and when nothing that we have is acceptable, for a scrape is better
 * than a 406.
 */
enum accept_format accept_format(const char *header);

/* What goes into Content-Type. */
const char *accept_content_type(enum accept_format format);

/*
 * Whether to answer in gzip: it was named (not just "*"), is not refused, and
 * the identity coding is not wanted more.
 */
bool accept_gzip(const char *header);

#endif
