/* Strings, keys and labels of JSON. */
#include "build.h"

#include <string.h>

#include "buf.h"
#include "expo_json_text.h"
#include "labels.h"

/* How long the UTF-8 sequence at p is; 0 for none (RFC 3629 §4). */
static size_t
sequence(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char from, to, second_from, second_to, length;
	} rows[] = {
	    {0x00, 0x7f, 0, 0, 1},
	    {0xc2, 0xdf, 0x80, 0xbf, 2},
	    {0xe0, 0xe0, 0xa0, 0xbf, 3},
	    {0xe1, 0xec, 0x80, 0xbf, 3},
	    {0xed, 0xed, 0x80, 0x9f, 3},
	    {0xee, 0xef, 0x80, 0xbf, 3},
	    {0xf0, 0xf0, 0x90, 0xbf, 4},
	    {0xf1, 0xf3, 0x80, 0xbf, 4},
	    {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t i = 0, k;

	while (p[0] > rows[i].to)
		if (++i == sizeof(rows) / sizeof(rows[0]))
			return 0;
	if (p[0] < rows[i].from || n < rows[i].length)
		return 0;
	if (rows[i].length > 1 &&
	    (p[1] < rows[i].second_from || p[1] > rows[i].second_to))
		return 0;
	for (k = 2; k < rows[i].length; k++)
		if ((p[k] & 0xc0) != 0x80)
			return 0;
	return rows[i].length;
}

/* The character at p in a string; returns how long it is. */
static size_t
put_char(struct buf *out, const unsigned char *p, size_t n)
{
	size_t length = sequence(p, n);

	if (length == 0) {
		buf_puts(out, "\\ufffd");
		return 1;
	}
	if (*p < ' ') {
		buf_printf(out, "\\u%04x", *p);
		return 1;
	}
	if (*p == '"' || *p == '\\')
		buf_putc(out, '\\');
	buf_put(out, p, length);
	return length;
}

void
expo_json_text_string(struct buf *out, const char *text, size_t n, bool escaped)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + n;

	buf_putc(out, '"');
	while (p < end) {
		if (escaped && *p == '\\' && p + 1 < end && *++p == 'n') {
			buf_puts(out, "\\n");
			p++;
			continue;
		}
		p += put_char(out, p, (size_t)(end - p));
	}
	buf_putc(out, '"');
}

void
expo_json_text_put(struct buf *out, const char *text)
{
	expo_json_text_string(out, text, strlen(text), false);
}

void
expo_json_text_key(struct buf *out, const char *key, const char *suffix)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_putc(out, ',');
	buf_putc(out, '"');
	buf_puts(out, key);
	buf_puts(out, suffix);
	buf_puts(out, "\":");
}

void
expo_json_text_labels(struct buf *out, const char *labels)
{
	struct labels_pair pair;

	while (labels_next(&labels, &pair)) {
		if (out->len > 0 && out->data[out->len - 1] != '{')
			buf_putc(out, ',');
		expo_json_text_string(out, pair.name, pair.name_len, true);
		buf_putc(out, ':');
		expo_json_text_string(out, pair.value, pair.value_len, true);
	}
}
