/* Negotiation: what real scrapers send, the rules of RFC 9110, hostile bytes.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "accept.h"

#define OM "application/openmetrics-text"
#define PROTOBUF                                                      \
	"application/vnd.google.protobuf;proto=io.prometheus.client." \
	"MetricFamily;encoding=delimited"

struct row {
	const char *header;
	enum accept_format want;
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (accept_format(rows[i].header) != rows[i].want)
			fail_msg("%s: %s", rows[i].header,
			    accept_content_type(accept_format(rows[i].header)));
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

/* As captured from Prometheus 2.42 and computed from the source of 3.9. */
static void
scrapers(void **state)
{
	static const struct row rows[] = {
	    {OM ";version=1.0.0," OM ";version=0.0.1;q=0.75,"
		"text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		ACCEPT_OPENMETRICS},
	    {PROTOBUF "," OM ";version=1.0.0;q=0.8," OM
		      ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
		      "*/*;q=0.1",
		ACCEPT_PROTOBUF},
	    {OM ";version=1.0.0;escaping=allow-utf-8;q=0.6," OM
		";version=0.0.1;q=0.5,"
		"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
		"text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		ACCEPT_OPENMETRICS},
	    {PROTOBUF ";escaping=allow-utf-8;q=0.6," OM
		      ";version=1.0.0;escaping=allow-utf-8;q=0.5," OM
		      ";version=0.0.1;q=0.4,"
		      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
		      "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		ACCEPT_PROTOBUF},
	    /* older Go clients: protobuf first, then text */
	    {PROTOBUF ";q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
		ACCEPT_PROTOBUF},
	    {OM "; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		ACCEPT_OPENMETRICS_0},
	    /* other encodings of the same messages are not made here */
	    {"application/vnd.google.protobuf;proto=io.prometheus.client."
	     "MetricFamily;encoding=text,text/plain;q=0.1",
		ACCEPT_TEXT},
	    {"application/vnd.google.protobuf;proto=other;q=1,*/*;q=0.1",
		ACCEPT_TEXT},
	    /* curl, a browser, nobody */
	    {"*/*", ACCEPT_TEXT},
	    {"text/html,application/xhtml+xml,application/xml;q=0.9,"
	     "image/webp,*/*;q=0.8",
		ACCEPT_TEXT},
	    {NULL, ACCEPT_TEXT},
	    {"", ACCEPT_TEXT},
	    {"text/html", ACCEPT_TEXT},
	};

	CHECK(rows);
}

static void
weights(void **state)
{
	static const struct row rows[] = {
	    {"text/plain;q=0.5," OM ";q=0.51", ACCEPT_OPENMETRICS},
	    {"text/plain;q=0.51," OM ";q=0.5", ACCEPT_TEXT},
	    {"text/plain;q=0.9,*/*", ACCEPT_OPENMETRICS},
	    {"text/plain;q=0.001," OM ";q=0", ACCEPT_TEXT},
	    {"text/plain;q=0," OM ";q=0.001", ACCEPT_OPENMETRICS},
	    {"text/plain;q=0,*/*;q=0.1", ACCEPT_OPENMETRICS},
	    {"*/*;q=0", ACCEPT_TEXT},
	    {"*/*;q=0," OM ";q=0.2", ACCEPT_OPENMETRICS},
	    /* computed weights have more digits than the RFC allows */
	    {"text/plain;q=0.30000000000000004," OM ";q=0.3000", ACCEPT_TEXT},
	    {"text/plain;q=0.3," OM ";q=1.000", ACCEPT_OPENMETRICS},
	    {"text/plain;q=0.3," OM ";Q=0.9", ACCEPT_OPENMETRICS},
	    /* the weight may stand before other parameters */
	    {"text/plain;q=0.3," OM ";q=0.9;version=1.0.0", ACCEPT_OPENMETRICS},
	};

	CHECK(rows);
}

static void
closeness(void **state)
{
	static const struct row rows[] = {
	    /* a closer range says more than a wide one, wherever it stands */
	    {"*/*;q=0.9," OM ";q=0.1,text/plain;q=0.5", ACCEPT_TEXT},
	    {"application/*;q=0.9,text/*;q=0.8", ACCEPT_OPENMETRICS},
	    {"application/*;q=0.9," OM ";q=0.1,text/*;q=0.8", ACCEPT_TEXT},
	    {OM ";q=0.9," OM ";version=1.0.0;q=0.1,text/plain;q=0.8",
		ACCEPT_OPENMETRICS_0},
	    /* equal weights: the closer one, then the first one */
	    {"*/*," OM, ACCEPT_OPENMETRICS},
	    {"text/plain," OM, ACCEPT_TEXT},
	    {OM ",text/plain", ACCEPT_OPENMETRICS},
	    {"text/*", ACCEPT_TEXT},
	    {"application/*", ACCEPT_OPENMETRICS},
	    {OM, ACCEPT_OPENMETRICS},
	    /* another version is another format */
	    {"text/plain;version=1.0.0," OM ";version=2.0.0;q=0.9",
		ACCEPT_TEXT},
	    {OM ";version=2.0.0,text/plain;q=0.1", ACCEPT_TEXT},
	    {OM ";version=0.0.1", ACCEPT_OPENMETRICS_0},
	    /* parameters that tell nothing apart do not stand in the way */
	    {OM ";version=1.0.0;charset=utf-8;escaping=dots;q=0.4,"
		"text/plain;q=0.3",
		ACCEPT_OPENMETRICS},
	};

	CHECK(rows);
}

static void
syntax(void **state)
{
	static const struct row rows[] = {
	    {" \ttext/plain ; q=0.3 ,\t" OM " ;\tversion=1.0.0 ; q=0.9 ",
		ACCEPT_OPENMETRICS},
	    {"TEXT/Plain;q=0.3,Application/OpenMetrics-Text;Version=1.0.0",
		ACCEPT_OPENMETRICS},
	    {"text/plain;q=0.3," OM ";version=\"1.0.0\"", ACCEPT_OPENMETRICS},
	    /* commas, semicolons and quotes within quotes */
	    {"a/b;x=\"," OM ";q=1,\\\"\",text/plain;q=0.1", ACCEPT_TEXT},
	    {",, ,text/plain;q=0.1;;," OM ";q=0.2,", ACCEPT_OPENMETRICS},
	    /* malformed elements count for nothing, the others do */
	    {"text/plain;q=0.1," OM ";q=nine", ACCEPT_TEXT},
	    {"text/plain;q=0.1," OM ";q=1.5", ACCEPT_TEXT},
	    {"text/plain;q=0.1," OM ";q=-1", ACCEPT_TEXT},
	    {"text/plain;q=0.1," OM ";q=", ACCEPT_TEXT},
	    {"text/plain;q=0.1," OM ";q = 0.9", ACCEPT_TEXT},
	    {"text/plain;q=0.1," OM " foo", ACCEPT_TEXT},
	    {"text/plain;q=0.1,application/", ACCEPT_TEXT},
	    {"text/plain;q=0.1,/openmetrics-text", ACCEPT_TEXT},
	    {"text/plain;q=0.1," OM ";version=\"1.0.0", ACCEPT_TEXT},
	    {"text/plain;q=0.1," OM ";version=\"1.0.0\\", ACCEPT_TEXT},
	    {"text/plain;q=0.1,*/openmetrics-text", ACCEPT_TEXT},
	    {"/;=,\"", ACCEPT_TEXT},
	    {"\"," OM, ACCEPT_TEXT},
	    {"@," OM, ACCEPT_OPENMETRICS},
	};

	CHECK(rows);
}

static void
content_types(void **state)
{
	assert_string_equal(accept_content_type(ACCEPT_TEXT),
	    "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(accept_content_type(ACCEPT_OPENMETRICS),
	    "application/openmetrics-text; version=1.0.0; charset=utf-8");
	assert_string_equal(accept_content_type(ACCEPT_OPENMETRICS_0),
	    "application/openmetrics-text; version=0.0.1; charset=utf-8");
}

static void
codings(void **state)
{
	static const struct {
		const char *header;
		bool want;
	} rows[] = {
	    {"gzip", true},
	    {"gzip, deflate, br", true},
	    {"deflate, GZIP;q=0.5", true},
	    {"x-gzip", true},
	    {"gzip;q=0.001", true},
	    {"identity;q=0.5, gzip;q=0.5", true},
	    {"identity;q=0, gzip;q=0.1", true},
	    {"br;q=nine, gzip", true},
	    {" ,gzip ; q=1.0", true},
	    {NULL, false},
	    {"", false},
	    {"gzip;q=0", false},
	    {"gzip;q=0.000", false},
	    {"gzip;q=2", false},
	    {"*", false},
	    {"identity", false},
	    {"identity, gzip;q=0.9", false},
	    {"gzipped", false},
	    {"pgzip", false},
	    {"\"gzip\"", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (accept_gzip(rows[i].header) != rows[i].want)
			fail_msg("%s: %d", rows[i].header, !rows[i].want);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scrapers),
	    cmocka_unit_test(weights),
	    cmocka_unit_test(closeness),
	    cmocka_unit_test(syntax),
	    cmocka_unit_test(content_types),
	    cmocka_unit_test(codings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
