/* The mailbox: each request reaches the loop once, and the waiter its answer.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <uv.h>

#include "mail.h"

enum { ASKERS = 4, TIMES = 50 };

struct desk {
	uv_loop_t loop;
	struct mail *mail;
	_Atomic bool stop; /* all has been asked */
	unsigned reloads;
	unsigned rounds[8]; /* by index */
};

/* What the control does with its mail, with a result that can be told. */
static void
on_mail(void *arg)
{
	struct desk *d = arg;
	uint32_t round[MAIL_ROUNDS];
	/* First: what was asked for before it is there when it is seen. */
	bool stop = atomic_load(&d->stop);
	unsigned n = mail_rounds(d->mail, round);
	uint64_t ticket;

	for (unsigned i = 0; i < n; i++)
		d->rounds[round[i]]++;
	if (mail_reload_asked(d->mail, &ticket)) {
		d->reloads++;
		mail_reload_answer(d->mail, ticket, -EINVAL, "line 3: no\n");
	}
	if (stop)
		mail_close(d->mail);
}

static void
open_desk(struct desk *d)
{
	memset(d, 0, sizeof(*d));
	assert_int_equal(uv_loop_init(&d->loop), 0);
	d->mail = mail_new(&d->loop, on_mail, d);
	assert_non_null(d->mail);
}

static void
close_desk(struct desk *d)
{
	mail_free(d->mail);
	assert_int_equal(uv_loop_close(&d->loop), 0);
}

/* Requests that are made before the loop looks are all there, in order. */
static void
test_rounds(void **state)
{
	struct desk d;
	uint32_t out[MAIL_ROUNDS];
	uint64_t ticket;

	open_desk(&d);
	assert_int_equal(mail_rounds(d.mail, out), 0);
	assert_false(mail_reload_asked(d.mail, &ticket));
	for (uint32_t i = 0; i < MAIL_ROUNDS; i++)
		assert_int_equal(mail_round(d.mail, i), 0);
	assert_int_equal(mail_round(d.mail, 99), -EAGAIN);
	assert_int_equal(mail_rounds(d.mail, out), MAIL_ROUNDS);
	for (uint32_t i = 0; i < MAIL_ROUNDS; i++)
		assert_int_equal(out[i], i);
	assert_int_equal(mail_rounds(d.mail, out), 0);
	atomic_store(&d.stop, true);
	mail_wake(d.mail);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	close_desk(&d);
}

static void *
ask(void *arg)
{
	struct mail *m = arg;
	uintptr_t wrong = 0;

	for (int i = 0; i < TIMES; i++) {
		struct buf errors = BUF_INIT;

		wrong += mail_reload(m, &errors) != -EINVAL;
		wrong += strcmp(buf_str(&errors), "line 3: no\n") != 0;
		buf_free(&errors);
		while (mail_round(m, 7) == -EAGAIN)
			;
	}
	return (void *)wrong;
}

static void *
ask_all(void *arg)
{
	struct desk *d = arg;
	pthread_t asker[ASKERS];
	uintptr_t wrong = 0;

	for (int i = 0; i < ASKERS; i++)
		wrong += pthread_create(&asker[i], NULL, ask, d->mail) != 0;
	for (int i = 0; i < ASKERS; i++) {
		void *result;

		pthread_join(asker[i], &result);
		wrong += (uintptr_t)result;
	}
	atomic_store(&d->stop, true);
	mail_wake(d->mail);
	return (void *)wrong;
}

/*
 * Every waiter gets an answer that was made after it had asked; one reload
 * may answer several. No round is lost.
 */
static void
test_threads(void **state)
{
	struct desk d;
	pthread_t all;
	void *wrong;

	open_desk(&d);
	assert_int_equal(pthread_create(&all, NULL, ask_all, &d), 0);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	pthread_join(all, &wrong);
	assert_null(wrong);
	assert_true(d.reloads >= TIMES && d.reloads <= ASKERS * TIMES);
	assert_int_equal(d.rounds[7], ASKERS * TIMES);
	close_desk(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rounds),
	    cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
