/* What the tests of resolve start with: a name server, and waiting for it. */
#ifndef RESOLVE_BENCH_H
#define RESOLVE_BENCH_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "clock.h"
#include "folder.h"
#include "loop.h"
#include "nameserver.h"
#include "resolve.h"

struct bench {
	struct loop loop;
	struct folder folder;
	struct nameserver *ns;
	struct resolve *resolve;
	unsigned changes, seen;
	const char *host; /* that a wait is about */
	unsigned wanted;
};

static void
on_changed(void *arg)
{
	((struct bench *)arg)->changes++;
}

static int
set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	loop_open(&b->loop);
	folder_open(&b->folder);
	folder_write(&b->folder, "hosts", "");
	folder_write(&b->folder, "resolv.conf", "");
	b->ns = nameserver_open(&b->loop.uv, "127.0.0.1", 0);
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;
	resolve_free(b->resolve);
	nameserver_close(b->ns);
	loop_close(&b->loop);
	folder_close(&b->folder);
	free(b);
	return 0;
}

/* Quick, unless setup says otherwise: fresh for 100 ms. */
static void
begin(struct bench *b, struct resolve_setup s)
{
	s.loop = &b->loop.uv;
	s.hosts_file = folder_path(&b->folder, "hosts");
	s.resolv_conf = folder_path(&b->folder, "resolv.conf");
	if (!s.ttl_least)
		s.ttl_least = 100 * CLOCK_MS;
	if (!s.retry)
		s.retry = 50 * CLOCK_MS;
	if (!s.timeout)
		s.timeout = 5 * CLOCK_SEC;
	s.changed = on_changed;
	s.arg = b;
	b->resolve = resolve_new(&s);
	assert_non_null(b->resolve);
}

#define BEGIN(b, ...) begin(b, (struct resolve_setup){__VA_ARGS__})
#define SERVER(b)     .server = nameserver_text((b)->ns)

static void
want(struct bench *b, const char *host)
{
	char *list[] = {(char *)host};
	resolve_want(b->resolve, list, 1);
}

static bool
is_settled(void *arg)
{
	struct bench *b = arg;
	return resolve_settled(b->resolve);
}

static bool
has_failed(void *arg)
{
	struct bench *b = arg;
	return resolve_failures(b->resolve, b->host, NULL) >= b->wanted;
}

static bool
has_addresses(void *arg)
{
	struct bench *b = arg;
	const struct addr *a;
	return resolve_get(b->resolve, b->host, &a) == b->wanted;
}

static bool
was_asked(void *arg)
{
	struct bench *b = arg;
	return nameserver_asked(b->ns, b->host, 0) >= b->wanted;
}

static void
wait_for(struct bench *b, bool (*is)(void *arg), const char *host, unsigned n)
{
	b->host = host;
	b->wanted = n;
	loop_until(&b->loop, is, b);
}

/* The addresses of the name are these, in this order; NULL at the end. */
static void
check(struct bench *b, const char *host, ...)
{
	const struct addr *a;
	char text[ADDR_TEXT];
	size_t n = resolve_get(b->resolve, host, &a), i = 0;
	va_list ap;
	va_start(ap, host);
	for (const char *one; (one = va_arg(ap, const char *)); i++) {
		assert_true(i < n);
		assert_int_equal(addr_port(&a[i]), 0);
		assert_string_equal(addr_host_text(&a[i], text), one);
	}
	va_end(ap);
	assert_int_equal(n, i);
}

static void
check_why(struct bench *b, const char *host, const char *why)
{
	const char *is;
	assert_true(resolve_failures(b->resolve, host, &is) > 0);
	assert_string_equal(is, why);
}

#endif
