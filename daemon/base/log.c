/*
 * Log lines: each is made in memory and leaves in one write(2), so that lines
 * of several threads never mix. Text that came from outside cannot break a
 * line or reach a terminal as control characters. To the journal a line goes
 * as an entry of fields; where that cannot be, as text with its priority.
 */
#include "build.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "log_journal.h"
#include "log_limit.h"

static const char *const level_names[LOG_LEVELS] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

/* The process has one standard error, so these are the process's. */
static atomic_int setup_least = LOG_LEVEL_INFO;
static atomic_int setup_format = LOG_FORMAT_LOGFMT;
static atomic_ullong written[LOG_LEVELS], left_out[LOG_LEVELS];
static atomic_int journal = -1; /* its socket */
static struct {
	pthread_mutex_t mutex;
	struct log_limit limit;
} kinds = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* As syslog(3) numbers them. */
static const char priority[LOG_LEVELS] = {
    [LOG_LEVEL_DEBUG] = '7',
    [LOG_LEVEL_INFO] = '6',
    [LOG_LEVEL_WARN] = '4',
    [LOG_LEVEL_ERROR] = '3',
};

struct line {
	enum log_format format;
	enum log_level level;
	struct buf text;   /* as it is read */
	struct buf fields; /* the same for the journal */
};

void
log_setup(enum log_level least, enum log_format format)
{
	atomic_store(&setup_least, least);
	atomic_store(&setup_format, format);
}

int
log_to_journal(const char *path)
{
	int fd = log_journal_open(path);

	if (fd < 0)
		return fd;
	fd = atomic_exchange(&journal, fd);
	if (fd >= 0)
		close(fd);
	atomic_store(&setup_format, LOG_FORMAT_JOURNAL);
	return 0;
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

uint64_t
log_left_out(enum log_level level)
{
	return (unsigned)level < LOG_LEVELS ? atomic_load(&left_out[level]) : 0;
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

static void
put_escaped(struct buf *b, const char *text, bool quoted)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s != '\0') {
		uint32_t c = 0;
		size_t len = utf8_length(s, &c);

		if (len == 0)
			buf_puts(b, "\\ufffd");
		else if (is_control(c) || (quoted && (c == '"' || c == '\\')))
			put_escape(b, c);
		else
			buf_put(b, s, len);
		s += len > 0 ? len : 1;
	}
}

/* A JSON string (RFC 8259 section 7); readers of logfmt take the same. */
static void
put_quoted(struct buf *b, const char *text)
{
	buf_putc(b, '"');
	put_escaped(b, text, true);
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
line_field(struct line *l, const char *key, const char *value)
{
	put_field(&l->text, l->format, key, value);
	if (l->format == LOG_FORMAT_JOURNAL)
		log_journal_field(
		    &l->fields, "REACHD_", key, value, strlen(value));
}

/* The journal has its own time, and shows the level and who it is. */
static void
line_open(struct line *l, enum log_level level, const char *component,
    const char *msg)
{
	char at[32];

	*l = (struct line){.format = atomic_load(&setup_format),
	    .level = level,
	    .text = BUF_INIT,
	    .fields = BUF_INIT};
	if (l->format == LOG_FORMAT_JOURNAL) {
		put_escaped(&l->text, msg, false);
		log_journal_field(&l->fields, "REACHD_", "component", component,
		    strlen(component));
		return;
	}
	line_field(l, "ts", clock_text(clock_real(), at));
	line_field(l, "level", log_level_name(level));
	line_field(l, "component", component);
	line_field(l, "msg", msg);
}

/* 0, or -errno: then it is to be written as text. */
static int
to_journal(struct line *l)
{
	struct buf *b = &l->fields;
	int err;

	log_journal_field(b, "", "message", l->text.data, l->text.len);
	log_journal_field(b, "", "priority", &priority[l->level], 1);
	log_journal_field(
	    b, "", "syslog_identifier", "reachd", strlen("reachd"));
	err =
	    l->text.err ? -ENOMEM : log_journal_send(atomic_load(&journal), b);
	/* A journal that is behind is not to hold up the one who writes. */
	if (err == -EAGAIN) {
		atomic_fetch_add(&left_out[l->level], 1);
		return 0;
	}
	return err;
}

/* A line that cannot be written is lost: there is no one else to tell. */
static void
to_stderr(struct line *l)
{
	struct buf whole = BUF_INIT;
	ssize_t n;

	/* The manager takes the level from this (sd-daemon(3)). */
	if (l->format == LOG_FORMAT_JOURNAL)
		buf_printf(&whole, "<%c>", priority[l->level]);
	buf_put(&whole, l->text.data, l->text.len);
	buf_puts(&whole, l->format == LOG_FORMAT_JSON ? "}\n" : "\n");
	if (!l->text.err && !whole.err) {
		do
			n = write(STDERR_FILENO, whole.data, whole.len);
		while (n < 0 && errno == EINTR);
	}
	buf_free(&whole);
}

static void
line_close(struct line *l)
{
	int keep = errno;

	if (l->format != LOG_FORMAT_JOURNAL || to_journal(l) < 0)
		to_stderr(l);
	buf_free(&l->text);
	buf_free(&l->fields);
	atomic_fetch_add(&written[l->level], 1);
	errno = keep;
}

static bool
is_wanted(enum log_level level)
{
	return (unsigned)level < LOG_LEVELS &&
	       (int)level >= atomic_load(&setup_least);
}

/* Who asks for debug lines wants them all. */
static bool
is_due(enum log_level level, const char *component, const char *text)
{
	bool due;

	if (!is_wanted(level) || level == LOG_LEVEL_DEBUG)
		return is_wanted(level);
	pthread_mutex_lock(&kinds.mutex);
	due =
	    log_limit_pass(&kinds.limit, level, component, text, clock_mono());
	pthread_mutex_unlock(&kinds.mutex);
	if (!due)
		atomic_fetch_add(&left_out[level], 1);
	return due;
}

void
log_line(enum log_level level, const char *component, const char *fmt, ...)
{
	struct buf msg = BUF_INIT;
	struct line line;
	va_list ap;

	if (!is_due(level, component, fmt))
		return;
	va_start(ap, fmt);
	buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	line_open(&line, level, component, buf_str(&msg));
	line_close(&line);
	buf_free(&msg);
}

void
log_fields(enum log_level level, const char *component, const char *msg, ...)
{
	const char *key, *value;
	struct line line;
	va_list ap;

	if (!is_due(level, component, msg))
		return;
	line_open(&line, level, component, msg);
	va_start(ap, msg);
	while ((key = va_arg(ap, const char *)) != NULL) {
		value = va_arg(ap, const char *);
		if (value != NULL)
			line_field(&line, key, value);
	}
	va_end(ap);
	line_close(&line);
}

void
log_tick(void)
{
	struct log_limit_row row;
	struct line line;
	char count[24];
	bool some;

	for (;;) {
		pthread_mutex_lock(&kinds.mutex);
		some = log_limit_take(&kinds.limit, clock_mono(), &row);
		pthread_mutex_unlock(&kinds.mutex);
		if (!some)
			return;
		snprintf(count, sizeof(count), "%" PRIu64, row.left_out);
		line_open(&line, row.level, row.component,
		    "too many lines of one kind: some were left out");
		line_field(&line, "count", count);
		line_field(&line, "kind", row.text);
		line_close(&line);
	}
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
