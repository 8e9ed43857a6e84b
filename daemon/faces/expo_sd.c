/* Targets as HTTP service discovery: a list of groups, one for each. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "buf.h"
#include "expo_json_text.h"
#include "expo_sd.h"
#include "labels.h"
#include "snapshot.h"

#define PREFIX "__meta_reachd_"

enum { PIECE = 16 * 1024 };

struct expo_sd {
	struct snapshot *snapshot; /* a reference */
	size_t next;
};

/* A host and its port; what has no port says 0. */
static void
put_host(struct buf *out, const char *info)
{
	struct buf host = BUF_INIT, port = BUF_INIT;
	bool has_port;

	labels_value(info, "host", &host);
	has_port = labels_value(info, "port", &port) &&
		   strcmp(buf_str(&port), "0") != 0;
	if (!has_port)
		buf_puts(out, buf_str(&host));
	else if (strchr(buf_str(&host), ':') != NULL)
		buf_printf(out, "[%s]:%s", buf_str(&host), buf_str(&port));
	else
		buf_printf(out, "%s:%s", buf_str(&host), buf_str(&port));
	out->err |= host.err || port.err;
	buf_free(&host);
	buf_free(&port);
}

/* As probers take it: a URL, host:port, or a host where there are no ports. */
static void
put_where(struct buf *out, const char *info)
{
	struct buf where = BUF_INIT;

	labels_value(info, "url", &where);
	if (where.len == 0)
		put_host(&where, info);
	out->err |= where.err;
	expo_json_text_put(out, buf_str(&where));
	buf_free(&where);
}

/* To Prometheus, a label without a value is none. */
static void
put_meta(struct buf *out, const char *labels)
{
	struct labels_pair pair;

	while (labels_next(&labels, &pair)) {
		if (pair.value_len == 0)
			continue;
		if (out->len > 0 && out->data[out->len - 1] != '{')
			buf_putc(out, ',');
		buf_puts(out, "\"" PREFIX);
		buf_put(out, pair.name, pair.name_len);
		buf_puts(out, "\":");
		expo_json_text_string(out, pair.value, pair.value_len, true);
	}
}

static bool
more(void *arg, struct buf *out)
{
	struct expo_sd *w = arg;
	const struct snap_target *t = SNAP(w->snapshot, target);
	size_t n = SNAP_COUNT(w->snapshot, target);

	if (w->next == 0)
		buf_putc(out, '[');
	for (; w->next < n && out->len < PIECE && !out->err; w->next++) {
		buf_puts(
		    out, w->next > 0 ? ",\n{\"targets\":[" : "{\"targets\":[");
		put_where(out, t[w->next].info);
		buf_puts(out, "],\"labels\":{");
		put_meta(out, t[w->next].labels);
		put_meta(out, t[w->next].info);
		buf_puts(out, "}}");
	}
	if (w->next < n)
		return true;
	buf_puts(out, "]\n");
	return false;
}

static void
free_sd(void *arg)
{
	struct expo_sd *w = arg;

	snapshot_unref(w->snapshot);
	free(w);
}

struct body *
expo_sd_body(struct snapshot *s)
{
	static const struct body_kind kind = {more, free_sd};
	struct expo_sd *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->snapshot = snapshot_ref(s);
	return body_new(&kind, w);
}
