/*
 * The least that connects, shakes hands with a context that is shared, and
 * asks by HTTP: four at a time on one thread. Prints the CPU time of each in
 * microseconds. For bench_web.py.
 *
 *	bare_stream tcp|tls|https PORT COUNT [ROOT.pem]
 */
#include "build.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>

#include "addr.h"
#include "duel.h"

enum { WINDOW = 4 };

struct way {
	int fd;
	SSL *ssl;
};

static struct addr server;
static SSL_CTX *ctx;
static bool with_tls, with_request;
static int epoll;

static void
way_open(struct way *w)
{
	struct linger reset = {.l_onoff = 1};
	struct epoll_event ev = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = w};

	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		duel_die("socket");
	setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (with_tls) {
		w->ssl = SSL_new(ctx);
		SSL_set_fd(w->ssl, w->fd);
		SSL_set_connect_state(w->ssl);
	}
	if (connect(w->fd, &server.sa, addr_len(&server)) < 0 &&
	    errno != EINPROGRESS)
		duel_die("connect");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &ev) < 0)
		duel_die("epoll_ctl");
}

static void
way_close(struct way *w)
{
	SSL_free(w->ssl);
	close(w->fd);
	w->ssl = NULL;
}

/* Returns whether the handshake is over; then the request is on its way. */
static bool
shake(struct way *w)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
				      "User-Agent: bench\r\n"
				      "Accept: */*\r\n\r\n";
	int n;

	if (SSL_is_init_finished(w->ssl))
		return true;
	n = SSL_do_handshake(w->ssl);
	if (n != 1 && SSL_get_error(w->ssl, n) != SSL_ERROR_WANT_READ)
		duel_die("handshake");
	if (n != 1)
		return false;
	if (SSL_get_verify_result(w->ssl) != X509_V_OK)
		duel_die("verify");
	if (with_request &&
	    SSL_write(w->ssl, request, sizeof(request) - 1) <= 0)
		duel_die("request");
	return true;
}

/* Returns whether it is done. */
static bool
way_step(struct way *w, unsigned events)
{
	char answer[4096];
	int n;

	if ((events & (EPOLLERR | EPOLLHUP)) != 0)
		duel_die("connection");
	if (with_tls && !shake(w))
		return false;
	if (!with_request)
		return true;
	n = SSL_read(w->ssl, answer, sizeof(answer));
	if (n <= 0 && SSL_get_error(w->ssl, n) != SSL_ERROR_WANT_READ)
		duel_die("answer");
	return n > 0;
}

static void
run(unsigned n)
{
	static struct way way[WINDOW];
	unsigned opened = 0, done = 0;
	struct epoll_event ev[WINDOW];

	for (; opened < n && opened < WINDOW; opened++)
		way_open(&way[opened]);
	while (done < n) {
		int k = epoll_wait(epoll, ev, WINDOW, -1);

		for (int i = 0; i < k; i++) {
			struct way *w = ev[i].data.ptr;

			if (!way_step(w, ev[i].events))
				continue;
			way_close(w);
			done++;
			if (opened < n) {
				way_open(w);
				opened++;
			}
		}
	}
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	double start;

	if (n == 0)
		duel_die("usage: bare_stream tcp|tls|https PORT COUNT [ROOT]");
	with_request = strcmp(argv[1], "https") == 0;
	with_tls = with_request || strcmp(argv[1], "tls") == 0;
	addr_parse_host(&server, "127.0.0.1");
	addr_set_port(&server, (uint16_t)strtoul(argv[2], NULL, 10));
	signal(SIGPIPE, SIG_IGN);
	ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (argc > 4 && SSL_CTX_load_verify_file(ctx, argv[4]) != 1)
		duel_die(argv[4]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	run(WINDOW);
	start = duel_cpu_us();
	run(n);
	printf("%.2f\n", (duel_cpu_us() - start) / n);
	SSL_CTX_free(ctx);
	return 0;
}
