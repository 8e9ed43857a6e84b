/*
 * What a service manager sees: ready, reloading, stopping, a line of status,
 * and signs of life while the loops turn.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stdint.h>

struct store;
struct service;

struct service_setup {
	struct store *store; /* borrowed */
	/* The loops turn; asked before each sign of life. */
	bool (*healthy)(void *arg);
	void *arg;
};

/* NULL when no manager asked for it in the environment; fine below. */
struct service *service_new(const struct service_setup *setup);
void service_free(struct service *s);

/* The configuration is in effect and the listeners are bound. */
void service_ready(struct service *s);
/* About once a second, from a loop that is to be watched. */
void service_tick(struct service *s, uint64_t now);
/* A reload begins, or has ended, well or not. On the thread of the ticks. */
void service_reloading(struct service *s, uint64_t now);
void service_reloaded(struct service *s, bool ok);
void service_stopping(struct service *s);

#endif
