/* The STUN collector over UDP, against servers played by hand. */
#include "build.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "collectors.h"
#include "rig.h"
#include "wire_stun.h"

#define HOUR (3600 * CLOCK_SEC)

/* One probe of five requests, its loop and its server. */
struct scene {
	struct rig r;
	struct rig_peer peer;
	struct rig_probe *t;
	struct stun_message m; /* the request that came last */
	struct stun_writer w;  /* the answer to it */
	uint8_t out[256];
};

static void
scene_open(struct scene *s, const char *host)
{
	rig_open(&s->r, &collector_stun, HOUR, true);
	rig_peer_open(&s->peer, host);
	s->t = rig_probe(&s->r, &s->peer.at, collector_stun.count);
	assert_int_equal(rig_start(s->t), 0);
}

static void
scene_close(struct scene *s)
{
	rig_drop(s->t);
	rig_close(&s->r);
	close(s->peer.fd);
}

/* A request goes and comes: well-formed, as a strict server wants it. */
static void
ask(struct scene *s, unsigned seq)
{
	assert_int_equal(rig_request(s->t, seq), 0);
	rig_peer_take(&s->peer);
	assert_int_equal(wire_stun_parse(s->peer.bytes, s->peer.len, &s->m), 0);
	assert_int_equal(s->m.class, STUN_CLASS_REQUEST);
	assert_true(s->m.fingerprint);
	assert_int_equal(s->m.unknowns, 0);
}

static void
begin(struct scene *s, enum stun_class class)
{
	wire_stun_begin(&s->w, s->out, sizeof(s->out), class, s->m.id);
}

static const struct rig_end *
reply(struct scene *s, unsigned seq, bool fingerprint)
{
	size_t len = wire_stun_end(&s->w, fingerprint);

	assert_int_not_equal(len, 0);
	rig_peer_send(&s->peer, s->out, len);
	return rig_wait(s->t, seq);
}

static void
success(const char *host)
{
	struct scene s;

	scene_open(&s, host);
	for (unsigned seq = 0; seq < 5; seq++) {
		const struct rig_end *e;

		ask(&s, seq);
		begin(&s, STUN_CLASS_SUCCESS);
		/* As coturn writes it, and as RFC 3489 had it. */
		if (seq % 2 == 0)
			wire_stun_put_xor_mapped(&s.w, &s.peer.from);
		else
			wire_stun_put_mapped(&s.w, &s.peer.from);
		wire_stun_put_text(&s.w, STUN_SOFTWARE, "test");
		e = reply(&s, seq, seq % 2 == 0);
		assert_int_equal(e->a.outcome, OUTCOME_ANSWERED);
		assert_int_equal(e->a.code, 0);
		assert_int_equal(e->a.stamp, STAMP_KERNEL);
		assert_true(addr_equal(&e->mapped, &s.peer.from));
		assert_int_equal(e->a.local_port, addr_port(&s.peer.from));
	}
	scene_close(&s);
}

static void
test_success(void **state)
{
	success("127.0.0.1");
	success("::1");
}

/* A scope on an address that has none does not hide its answers. */
static void
test_scope(void **state)
{
	struct scene s;

	scene_open(&s, "::1");
	rig_stop(s.t);
	s.t->path.addr.in6.sin6_scope_id = 1;
	assert_int_equal(rig_start(s.t), 0);
	ask(&s, 0);
	begin(&s, STUN_CLASS_SUCCESS);
	wire_stun_put_xor_mapped(&s.w, &s.peer.from);
	assert_int_equal(reply(&s, 0, true)->a.outcome, OUTCOME_ANSWERED);
	scene_close(&s);
}

/* Ids are new each time; the port stays for the probe. */
static void
test_ids(void **state)
{
	struct scene s;
	uint8_t ids[5][STUN_ID];
	uint16_t port = 0;

	scene_open(&s, "127.0.0.1");
	for (unsigned seq = 0; seq < 5; seq++) {
		ask(&s, seq);
		memcpy(ids[seq], s.m.id, STUN_ID);
		for (unsigned i = 0; i < seq; i++)
			assert_memory_not_equal(ids[i], ids[seq], STUN_ID);
		assert_true(port == 0 || port == addr_port(&s.peer.from));
		port = addr_port(&s.peer.from);
	}
	scene_close(&s);
}

static void
test_error_responses(void **state)
{
	static const unsigned codes[] = {420, 500, 300, 401, 699};
	struct scene s;

	scene_open(&s, "127.0.0.1");
	for (unsigned seq = 0; seq < 5; seq++) {
		const struct rig_end *e;

		ask(&s, seq);
		begin(&s, STUN_CLASS_ERROR);
		wire_stun_put_error(&s.w, codes[seq], "no");
		e = reply(&s, seq, true);
		assert_int_equal(e->a.outcome, OUTCOME_ERROR_RESPONSE);
		assert_int_equal(e->a.code, codes[seq]);
		assert_int_not_equal(e->a.rtt_ns, 0);
		assert_null(e->a.mapped);
	}
	scene_close(&s);
}

/* With our id and from the right source, and still no answer. */
static void
test_not_an_answer(void **state)
{
	struct scene s;
	const struct rig_end *e;

	scene_open(&s, "127.0.0.1");
	for (unsigned seq = 0; seq < 5; seq++) {
		ask(&s, seq);
		begin(&s, STUN_CLASS_SUCCESS);
		if (seq > 0)
			wire_stun_put_xor_mapped(&s.w, &s.peer.from);
		if (seq == 1) /* an attribute that we must know, and do not */
			wire_stun_put(&s.w, 0x0030, "", 0);
		if (seq == 2) /* a wrong sum */
			wire_stun_put(&s.w, STUN_FINGERPRINT, "1234", 4);
		if (seq == 3) /* shorter than it says */
			s.peer.len = 40;
		if (seq == 4) /* our own request, reflected */
			wire_stun_begin(&s.w, s.out, sizeof(s.out),
			    STUN_CLASS_REQUEST, s.m.id);
		if (seq == 3) {
			size_t len = wire_stun_end(&s.w, true);

			rig_peer_send(&s.peer, s.out, len - 4);
			e = rig_wait(s.t, seq);
		} else {
			e = reply(&s, seq, seq == 4);
		}
		assert_int_equal(e->a.outcome, OUTCOME_PROTOCOL);
		assert_int_equal(e->a.rtt_ns, 0);
		assert_null(e->a.mapped);
	}
	assert_int_equal(rig_counts(&s.r).stamp[STAMP_KERNEL], 0);
	scene_close(&s);
}

/* Longer than any answer may be. */
static void
test_oversized(void **state)
{
	static uint8_t big[STUN_MAX + 512], name[STUN_MAX];
	struct stun_writer w;
	struct scene s;

	scene_open(&s, "127.0.0.1");
	ask(&s, 0);
	wire_stun_begin(&w, big, sizeof(big), STUN_CLASS_SUCCESS, s.m.id);
	wire_stun_put_xor_mapped(&w, &s.peer.from);
	wire_stun_put(&w, STUN_SOFTWARE, name, sizeof(name));
	rig_peer_send(&s.peer, big, wire_stun_end(&w, false));
	assert_int_equal(rig_wait(s.t, 0)->a.outcome, OUTCOME_PROTOCOL);
	scene_close(&s);
}

static void
test_refused(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "::1"};

	for (unsigned i = 0; i < 2; i++) {
		struct addr closed = rig_closed(hosts[i]);
		struct rig_probe *t;
		struct rig r;

		rig_open(&r, &collector_stun, HOUR, true);
		t = rig_probe(&r, &closed, 1);
		assert_int_equal(rig_start(t), 0);
		assert_int_equal(rig_request(t, 0), 0);
		assert_int_equal(rig_wait(t, 0)->a.outcome, OUTCOME_REFUSED);
		rig_drop(t);
		rig_close(&r);
	}
}

/* The traffic class of the next request, taken from the peer's socket. */
static int
take_class(struct rig_peer *peer, bool six)
{
	uint8_t control[128], bytes[64];
	struct iovec iov = {bytes, sizeof(bytes)};
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct pollfd wait = {peer->fd, POLLIN, 0};

	assert_int_equal(poll(&wait, 1, RIG_PATIENCE_MS), 1);
	assert_true(recvmsg(peer->fd, &h, 0) > 0);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c != NULL;
	     c = CMSG_NXTHDR(&h, c)) {
		int class = 0;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			return *CMSG_DATA(c);
		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		memcpy(&class, CMSG_DATA(c), sizeof(class));
		return class;
	}
	return -1;
}

static void
test_dscp(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "::1"};

	for (unsigned i = 0; i < 2; i++) {
		struct rig_probe *plain, *ef;
		struct rig_peer peer;
		int on = 1;
		struct rig r;

		rig_open(&r, &collector_stun, HOUR, true);
		rig_peer_open(&peer, hosts[i]);
		assert_int_equal(i == 0 ? setsockopt(peer.fd, IPPROTO_IP,
					      IP_RECVTOS, &on, sizeof(on))
					: setsockopt(peer.fd, IPPROTO_IPV6,
					      IPV6_RECVTCLASS, &on, sizeof(on)),
		    0);
		plain = rig_probe(&r, &peer.at, 1);
		ef = rig_probe(&r, &peer.at, 1);
		ef->path.dscp = 46;
		assert_int_equal(rig_start(plain), 0);
		assert_int_equal(rig_start(ef), 0);
		assert_int_equal(rig_request(ef, 0), 0);
		assert_int_equal(take_class(&peer, i == 1), 46 << 2);
		assert_int_equal(rig_request(plain, 0), 0);
		assert_int_equal(take_class(&peer, i == 1), 0);
		rig_drop(plain);
		rig_drop(ef);
		rig_close(&r);
		close(peer.fd);
	}
}

static void
test_source(void **state)
{
	struct addr five = rig_addr("127.0.0.5", 0);
	struct scene s;

	scene_open(&s, "127.0.0.1");
	rig_stop(s.t);
	s.t->path.source = rig_addr("127.0.0.5", 99);
	assert_int_equal(rig_start(s.t), 0);
	ask(&s, 0);
	assert_true(addr_same_host(&s.peer.from, &five));
	rig_stop(s.t);
	/* An address that is not ours; one of the other family is no wish. */
	s.t->path.source = rig_addr("192.0.2.1", 0);
	assert_int_equal(rig_start(s.t), -EADDRNOTAVAIL);
	s.t->path.source = rig_addr("2001:db8::1", 0);
	assert_int_equal(rig_start(s.t), 0);
	ask(&s, 1);
	scene_close(&s);
}

static void
test_interface(void **state)
{
	struct scene s;

	scene_open(&s, "127.0.0.1");
	rig_stop(s.t);
	snprintf(s.t->path.interface, IFNAMSIZ, "lo");
	assert_int_equal(rig_start(s.t), 0);
	ask(&s, 0);
	begin(&s, STUN_CLASS_SUCCESS);
	wire_stun_put_xor_mapped(&s.w, &s.peer.from);
	assert_int_equal(reply(&s, 0, true)->a.outcome, OUTCOME_ANSWERED);
	rig_stop(s.t);
	snprintf(s.t->path.interface, IFNAMSIZ, "fifteen-letters");
	assert_int_equal(rig_start(s.t), -ENODEV);
	scene_close(&s);
}

/* The path may be another one already when the next answer comes. */
static void
test_path_changes(void **state)
{
	struct scene s;

	scene_open(&s, "127.0.0.1");
	ask(&s, 0);
	s.t->path.addr = rig_addr("127.0.0.9", 9);
	begin(&s, STUN_CLASS_SUCCESS);
	wire_stun_put_xor_mapped(&s.w, &s.peer.from);
	assert_int_equal(reply(&s, 0, true)->a.outcome, OUTCOME_ANSWERED);
	ask(&s, 1);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_success),
	    cmocka_unit_test(test_scope),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_error_responses),
	    cmocka_unit_test(test_not_an_answer),
	    cmocka_unit_test(test_oversized),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_dscp),
	    cmocka_unit_test(test_source),
	    cmocka_unit_test(test_interface),
	    cmocka_unit_test(test_path_changes),
	};

	return cmocka_run_group_tests_name("stun", tests, NULL, NULL);
}
