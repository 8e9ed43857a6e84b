/* A request as the files of this room share it; nobody else includes it. */
#ifndef WEB_JOB_H
#define WEB_JOB_H

#include "collector.h"
#include "multi.h"
#include "socket.h"
#include "tls_facts.h"
#include "web.h"
#include "web_end.h"

struct curl_slist;
struct ssl_st;
struct tls_keeper;
struct x509_store_st;
struct web_watch;

struct web_pool {
	struct web_setup setup;
	struct uv_loop_s *loop;
	struct multi *multi;
	struct tls_keeper *keeper;
	struct x509_store_st *store; /* reference: the anchors; or NULL */
	unsigned anchors;	     /* their version; 0: none */
	struct web *waiting;	     /* for files that are being read */
	unsigned looks;		     /* how often those were gone through */
	int anchor;		     /* socket_hold_stamps() */
	struct collector_counts counts;
	char scrap[65536]; /* for bytes that are only looked at */
};

struct web {
	struct multi_job job; /* first: it is cast to what it is in */
	struct web_pool *pool;
	struct probe *probe;
	const struct path *path;
	void *easy;
	struct curl_slist *lines; /* of its options */
	struct ssl_st *ssl; /* of the origin, while there is a connection */
	struct web_watch *watch; /* of a way: its socket on the loop */
	int fd;			 /* -1: none (any more) */
	/* moments, monotonic ns; 0: it has not come to that */
	uint64_t started, connected, tunnelled, handshake, ready, sent, first;
	uint64_t connect_ns; /* how long that took */
	uint64_t received;   /* when the newest bytes came in */
	enum stamp stamp, connect_stamp;
	struct socket_clock clock;
	struct tls_facts facts;
	struct tls_notes notes;
	size_t head;	   /* bytes of it, so far */
	unsigned refusals; /* 407 so far */
	unsigned steps;	   /* that libcurl told of */
	int status;	   /* of the origin, once its head began */
	struct web_end end;
	bool begun; /* a status line came */
	bool named; /* the answer says that the proxy made it */
	bool moved; /* it has a Location */
	bool whole; /* the head has ended */
	bool told;  /* ready() has been called */
	bool told_connect, told_tunnel; /* those phases */
	bool turned;  /* the loop has turned since the socket was made */
	bool counted; /* the proxy's tally has it */
	bool waits;   /* on the pool's list, not with libcurl yet */
	bool asks;    /* the one that asks its proxy */
	bool queued;  /* for that, not with libcurl yet */
	uint64_t begun_at;
	struct web *next_queued;
	unsigned looked;
	struct web *next_waiting;
};

/* ---- web_options.c ---- */

/*
 * Sets all options of the handle but callbacks. 0 or -errno; what went wrong
 * is then our own fault.
 */
int web_options(struct web *w);

/* ---- web_socket.c ---- */

void web_socket_hook(struct web *w);
/*
 * Whether it is connected, and how long that took: to be called as soon as
 * may be, since later traffic changes what TCP knows.
 */
void web_socket_note(struct web *w);
/* When the bytes came in that are about to be read, and how it ends. */
void web_socket_look(struct web *w);
/* On the loop, for io(); 0 or -errno. */
int web_socket_watch(struct web *w);
void web_socket_unwatch(struct web *w);
/* io() is wanted when there is room to write, too. */
void web_socket_want_room(struct web *w);

/* ---- web_head.c ---- */

void web_head_hook(struct web *w);

/* ---- web_tls.c ---- */

int web_tls_open(struct web_pool *pool, const struct collector_setup *setup);
void web_tls_close(struct web_pool *pool);
void web_tls_hook(struct web *w);
/*
 * Hands it to libcurl, now or when the files that it needs have been read. 0
 * or -errno.
 */
int web_tls_start(struct web *w);
/* Takes it off the list of those that wait; false: it is not on it. */
bool web_tls_forget(struct web *w);
/* The handshake is done: facts, and end.verdict on them. */
void web_tls_judge(struct web *w);

#endif
