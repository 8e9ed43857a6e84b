/*
 * Proxies judged by the targets that go through them, and told as events.
 * Control thread only.
 */
#ifndef DECIDE_PROXY_H
#define DECIDE_PROXY_H

#include <stdint.h>

#include "site.h"
#include "store.h"

struct decide_proxy;

struct decide_proxy *decide_proxy_new(void); /* NULL: no memory */
void decide_proxy_free(struct decide_proxy *d);

/* Works out the state of each proxy of the roster. */
void decide_proxy_run(
    struct decide_proxy *d, const struct roster *r, uint64_t now);
/* Whether some proxy lets nothing of ours through. */
enum site_verdict decide_proxy_refuses(const struct decide_proxy *d);
/* The states into a decision about the same roster. 0 or -ENOMEM. */
int decide_proxy_copy(const struct decide_proxy *d, struct decision *to);
/* Emits what changed in the last run, once readers can look it up. */
void decide_proxy_tell(struct decide_proxy *d);

#endif
