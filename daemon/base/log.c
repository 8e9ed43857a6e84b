/*
 * Log lines: each is made in memory and leaves in one write(2), so that lines
 * of several threads never mix. Text that came from outside cannot break a
 * line or reach a terminal as control characters.
 */
#include "build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"

static const char *const level_names[LOG_LEVELS] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

/* The process has one standard error, so these are the process's. */
static atomic_int setup_least = LOG_LEVEL_INFO;
static atomic_int setup_format = LOG_FORMAT_LOGFMT;
static atomic_ullong written[LOG_LEVELS];

void
log_setup(enum log_level least, enum log_format format)
{
	atomic_store(&setup_least, least);
	atomic_store(&setup_format, format);
}

int
log_level_parse(const char *text, enum log_level *out)
{
	for (unsigned i = 0; i < LOG_LEVELS; i++) {
		if (strcasecmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

int
log_format_parse(const char *text, enum log_format *out)
{
	if (strcasecmp(text, "logfmt") == 0)
		*out = LOG_FORMAT_LOGFMT;
	else if (strcasecmp(text, "json") == 0)
		*out = LOG_FORMAT_JSON;
	else
		return -EINVAL;
	return 0;
}

const char *
log_level_name(enum log_level level)
{
	return (unsigned)level < LOG_LEVELS ? level_names[level] : "none";
}

uint64_t
log_count(enum log_level level)
{
	return (unsigned)level < LOG_LEVELS ? atomic_load(&written[level]) : 0;
}

/*
 * The length of the well-formed UTF-8 sequence at s (RFC 3629 section 4), or
 * 0; its code point goes to *point.
 */
static size_t
utf8_length(const unsigned char *s, uint32_t *point)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80	     ? 1
		     : (s[0] & 0xe0) == 0xc0 ? 2
		     : (s[0] & 0xf0) == 0xe0 ? 3
		     : (s[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	uint32_t c;

	if (len == 0)
		return 0;
	c = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*point = c;
	return len;
}

static void
put_escape(struct buf *b, uint32_t c)
{
	switch (c) {
	case '\n':
		buf_puts(b, "\\n");
		break;
	case '\r':
		buf_puts(b, "\\r");
		break;
	case '\t':
		buf_puts(b, "\\t");
		break;
	case '"':
		buf_puts(b, "\\\"");
		break;
	case '\\':
		buf_puts(b, "\\\\");
		break;
	default:
		buf_printf(b, "\\u%04x", (unsigned)c);
	}
}

/* C0, DEL and C1 would reach a terminal as commands. */
static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* A JSON string (RFC 8259 section 7); readers of logfmt take the same. */
static void
put_quoted(struct buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	buf_putc(b, '"');
	while (*s != '\0') {
		uint32_t c = 0;
		size_t len = utf8_length(s, &c);

		if (len == 0)
			buf_puts(b, "\\ufffd");
		else if (is_control(c) || c == '"' || c == '\\')
			put_escape(b, c);
		else
			buf_put(b, s, len);
		s += len > 0 ? len : 1;
	}
	buf_putc(b, '"');
}

/* Whether logfmt readers would not take the value as it is. */
static bool
needs_quotes(const char *text)
{
	if (*text == '\0')
		return true;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c >= 0x7f || strchr("=\"\\", c) != NULL)
			return true;
	}
	return false;
}

static void
put_field(
    struct buf *b, enum log_format format, const char *key, const char *value)
{
	if (format == LOG_FORMAT_JSON) {
		buf_putc(b, b->len == 0 ? '{' : ',');
		put_quoted(b, key);
		buf_putc(b, ':');
		put_quoted(b, value);
		return;
	}
	if (b->len > 0)
		buf_putc(b, ' ');
	buf_puts(b, key);
	buf_putc(b, '=');
	if (needs_quotes(value))
		put_quoted(b, value);
	else
		buf_puts(b, value);
}

static void
line_open(struct buf *b, enum log_format format, enum log_level level,
    const char *component, const char *msg)
{
	char at[32];

	put_field(b, format, "ts", clock_text(clock_real(), at));
	put_field(b, format, "level", log_level_name(level));
	put_field(b, format, "component", component);
	put_field(b, format, "msg", msg);
}

/* A line that cannot be written is lost: there is no one else to tell. */
static void
line_close(struct buf *b, enum log_format format, enum log_level level)
{
	int keep = errno;
	ssize_t n;

	buf_puts(b, format == LOG_FORMAT_JSON ? "}\n" : "\n");
	if (!b->err) {
		do
			n = write(STDERR_FILENO, b->data, b->len);
		while (n < 0 && errno == EINTR);
	}
	buf_free(b);
	atomic_fetch_add(&written[level], 1);
	errno = keep;
}

static bool
is_wanted(enum log_level level)
{
	return (unsigned)level < LOG_LEVELS &&
	       (int)level >= atomic_load(&setup_least);
}

void
log_line(enum log_level level, const char *component, const char *fmt, ...)
{
	enum log_format format = atomic_load(&setup_format);
	struct buf line = BUF_INIT, msg = BUF_INIT;
	va_list ap;

	if (!is_wanted(level))
		return;
	va_start(ap, fmt);
	buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	line_open(&line, format, level, component, buf_str(&msg));
	line_close(&line, format, level);
	buf_free(&msg);
}

void
log_fields(enum log_level level, const char *component, const char *msg, ...)
{
	enum log_format format = atomic_load(&setup_format);
	struct buf line = BUF_INIT;
	const char *key, *value;
	va_list ap;

	if (!is_wanted(level))
		return;
	line_open(&line, format, level, component, msg);
	va_start(ap, msg);
	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (value != NULL)
			put_field(&line, format, key, value);
	}
	va_end(ap);
	line_close(&line, format, level);
}

void
log_lines(enum log_level level, const char *component, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t n = strcspn(text, "\n");

		log_line(level, component, "%.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
}
