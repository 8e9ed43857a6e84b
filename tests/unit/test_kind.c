/* The kinds that may be configured are those that collectors can do. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "collectors.h"
#include "kind.h"
#include "probe.h"

static void
each_kind_has_a_collector(void **state)
{
	const struct kind *k;

	for (unsigned i = 0; (k = kind_row(i)) != NULL; i++) {
		const struct collector *c =
		    collectors_find(k->name, k->transport);

		assert_non_null(c);
		assert_string_equal(c->name, k->name);
		assert_int_equal(c->port, k->port);
		assert_int_equal(c->count, k->count);
		assert_in_range(k->count, 1, k->count_most);
		assert_true(k->count_most <= PROBE_REQUESTS_MAX);
		assert_ptr_equal(kind_find(k->name, k->transport), k);
	}
}

static void
each_collector_has_its_kinds(void **state)
{
	for (const struct collector *const *c = collectors; *c != NULL; c++) {
		for (unsigned t = 1; t < TRANSPORT_END; t++) {
			if (((*c)->transports & UINT32_C(1) << t) != 0)
				assert_non_null(kind_find((*c)->name, t));
		}
	}
}

static void
look_ups(void **state)
{
	assert_int_equal(kind_first("stun")->transport, TRANSPORT_UDP);
	assert_int_equal(kind_first("sip")->transport, TRANSPORT_SIP_UDP);
	assert_null(kind_first("nosuch"));
	assert_null(kind_find("icmp", TRANSPORT_UDP));
	assert_false(kind_first("icmp")->has_port);
	assert_int_equal(kind_find("tcp", TRANSPORT_TCP)->port, 0);
	assert_true(kind_find("tcp", TRANSPORT_TCP)->has_port);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_has_a_collector),
	    cmocka_unit_test(each_collector_has_its_kinds),
	    cmocka_unit_test(look_ups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
