/*
 * Entries of the system's journal by its native protocol: a datagram of
 * fields, so that `journalctl REACHD_TARGET=edge` finds what it is asked for.
 */
#ifndef LOG_JOURNAL_H
#define LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Standard error leads to the journal, as $JOURNAL_STREAM says. */
bool log_journal_is_stderr(void);

/* A socket connected to the journal's, or -errno. */
int log_journal_open(const char *path);

/*
 * Appends a field: prefix and key in capitals, what is no letter or digit in
 * it as "_". Any bytes are a value.
 */
void log_journal_field(struct buf *b, const char *prefix, const char *key,
    const void *value, size_t len);

/* One entry; never waits. 0, -EAGAIN when the journal is behind, -errno. */
int log_journal_send(int fd, const struct buf *entry);

#endif
