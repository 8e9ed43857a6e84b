/* From how far a request came to why it ended. */
#include "build.h"

#include <curl/curl.h>

#include "web_end.h"

/* What a proxy's refusal means by its status (RFC 9110 section 15). */
static enum outcome
of_proxy(int status)
{
	switch (status) {
	case 407:
		return OUTCOME_PROXY_AUTH;
	case 500: /* squid's, for a name that it cannot resolve */
	case 502:
	case 503:
	case 504:
		return OUTCOME_PROXY_UPSTREAM;
	default:
		return OUTCOME_PROXY_REFUSED;
	}
}

/* The peer went away, or said what is no HTTP. */
static enum outcome
of_exchange(const struct web_end *e, int *code)
{
	if (e->alert != 0) {
		*code = e->alert;
		return OUTCOME_TLS_HANDSHAKE;
	}
	if (e->socket != OUTCOME_NONE)
		return e->socket;
	return e->closed ? OUTCOME_RESET : OUTCOME_PROTOCOL;
}

static enum outcome
of_handshake(const struct web_end *e, int *code)
{
	*code = e->alert;
	if (e->alert == 0 && e->socket != OUTCOME_NONE)
		return e->socket;
	if (e->alert == 0 && e->closed)
		return OUTCOME_RESET;
	return OUTCOME_TLS_HANDSHAKE;
}

static enum outcome
of_error(const struct web_end *e, int *code)
{
	switch (e->error) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return OUTCOME_DNS;
	case CURLE_COULDNT_CONNECT:
		return e->socket != OUTCOME_NONE ? e->socket : OUTCOME_OTHER;
	case CURLE_OPERATION_TIMEDOUT:
		return OUTCOME_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_INITFAILED:
		return of_handshake(e, code);
	case CURLE_PEER_FAILED_VERIFICATION:
		/* Of the origin we judge ourselves: it is the proxy's. */
		return OUTCOME_TLS_CERTIFICATE;
	case CURLE_OUT_OF_MEMORY:
		/* So it says of a line that is too long for it. */
		return e->connected ? OUTCOME_PROTOCOL : OUTCOME_LOCAL;
	default:
		return e->connected ? of_exchange(e, code) : OUTCOME_OTHER;
	}
}

enum outcome
web_end_outcome(const struct web_end *e, int *code)
{
	*code = 0;
	if (e->verdict != OUTCOME_NONE) {
		*code = e->verify;
		return e->verdict;
	}
	if (e->local)
		return e->socket != OUTCOME_NONE ? e->socket : OUTCOME_LOCAL;
	if (e->proxied && !e->tunnelled && e->proxy_status != 0) {
		*code = e->proxy_status;
		return of_proxy(e->proxy_status);
	}
	return of_error(e, code);
}
