/* The service manager: what it is told, over which sockets, and how long. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "inventory.h"
#include "log.h"
#include "notify.h"
#include "service.h"
#include "store.h"

static int manager = -1;

/* In the abstract namespace, by a name that the kernel chooses. */
static void
open_manager(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t);
	char name[sizeof(un.sun_path) + 1];

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&un, len), 0);
	len = sizeof(un);
	getsockname(manager, (struct sockaddr *)&un, &len);
	len -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
	memcpy(name, un.sun_path, len);
	name[0] = '@';
	name[len] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
}

static void
close_manager(void)
{
	close(manager);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static const char *
told(void)
{
	static char text[512];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
what_is_told(void **state)
{
	struct notify *n;

	open_manager();
	n = notify_new();
	assert_non_null(n);
	notify_send(n, "READY=1\nSTATUS=%s %d\n", "ok", 7);
	assert_string_equal(told(), "READY=1\nSTATUS=ok 7\n");
	assert_string_equal(told(), "");
	notify_free(n);
	close_manager();
}

static void
by_a_path(void **state)
{
	char directory[] = "/tmp/reachd-notify-XXXXXX";
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct notify *n;

	assert_non_null(mkdtemp(directory));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", directory);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&un, sizeof(un)), 0);
	setenv("NOTIFY_SOCKET", un.sun_path, 1);
	n = notify_new();
	assert_non_null(n);
	notify_send(n, "X=1");
	assert_string_equal(told(), "X=1");
	notify_free(n);
	unlink(un.sun_path);
	rmdir(directory);
	close_manager();
}

static void
no_manager(void **state)
{
	static const char *const wrong[] = {"", "/", "@", "relative/path",
	    "vsock:2:1234",
	    "/a/path/that/is/longer/than/any/address/of/a/unix/socket/can/be/"
	    "which/is/one/hundred/and/eight/octets/with/its/end"};

	log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	unsetenv("NOTIFY_SOCKET");
	assert_null(notify_new());
	notify_send(NULL, "X=1");
	assert_int_equal(notify_watchdog(NULL), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		setenv("NOTIFY_SOCKET", wrong[i], 1);
		assert_null(notify_new());
	}
	/* One that went away is no reason to end. */
	open_manager();
	struct notify *n = notify_new();
	close_manager();
	notify_send(n, "X=1");
	notify_free(n);
}

static const struct {
	const char *us, *pid;
	uint64_t ns;
} watchdogs[] = {
    {"30000000", NULL, 30 * CLOCK_SEC},
    {"30000000", "self", 30 * CLOCK_SEC},
    {"30000000", "1", 0},
    {"", NULL, 0},
    {"0", NULL, 0},
    {"-5", NULL, 0},
    {"5s", NULL, 0},
    {"99999999999999999999999", NULL, 0},
};

static void
how_long_it_waits(void **state)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	for (size_t i = 0; i < sizeof(watchdogs) / sizeof(*watchdogs); i++) {
		const char *who = watchdogs[i].pid;
		struct notify *n;

		open_manager();
		setenv("WATCHDOG_USEC", watchdogs[i].us, 1);
		if (who != NULL)
			setenv("WATCHDOG_PID",
			    strcmp(who, "self") == 0 ? pid : who, 1);
		n = notify_new();
		assert_int_equal(notify_watchdog(n), watchdogs[i].ns);
		notify_free(n);
		close_manager();
	}
}

/* ---- the service, over it ---- */

static bool loops_turn = true;

static bool
healthy(void *arg)
{
	return loops_turn;
}

static struct service *
make_service(struct store *store, const char *watchdog)
{
	const struct service_setup setup = {.store = store, .healthy = healthy};

	open_manager();
	if (watchdog != NULL)
		setenv("WATCHDOG_USEC", watchdog, 1);
	return service_new(&setup);
}

static void
from_start_to_end(void **state)
{
	struct store *store = store_new();
	struct service *s = make_service(store, NULL);

	service_ready(s);
	assert_string_equal(told(), "READY=1\n");
	assert_string_equal(told(), "STATUS=0 targets\n");
	/* No watchdog, and nothing new to say. */
	service_tick(s, CLOCK_SEC);
	assert_string_equal(told(), "");
	service_reloading(s, 12345678999);
	assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=12345678\n");
	service_reloaded(s, false);
	assert_string_equal(told(), "READY=1\n");
	assert_string_equal(told(),
	    "STATUS=0 targets; the configuration was not loaded again\n");
	service_reloading(s, 1000);
	assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=1\n");
	service_reloaded(s, true);
	assert_string_equal(told(), "READY=1\n");
	assert_string_equal(told(), "STATUS=0 targets\n");
	service_stopping(s);
	assert_string_equal(told(), "STOPPING=1\n");
	assert_string_equal(told(), "");
	service_free(s);
	store_free(store);
	close_manager();
}

/* Four signs of life in the time that the manager gives; none while ill. */
static void
signs_of_life(void **state)
{
	struct store *store = store_new();
	struct service *s = make_service(store, "8000000");
	uint64_t t = 1000 * CLOCK_SEC;

	service_tick(s, t);
	assert_string_equal(told(), "WATCHDOG=1\n");
	assert_string_equal(told(), "STATUS=0 targets\n");
	service_tick(s, t + 1999 * CLOCK_MS);
	assert_string_equal(told(), "");
	service_tick(s, t + 2 * CLOCK_SEC);
	assert_string_equal(told(), "WATCHDOG=1\n");
	loops_turn = false;
	for (unsigned i = 3; i < 20; i++)
		service_tick(s, t + i * CLOCK_SEC);
	assert_string_equal(told(), "");
	loops_turn = true;
	service_tick(s, t + 20 * CLOCK_SEC);
	assert_string_equal(told(), "WATCHDOG=1\n");
	service_free(s);
	store_free(store);
	close_manager();
}

static void
without_a_manager(void **state)
{
	const struct service_setup setup = {.healthy = healthy};

	unsetenv("NOTIFY_SOCKET");
	assert_null(service_new(&setup));
	service_ready(NULL);
	service_tick(NULL, 1);
	service_reloading(NULL, 1);
	service_reloaded(NULL, true);
	service_stopping(NULL);
	service_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_told),
	    cmocka_unit_test(by_a_path),
	    cmocka_unit_test(no_manager),
	    cmocka_unit_test(how_long_it_waits),
	    cmocka_unit_test(from_start_to_end),
	    cmocka_unit_test(signs_of_life),
	    cmocka_unit_test(without_a_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
