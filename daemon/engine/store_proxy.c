/* Proxies of a roster. */
#include "build.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"
#include "store.h"
#include "store_proxy.h"

void
store_proxy_free(struct store_proxies *s)
{
	for (size_t i = 0; i < s->tally.slots; i++)
		proxy_tally_unref((void *)(uintptr_t)s->tally.slot[i].value);
	index_free(&s->tally);
}

/* The one of that name; NULL: no memory. */
static struct proxy_tally *
tally_of(struct store_proxies *s, const char *name)
{
	struct index_entry *e = index_add(&s->tally, name);

	if (e != NULL && e->value == 0)
		e->value = (uintptr_t)proxy_tally_new();
	return e != NULL ? (struct proxy_tally *)(uintptr_t)e->value : NULL;
}

static bool
has(const struct roster *r, const struct proxy *p)
{
	for (size_t i = 0; i < r->proxies; i++)
		if (strcmp(r->proxy[i].proxy->name, p->name) == 0)
			return true;
	return false;
}

/* A configuration has one object for a name, but another one may linger. */
static int
take(struct store_proxies *s, struct roster *r, struct proxy *p)
{
	struct roster_proxy *more;

	if (p->tally == NULL) {
		struct proxy_tally *t = tally_of(s, p->name);

		if (t == NULL)
			return -ENOMEM;
		p->tally = proxy_tally_ref(t);
	}
	if (has(r, p))
		return 0;
	more = realloc(r->proxy, (r->proxies + 1) * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	r->proxy = more;
	more[r->proxies++] = (struct roster_proxy){0, proxy_ref(p)};
	return 0;
}

int
store_proxy_gather(struct store_proxies *s, struct roster *r)
{
	int err = 0;

	for (size_t i = 0; i < r->entries && err == 0; i++)
		if (r->entry[i].target->proxy != NULL)
			err = take(s, r, r->entry[i].target->proxy);
	return err;
}
