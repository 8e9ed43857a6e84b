/* recvmmsg() and its control messages. */
#include "build.h"

#include <errno.h>
#include <time.h>
#include <linux/errqueue.h> /* needs the line above */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "dgram_batch.h"

/* A pending ICMP error fails a reading, once for each. */
enum { CONTROL = 256, ATTEMPTS = 8 };

struct dgram_batch {
	unsigned filled; /* by the last reading */
	struct mmsghdr msg[DGRAM_BATCH];
	struct iovec iov[DGRAM_BATCH];
	struct addr peer[DGRAM_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[DGRAM_BATCH][CONTROL];
	uint8_t bytes[];
};

struct dgram_batch *
dgram_batch_new(size_t bytes)
{
	struct dgram_batch *b = calloc(1, sizeof(*b) + bytes * DGRAM_BATCH);

	if (b == NULL)
		return NULL;
	for (unsigned i = 0; i < DGRAM_BATCH; i++) {
		struct msghdr *h = &b->msg[i].msg_hdr;

		b->iov[i].iov_base = b->bytes + i * bytes;
		b->iov[i].iov_len = bytes;
		h->msg_iov = &b->iov[i];
		h->msg_iovlen = 1;
		h->msg_name = &b->peer[i];
		h->msg_namelen = sizeof(b->peer[i]);
		h->msg_control = b->control[i];
		h->msg_controllen = CONTROL;
	}
	return b;
}

void
dgram_batch_free(struct dgram_batch *b)
{
	free(b);
}

/* The kernel wrote into these; only those that it filled need it. */
static void
restore(struct dgram_batch *b)
{
	for (unsigned i = 0; i < b->filled; i++) {
		b->msg[i].msg_hdr.msg_namelen = sizeof(b->peer[i]);
		b->msg[i].msg_hdr.msg_controllen = CONTROL;
	}
	b->filled = 0;
}

unsigned
dgram_batch_read(struct dgram_batch *b, int fd, int flags)
{
	restore(b);
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		int n = recvmmsg(
		    fd, b->msg, DGRAM_BATCH, flags | MSG_DONTWAIT, NULL);

		if (n >= 0)
			return b->filled = (unsigned)n;
		if (errno == EAGAIN)
			return 0;
	}
	return 0;
}

static int64_t
nanoseconds(const void *data)
{
	struct timespec ts;

	/* The first of three is the software stamp. */
	memcpy(&ts, data, sizeof(ts));
	return (int64_t)ts.tv_sec * (int64_t)CLOCK_SEC + ts.tv_nsec;
}

static void
read_error(const struct cmsghdr *c, struct dgram_item *out)
{
	struct sock_extended_err e;

	memcpy(&e, CMSG_DATA(c), sizeof(e));
	switch (e.ee_origin) {
	case SO_EE_ORIGIN_TIMESTAMPING:
		out->kind = DGRAM_STAMP;
		out->key = e.ee_data;
		break;
	case SO_EE_ORIGIN_ICMP:
	case SO_EE_ORIGIN_ICMP6:
		out->kind = DGRAM_ICMP;
		break;
	default:
		out->kind = DGRAM_LOCAL;
		break;
	}
	out->error = (int)e.ee_errno;
	out->type = e.ee_type;
	out->code = e.ee_code;
}

static void
read_control(const struct cmsghdr *c, struct dgram_item *out)
{
	if (c->cmsg_level == SOL_SOCKET) {
		if (c->cmsg_type == SCM_TIMESTAMPING)
			out->stamp = nanoseconds(CMSG_DATA(c));
		else if (c->cmsg_type == SO_RXQ_OVFL)
			memcpy(&out->drops, CMSG_DATA(c), sizeof(out->drops));
	} else if ((c->cmsg_level == IPPROTO_IP &&
		       c->cmsg_type == IP_RECVERR) ||
		   (c->cmsg_level == IPPROTO_IPV6 &&
		       c->cmsg_type == IPV6_RECVERR)) {
		read_error(c, out);
	} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		   (c->cmsg_level == IPPROTO_IPV6 &&
		       c->cmsg_type == IPV6_HOPLIMIT)) {
		int hops;

		memcpy(&hops, CMSG_DATA(c), sizeof(hops));
		out->hop_limit = (uint8_t)hops;
	}
}

void
dgram_batch_item(struct dgram_batch *b, unsigned i, struct dgram_item *out)
{
	struct msghdr *h = &b->msg[i].msg_hdr;

	*out = (struct dgram_item){
	    .bytes = b->iov[i].iov_base,
	    .len = b->msg[i].msg_len,
	    .peer = &b->peer[i],
	};
	/* An error queue's entry may have no address. */
	if (h->msg_namelen == 0)
		b->peer[i].sa.sa_family = AF_UNSPEC;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL;
	     c = CMSG_NXTHDR(h, c))
		read_control(c, out);
}
