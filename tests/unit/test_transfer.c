/* transfer: what comes of servers that are kind, and of those that are not. */
#include "build.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "addr.h"
#include "clock.h"
#include "folder.h"
#include "lab.h"
#include "loop.h"
#include "space.h"
#include "transfer.h"
#include "origin.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct bench {
	struct loop loop;
	struct origin *origin;
	struct transfer_carrier *carrier;
	struct transfer *other;
	bool close_in_done;
	/* of the last one that ended */
	unsigned dones;
	int error, status;
	size_t len;
	char body[64], why[300], redirect[300];
	uint64_t retry_after;
};

static void
copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void
on_done(void *arg, const struct transfer_result *r)
{
	struct bench *b = arg;
	b->dones++;
	b->error = r->error;
	b->status = r->status;
	b->len = r->len;
	b->retry_after = r->retry_after;
	copy(b->body, sizeof(b->body), r->body);
	copy(b->why, sizeof(b->why), r->why);
	copy(b->redirect, sizeof(b->redirect), r->redirect);
	if (b->other)
		transfer_cancel(b->other);
	b->other = NULL;
	if (b->close_in_done) {
		transfer_close(b->carrier);
		b->carrier = NULL;
	}
}

static int
set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	loop_open(&b->loop);
	b->origin = origin_open(&b->loop.uv);
	b->carrier = transfer_open(&b->loop.uv);
	assert_non_null(b->carrier);
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;
	transfer_close(b->carrier);
	origin_close(b->origin);
	loop_close(&b->loop);
	free(b);
	return 0;
}

static struct transfer *
begin(struct bench *b, struct transfer_request *req)
{
	req->done = on_done;
	req->arg = b;
	return transfer_get(b->carrier, req);
}

static void
run(struct bench *b, struct transfer_request req)
{
	unsigned before = b->dones;
	assert_non_null(begin(b, &req));
	assert_int_equal(b->dones, before); /* never from within */
	loop_until_count(&b->loop, &b->dones, before + 1);
	assert_int_equal(b->dones, before + 1);
}

#define GET(b, ...) run(b, (struct transfer_request){__VA_ARGS__})

static void
test_plain(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/a", ORIGIN_SEND, OK);
	GET(b, .url = origin_url(b->origin, "/a"));
	assert_int_equal(b->error, 0);
	assert_int_equal(b->status, 200);
	assert_int_equal(b->len, 5);
	assert_string_equal(b->body, "hello");
	assert_string_equal(b->why, "");
	assert_non_null(
	    strstr(origin_request(b->origin), "GET /a HTTP/1.1\r\n"));
	assert_non_null(
	    strstr(origin_request(b->origin), "User-Agent: reachd/"));
	assert_null(strstr(origin_request(b->origin), "Authorization"));
	/* Each request has a connection of its own. */
	GET(b, .url = origin_url(b->origin, "/a"));
	assert_int_equal(origin_connections(b->origin), 2);
}

static void
test_token(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/a", ORIGIN_SEND, OK);
	GET(b, .url = origin_url(b->origin, "/a"), .bearer = "s3cret.Token");
	assert_non_null(strstr(origin_request(b->origin),
	    "\r\nAuthorization: Bearer s3cret.Token\r\n"));
	GET(b, .url = origin_url(b->origin, "/a"));
	assert_null(strstr(origin_request(b->origin), "Authorization"));
}

static void
test_statuses(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/503", ORIGIN_SEND,
	    "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: "
	    "2\r\n\r\nno");
	GET(b, .url = origin_url(b->origin, "/503"));
	assert_int_equal(b->error, 0);
	assert_int_equal(b->status, 503);
	assert_string_equal(b->body, "no");
	assert_true(b->retry_after == 7 * CLOCK_SEC);
	GET(b, .url = origin_url(b->origin, "/nothing"));
	assert_int_equal(b->status, 404);
	assert_int_equal(b->len, 0);
	assert_string_equal(b->body, "");
	assert_true(b->retry_after == 0);
	/* A server that wants us back next year is cut to a day. */
	origin_on(b->origin, "/429", ORIGIN_SEND,
	    "HTTP/1.1 429 No\r\nRetry-After: 99999999\r\n"
	    "Content-Length: 0\r\n\r\n");
	GET(b, .url = origin_url(b->origin, "/429"));
	assert_true(b->retry_after == 86400 * CLOCK_SEC);
}

static void
test_redirect_is_not_followed(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/a", ORIGIN_SEND,
	    "HTTP/1.1 302 Found\r\nLocation: /b?token=x\r\n"
	    "Content-Length: 0\r\n\r\n");
	origin_on(b->origin, "/b?token=x", ORIGIN_SEND, OK);
	GET(b, .url = origin_url(b->origin, "/a"), .bearer = "t");
	assert_int_equal(b->status, 302);
	assert_string_equal(b->redirect, origin_url(b->origin, "/b?token=x"));
	assert_int_equal(origin_requests(b->origin), 1);
}

static void
test_never_answers(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/a", ORIGIN_HOLD, "");
	loop_watch_gaps(&b->loop);
	GET(b, .url = origin_url(b->origin, "/a"), .timeout = 200 * CLOCK_MS);
	assert_int_equal(b->error, -ETIMEDOUT);
	assert_int_equal(b->status, 0);
	assert_non_null(strstr(b->why, "timed out"));
	origin_on(b->origin, "/b", ORIGIN_HOLD,
	    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	GET(b, .url = origin_url(b->origin, "/b"), .timeout = 200 * CLOCK_MS);
	assert_int_equal(b->error, -ETIMEDOUT);
	assert_true(b->loop.gap < CLOCK_SEC);
}

/* Bytes that come now and then do not put off the end. */
static void
test_drips(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/a", ORIGIN_DRIP, OK);
	uint64_t start = clock_mono();
	GET(b, .url = origin_url(b->origin, "/a"), .timeout = 300 * CLOCK_MS);
	assert_int_equal(b->error, -ETIMEDOUT);
	assert_true(clock_mono() - start >= 300 * CLOCK_MS);
	assert_true(origin_sent(b->origin) > 0);
	assert_true(origin_sent(b->origin) < sizeof(OK) - 1);
}

/* The limit is reached long before the gigabyte is. */
static void
test_too_large(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/flood", ORIGIN_FLOOD, "HTTP/1.1 200 OK\r\n\r\n");
	GET(b, .url = origin_url(b->origin, "/flood"), .most = 1 << 20);
	assert_int_equal(b->error, -EFBIG);
	assert_string_equal(b->why, "the answer is too large");
	assert_true(b->len <= 1 << 20);
	assert_true(origin_sent(b->origin) < 32 << 20);
	origin_on(b->origin, "/told", ORIGIN_FLOOD,
	    "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
	GET(b, .url = origin_url(b->origin, "/told"));
	assert_int_equal(b->error, -EFBIG);
	assert_int_equal(b->len, 0);
	/* As much as is allowed is not too much. */
	origin_on(b->origin, "/a", ORIGIN_SEND, OK);
	GET(b, .url = origin_url(b->origin, "/a"), .most = 5);
	assert_int_equal(b->error, 0);
	GET(b, .url = origin_url(b->origin, "/a"), .most = 4);
	assert_int_equal(b->error, -EFBIG);
}

static void
test_endless_headers(void **state)
{
	struct bench *b = *state;
	static char text[600 << 10];
	size_t len = (size_t)snprintf(text, 32, "HTTP/1.1 200 OK\r\n");
	while (len < 500 << 10)
		len += (size_t)snprintf(
		    text + len, 1000, "X-%zu: %0900d\r\n", len, 0);
	origin_on(b->origin, "/a", ORIGIN_HOLD, text);
	GET(b, .url = origin_url(b->origin, "/a"));
	assert_int_equal(b->error, -EFBIG);
	assert_string_equal(b->why, "the headers of the answer are too large");
}

static void
test_broken_answers(void **state)
{
	static const char *const text[] = {"", "junk\r\n\r\n", "HTTP/1.1",
	    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nshort"};
	struct bench *b = *state;
	for (unsigned i = 0; i < sizeof(text) / sizeof(*text); i++) {
		origin_on(b->origin, "/a", ORIGIN_SEND, text[i]);
		GET(b, .url = origin_url(b->origin, "/a"));
		assert_true(b->error < 0);
		assert_true(strlen(b->why) > 0);
	}
	origin_on(b->origin, "/r", ORIGIN_RESET,
	    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
	GET(b, .url = origin_url(b->origin, "/r"));
	assert_true(b->error < 0);
}

static void
test_refused_and_nonsense(void **state)
{
	static const char *const url[] = {"ftp://127.0.0.1/",
	    "file:///etc/passwd", "nonsense", "", "http://"};
	struct bench *b = *state;
	char dead[64];
	snprintf(dead, sizeof(dead), "http://127.0.0.1:%u/",
	    peer_dead_port(AF_INET));
	GET(b, .url = dead);
	assert_int_equal(b->error, -ECONNREFUSED);
	for (unsigned i = 0; i < sizeof(url) / sizeof(*url); i++) {
		struct transfer_request req = {
		    .url = url[i], .timeout = CLOCK_SEC};
		unsigned before = b->dones;
		if (!begin(b, &req))
			continue;
		loop_until_count(&b->loop, &b->dones, before + 1);
		assert_true(b->error < 0);
		assert_int_equal(b->len, 0);
	}
}

/* The token is the origin's: a proxy that only carries bytes never sees it. */
static void
test_proxy(void **state)
{
	struct bench *b = *state;
	char proxy[64];
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u",
	    origin_port(b->origin));
	origin_on(b->origin, "http://origin.test/x", ORIGIN_SEND, OK);
	GET(b, .url = "http://origin.test/x", .proxy = proxy);
	assert_int_equal(b->status, 200);
	origin_on(b->origin, "origin.test:443", ORIGIN_SEND,
	    "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
	GET(b, .url = "https://origin.test/x", .proxy = proxy, .bearer = "t0k");
	assert_true(b->error < 0);
	assert_non_null(strstr(b->why, "403"));
	assert_memory_equal(origin_request(b->origin), "CONNECT ", 8);
	assert_null(strstr(origin_request(b->origin), "Authorization"));
	assert_null(strstr(origin_request(b->origin), "t0k"));
}

static void
test_environment_is_ignored(void **state)
{
	struct bench *b = *state;
	char dead[64], proxy[64];
	snprintf(
	    dead, sizeof(dead), "http://127.0.0.1:%u", peer_dead_port(AF_INET));
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u",
	    origin_port(b->origin));
	setenv("http_proxy", dead, 1);
	setenv("ALL_PROXY", dead, 1);
	setenv("no_proxy", "*", 1);
	origin_on(b->origin, "/a", ORIGIN_SEND, OK);
	GET(b, .url = origin_url(b->origin, "/a"));
	assert_int_equal(b->status, 200);
	/* Nor does it keep us from a proxy that is configured. */
	origin_on(b->origin, "http://origin.test/x", ORIGIN_SEND, OK);
	GET(b, .url = "http://origin.test/x", .proxy = proxy);
	assert_int_equal(b->status, 200);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	unsetenv("no_proxy");
}

/* ---- TLS ---- */

static void
serve_tls(struct peer *peer, int fd)
{
	char buf[4096];
	SSL *ssl = SSL_new(peer->arg);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, buf, sizeof(buf)) > 0) {
		SSL_write(ssl, OK, sizeof(OK) - 1);
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
}

/* A server with such a certificate; what a client makes of it. */
static void
get_tls(struct bench *b, struct lab_cert *cert, const char *ca_file)
{
	struct peer peer = {.script = serve_tls, .arg = lab_server(cert)};
	char url[64];
	peer_start(&peer, AF_INET);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", peer.port);
	GET(b, .url = url, .ca_file = ca_file, .bearer = "t0k");
	peer_stop(&peer);
	SSL_CTX_free(peer.arg);
}

static void
test_certificates(void **state)
{
	struct bench *b = *state;
	struct lab_cert ca = {.subject = "Test CA", .days = 9, .is_ca = true};
	struct lab_cert good = {
	    .subject = "127.0.0.1", .days = 9, .issuer = &ca};
	struct lab_cert other = {
	    .subject = "other.test", .days = 9, .issuer = &ca};
	struct lab_cert old = {
	    .subject = "127.0.0.1", .days = -9, .issuer = &ca};
	lab_cert_make(&ca);
	lab_cert_make(&good);
	lab_cert_make(&other);
	lab_cert_make(&old);
	char *file = lab_cert_file(&ca);
	get_tls(b, &good, file);
	assert_int_equal(b->error, 0);
	assert_string_equal(b->body, "hello");
	get_tls(b, &good, NULL);
	assert_int_equal(b->error, -EACCES);
	assert_non_null(strstr(b->why, "certificate"));
	get_tls(b, &other, file);
	assert_int_equal(b->error, -EACCES);
	assert_non_null(strstr(b->why, "other.test"));
	get_tls(b, &old, file);
	assert_int_equal(b->error, -EACCES);
	assert_non_null(strstr(b->why, "expired"));
	get_tls(b, &good, "/nowhere/ca.pem");
	assert_true(b->error < 0);
	unlink(file);
	free(file);
	lab_cert_free(&old);
	lab_cert_free(&other);
	lab_cert_free(&good);
	lab_cert_free(&ca);
}

/* ---- ends ---- */

static void
test_cancel(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/hold", ORIGIN_HOLD, "");
	origin_on(b->origin, "/a", ORIGIN_SEND, OK);
	struct transfer_request hold = {.url = origin_url(b->origin, "/hold")};
	transfer_cancel(begin(b, &hold)); /* before anything was sent */
	struct transfer *t = begin(b, &hold);
	LOOP_UNTIL(&b->loop, origin_requests(b->origin) > 0);
	transfer_cancel(t);
	/* One that is under way is cancelled while another one ends. */
	b->other = begin(b, &hold);
	GET(b, .url = origin_url(b->origin, "/a"));
	assert_null(b->other);
	assert_int_equal(b->dones, 1);
}

static void
test_close_in_done(void **state)
{
	struct bench *b = *state;
	origin_on(b->origin, "/a", ORIGIN_SEND, OK);
	origin_on(b->origin, "/hold", ORIGIN_HOLD, "");
	struct transfer_request hold = {.url = origin_url(b->origin, "/hold")};
	for (unsigned i = 0; i < 5; i++)
		assert_non_null(begin(b, &hold));
	b->close_in_done = true;
	GET(b, .url = origin_url(b->origin, "/a"));
	assert_int_equal(b->dones, 1);
	assert_null(b->carrier);
}

static void
test_many(void **state)
{
	struct bench *b = *state;
	struct transfer_request req = {.url = origin_url(b->origin, "/a")};
	origin_on(b->origin, "/a", ORIGIN_SEND, OK);
	for (unsigned i = 0; i < 60; i++)
		assert_non_null(begin(b, &req));
	loop_until_count(&b->loop, &b->dones, 60);
	assert_int_equal(b->dones, 60);
	assert_int_equal(b->error, 0);
}

/* ---- a name server that is silent ---- */

static void
test_silent_resolver(void **state)
{
	struct bench *b = *state;
	struct addr a;
	char conf[] = "/tmp/resolv.XXXXXX", packet[512];
	int file = mkstemp(conf);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(addr_parse_host(&a, "127.0.0.1"), 0);
	addr_set_port(&a, 53);
	assert_int_equal(bind(fd, &a.sa, addr_len(&a)), 0);
	assert_int_equal(write(file, "nameserver 127.0.0.1\n", 21), 21);
	close(file);
	assert_int_equal(
	    mount(conf, "/etc/resolv.conf", NULL, MS_BIND, NULL), 0);
	uint64_t start = clock_mono();
	loop_watch_gaps(&b->loop);
	GET(b, .url = "http://hung.test/", .timeout = 200 * CLOCK_MS);
	assert_int_equal(b->error, -ETIMEDOUT);
	transfer_close(b->carrier);
	b->carrier = NULL;
	uv_run(&b->loop.uv, UV_RUN_NOWAIT);
	/* The system's resolver gives up after 10 s. */
	assert_true(clock_mono() - start < 3 * CLOCK_SEC);
	assert_true(b->loop.gap < 2 * CLOCK_SEC);
	assert_true(recv(fd, packet, sizeof(packet), MSG_DONTWAIT) > 12);
	umount2("/etc/resolv.conf", MNT_DETACH);
	unlink(conf);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	    T(test_plain),
	    T(test_token),
	    T(test_statuses),
	    T(test_redirect_is_not_followed),
	    T(test_never_answers),
	    T(test_drips),
	    T(test_too_large),
	    T(test_endless_headers),
	    T(test_broken_answers),
	    T(test_refused_and_nonsense),
	    T(test_proxy),
	    T(test_environment_is_ignored),
	    T(test_certificates),
	    T(test_cancel),
	    T(test_close_in_done),
	    T(test_many),
	    T(test_silent_resolver),
	};
	space_enter();
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
