/*
 * ICMP echo, and ICMP errors as routers write them, in a network namespace of
 * its own: there echo can be allowed, forbidden, and left unanswered.
 */
#include "build.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <cmocka.h>

#include "collectors.h"
#include "rig.h"

#define HOUR (3600 * CLOCK_SEC)

static bool
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Root of a namespace without anything but a loopback. */
static int
enter(void **state)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	char map[64];
	unsigned uid = geteuid(), gid = getegid();
	int fd;

	if (unshare(CLONE_NEWNET) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			return -1;
		snprintf(map, sizeof(map), "0 %u 1", uid);
		put("/proc/self/setgroups", "deny");
		if (!put("/proc/self/uid_map", map))
			return -1;
		snprintf(map, sizeof(map), "0 %u 1", gid);
		if (!put("/proc/self/gid_map", map))
			return -1;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return -1;
	close(fd);
	return 0;
}

static void
allow(void)
{
	assert_true(put("/proc/sys/net/ipv4/ping_group_range", "0 0"));
}

static void
answer_echoes(bool yes)
{
	assert_true(
	    put("/proc/sys/net/ipv4/icmp_echo_ignore_all", yes ? "0" : "1"));
}

/* A new namespace allows it to no group; so this one is the first. */
static void
test_forbidden(void **state)
{
	struct addr lo = rig_addr("127.0.0.1", 0);
	struct rig_probe *t;
	struct rig r;

	rig_open(&r, &collector_icmp, HOUR, true);
	t = rig_probe(&r, &lo, 1);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(rig_start(t), 0);
		assert_int_equal(t->ready, 0);
		assert_int_equal(t->failed, i);
		assert_int_equal(t->fail, OUTCOME_LOCAL);
		rig_stop(t);
	}
	/* It is allowed meanwhile: no restart is needed. */
	allow();
	assert_int_equal(rig_start(t), 0);
	assert_int_equal(t->ready, 1);
	rig_drop(t);
	rig_close(&r);
}

static void
test_echo(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "::1", "127.0.0.9"};
	struct rig_probe *t[3];
	struct rig r;

	allow();
	rig_open(&r, &collector_icmp, HOUR, true);
	for (unsigned i = 0; i < 3; i++) {
		/* A port means nothing here. */
		struct addr to = rig_addr(hosts[i], (uint16_t)(7 * i));

		t[i] = rig_probe(&r, &to, 5);
		assert_int_equal(rig_start(t[i]), 0);
		for (unsigned seq = 0; seq < 5; seq++)
			assert_int_equal(rig_request(t[i], seq), 0);
	}
	for (unsigned i = 0; i < 3 * 5; i++) {
		const struct rig_end *e = rig_wait(t[i / 5], i % 5);

		assert_int_equal(e->a.outcome, OUTCOME_ANSWERED);
		assert_int_equal(e->a.stamp, STAMP_KERNEL);
		assert_in_range(e->a.rtt_ns, 1, CLOCK_SEC);
		assert_int_equal(e->a.local_port, 0);
	}
	assert_int_equal(rig_counts(&r).unmatched, 0);
	for (unsigned i = 0; i < 3; i++)
		rig_drop(t[i]);
	rig_close(&r);
}

/* ---- errors from a router ---- */

static uint16_t
checksum(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* What a packet of ours to the loopback looks like to a router. */
struct quoted {
	uint8_t protocol;
	const uint8_t *bytes; /* from the transport header on */
	size_t len;
};

static void
send_error(uint8_t type, uint8_t code, const struct quoted *q)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct addr to = rig_addr("127.0.0.1", 0);
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		uint8_t bytes[128];
	} p = {0};
	size_t len = sizeof(p.icmp) + sizeof(p.ip) + q->len;

	assert_true(fd >= 0 && q->len <= sizeof(p.bytes));
	p.icmp.type = type;
	p.icmp.code = code;
	p.ip.version = 4;
	p.ip.ihl = 5;
	p.ip.ttl = 1;
	p.ip.protocol = q->protocol;
	p.ip.tot_len = htons((uint16_t)(sizeof(p.ip) + 100));
	p.ip.saddr = p.ip.daddr = htonl(INADDR_LOOPBACK);
	memcpy(p.bytes, q->bytes, q->len);
	p.icmp.checksum = checksum(&p, len + len % 2);
	assert_int_equal(sendto(fd, &p, len, 0, &to.sa, addr_len(&to)), len);
	close(fd);
}

/* Our UDP packet as the peer got it, with its header made again. */
static void
quote_udp(const struct rig_peer *peer, uint8_t bytes[64], struct quoted *q)
{
	uint16_t head[4] = {htons(addr_port(&peer->from)),
	    htons(addr_port(&peer->at)), htons((uint16_t)(8 + peer->len)), 0};

	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + sizeof(head), peer->bytes, peer->len);
	*q = (struct quoted){IPPROTO_UDP, bytes, sizeof(head) + peer->len};
}

static void
test_errors(void **state)
{
	static const struct {
		uint8_t type, code;
		enum outcome outcome;
	} errors[] = {
	    {ICMP_DEST_UNREACH, ICMP_NET_UNREACH, OUTCOME_UNREACHABLE},
	    {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, OUTCOME_UNREACHABLE},
	    {ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, OUTCOME_REFUSED},
	    {ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, OUTCOME_PROHIBITED},
	    {ICMP_DEST_UNREACH, ICMP_HOST_ANO, OUTCOME_PROHIBITED},
	    {ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, OUTCOME_UNREACHABLE},
	};
	enum { ERRORS = sizeof(errors) / sizeof(errors[0]) };
	struct rig_probe *t;
	struct rig_peer peer;
	uint8_t bytes[64];
	struct quoted q;
	struct rig r;

	rig_open(&r, &collector_stun, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	t = rig_probe(&r, &peer.at, ERRORS + 1);
	assert_int_equal(rig_start(t), 0);
	for (unsigned i = 0; i < ERRORS; i++) {
		assert_int_equal(rig_request(t, i), 0);
		rig_peer_take(&peer);
		quote_udp(&peer, bytes, &q);
		send_error(errors[i].type, errors[i].code, &q);
		assert_int_equal(rig_wait(t, i)->a.outcome, errors[i].outcome);
	}
	/* Said twice, it is nobody's; and a path MTU ends nothing. */
	send_error(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, &q);
	rig_wait_unmatched(&r, 1);
	assert_int_equal(rig_request(t, ERRORS), 0);
	rig_peer_take(&peer);
	quote_udp(&peer, bytes, &q);
	send_error(ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, &q);
	bytes[8 + 8] ^= 1; /* and an id of nobody */
	send_error(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, &q);
	rig_wait_unmatched(&r, 2);
	assert_int_equal(t->end[ERRORS].times, 0);
	rig_drop(t);
	rig_close(&r);
	close(peer.fd);
}

/* RFC 792 asks for eight bytes of ours only: the ports, and no id. */
static void
test_short_quotation(void **state)
{
	struct rig_probe *t, *other;
	struct rig_peer peer, second;
	uint8_t bytes[64];
	struct quoted q;
	struct rig r;

	rig_open(&r, &collector_stun, HOUR, true);
	rig_peer_open(&peer, "127.0.0.1");
	rig_peer_open(&second, "127.0.0.1");
	other = rig_probe(&r, &second.at, 1);
	t = rig_probe(&r, &peer.at, 2);
	assert_int_equal(rig_start(other), 0);
	assert_int_equal(rig_start(t), 0);
	assert_int_equal(rig_request(other, 0), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rig_request(t, i), 0);
		rig_peer_take(&peer);
	}
	/* The oldest to there, then the next; then there is none. */
	quote_udp(&peer, bytes, &q);
	q.len = 8;
	send_error(ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, &q);
	assert_int_equal(rig_wait(t, 0)->a.outcome, OUTCOME_PROHIBITED);
	assert_int_equal(t->end[1].times, 0);
	send_error(ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, &q);
	assert_int_equal(rig_wait(t, 1)->a.outcome, OUTCOME_PROHIBITED);
	send_error(ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, &q);
	rig_wait_unmatched(&r, 1);
	assert_int_equal(other->end[0].times, 0);
	rig_drop(t);
	rig_drop(other);
	rig_close(&r);
	close(peer.fd);
	close(second.fd);
}

/* A filter on the way of an echo; seen from outside by a raw socket. */
static void
test_echo_prohibited(void **state)
{
	struct addr lo = rig_addr("127.0.0.1", 0);
	int tap = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	uint8_t bytes[256];
	struct rig_probe *t;
	struct quoted q;
	struct rig r;

	assert_true(tap >= 0);
	allow();
	answer_echoes(false);
	rig_open(&r, &collector_icmp, HOUR, true);
	t = rig_probe(&r, &lo, 2);
	assert_int_equal(rig_start(t), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct pollfd wait = {tap, POLLIN, 0};
		ssize_t n;

		assert_int_equal(rig_request(t, i), 0);
		do {
			assert_int_equal(poll(&wait, 1, RIG_PATIENCE_MS), 1);
			n = recv(tap, bytes, sizeof(bytes), 0);
			assert_true(n > 28);
		} while (bytes[20] != ICMP_ECHO);
		assert_int_equal(bytes[20 + 7], i);
		q = (struct quoted){
		    IPPROTO_ICMP, bytes + 20, i == 0 ? (size_t)n - 20 : 8};
		send_error(ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, &q);
		assert_int_equal(rig_wait(t, i)->a.outcome, OUTCOME_PROHIBITED);
	}
	answer_echoes(true);
	rig_drop(t);
	rig_close(&r);
	close(tap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forbidden),
	    cmocka_unit_test(test_echo),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_short_quotation),
	    cmocka_unit_test(test_echo_prohibited),
	};

	return cmocka_run_group_tests_name("icmp", tests, enter, NULL);
}
