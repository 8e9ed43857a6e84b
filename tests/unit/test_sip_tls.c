/*
 * SIP over TLS and mutual TLS: whom the certificate is for, what becomes of
 * ours, and answers through it all.
 */
#include "build.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "collectors.h"
#include "lab.h"
#include "sip_replies.h"
#include "wire_sip.h"

enum { ALERT_HANDSHAKE_FAILURE = 40, ALERT_CERTIFICATE_REQUIRED = 116 };

/* A server; its fields are read by its thread. */
struct server {
	SSL_CTX *ctx;
	const char *text; /* NULL: never a reply */
	bool bytes;	  /* one by one */
	bool ends;	  /* the connection, after a reply */
	/* noted */
	char name[64]; /* that was asked for */
	char request[SIP_REQUEST_MAX + 1];
	bool goodbye; /* we took our leave */
	unsigned answers;
};

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct server *server = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	snprintf(
	    server->name, sizeof(server->name), "%s", name != NULL ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static bool
read_request(SSL *ssl, char out[SIP_REQUEST_MAX + 1])
{
	int have = 0, n;

	while (have < SIP_REQUEST_MAX) {
		n = SSL_read(ssl, out + have, SIP_REQUEST_MAX - have);
		if (n <= 0)
			return false;
		have += n;
		out[have] = '\0';
		if (have >= 4 && strcmp(out + have - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

static void
serve(struct server *server, SSL *ssl)
{
	while (read_request(ssl, server->request)) {
		size_t len, step;
		char *all;

		if (server->text == NULL)
			continue;
		all = sip_reply_to(server->request, server->text, &len);
		step = server->bytes ? 1 : len;
		for (size_t at = 0; at < len; at += step)
			SSL_write(ssl, all + at, (int)step);
		free(all);
		server->answers++;
		if (server->ends)
			return;
	}
	server->goodbye = (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static void
script(struct peer *peer, int fd)
{
	struct server *server = peer->arg;
	SSL *ssl = SSL_new(server->ctx);

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		serve(server, ssl);
	SSL_free(ssl);
	ERR_clear_error();
}

struct stage {
	struct lab *lab;
	struct peer peer;
	struct server server;
	struct lab_cert root, leaf, ours;
	struct ask ask;
	char *ca_file, *cert_file, *key_file;
};

static void
stage_up(struct stage *s, enum transport t, int days)
{
	memset(s, 0, sizeof(*s));
	s->root = (struct lab_cert){
	    .subject = "Lab Root", .days = 900, .is_ca = true};
	s->leaf = (struct lab_cert){.subject = "sip.example.com",
	    .days = days,
	    .issuer = &s->root,
	    .ext = {{NID_subject_alt_name, "DNS:sip.example.com"}}};
	s->ours = (struct lab_cert){
	    .subject = "edge", .days = 90, .issuer = &s->root};
	lab_cert_make(&s->root);
	lab_cert_make(&s->leaf);
	lab_cert_make(&s->ours);
	s->ca_file = lab_cert_file(&s->root);
	s->cert_file = lab_cert_file(&s->ours);
	s->key_file = lab_key_file(&s->ours);
	s->server.text = SIP_GOOD;
	s->server.ctx = lab_server(&s->leaf);
	SSL_CTX_set_tlsext_servername_callback(s->server.ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(s->server.ctx, &s->server);
	s->peer.script = script;
	s->peer.arg = &s->server;
	peer_start(&s->peer, AF_INET);
	s->lab = lab_new(&collector_sip_stream_tls, s->ca_file);
	s->lab->path.transport = t;
	s->lab->path.host = "sip.example.com";
	s->lab->path.ask = &s->ask;
	lab_aim(s->lab, AF_INET, s->peer.port);
}

/* It demands a certificate of ours, from our root. */
static void
demand(struct stage *s)
{
	X509_STORE_add_cert(
	    SSL_CTX_get_cert_store(s->server.ctx), s->root.x509);
	SSL_CTX_set_verify(s->server.ctx,
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static void
drop_file(char *file)
{
	unlink(file);
	free(file);
}

static void
stage_down(struct stage *s)
{
	lab_free(s->lab);
	peer_stop(&s->peer);
	SSL_CTX_free(s->server.ctx);
	lab_cert_free(&s->ours);
	lab_cert_free(&s->leaf);
	lab_cert_free(&s->root);
	drop_file(s->ca_file);
	drop_file(s->cert_file);
	drop_file(s->key_file);
}

static void
check_answered(const struct stage *s, unsigned count)
{
	const struct lab *lab = s->lab;

	assert_int_equal(lab->fails, 0);
	assert_int_equal(lab->answers, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(lab->answer[i].outcome, OUTCOME_ANSWERED);
		assert_in_range(
		    lab->answer[i].rtt_ns, 1, lab->ended_ns - lab->started_ns);
	}
	assert_int_equal(lab->fact[FACT_SIP_STATUS], 200);
	assert_true(lab->phase[PHASE_CONNECT] > 0);
	assert_true(lab->phase[PHASE_TLS] > lab->phase[PHASE_CONNECT]);
	assert_true(lab->phase[PHASE_RESPONSE] > 0);
}

static void
check_failed(const struct lab *lab, enum outcome o, int code)
{
	assert_int_equal(lab->answers, 0);
	assert_int_equal(lab->fails, 1);
	assert_int_equal(lab->outcome, o);
	assert_int_equal(lab->code, code);
}

static void
test_answered(void **state)
{
	struct stage s;

	stage_up(&s, TRANSPORT_SIP_TLS, 90);
	lab_probe(s.lab, 1);
	check_answered(&s, 1);
	assert_string_equal(s.server.name, "sip.example.com");
	assert_int_equal(s.lab->facts.have_cert, 1);
	assert_int_equal(s.lab->facts.verify_error, X509_V_OK);
	s.server.bytes = true;
	lab_probe(s.lab, 3);
	check_answered(&s, 3);
	stage_down(&s);
	assert_non_null(strstr(s.server.request, "\r\nVia: SIP/2.0/TLS 127."));
	assert_non_null(strstr(s.server.request, ";transport=tls SIP/2.0\r\n"));
	assert_true(s.server.goodbye);
	assert_int_equal(s.peer.connections, 2);
}

static void
test_versions(void **state)
{
	struct stage s;

	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		stage_up(&s, TRANSPORT_SIP_TLS, 90);
		SSL_CTX_set_min_proto_version(s.server.ctx, v);
		SSL_CTX_set_max_proto_version(s.server.ctx, v);
		lab_probe(s.lab, 2);
		check_answered(&s, 2);
		assert_string_equal(s.lab->facts.version,
		    v == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
		stage_down(&s);
	}
}

static void
certificate(const char *host, int days, int code)
{
	struct stage s;

	stage_up(&s, TRANSPORT_SIP_TLS, days);
	s.lab->path.host = host;
	lab_probe(s.lab, 1);
	check_failed(s.lab, OUTCOME_TLS_CERTIFICATE, code);
	assert_int_equal(s.lab->facts.have_cert, 1);
	/* Unless it is not to be judged. */
	s.ask.tls.verify = ASK_VERIFY_NO;
	lab_probe(s.lab, 1);
	check_answered(&s, 1);
	stage_down(&s);
	/* The server that was not who it should be was asked nothing. */
	assert_int_equal(s.server.answers, 1);
}

static void
test_certificates(void **state)
{
	certificate("sip.example.net", 90, X509_V_ERR_HOSTNAME_MISMATCH);
	certificate("sip.example.com", -2, X509_V_ERR_CERT_HAS_EXPIRED);
}

static void
show_ours(struct stage *s)
{
	s->ask.tls.client_cert = s->cert_file;
	s->ask.tls.client_key = s->key_file;
}

static void
test_mutual(void **state)
{
	struct stage s;

	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		stage_up(&s, TRANSPORT_SIP_MTLS, 90);
		SSL_CTX_set_max_proto_version(s.server.ctx, v);
		demand(&s);
		show_ours(&s);
		for (int i = 0; i < 2; i++) {
			lab_probe(s.lab, 1);
			check_answered(&s, 1);
		}
		stage_down(&s);
	}
}

/*
 * Without a certificate of ours: under TLS 1.2 the handshake fails; under 1.3
 * it is done for us when the server refuses it.
 */
static void
test_refused(void **state)
{
	struct stage s;

	for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
		stage_up(&s, TRANSPORT_SIP_MTLS, 90);
		SSL_CTX_set_max_proto_version(s.server.ctx, v);
		demand(&s);
		lab_probe(s.lab, 1);
		check_failed(s.lab, OUTCOME_TLS_HANDSHAKE,
		    v == TLS1_2_VERSION ? ALERT_HANDSHAKE_FAILURE
					: ALERT_CERTIFICATE_REQUIRED);
		assert_int_equal(s.lab->facts.have_cert, 1);
		stage_down(&s);
		assert_int_equal(s.server.answers, 0);
	}
}

static void
test_replies(void **state)
{
	static const struct {
		const char *text;
		bool ends;
		enum outcome outcome;
		int code;
	} cases[] = {
	    {"SIP/2.0 503 No\r\n$A" SIP_END, false, OUTCOME_ERROR_RESPONSE,
		503},
	    {"SIP/2.0 100 No\r\n$A" SIP_END "SIP/2.0 486 Busy\r\n$A" SIP_END,
		false, OUTCOME_ANSWERED, 0},
	    {"$R", false, OUTCOME_PROTOCOL, 0},
	    {"220 welcome\r\n", false, OUTCOME_PROTOCOL, 0},
	    {"SIP/2.0 200 OK\r\n$A", true, OUTCOME_RESET, 0},
	    {"", true, OUTCOME_RESET, 0},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stage s;

		stage_up(&s, TRANSPORT_SIP_TLS, 90);
		s.server.text = cases[i].text;
		s.server.ends = cases[i].ends;
		lab_probe(s.lab, 1);
		assert_int_equal(s.lab->outcome, cases[i].outcome);
		assert_int_equal(s.lab->code, cases[i].code);
		stage_down(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answered),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_mutual),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests_name("sip_tls", tests, NULL, NULL);
}
