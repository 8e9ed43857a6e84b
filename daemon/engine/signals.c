/* Signals by libuv, and which thread takes them. */
#include "build.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "signals.h"

enum { SIGNALS = 3 };

static const int number[SIGNALS] = {SIGHUP, SIGINT, SIGTERM};

struct signals {
	uv_signal_t handle[SIGNALS];
	unsigned open;
	void (*heard)(void *arg, int number);
	void *arg;
};

static void
mask(int how)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < SIGNALS; i++)
		sigaddset(&set, number[i]);
	pthread_sigmask(how, &set, NULL);
}

void
signals_take(void)
{
	mask(SIG_UNBLOCK);
}

static void
on_signal(uv_signal_t *handle, int which)
{
	struct signals *s = handle->data;

	s->heard(s->arg, which);
}

struct signals *
signals_new(uv_loop_t *loop, void (*heard)(void *arg, int number), void *arg)
{
	struct signals *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	mask(SIG_BLOCK);
	s->heard = heard;
	s->arg = arg;
	s->open = SIGNALS;
	for (unsigned i = 0; i < SIGNALS; i++) {
		uv_signal_init(loop, &s->handle[i]);
		s->handle[i].data = s;
		uv_signal_start(&s->handle[i], on_signal, number[i]);
	}
	return s;
}

static void
on_closed(uv_handle_t *handle)
{
	struct signals *s = handle->data;

	if (--s->open == 0)
		free(s);
}

void
signals_close(struct signals *s)
{
	/* Closed, they would be what they are by default: the end. */
	mask(SIG_BLOCK);
	for (unsigned i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&s->handle[i], on_closed);
}
