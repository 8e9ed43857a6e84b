/* Keeping sockets: by age, by room, and by what has come in. */
#include "build.h"

#include <poll.h>
#include <stdlib.h>

#include "dgram_set.h"

void
dgram_set_free(struct dgram_set *set)
{
	free(set->poll);
	free(set->polled);
}

void
dgram_set_add(struct dgram_set *set, struct dgram_socket *s)
{
	s->next = set->active;
	set->active = s;
	set->count++;
}

struct dgram_socket *
dgram_set_find(
    const struct dgram_set *set, const struct dgram_key *key, unsigned n)
{
	struct dgram_socket *s = set->active;

	while (s != NULL && (s->used + s->reserved + n > DGRAM_SLOTS ||
				!dgram_socket_fits(s, key)))
		s = s->next;
	return s;
}

void
dgram_set_retire(struct dgram_set *set, uint64_t opened)
{
	struct dgram_socket **at = &set->active;

	while (*at != NULL) {
		struct dgram_socket *s = *at;

		if (s->opened > opened) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		s->next = set->retired;
		set->retired = s;
	}
}

struct dgram_socket *
dgram_set_done(struct dgram_set *set, uint64_t now)
{
	struct dgram_socket **at = &set->retired, *s;

	while (*at != NULL && ((*at)->reserved > 0 ||
				  ((*at)->used > 0 && now < (*at)->linger)))
		at = &(*at)->next;
	s = *at;
	if (s != NULL) {
		*at = s->next;
		set->count--;
	}
	return s;
}

/* Room in the lists for all; else the rest of them waits for memory. */
static void
grow(struct dgram_set *set)
{
	unsigned size = 2 * set->count;
	void *poll = realloc(set->poll, size * sizeof(*set->poll));
	void *polled;

	if (poll == NULL)
		return;
	set->poll = poll;
	polled = realloc(set->polled, size * sizeof(*set->polled));
	if (polled == NULL)
		return;
	set->polled = polled;
	set->size = size;
}

void
dgram_set_poll(struct dgram_set *set)
{
	struct dgram_socket *lists[] = {set->active, set->retired};
	unsigned n = 0;

	if (set->size < set->count)
		grow(set);
	for (unsigned l = 0; l < 2; l++) {
		for (struct dgram_socket *s = lists[l];
		     s != NULL && n < set->size; s = s->next) {
			set->poll[n] = (struct pollfd){s->fd, POLLIN, 0};
			set->polled[n++] = s;
		}
	}
	set->ready = n > 0 && poll(set->poll, n, 0) > 0 ? n : 0;
}

struct dgram_socket *
dgram_set_next(struct dgram_set *set, int *events)
{
	while (set->ready > 0) {
		unsigned i = --set->ready;

		*events = set->poll[i].revents;
		/* What failed at sending waits without an event. */
		if (*events != 0 || set->polled[i]->failed > 0)
			return set->polled[i];
	}
	return NULL;
}
