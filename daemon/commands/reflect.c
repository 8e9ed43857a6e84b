/* The reflector's options and life. */
#include "build.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "arguments.h"
#include "clock.h"
#include "reflect.h"
#include "reflect_fate.h"
#include "reflect_stream.h"
#include "reflect_udp.h"
#include "word.h"

enum { LISTEN_MAX = 64, SIGNALS = 2 };

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

/* ---- option values: 0 or -EINVAL, said why ---- */

static int
wrong(const struct argument *row, const char *value, const char *expected)
{
	fprintf(stderr, "reachd reflect: --%s: '%s' is not %s\n", row->name,
	    value, expected);
	return -EINVAL;
}

/* The transport is in the option's name: "listen.udp". */
static int
listen_set(void *into, const struct argument *row, const char *value)
{
	struct reflect *r = into;
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
		return wrong(row, value,
		    "an address and a port, such as 127.0.0.1:3478 or [::]:0");
	addr_set_port(&l->at, port);
	l->transport = (enum transport)word_number(
	    WORD_TRANSPORT, row->name + strlen("listen."));
	r->listeners++;
	return 0;
}

static int
duration_set(void *into, const struct argument *row, const char *value)
{
	uint64_t *out = (void *)((char *)into + row->offset);

	if (clock_duration_parse(value, out) == 0 && *out <= 60 * CLOCK_SEC)
		return 0;
	return wrong(row, value, "a duration up to 60s, such as 10ms");
}

static int
percent_set(void *into, const struct argument *row, const char *value)
{
	uint32_t *ppm = (void *)((char *)into + row->offset);
	char *end;
	double v = strtod(value, &end);

	if (end != value && (*end == '\0' || strcmp(end, "%") == 0) && v >= 0 &&
	    v <= 100) {
		*ppm = (uint32_t)(v * 10000 + 0.5);
		return 0;
	}
	return wrong(row, value, "a share from 0% to 100%");
}

static int
number_read(const struct argument *row, const char *value, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(value, &end, 10);
	if (errno == 0 && end != value && *end == '\0' && *out > 0 &&
	    value[0] != '-')
		return 0;
	return wrong(row, value, "a whole number in range");
}

static int
seed_set(void *into, const struct argument *row, const char *value)
{
	return number_read(row, value, &((struct reflect *)into)->plan.seed);
}

static int
error_set(void *into, const struct argument *row, const char *value)
{
	uint64_t code;

	if (number_read(row, value, &code) < 0)
		return -EINVAL;
	if (code < 300 || code > 699)
		return wrong(row, value, "a code from 300 to 699");
	((struct reflect *)into)->plan.error = (unsigned)code;
	return 0;
}

#define AT(field) offsetof(struct reflect, field)

static const struct argument arguments[] = {
    {"listen.udp", "ADDRESS:PORT", "answer over UDP there", ARGUMENT_SET, 0,
	listen_set},
    {"listen.tcp", "ADDRESS:PORT", "answer over TCP there", ARGUMENT_SET, 0,
	listen_set},
    {"listen.tls", "ADDRESS:PORT", "answer over TLS there", ARGUMENT_SET, 0,
	listen_set},
    {"delay", "DURATION", "answer so much later (10ms)", ARGUMENT_SET,
	AT(plan.delay_ns), duration_set},
    {"jitter", "DURATION", "give or take so much, evenly (2ms)", ARGUMENT_SET,
	AT(plan.jitter_ns), duration_set},
    {"loss", "PERCENT", "leave out that share of answers (5%)", ARGUMENT_SET,
	AT(plan.loss_ppm), percent_set},
    {"duplicate", "PERCENT", "answer that share twice", ARGUMENT_SET,
	AT(plan.duplicate_ppm), percent_set},
    {"reorder", "PERCENT", "hold that share back by 30 ms", ARGUMENT_SET,
	AT(plan.reorder_ppm), percent_set},
    {"error", "CODE", "answer with that STUN error code", ARGUMENT_SET, 0,
	error_set},
    {"seed", "NUMBER", "make the dice repeatable", ARGUMENT_SET, 0, seed_set},
    {"tls.cert", "FILE", "certificate chain (default: one made in memory)",
	ARGUMENT_TEXT, AT(cert), NULL},
    {"tls.key", "FILE", "its key (default: in the same file)", ARGUMENT_TEXT,
	AT(key), NULL},
    {"tls.require-sni", NULL, "refuse a handshake without a server name",
	ARGUMENT_FLAG, AT(require_sni), NULL},
    {"print-ports", NULL, "print a line per listener once it listens",
	ARGUMENT_FLAG, AT(print_ports), NULL},
    {0}};

const struct arguments_form reflect_form = {"reachd reflect",
    "usage: reachd reflect --listen.udp=ADDRESS:PORT [OPTION]...\n", arguments,
    NULL};

/* -1: go on; otherwise the exit status. */
static int
options_parse(struct reflect *r, int argc, char **argv)
{
	int code = arguments_parse(&reflect_form, r, argc, argv);

	if (code >= 0)
		return code;
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
