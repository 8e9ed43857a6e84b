/* Opening, numbering, and the slots of requests of a datagram socket. */
#include "build.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "dgram_socket.h"

enum {
	/* 128 answers in buffers of 2 kB, and their transmit stamps. */
	RECEIVE_BUFFER = 1 << 20,
	RECEIVE_STAMPS = SOF_TIMESTAMPING_RX_SOFTWARE |
			 SOF_TIMESTAMPING_SOFTWARE |
			 SOF_TIMESTAMPING_OPT_TSONLY,
	TRANSMIT_STAMPS = RECEIVE_STAMPS | SOF_TIMESTAMPING_TX_SOFTWARE |
			  SOF_TIMESTAMPING_OPT_ID,
};

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno
								      : 0;
}

/* How far an answer has come: echoes are few, and somebody may ask. */
static void
want_hop_limit(int fd, const struct dgram_key *key, int protocol)
{
	if (protocol == IPPROTO_ICMP && key->family == AF_INET)
		set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	else if (protocol == IPPROTO_ICMPV6)
		set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
}

/* ICMP errors with what they are about, and the class of service. */
static int
set_family(int fd, const struct dgram_key *key)
{
	int tos = key->dscp << 2, err;

	if (key->family == AF_INET) {
		err = set(fd, IPPROTO_IP, IP_RECVERR, 1);
		if (err == 0 && tos != 0)
			err = set(fd, IPPROTO_IP, IP_TOS, tos);
		return err;
	}
	err = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (err == 0)
		err = set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	if (err == 0 && tos != 0)
		err = set(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
	return err;
}

static int
attach(int fd, const struct dgram_key *key)
{
	struct addr at = key->source;

	if (key->interface[0] != '\0' &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, key->interface,
		(socklen_t)strnlen(key->interface, IFNAMSIZ)) < 0)
		return -errno;
	at.sa.sa_family = key->family;
	/* Also without a source: it makes the port known before it is used. */
	return bind(fd, &at.sa, addr_len(&at)) < 0 ? -errno : 0;
}

static int
own_address(int fd, struct addr *out)
{
	socklen_t len = sizeof(*out);

	return getsockname(fd, &out->sa, &len) < 0 ? -errno : 0;
}

static int
attach_socket(struct dgram_socket *s)
{
	struct addr at = s->key.source;
	int err = attach(s->fd, &s->key);

	if (err == 0)
		err = own_address(s->fd, &at);
	s->port = addr_port(&at);
	return err;
}

static int
configure(struct dgram_socket *s)
{
	int err = set_family(s->fd, &s->key);

	if (err < 0)
		return err;
	/* Without these it still works: what is missing is counted. */
	set(s->fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	set(s->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	set(s->fd, SOL_SOCKET, SO_TIMESTAMPING,
	    s->stamps ? TRANSMIT_STAMPS : RECEIVE_STAMPS);
	return attach_socket(s);
}

int
dgram_socket_open(struct dgram_socket **out, const struct dgram_key *key,
    int protocol, bool transmit_stamps)
{
	struct dgram_socket *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL)
		return -ENOMEM;
	s->key = *key;
	s->stamps = transmit_stamps;
	s->opened = clock_mono();
	for (unsigned i = 1; i < DGRAM_SLOTS; i++)
		s->slot[i].next = (uint8_t)(i + 1);
	s->free = 1;
	s->fd = socket(
	    key->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	err = s->fd < 0 ? -errno : configure(s);
	if (err < 0) {
		dgram_socket_free(s);
		return err;
	}
	want_hop_limit(s->fd, key, protocol);
	*out = s;
	return 0;
}

void
dgram_socket_free(struct dgram_socket *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int
dgram_socket_local(
    const struct dgram_key *key, const struct addr *to, struct addr *out)
{
	int fd = socket(key->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = attach(fd, key);
	/* Connecting a datagram socket sends nothing: it asks for the route. */
	if (err == 0 && connect(fd, &to->sa, addr_len(to)) < 0)
		err = -errno;
	if (err == 0)
		err = own_address(fd, out);
	if (err == 0)
		addr_set_port(out, 0);
	close(fd);
	return err;
}

bool
dgram_socket_fits(const struct dgram_socket *s, const struct dgram_key *key)
{
	return s->key.family == key->family && s->key.dscp == key->dscp &&
	       addr_equal(&s->key.source, &key->source) &&
	       strncmp(s->key.interface, key->interface, IFNAMSIZ) == 0;
}

unsigned
dgram_socket_take(struct dgram_socket *s, const uint8_t id[DGRAM_ID])
{
	unsigned i = s->free;
	struct dgram_request *r = &s->slot[i];

	s->free = r->next;
	s->used++;
	s->reserved--;
	*r = (struct dgram_request){.next = s->chain[id[0]]};
	memcpy(r->id, id, DGRAM_ID);
	s->chain[id[0]] = (uint8_t)i;
	return i;
}

void
dgram_socket_drop(struct dgram_socket *s, unsigned slot)
{
	struct dgram_request *r = &s->slot[slot];
	uint8_t *p = &s->chain[r->id[0]];

	while (*p != slot)
		p = &s->slot[*p].next;
	*p = r->next;
	if (s->by_number[r->key & 0xff] == slot)
		s->by_number[r->key & 0xff] = 0;
	if (r->outcome != 0)
		s->failed--;
	r->probe = NULL;
	r->next = s->free;
	s->free = (uint8_t)slot;
	s->used--;
}

unsigned
dgram_socket_find(const struct dgram_socket *s, const uint8_t id[DGRAM_ID])
{
	unsigned i = s->chain[id[0]];

	while (i != 0 && memcmp(s->slot[i].id, id, DGRAM_ID) != 0)
		i = s->slot[i].next;
	return i;
}

/*
 * Whether a packet that was not sent took a number depends on the kernel and
 * on where it failed; turning the numbers off and on begins them at 0 again.
 */
static void
renumber(struct dgram_socket *s)
{
	s->unsure = false;
	if (!s->stamps)
		return;
	set(s->fd, SOL_SOCKET, SO_TIMESTAMPING, RECEIVE_STAMPS);
	set(s->fd, SOL_SOCKET, SO_TIMESTAMPING, TRANSMIT_STAMPS);
	memset(s->by_number, 0, sizeof(s->by_number));
	s->sends = 0;
}

int
dgram_socket_send(struct dgram_socket *s, unsigned slot, const void *bytes,
    size_t len, const struct addr *to)
{
	struct dgram_request *r = &s->slot[slot];

	if (s->unsure)
		renumber(s);
	r->sent = clock_mono();
	if (sendto(s->fd, bytes, len, 0, &to->sa, addr_len(to)) < 0) {
		s->unsure = true;
		return -errno;
	}
	r->key = s->sends++;
	s->by_number[r->key & 0xff] = (uint8_t)slot;
	return 0;
}

void
dgram_socket_stamp(struct dgram_socket *s, uint32_t key, int64_t stamp)
{
	struct dgram_request *r = &s->slot[s->by_number[key & 0xff]];

	if (r != &s->slot[0] && r->key == key)
		r->tx = stamp;
}

uint32_t
dgram_socket_drops(struct dgram_socket *s)
{
	uint32_t info[SK_MEMINFO_VARS], before = s->drops;
	socklen_t len = sizeof(info);

	if (getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ||
	    len <= SK_MEMINFO_DROPS * sizeof(info[0]))
		return 0;
	s->drops = info[SK_MEMINFO_DROPS];
	return s->drops - before;
}
