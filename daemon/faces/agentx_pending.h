/*
 * What managers have not been told: for each alarm of a target, a media
 * cluster or the site what they still believe, and what happened last since.
 * So what is held back for a while is told in the end, or need not be, as it
 * is again what it was. Pure; its user locks.
 */
#ifndef AGENTX_PENDING_H
#define AGENTX_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"

/* Alarms at most; more are not remembered. */
enum { AGENTX_PENDING_MOST = 16384 };

struct agentx_pending;

struct agentx_pending *agentx_pending_new(void); /* NULL: no memory */
void agentx_pending_free(struct agentx_pending *p);

/* It was not told. What is no alarm (nothing that ends) is not kept. */
void agentx_pending_put(struct agentx_pending *p, const struct event *e);
/*
 * It is about to be told. False: managers believe it already, since what was
 * between was not told.
 */
bool agentx_pending_settle(struct agentx_pending *p, const struct event *e);
/* Takes the last event of the alarm that has waited longest; false: none. */
bool agentx_pending_take(struct agentx_pending *p, struct event *out);
size_t agentx_pending_count(const struct agentx_pending *p);

#endif
