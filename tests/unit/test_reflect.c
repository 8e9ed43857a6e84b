/* `reachd reflect` as a process of its own, asked over UDP, TCP and TLS. */
#include "build.h"

#include <errno.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "collectors.h"
#include "lab.h"
#include "mirror.h"
#include "reflect.h"
#include "wire_stun.h"

enum { PATIENCE_S = 10 };

/* ---- asking over UDP and TCP ---- */

static int
client(int type, const char *host, uint16_t port, struct addr *to)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd;

	assert_int_equal(addr_parse_host(to, host), 0);
	addr_set_port(to, port);
	fd = socket(addr_family(to), type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (type == SOCK_STREAM)
		assert_int_equal(connect(fd, &to->sa, addr_len(to)), 0);
	return fd;
}

/* The request with that number in its id. */
static void
ask(int fd, const struct addr *to, uint32_t number)
{
	uint8_t id[STUN_ID] = {1, 2, 3}, request[STUN_REQUEST];

	memcpy(id + 8, &number, 4);
	wire_stun_request(request, id);
	assert_int_equal(
	    sendto(fd, request, sizeof(request), 0, &to->sa, addr_len(to)),
	    sizeof(request));
}

/* The next answer; returns its number. */
static uint32_t
hear(int fd, struct stun_message *m, struct addr *from)
{
	uint8_t bytes[512];
	socklen_t len = sizeof(*from);
	ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, &from->sa, &len);
	uint32_t number;

	assert_true(n > 0);
	assert_int_equal(wire_stun_parse(bytes, (size_t)n, m), 0);
	memcpy(&number, m->id + 8, 4);
	return number;
}

static void
answers_udp(const char *listen, const char *host)
{
	struct mirror m = MIRROR(listen, "--print-ports");
	struct stun_message reply;
	struct addr to, from, self;
	socklen_t len = sizeof(self);
	int fd = client(SOCK_DGRAM, host, m.port[0], &to);

	ask(fd, &to, 7);
	assert_int_equal(hear(fd, &reply, &from), 7);
	assert_int_equal(reply.class, STUN_CLASS_SUCCESS);
	assert_true(reply.fingerprint);
	/* From the address that was asked, also when bound to all. */
	assert_true(addr_equal(&from, &to));
	assert_int_equal(getsockname(fd, &self.sa, &len), 0);
	assert_int_equal(addr_port(&reply.mapped), addr_port(&self));
	assert_int_equal(addr_family(&reply.mapped), addr_family(&to));
	close(fd);
	mirror_stop(&m);
}

static void
test_udp(void **state)
{
	answers_udp("--listen.udp=127.0.0.1:0", "127.0.0.1");
	answers_udp("--listen.udp=[::1]:0", "::1");
	answers_udp("--listen.udp=0.0.0.0:0", "127.0.0.9");
	answers_udp("--listen.udp=[::]:0", "::1");
}

/* Both kinds of address, and what we call ourselves. */
static void
test_attributes(void **state)
{
	struct mirror m = MIRROR("--listen.udp=127.0.0.1:0", "--print-ports");
	uint8_t bytes[512];
	struct addr to;
	int fd = client(SOCK_DGRAM, "127.0.0.1", m.port[0], &to);
	unsigned seen = 0;
	ssize_t n;

	ask(fd, &to, 1);
	n = recv(fd, bytes, sizeof(bytes), 0);
	assert_true(n > STUN_HEADER);
	for (ssize_t at = STUN_HEADER; at < n;) {
		unsigned type = (unsigned)bytes[at] << 8 | bytes[at + 1];
		unsigned len = (unsigned)bytes[at + 2] << 8 | bytes[at + 3];

		seen |= type == STUN_XOR_MAPPED_ADDRESS ? 1u : 0;
		seen |= type == STUN_MAPPED_ADDRESS ? 2u : 0;
		seen |= type == STUN_SOFTWARE ? 4u : 0;
		seen |= type == STUN_FINGERPRINT ? 8u : 0;
		if (type == STUN_SOFTWARE)
			assert_memory_equal(bytes + at + 4, "reachd ", 7);
		at += 4 + (len + 3) / 4 * 4;
	}
	assert_int_equal(seen, 15);
	close(fd);
	mirror_stop(&m);
}

/* No request, no answer; and it goes on. */
static void
test_junk(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} junk[] = {
	    {"", 0},
	    {"x", 1},
	    {"GET / HTTP/1.1\r\n\r\n", 18},
	    /* a success response, an indication, a length that lies */
	    {"\x01\x01\0\0\x21\x12\xa4\x42"
	     "abcdefghijkl",
		20},
	    {"\0\x11\0\0\x21\x12\xa4\x42"
	     "abcdefghijkl",
		20},
	    {"\0\x01\0\x08\x21\x12\xa4\x42"
	     "abcdefghijkl",
		20},
	};
	struct mirror m = MIRROR("--listen.udp=127.0.0.1:0", "--print-ports");
	struct stun_message reply;
	struct addr to, from;
	int fd = client(SOCK_DGRAM, "127.0.0.1", m.port[0], &to);

	for (unsigned i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
		sendto(
		    fd, junk[i].bytes, junk[i].len, 0, &to.sa, addr_len(&to));
	ask(fd, &to, 99);
	assert_int_equal(hear(fd, &reply, &from), 99);
	close(fd);
	mirror_stop(&m);
}

static void
test_unknown_attribute(void **state)
{
	struct mirror m = MIRROR("--listen.udp=127.0.0.1:0", "--print-ports");
	struct stun_message reply;
	struct stun_writer w;
	struct addr to, from;
	uint8_t bytes[128], id[STUN_ID] = {9};
	int fd = client(SOCK_DGRAM, "127.0.0.1", m.port[0], &to);
	size_t n;

	wire_stun_begin(&w, bytes, sizeof(bytes), STUN_CLASS_REQUEST, id);
	wire_stun_put(&w, 0x7abc, "what", 4);
	n = wire_stun_end(&w, true);
	sendto(fd, bytes, n, 0, &to.sa, addr_len(&to));
	hear(fd, &reply, &from);
	assert_int_equal(reply.class, STUN_CLASS_ERROR);
	assert_int_equal(reply.code, 420);
	assert_memory_equal(reply.id, id, STUN_ID);
	close(fd);
	mirror_stop(&m);
}

static void
test_error(void **state)
{
	struct mirror m =
	    MIRROR("--listen.udp=127.0.0.1:0", "--print-ports", "--error=401");
	struct stun_message reply;
	struct addr to, from;
	int fd = client(SOCK_DGRAM, "127.0.0.1", m.port[0], &to);

	ask(fd, &to, 3);
	assert_int_equal(hear(fd, &reply, &from), 3);
	assert_int_equal(reply.class, STUN_CLASS_ERROR);
	assert_int_equal(reply.code, 401);
	assert_int_equal(addr_family(&reply.mapped), 0);
	close(fd);
	mirror_stop(&m);
}

/* ---- what the network does ---- */

enum { MANY = 2000, MARKER = 1 << 20 };

/*
 * Asks MANY times and counts the answers to each. Answers keep their order,
 * so all are there once one of the markers that follow is answered.
 */
static void
count_answers(const struct mirror *m, uint8_t count[MANY])
{
	struct stun_message reply;
	struct addr to, from;
	int fd = client(SOCK_DGRAM, "127.0.0.1", m->port[0], &to);
	uint32_t asked = 0, number;

	memset(count, 0, MANY);
	/* In step, so that no buffer overflows. */
	while (asked < MANY) {
		for (unsigned i = 0; i < 50; i++)
			ask(fd, &to, asked++);
		for (uint32_t i = 0; i < 40; i++)
			ask(fd, &to, MARKER + asked);
		do {
			number = hear(fd, &reply, &from);
			if (number < MANY)
				count[number]++;
		} while (number != MARKER + asked);
	}
	close(fd);
}

static void
test_loss(void **state)
{
	static uint8_t first[MANY], second[MANY];
	unsigned answered = 0;

	for (int i = 0; i < 2; i++) {
		struct mirror m = MIRROR("--listen.udp=127.0.0.1:0",
		    "--print-ports", "--loss=20%", "--seed=7");

		count_answers(&m, i == 0 ? first : second);
		mirror_stop(&m);
	}
	for (unsigned i = 0; i < MANY; i++) {
		assert_true(first[i] <= 1);
		answered += first[i];
	}
	/* 1600 are expected; the deviation is 18, and four of it allowed. */
	assert_in_range(answered, 1600 - 72, 1600 + 72);
	/* A seed makes it repeatable. */
	assert_memory_equal(first, second, MANY);
}

static void
test_duplicate(void **state)
{
	static uint8_t count[MANY];
	struct mirror m = MIRROR(
	    "--listen.udp=127.0.0.1:0", "--print-ports", "--duplicate=10%");
	unsigned twice = 0;

	count_answers(&m, count);
	for (unsigned i = 0; i < MANY; i++) {
		assert_in_range(count[i], 1, 2);
		twice += count[i] == 2;
	}
	/* 200, give or take four times 13. */
	assert_in_range(twice, 200 - 54, 200 + 54);
	mirror_stop(&m);
}

static uint64_t
round_trip(int fd, const struct addr *to, uint32_t number)
{
	struct stun_message reply;
	struct addr from;
	uint64_t start = clock_mono();

	ask(fd, to, number);
	assert_int_equal(hear(fd, &reply, &from), number);
	return clock_mono() - start;
}

static void
test_delay(void **state)
{
	struct mirror m = MIRROR("--listen.udp=127.0.0.1:0", "--print-ports",
	    "--delay=20ms", "--jitter=5ms");
	struct addr to;
	int fd = client(SOCK_DGRAM, "127.0.0.1", m.port[0], &to);
	uint64_t least = UINT64_MAX, most = 0;

	for (uint32_t i = 0; i < 40; i++) {
		uint64_t rtt = round_trip(fd, &to, i);

		assert_true(rtt >= 15 * CLOCK_MS);
		least = rtt < least ? rtt : least;
		most = rtt > most ? rtt : most;
	}
	/* Drawn evenly: 40 of them are not all in one half of the range. */
	assert_true(least < 20 * CLOCK_MS);
	assert_true(most > 20 * CLOCK_MS);
	close(fd);
	mirror_stop(&m);
}

/* Less than a millisecond is a delay too, and is kept. */
static void
test_short_delay(void **state)
{
	struct mirror m = MIRROR(
	    "--listen.udp=127.0.0.1:0", "--print-ports", "--delay=1500us");
	struct addr to;
	int fd = client(SOCK_DGRAM, "127.0.0.1", m.port[0], &to);
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < 100; i++) {
		uint64_t rtt = round_trip(fd, &to, i);

		least = rtt < least ? rtt : least;
	}
	assert_true(least >= 1500000);
	assert_true(least < 2000000);
	close(fd);
	mirror_stop(&m);
}

static void
test_reorder(void **state)
{
	struct mirror m = MIRROR("--listen.udp=127.0.0.1:0", "--print-ports",
	    "--reorder=50%", "--seed=3");
	struct stun_message reply;
	struct addr to, from;
	int fd = client(SOCK_DGRAM, "127.0.0.1", m.port[0], &to);
	unsigned backwards = 0;
	uint64_t seen = 0;
	uint32_t last = 0;

	for (uint32_t i = 0; i < 60; i++)
		ask(fd, &to, i);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t number = hear(fd, &reply, &from);

		assert_true(number < 60);
		assert_int_equal(seen >> number & 1, 0);
		seen |= UINT64_C(1) << number;
		backwards += number < last;
		last = number;
	}
	assert_true(backwards > 0);
	close(fd);
	mirror_stop(&m);
}

/* ---- streams ---- */

static void
probe_stream(struct lab *lab, uint16_t port, unsigned count)
{
	lab_aim(lab, AF_INET, port);
	lab_probe(lab, count);
	assert_int_equal(lab->fails, 0);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(lab->answered[i], 1);
		assert_int_equal(lab->answer[i].outcome, OUTCOME_ANSWERED);
	}
	assert_int_equal(addr_family(&lab->mapped), AF_INET);
}

static void
test_tcp(void **state)
{
	struct mirror m = MIRROR("--listen.tcp=127.0.0.1:0",
	    "--listen.tcp=[::1]:0", "--print-ports");
	struct lab *lab = lab_new(&collector_stun_stream, NULL);

	probe_stream(lab, m.port[0], 5);
	lab_aim(lab, AF_INET6, m.port[1]);
	lab_probe(lab, 5);
	assert_int_equal(lab->answers, 5);
	assert_int_equal(addr_family(&lab->mapped), AF_INET6);
	lab_free(lab);
	mirror_stop(&m);
}

static void
test_tcp_pieces(void **state)
{
	struct mirror m = MIRROR("--listen.tcp=127.0.0.1:0", "--print-ports");
	uint8_t id[STUN_ID] = {5}, request[STUN_REQUEST], answer[512];
	struct stun_message reply;
	struct addr to;
	int fd = client(SOCK_STREAM, "127.0.0.1", m.port[0], &to);
	int need;

	wire_stun_request(request, id);
	for (unsigned i = 0; i < sizeof(request); i++)
		peer_write(fd, request + i, 1);
	assert_true(peer_read(fd, answer, STUN_HEADER));
	need = wire_stun_frame(answer, STUN_HEADER);
	assert_true(need > STUN_HEADER);
	assert_true(
	    peer_read(fd, answer + STUN_HEADER, (unsigned)need - STUN_HEADER));
	assert_int_equal(wire_stun_parse(answer, (size_t)need, &reply), 0);
	assert_memory_equal(reply.id, id, STUN_ID);
	/* What is no STUN ends the connection. */
	peer_write(fd, "HELO there\r\n", 12);
	assert_false(peer_read(fd, answer, 1));
	close(fd);
	mirror_stop(&m);
}

/* Asks for ever and reads nothing: it is thrown out, others are served. */
static void
test_glutton(void **state)
{
	struct mirror m = MIRROR("--listen.tcp=127.0.0.1:0", "--print-ports");
	struct lab *lab = lab_new(&collector_stun_stream, NULL);
	uint8_t id[STUN_ID] = {5}, requests[1000][STUN_REQUEST];
	struct addr to;
	int fd = client(SOCK_STREAM, "127.0.0.1", m.port[0], &to);
	ssize_t n = 0;

	for (unsigned i = 0; i < 1000; i++)
		wire_stun_request(requests[i], id);
	for (unsigned i = 0; i < 10000 && n >= 0; i++)
		n = send(fd, requests, sizeof(requests), MSG_NOSIGNAL);
	assert_true(n < 0 && (errno == EPIPE || errno == ECONNRESET));
	probe_stream(lab, m.port[0], 1);
	close(fd);
	lab_free(lab);
	mirror_stop(&m);
}

static void
test_tls(void **state)
{
	struct mirror m = MIRROR("--listen.tls=127.0.0.1:0", "--print-ports",
	    "--delay=2ms", "--duplicate=100%");
	struct lab *lab = lab_new(&collector_stun_stream_tls, NULL);

	lab->path.host = "mirror.example.net";
	probe_stream(lab, m.port[0], 3);
	assert_string_equal(lab->facts.version, "TLSv1.3");
	assert_int_equal(lab->facts.sni_required, 1);
	assert_int_equal(
	    lab->facts.verify_error, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	assert_true(lab->facts.not_after > clock_real() / 1000000000);
	for (unsigned i = 0; i < 3; i++)
		assert_true(lab->answer[i].rtt_ns >= 2 * CLOCK_MS);
	lab_free(lab);
	mirror_stop(&m);
}

/* As many at once as the engine lets: more than are served in one turn. */
static void
test_tls_crowd(void **state)
{
	enum { CROWD = 16 };
	struct mirror m = MIRROR("--listen.tls=127.0.0.1:0", "--print-ports");
	struct lab *lab[CROWD];

	for (int i = 0; i < CROWD; i++) {
		lab[i] = i == 0 ? lab_new(&collector_stun_stream_tls, NULL)
				: lab_sibling(lab[0]);
		lab[i]->path.host = "127.0.0.1";
		lab_aim(lab[i], AF_INET, m.port[0]);
		assert_int_equal(lab_start(lab[i], 3), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		lab_until(lab[0], &lab[i]->over);
		assert_int_equal(lab[i]->answers, 3);
		assert_int_equal(lab[i]->outcome, OUTCOME_ANSWERED);
	}
	for (int i = CROWD; i-- > 0;)
		lab_free(lab[i]);
	mirror_stop(&m);
}

static void
test_tls_requires_sni(void **state)
{
	struct mirror m = MIRROR(
	    "--listen.tls=127.0.0.1:0", "--print-ports", "--tls.require-sni");
	struct lab *lab = lab_new(&collector_stun_stream_tls, NULL);

	lab->path.host = "mirror.example.net";
	lab_aim(lab, AF_INET, m.port[0]);
	lab_probe(lab, 1);
	assert_int_equal(lab->fails, 1);
	assert_int_equal(lab->outcome, OUTCOME_TLS_HANDSHAKE);
	assert_int_equal(lab->facts.sni_required, 2);
	assert_int_equal(lab->facts.have_cert, 1);
	lab_free(lab);
	mirror_stop(&m);
}

static void
test_tls_own_certificate(void **state)
{
	struct lab_cert cert = {
	    .subject = "mirror.example.net", .days = 30, .is_ca = true};
	char arg[2][64], *file;
	struct mirror m;
	struct lab *lab;
	FILE *f;

	lab_cert_make(&cert);
	file = lab_cert_file(&cert);
	f = fopen(file, "a");
	assert_int_equal(
	    PEM_write_PrivateKey(f, cert.key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	snprintf(arg[0], sizeof(arg[0]), "--tls.cert=%s", file);
	snprintf(arg[1], sizeof(arg[1]), "--tls.key=%s", file);
	for (int i = 0; i < 2; i++) {
		m = MIRROR("--listen.tls=127.0.0.1:0", "--print-ports", arg[0],
		    i == 0 ? NULL : arg[1]);
		lab = lab_new(&collector_stun_stream_tls, file);
		lab->path.host = "127.0.0.1";
		probe_stream(lab, m.port[0], 1);
		assert_string_equal(
		    lab->facts.subject, "CN=mirror.example.net");
		assert_int_equal(lab->facts.verify_error, 0);
		lab_free(lab);
		mirror_stop(&m);
	}
	lab_cert_free(&cert);
	unlink(file);
	free(file);
}

/* Told to end while connections are open and answers wait. */
static void
test_ends_cleanly(void **state)
{
	struct mirror m =
	    MIRROR("--listen.udp=127.0.0.1:0", "--listen.tcp=127.0.0.1:0",
		"--listen.tls=127.0.0.1:0", "--print-ports", "--delay=60s");
	struct addr udp, tcp, tls;
	int fd[3] = {client(SOCK_DGRAM, "127.0.0.1", m.port[0], &udp),
	    client(SOCK_STREAM, "127.0.0.1", m.port[1], &tcp),
	    client(SOCK_STREAM, "127.0.0.1", m.port[2], &tls)};

	for (uint32_t i = 0; i < 100; i++) {
		ask(fd[0], &udp, i);
		ask(fd[1], &tcp, i);
	}
	peer_write(fd[2], "\x16\x03\x01", 3);
	mirror_stop(&m);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}

/* ---- options ---- */

static void
refuses(const char *const *args, int status, const char *want)
{
	char text[4096];
	FILE *err;
	pid_t pid = mirror_spawn(args, STDERR_FILENO, &err);
	size_t n = fread(text, 1, sizeof(text) - 1, err);

	text[n] = '\0';
	fclose(err);
	assert_int_equal(mirror_exit(pid), status);
	if (strstr(text, want) == NULL)
		fail_msg("'%s' is not in: %s", want, text);
}

#define REFUSES(status, want, ...) \
	refuses((const char *const[]){__VA_ARGS__, NULL}, status, want)

static void
test_bad_options(void **state)
{
	REFUSES(2, "nothing to listen on", NULL);
	REFUSES(2, "--listen.udp: '127.0.0.1:x' is not an address and a port",
	    "--listen.udp=127.0.0.1:x");
	REFUSES(2, "--listen.tls: 'example.net:443' is not an address",
	    "--listen.tls=example.net:443");
	REFUSES(2, "--delay: '10' is not a duration", "--delay=10");
	REFUSES(2, "--delay: '2m' is not a duration up to 60s", "--delay=2m");
	REFUSES(2, "--loss: '101%' is not a share", "--loss=101%");
	REFUSES(2, "--loss: '-1' is not a share", "--loss=-1");
	REFUSES(2, "--duplicate: 'nan' is not a share", "--duplicate=nan");
	REFUSES(2, "--reorder: '5%%' is not a share", "--reorder=5%%");
	REFUSES(2, "--error: '200' is not", "--error=200");
	REFUSES(2, "--error: '700' is not a code from 300", "--error=700");
	REFUSES(2, "--seed: 'x' is not a whole number", "--seed=x");
	REFUSES(2, "--tls.key needs --tls.cert", "--tls.key=k.pem",
	    "--listen.tls=127.0.0.1:0");
	REFUSES(2, "unrecognized option '--nosuch'", "--nosuch");
	REFUSES(2, "requires an argument", "--delay");
	REFUSES(2, "'stray' is no command and no option",
	    "--listen.udp=127.0.0.1:0", "stray");
}

static void
test_cannot_listen(void **state)
{
	struct mirror m = MIRROR("--listen.tcp=127.0.0.1:0",
	    "--listen.udp=127.0.0.1:0", "--print-ports");
	char arg[2][64];

	snprintf(arg[0], 64, "--listen.tcp=127.0.0.1:%u", m.port[0]);
	snprintf(arg[1], 64, "--listen.udp=127.0.0.1:%u", m.port[1]);
	REFUSES(1, "address already in use", "--listen.udp=127.0.0.1:0",
	    "--listen.tls=127.0.0.1:0", arg[0]);
	REFUSES(1, "Address already in use", arg[1]);
	REFUSES(1, "/nonexistent.pem: ", "--listen.tls=127.0.0.1:0",
	    "--tls.cert=/nonexistent.pem");
	REFUSES(1, "192.0.2.1:0", "--listen.udp=192.0.2.1:0");
	mirror_stop(&m);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_udp),
	    cmocka_unit_test(test_attributes),
	    cmocka_unit_test(test_junk),
	    cmocka_unit_test(test_unknown_attribute),
	    cmocka_unit_test(test_error),
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_duplicate),
	    cmocka_unit_test(test_delay),
	    cmocka_unit_test(test_short_delay),
	    cmocka_unit_test(test_reorder),
	    cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_tcp_pieces),
	    cmocka_unit_test(test_glutton),
	    cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_tls_crowd),
	    cmocka_unit_test(test_tls_requires_sni),
	    cmocka_unit_test(test_tls_own_certificate),
	    cmocka_unit_test(test_ends_cleanly),
	    cmocka_unit_test(test_bad_options),
	    cmocka_unit_test(test_cannot_listen),
	};

	if (mirror_is(argc, argv))
		return reflect_main(argc, argv);
	return cmocka_run_group_tests_name("reflect", tests, NULL, NULL);
}
