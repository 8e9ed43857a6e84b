/*
 * The manager's view. Signs of life come from the tick of the signalling
 * loop, and only while the other loop turns too: a process that does not
 * probe is started anew.
 */
#include "build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "notify.h"
#include "service.h"
#include "store.h"

enum { BEATS = 4 }; /* in the time after which the manager acts */

struct service {
	struct service_setup setup;
	struct notify *notify;
	uint64_t beat_at;
	bool reload_failed;
	char *status; /* as last told; owned */
};

struct service *
service_new(const struct service_setup *setup)
{
	struct notify *n = notify_new();
	struct service *s = n != NULL ? calloc(1, sizeof(*s)) : NULL;

	if (s == NULL) {
		notify_free(n);
		return NULL;
	}
	s->setup = *setup;
	s->notify = n;
	return s;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	notify_free(s->notify);
	free(s->status);
	free(s);
}

/* Words for what an operator looks at first. */
static void
put_site(struct buf *b, const struct decision *d)
{
	size_t reachable = 0;

	for (size_t i = 0; i < d->clusters; i++)
		reachable += d->cluster[i].state == STATE_UP ||
			     d->cluster[i].state == STATE_DEGRADED;
	if (d->clusters > 0)
		buf_printf(b, ", %zu of %zu media clusters reachable",
		    reachable, d->clusters);
	if (d->site.local_outage == SITE_YES)
		buf_puts(b, "; the site's own link is at fault");
	else if (d->site.media_unreachable == SITE_YES)
		buf_puts(b, "; no media cluster can be reached");
	else if (d->site.udp_blocked == SITE_YES)
		buf_puts(b, "; UDP is blocked");
}

static char *
status_text(const struct service *s)
{
	struct roster *r = store_roster(s->setup.store);
	struct decision *d = store_decision(s->setup.store);
	struct buf b = BUF_INIT;

	buf_printf(&b, "%zu target%s", r->entries, r->entries == 1 ? "" : "s");
	if (d != NULL)
		put_site(&b, d);
	if (s->reload_failed)
		buf_puts(&b, "; the configuration was not loaded again");
	decision_unref(d);
	roster_unref(r);
	return buf_steal(&b);
}

static void
tell_status(struct service *s)
{
	char *text = status_text(s);

	if (text == NULL ||
	    (s->status != NULL && strcmp(text, s->status) == 0)) {
		free(text);
		return;
	}
	notify_send(s->notify, "STATUS=%s\n", text);
	free(s->status);
	s->status = text;
}

void
service_ready(struct service *s)
{
	if (s == NULL)
		return;
	notify_send(s->notify, "READY=1\n");
	tell_status(s);
}

void
service_tick(struct service *s, uint64_t now)
{
	uint64_t every = s != NULL ? notify_watchdog(s->notify) / BEATS : 0;

	if (s == NULL)
		return;
	if (every > 0 && (s->beat_at == 0 || now - s->beat_at >= every) &&
	    s->setup.healthy(s->setup.arg)) {
		notify_send(s->notify, "WATCHDOG=1\n");
		s->beat_at = now;
	}
	tell_status(s);
}

void
service_reloading(struct service *s, uint64_t now)
{
	if (s != NULL)
		notify_send(s->notify,
		    "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", now / 1000);
}

void
service_reloaded(struct service *s, bool ok)
{
	if (s == NULL)
		return;
	s->reload_failed = !ok;
	service_ready(s);
}

void
service_stopping(struct service *s)
{
	if (s != NULL)
		notify_send(s->notify, "STOPPING=1\n");
}
