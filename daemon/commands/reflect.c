/* The reflector's options and life. */
#include "build.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "reflect.h"
#include "reflect_fate.h"
#include "reflect_stream.h"
#include "reflect_udp.h"
#include "word.h"

enum { LISTEN_MAX = 64, SIGNALS = 2 };

#define OPTIONS(X)                                                            \
	X(LISTEN_UDP, "listen.udp", "ADDRESS:PORT", "answer over UDP there")  \
	X(LISTEN_TCP, "listen.tcp", "ADDRESS:PORT", "answer over TCP there")  \
	X(LISTEN_TLS, "listen.tls", "ADDRESS:PORT", "answer over TLS there")  \
	X(DELAY, "delay", "DURATION", "answer so much later (10ms)")          \
	X(JITTER, "jitter", "DURATION", "give or take so much, evenly (2ms)") \
	X(LOSS, "loss", "PERCENT", "leave out that share of answers (5%)")    \
	X(DUPLICATE, "duplicate", "PERCENT", "answer that share twice")       \
	X(REORDER, "reorder", "PERCENT", "hold that share back by 30 ms")     \
	X(ERROR, "error", "CODE", "answer with that STUN error code")         \
	X(SEED, "seed", "NUMBER", "make the dice repeatable")                 \
	X(TLS_CERT, "tls.cert", "FILE",                                       \
	    "certificate chain (default: one made "                           \
	    "in memory)")                                                     \
	X(TLS_KEY, "tls.key", "FILE", "its key (default: in the same file)")  \
	X(TLS_SNI, "tls.require-sni", NULL,                                   \
	    "refuse a handshake without a "                                   \
	    "server name")                                                    \
	X(PRINT_PORTS, "print-ports", NULL,                                   \
	    "print a line per listener once "                                 \
	    "it listens")                                                     \
	X(HELP, "help", NULL, "print this and exit")

enum option_id {
	OPT_FIRST = 256,
#define X(id, name, arg, help) OPT_##id,
	OPTIONS(X)
#undef X
};

struct listener {
	enum transport transport;
	struct addr at;
	struct reflect_udp *udp; /* owned: one of the two */
	struct reflect_acceptor *stream;
};

struct reflect {
	uv_loop_t loop;
	uv_signal_t sig[SIGNALS];
	struct reflect_plan plan;
	struct reflect_fate *fate;
	struct reflect_tls *tls;
	struct listener listener[LISTEN_MAX];
	unsigned listeners;
	const char *cert, *key;
	bool require_sni, print_ports;
};

static const struct option options[] = {
#define X(id, name, arg, help) \
	{name, (arg) != NULL ? required_argument : no_argument, NULL, OPT_##id},
    OPTIONS(X)
#undef X
	{NULL, 0, NULL, 0}};

static void
help_print(FILE *out)
{
	fprintf(out, "usage: reachd reflect --listen.udp=ADDRESS:PORT "
		     "[OPTION]...\n\n");
#define X(id, name, arg, help)                         \
	fprintf(out, "  --%s%s%s\n        %s\n", name, \
	    (arg) != NULL ? "=" : "", (arg) != NULL ? (arg) : "", help);
	OPTIONS(X)
#undef X
}

/* ---- option values: 0 or -EINVAL, said why ---- */

static int
wrong(const char *name, const char *value, const char *expected)
{
	fprintf(stderr, "reachd reflect: --%s: '%s' is not %s\n", name, value,
	    expected);
	return -EINVAL;
}

static int
listen_set(
    struct reflect *r, enum transport t, const char *name, const char *value)
{
	struct listener *l = &r->listener[r->listeners];
	uint16_t port = 0;
	char host[128];

	if (r->listeners == LISTEN_MAX) {
		fprintf(stderr, "reachd reflect: at most %d listeners\n",
		    LISTEN_MAX);
		return -EINVAL;
	}
	if (addr_split(value, host, sizeof(host), &port) < 0 ||
	    addr_parse_host(&l->at, host) < 0)
		return wrong(name, value,
		    "an address and a port, such as 127.0.0.1:3478 or [::]:0");
	addr_set_port(&l->at, port);
	l->transport = t;
	r->listeners++;
	return 0;
}

static int
duration_set(const char *name, const char *value, uint64_t *out)
{
	if (clock_duration_parse(value, out) == 0 && *out <= 60 * CLOCK_SEC)
		return 0;
	return wrong(name, value, "a duration up to 60s, such as 10ms");
}

static int
percent_set(const char *name, const char *value, uint32_t *ppm)
{
	char *end;
	double v = strtod(value, &end);

	if (end != value && (*end == '\0' || strcmp(end, "%") == 0) && v >= 0 &&
	    v <= 100) {
		*ppm = (uint32_t)(v * 10000 + 0.5);
		return 0;
	}
	return wrong(name, value, "a share from 0% to 100%");
}

static int
number_set(const char *name, const char *value, uint64_t least, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(value, &end, 10);
	if (errno == 0 && end != value && *end == '\0' && *out >= least &&
	    value[0] != '-')
		return 0;
	return wrong(name, value, "a whole number in range");
}

static int
error_set(const char *value, unsigned *out)
{
	uint64_t code;

	if (number_set("error", value, 300, &code) < 0)
		return -EINVAL;
	if (code > 699)
		return wrong("error", value, "a code from 300 to 699");
	*out = (unsigned)code;
	return 0;
}

static int
option_set(struct reflect *r, int id, const char *value)
{
	switch (id) {
	case OPT_LISTEN_UDP:
		return listen_set(r, TRANSPORT_UDP, "listen.udp", value);
	case OPT_LISTEN_TCP:
		return listen_set(r, TRANSPORT_TCP, "listen.tcp", value);
	case OPT_LISTEN_TLS:
		return listen_set(r, TRANSPORT_TLS, "listen.tls", value);
	case OPT_DELAY:
		return duration_set("delay", value, &r->plan.delay_ns);
	case OPT_JITTER:
		return duration_set("jitter", value, &r->plan.jitter_ns);
	case OPT_LOSS:
		return percent_set("loss", value, &r->plan.loss_ppm);
	case OPT_DUPLICATE:
		return percent_set("duplicate", value, &r->plan.duplicate_ppm);
	case OPT_REORDER:
		return percent_set("reorder", value, &r->plan.reorder_ppm);
	case OPT_ERROR:
		return error_set(value, &r->plan.error);
	case OPT_SEED:
		return number_set("seed", value, 1, &r->plan.seed);
	case OPT_TLS_CERT:
		r->cert = value;
		return 0;
	case OPT_TLS_KEY:
		r->key = value;
		return 0;
	case OPT_TLS_SNI:
		r->require_sni = true;
		return 0;
	case OPT_PRINT_PORTS:
		r->print_ports = true;
		return 0;
	default:
		return -EINVAL;
	}
}

/* -1: go on; otherwise the exit status. */
static int
options_parse(struct reflect *r, int argc, char **argv)
{
	int id;

	while ((id = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (id == 'h' || id == OPT_HELP) {
			help_print(stdout);
			return 0;
		}
		if (option_set(r, id, optarg) < 0)
			return 2;
	}
	if (optind < argc) {
		fprintf(stderr, "reachd reflect: '%s' is no option\n",
		    argv[optind]);
		return 2;
	}
	if (r->listeners == 0) {
		fprintf(stderr, "reachd reflect: nothing to listen on: give "
				"--listen.udp, --listen.tcp or --listen.tls\n");
		return 2;
	}
	if (r->key != NULL && r->cert == NULL) {
		fprintf(stderr, "reachd reflect: --tls.key needs --tls.cert\n");
		return 2;
	}
	return -1;
}

/* ---- life ---- */

static void
send_answer(const struct reflect_answer *a)
{
	if (a->stream != NULL)
		reflect_stream_send(a);
	else
		reflect_udp_send(a);
}

/* Closes what is open; the loop then runs out. */
static void
shut_down(struct reflect *r)
{
	for (unsigned i = 0; i < r->listeners; i++) {
		struct listener *l = &r->listener[i];

		if (l->udp != NULL)
			reflect_udp_close(l->udp);
		if (l->stream != NULL)
			reflect_stream_close(l->stream);
		l->udp = NULL;
		l->stream = NULL;
	}
	if (r->fate != NULL)
		reflect_fate_close(r->fate);
	r->fate = NULL;
	for (unsigned i = 0; i < SIGNALS; i++)
		if (!uv_is_closing((uv_handle_t *)&r->sig[i]))
			uv_close((uv_handle_t *)&r->sig[i], NULL);
}

static void
on_signal(uv_signal_t *s, int number)
{
	shut_down(s->data);
}

static int
listen_all(struct reflect *r, char error[256])
{
	for (unsigned i = 0; i < r->listeners; i++) {
		struct listener *l = &r->listener[i];

		if (l->transport == TRANSPORT_TLS && r->tls == NULL) {
			r->tls = reflect_stream_tls_new(
			    r->cert, r->key, r->require_sni, error);
			if (r->tls == NULL)
				return -1;
		}
		if (l->transport == TRANSPORT_UDP)
			l->udp = reflect_udp_listen(
			    &r->loop, &l->at, r->fate, error);
		else
			l->stream = reflect_stream_listen(&r->loop, &l->at,
			    l->transport == TRANSPORT_TLS ? r->tls : NULL,
			    r->fate, error);
		if (l->udp == NULL && l->stream == NULL)
			return -1;
	}
	return 0;
}

static void
print_ports(const struct reflect *r)
{
	char text[ADDR_TEXT];

	for (unsigned i = 0; i < r->listeners; i++)
		printf("%s %s\n",
		    word_label(WORD_TRANSPORT, r->listener[i].transport),
		    addr_text(&r->listener[i].at, text));
	fflush(stdout);
}

static int
reflect_run(struct reflect *r)
{
	static const int number[SIGNALS] = {SIGTERM, SIGINT};
	static const struct reflect_outlet outlet = {
	    send_answer, reflect_stream_ref, reflect_stream_unref};
	char error[256] = "no memory";
	int code = 0;

	signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&r->loop) < 0)
		return 1;
	for (unsigned i = 0; i < SIGNALS; i++) {
		uv_signal_init(&r->loop, &r->sig[i]);
		r->sig[i].data = r;
		uv_signal_start(&r->sig[i], on_signal, number[i]);
	}
	r->fate = reflect_fate_new(&r->loop, &r->plan, &outlet);
	if (r->fate == NULL || listen_all(r, error) < 0) {
		fprintf(stderr, "reachd reflect: %s\n", error);
		code = 1;
		shut_down(r);
	} else if (r->print_ports) {
		print_ports(r);
	}
	uv_run(&r->loop, UV_RUN_DEFAULT);
	uv_loop_close(&r->loop);
	reflect_stream_tls_free(r->tls);
	return code;
}

int
reflect_main(int argc, char **argv)
{
	struct reflect *r = calloc(1, sizeof(*r));
	int code;

	if (r == NULL)
		return 1;
	code = options_parse(r, argc, argv);
	if (code < 0)
		code = reflect_run(r);
	free(r);
	return code;
}
