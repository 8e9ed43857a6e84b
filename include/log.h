/*
 * Log lines on standard error: logfmt or JSON, RFC 3339 UTC with ms, one line
 * per call, safe from any thread; or entries of the system's journal. Many
 * lines of one kind are cut short, see log_limit.h. Not for the hot path.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR, LOG_LEVELS };

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON, LOG_FORMAT_JOURNAL };

void log_setup(enum log_level least, enum log_format format);
/*
 * From now on lines are entries of the journal that listens there: MESSAGE,
 * PRIORITY, REACHD_COMPONENT and a REACHD_KEY for each field. 0, or -errno
 * when nothing changed.
 */
int log_to_journal(const char *path);

/* 0, or -EINVAL when the text names no level or format. */
int log_level_parse(const char *text, enum log_level *out);
int log_format_parse(const char *text, enum log_format *out);
const char *log_level_name(enum log_level level);

/*
 * One line: component=ROOM msg=TEXT. Further fields go through log_fields:
 * pairs of key and value after the message, NULL at the end; a pair whose
 * value is NULL is left out. fmt and msg are constants of the program: lines
 * of one text are one kind.
 */
void log_line(enum log_level level, const char *component, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
void log_fields(enum log_level level, const char *component, const char *msg,
    ...) __attribute__((sentinel));

/* A line of the log for each line of the text; NULL is none. */
void log_lines(enum log_level level, const char *component, const char *text);

#define log_debug(c, ...) log_line(LOG_LEVEL_DEBUG, c, __VA_ARGS__)
#define log_info(c, ...) log_line(LOG_LEVEL_INFO, c, __VA_ARGS__)
#define log_warn(c, ...) log_line(LOG_LEVEL_WARN, c, __VA_ARGS__)
#define log_error(c, ...) log_line(LOG_LEVEL_ERROR, c, __VA_ARGS__)

/* Now and then: tells how many lines of which kinds were left out. */
void log_tick(void);

/* Lines written since the start, and not, by level, for the exposition. */
uint64_t log_count(enum log_level level);
uint64_t log_left_out(enum log_level level);

#endif
