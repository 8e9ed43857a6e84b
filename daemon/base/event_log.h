/* A line of the log for each event: what, of what, from, to, and why. */
#ifndef EVENT_LOG_H
#define EVENT_LOG_H

#include "event.h"

/* For event_subscribe(); the argument is not used. */
void event_log_line(void *arg, const struct event *e);

#endif
