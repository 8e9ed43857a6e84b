/* What the end of a request over HTTP means. Pure. */
#ifndef WEB_END_H
#define WEB_END_H

#include <stdbool.h>

#include "outcome.h"

/* How far it came: what was told to us before it ended. */
struct web_end {
	int error;	      /* CURLcode */
	enum outcome verdict; /* ours on the certificate; 0: none or good */
	int verify;	      /* X509_V_*, when that is why */
	enum outcome socket;  /* what ended the socket; 0: nothing */
	int alert;	      /* of TLS, from the peer; 0: none */
	int proxy_status;     /* to CONNECT; 0: no proxy, or no answer */
	bool tunnelled;	      /* the proxy said yes */
	bool proxied;	      /* there is a proxy */
	bool connected;	      /* the port took the connection */
	bool ready;	      /* TLS and all: the request was sent */
	bool closed;	      /* the peer closed */
	bool local;	      /* we could not even try */
};

/* *code: of whoever refused, or 0. */
enum outcome web_end_outcome(const struct web_end *e, int *code);

#endif
