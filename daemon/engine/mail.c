/* The control's mailbox: one wake-up, and what it was for. */
#include "build.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "mail.h"

enum { RELOAD_MOST = 30 }; /* s */

struct mail {
	uv_async_t async;
	void (*arrived)(void *arg);
	void *arg;
	/* Guards all below. */
	pthread_mutex_t lock;
	pthread_cond_t done;
	uint64_t asked, answered; /* reloads, by number */
	int result;
	struct buf errors;
	uint32_t round[MAIL_ROUNDS];
	unsigned rounds;
};

static void
on_async(uv_async_t *a)
{
	struct mail *m = a->data;

	m->arrived(m->arg);
}

struct mail *
mail_new(struct uv_loop_s *loop, void (*arrived)(void *arg), void *arg)
{
	struct mail *m = calloc(1, sizeof(*m));
	pthread_condattr_t attr;

	if (m == NULL)
		return NULL;
	if (uv_async_init(loop, &m->async, on_async) < 0) {
		free(m);
		return NULL;
	}
	m->async.data = m;
	m->arrived = arrived;
	m->arg = arg;
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	/* A step of the wall clock shortens no wait. */
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->done, &attr);
	pthread_condattr_destroy(&attr);
	return m;
}

void
mail_close(struct mail *m)
{
	uv_close((uv_handle_t *)&m->async, NULL);
}

void
mail_free(struct mail *m)
{
	if (m == NULL)
		return;
	buf_free(&m->errors);
	pthread_cond_destroy(&m->done);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void
mail_wake(struct mail *m)
{
	uv_async_send(&m->async);
}

int
mail_reload(struct mail *m, struct buf *errors)
{
	struct timespec until;
	uint64_t mine;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RELOAD_MOST;
	pthread_mutex_lock(&m->lock);
	mine = ++m->asked;
	mail_wake(m);
	while (m->answered < mine && result != ETIMEDOUT)
		result = pthread_cond_timedwait(&m->done, &m->lock, &until);
	if (m->answered < mine) {
		buf_puts(errors, "the reload did not end within 30 s\n");
		result = -ETIMEDOUT;
	} else {
		result = m->result;
		buf_puts(errors, buf_str(&m->errors));
	}
	pthread_mutex_unlock(&m->lock);
	return result;
}

int
mail_round(struct mail *m, uint32_t index)
{
	int result = 0;

	pthread_mutex_lock(&m->lock);
	if (m->rounds < MAIL_ROUNDS)
		m->round[m->rounds++] = index;
	else
		result = -EAGAIN;
	pthread_mutex_unlock(&m->lock);
	mail_wake(m);
	return result;
}

bool
mail_reload_asked(struct mail *m, uint64_t *ticket)
{
	bool asked;

	pthread_mutex_lock(&m->lock);
	*ticket = m->asked;
	asked = m->asked != m->answered;
	pthread_mutex_unlock(&m->lock);
	return asked;
}

void
mail_reload_answer(
    struct mail *m, uint64_t ticket, int result, const char *errors)
{
	pthread_mutex_lock(&m->lock);
	m->result = result;
	m->answered = ticket;
	buf_reset(&m->errors);
	buf_puts(&m->errors, errors);
	pthread_cond_broadcast(&m->done);
	pthread_mutex_unlock(&m->lock);
}

unsigned
mail_rounds(struct mail *m, uint32_t out[MAIL_ROUNDS])
{
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = m->rounds;
	memcpy(out, m->round, n * sizeof(*out));
	m->rounds = 0;
	pthread_mutex_unlock(&m->lock);
	return n;
}
