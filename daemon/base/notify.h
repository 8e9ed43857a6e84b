/*
 * The service manager, told by the protocol of sd_notify(3): a datagram of
 * assignments to the socket that it named in the environment.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

struct notify;

/* NULL: there is no manager, or its socket cannot be used (logged). */
struct notify *notify_new(void);
void notify_free(struct notify *n);

/*
 * Within which time the manager wants to hear from this process, ns; 0: it
 * does not watch. NULL is no manager, here and below.
 */
uint64_t notify_watchdog(const struct notify *n);

/*
 * One or more lines "NAME=value"; text from outside must have no newline.
 * Waits a second at most; what cannot be told is logged. Any thread.
 */
void notify_send(struct notify *n, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
