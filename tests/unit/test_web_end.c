/* What the end of a request means: each reason from what was seen of it. */
#include "build.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "web_end.h"

static void
check(struct web_end e, enum outcome want, int want_code)
{
	int code = -1;
	enum outcome o = web_end_outcome(&e, &code);

	assert_string_equal(outcome_label(o), outcome_label(want));
	assert_int_equal(code, want_code);
}

#define END(...) ((struct web_end){__VA_ARGS__})

static void
test_direct(void **state)
{
	(void)state;
	check(END(.error = CURLE_COULDNT_CONNECT, .socket = OUTCOME_REFUSED),
	    OUTCOME_REFUSED, 0);
	check(END(.error = CURLE_COULDNT_CONNECT, .socket = OUTCOME_PROHIBITED),
	    OUTCOME_PROHIBITED, 0);
	check(END(.error = CURLE_COULDNT_CONNECT, .local = true), OUTCOME_LOCAL,
	    0);
	check(END(.error = CURLE_OPERATION_TIMEDOUT), OUTCOME_TIMEOUT, 0);
	check(END(.error = CURLE_SSL_CONNECT_ERROR, .connected = true,
		  .alert = 40),
	    OUTCOME_TLS_HANDSHAKE, 40);
	check(END(.error = CURLE_SSL_CONNECT_ERROR, .connected = true),
	    OUTCOME_TLS_HANDSHAKE, 0);
	check(END(.error = CURLE_SSL_CONNECT_ERROR, .connected = true,
		  .socket = OUTCOME_RESET),
	    OUTCOME_RESET, 0);
	check(END(.error = CURLE_SSL_CONNECT_ERROR, .connected = true,
		  .closed = true),
	    OUTCOME_RESET, 0);
	/* An alert says more than the reset after it. */
	check(END(.error = CURLE_RECV_ERROR, .connected = true, .alert = 116,
		  .closed = true, .ready = true),
	    OUTCOME_TLS_HANDSHAKE, 116);
	check(END(.error = CURLE_GOT_NOTHING, .connected = true, .closed = true,
		  .ready = true),
	    OUTCOME_RESET, 0);
	check(END(.error = CURLE_UNSUPPORTED_PROTOCOL, .connected = true,
		  .ready = true),
	    OUTCOME_PROTOCOL, 0);
	check(END(.error = CURLE_OUT_OF_MEMORY, .connected = true),
	    OUTCOME_PROTOCOL, 0);
	check(END(.error = CURLE_OUT_OF_MEMORY), OUTCOME_LOCAL, 0);
	check(END(.error = CURLE_ABORTED_BY_CALLBACK, .connected = true,
		  .verdict = OUTCOME_TLS_CERTIFICATE, .verify = 10),
	    OUTCOME_TLS_CERTIFICATE, 10);
}

static const struct {
	int status;
	enum outcome o;
} rows[] = {{407, OUTCOME_PROXY_AUTH}, {403, OUTCOME_PROXY_REFUSED},
    {400, OUTCOME_PROXY_REFUSED}, {405, OUTCOME_PROXY_REFUSED},
    {500, OUTCOME_PROXY_UPSTREAM}, {502, OUTCOME_PROXY_UPSTREAM},
    {503, OUTCOME_PROXY_UPSTREAM}, {504, OUTCOME_PROXY_UPSTREAM},
    {511, OUTCOME_PROXY_REFUSED}, {501, OUTCOME_PROXY_REFUSED}};

static void
test_proxied(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check(END(.error = CURLE_RECV_ERROR, .connected = true,
			  .proxied = true, .proxy_status = rows[i].status),
		    rows[i].o, rows[i].status);
	/* Once it said yes, what follows is the origin's. */
	check(END(.error = CURLE_RECV_ERROR, .connected = true, .proxied = true,
		  .tunnelled = true, .proxy_status = 200, .closed = true),
	    OUTCOME_RESET, 0);
	/* No answer to CONNECT, or none that is HTTP. */
	check(END(.error = CURLE_RECV_ERROR, .connected = true, .proxied = true,
		  .closed = true),
	    OUTCOME_RESET, 0);
	check(
	    END(.error = CURLE_RECV_ERROR, .connected = true, .proxied = true),
	    OUTCOME_PROTOCOL, 0);
	/* The proxy's own certificate. */
	check(END(.error = CURLE_PEER_FAILED_VERIFICATION, .connected = true,
		  .proxied = true),
	    OUTCOME_TLS_CERTIFICATE, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_direct),
	    cmocka_unit_test(test_proxied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
