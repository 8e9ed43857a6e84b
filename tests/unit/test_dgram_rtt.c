/* Which of its times a datagram is measured by, with and without steps. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dgram_rtt.h"

#define US     INT64_C(1000)
#define MS     INT64_C(1000000)
#define HOUR   (3600000 * MS)
#define OFFSET (INT64_C(1700000000) * 1000 * MS)
#define NOBODY INT64_MIN /* no stamp */

/*
 * Sent at 1 s of the monotonic clock, read at 1.1 s. tx and rx are where the
 * stamps lie after 1 s, in the clock that `step` adds to.
 */
static const struct {
	const char *what;
	enum dgram_step step;
	int64_t tx, tx_step, rx, rx_step, offset_step, before_step;
	enum stamp stamp;
	int64_t rtt;
} cases[] = {
    {"both stamps", DGRAM_STEP_NONE, 20 * US, 0, 10 * MS, 0, 0, 0, STAMP_KERNEL,
	9980 * US},
    {"no transmit stamp", DGRAM_STEP_NONE, NOBODY, 0, 10 * MS, 0, 0, 0,
	STAMP_KERNEL_RX, 10 * MS},
    {"no receive stamp", DGRAM_STEP_NONE, 20 * US, 0, NOBODY, 0, 0, 0,
	STAMP_USER, 100 * MS},
    {"no stamp", DGRAM_STEP_NONE, NOBODY, 0, NOBODY, 0, 0, 0, STAMP_USER,
	100 * MS},
    {"same nanosecond", DGRAM_STEP_NONE, 20 * US, 0, 20 * US, 0, 0, 0,
	STAMP_KERNEL, 1},
    {"received before sent", DGRAM_STEP_NONE, 20 * US, 0, -1 * MS, 0, 0, 0,
	STAMP_USER, 100 * MS},
    {"received after it was read", DGRAM_STEP_NONE, 20 * US, 0, 101 * MS, 0, 0,
	0, STAMP_USER, 100 * MS},
    {"another packet's transmit stamp, earlier", DGRAM_STEP_NONE, -30 * US, 0,
	10 * MS, 0, 0, 0, STAMP_KERNEL_RX, 10 * MS},
    {"another packet's transmit stamp, later", DGRAM_STEP_NONE, 11 * MS, 0,
	10 * MS, 0, 0, 0, STAMP_KERNEL_RX, 10 * MS},
    /* The offset may be read a little wrong: that is no other packet. */
    {"stamp a little early", DGRAM_STEP_NONE, -900, 0, 10 * MS, 0, 0, 0,
	STAMP_KERNEL, 10 * MS + 900},
    {"a clock that is not ours", DGRAM_STEP_NONE, 20 * US, 26 * HOUR, 10 * MS,
	26 * HOUR, 0, 0, STAMP_KERNEL, 9980 * US},
    /* There and back between two readings: seen in no offset. */
    {"unseen step of an hour", DGRAM_STEP_NONE, 20 * US, 0, 10 * MS, HOUR, 0, 0,
	STAMP_USER, 100 * MS},

    {"26 h on, after the answer", DGRAM_STEP_NOW, 20 * US, 0, 10 * MS, 0,
	26 * HOUR, 0, STAMP_KERNEL, 9980 * US},
    {"26 h back, after the answer", DGRAM_STEP_NOW, 20 * US, 0, 10 * MS, 0,
	-26 * HOUR, 0, STAMP_KERNEL, 9980 * US},
    {"26 h on, between", DGRAM_STEP_NOW, 20 * US, 0, 10 * MS, 26 * HOUR,
	26 * HOUR, 0, STAMP_KERNEL_RX, 10 * MS},
    {"26 h back, between", DGRAM_STEP_NOW, 20 * US, 0, 10 * MS, -26 * HOUR,
	-26 * HOUR, 0, STAMP_KERNEL_RX, 10 * MS},
    {"26 h on, just before sending", DGRAM_STEP_NOW, 20 * US, 26 * HOUR,
	10 * MS, 26 * HOUR, 26 * HOUR, 0, STAMP_KERNEL, 9980 * US},
    {"no transmit stamp, step after", DGRAM_STEP_NOW, NOBODY, 0, 10 * MS, 0,
	26 * HOUR, 0, STAMP_KERNEL_RX, 10 * MS},
    {"no transmit stamp, step before", DGRAM_STEP_NOW, NOBODY, 0, 10 * MS,
	26 * HOUR, 26 * HOUR, 0, STAMP_KERNEL_RX, 10 * MS},
    {"two steps at once", DGRAM_STEP_NOW, 20 * US, 0, 10 * MS, HOUR, 3 * HOUR,
	0, STAMP_USER, 100 * MS},

    {"26 h on, earlier", DGRAM_STEP_EARLIER, 20 * US, 0, 10 * MS, 26 * HOUR,
	26 * HOUR, 0, STAMP_KERNEL_RX, 10 * MS},
    /* -5 ms: the pair alone would say 5 ms, and be believed. */
    {"5 ms back, earlier", DGRAM_STEP_EARLIER, 20 * US, 0, 10 * MS, -5 * MS,
	-5 * MS, 0, STAMP_KERNEL_RX, 10 * MS},
    {"and no receive stamp", DGRAM_STEP_EARLIER, 20 * US, 0, NOBODY, 0,
	26 * HOUR, 0, STAMP_USER, 100 * MS},
    {"and a receive stamp from before", DGRAM_STEP_EARLIER, 20 * US, 0, 10 * MS,
	0, 26 * HOUR, 0, STAMP_KERNEL, 9980 * US},
};

static void
test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dgram_times t = {
		    .sent = 1000 * MS,
		    .now = 1100 * MS,
		    .offset = OFFSET + cases[i].offset_step,
		    .before = OFFSET + cases[i].before_step,
		    .step = cases[i].step,
		};
		enum stamp stamp;
		uint64_t rtt;

		if (cases[i].tx != NOBODY)
			t.tx =
			    1000 * MS + OFFSET + cases[i].tx + cases[i].tx_step;
		if (cases[i].rx != NOBODY)
			t.rx =
			    1000 * MS + OFFSET + cases[i].rx + cases[i].rx_step;
		rtt = dgram_rtt(&t, &stamp);
		if (stamp != cases[i].stamp || rtt != (uint64_t)cases[i].rtt)
			fail_msg("%s: %s %llu ns", cases[i].what,
			    word_label(WORD_STAMP, stamp),
			    (unsigned long long)rtt);
	}
}

/* Real times are told when the kernel stamped the answer and no step came. */
static void
test_real(void **state)
{
	struct dgram_times t = {
	    .sent = 1000 * MS,
	    .now = 1100 * MS,
	    .tx = OFFSET + 1000 * MS + 20 * US,
	    .rx = OFFSET + 1010 * MS,
	    .offset = OFFSET,
	    .before = OFFSET,
	};
	int64_t sent = 7, received = 7;

	assert_true(dgram_rtt_real(&t, &sent, &received));
	assert_int_equal(sent, OFFSET + 1000 * MS + 20 * US);
	assert_int_equal(received, OFFSET + 1010 * MS);
	/* Without its own stamp, or with another's, it is when it was sent. */
	t.tx = 0;
	assert_true(dgram_rtt_real(&t, &sent, &received));
	assert_int_equal(sent, OFFSET + 1000 * MS);
	t.tx = OFFSET + 900 * MS;
	assert_true(dgram_rtt_real(&t, &sent, &received));
	assert_int_equal(sent, OFFSET + 1000 * MS);
	assert_int_equal(received, OFFSET + 1010 * MS);
	sent = received = 7;
	t.rx = 0; /* read at a tick, maybe long after it came */
	assert_false(dgram_rtt_real(&t, &sent, &received));
	t.rx = OFFSET + 1010 * MS + HOUR; /* another clock's */
	assert_false(dgram_rtt_real(&t, &sent, &received));
	t.rx = OFFSET + 1010 * MS;
	t.step = DGRAM_STEP_NOW;
	assert_false(dgram_rtt_real(&t, &sent, &received));
	t.step = DGRAM_STEP_EARLIER;
	assert_false(dgram_rtt_real(&t, &sent, &received));
	assert_true(sent == 7 && received == 7);
}

/* Whatever the stamps say, it is neither nothing nor more than there was. */
static void
test_bounds(void **state)
{
	static const int64_t odd[] = {0, 1, -1, INT64_MAX / 2, INT64_MIN / 2,
	    OFFSET, OFFSET + 1000 * MS, OFFSET + 1100 * MS, 1050 * MS};
	enum { ODD = sizeof(odd) / sizeof(odd[0]) };

	for (unsigned i = 0; i < ODD * ODD * ODD * 3; i++) {
		struct dgram_times t = {
		    .sent = 1000 * MS,
		    .now = 1100 * MS,
		    .tx = odd[i % ODD],
		    .rx = odd[i / ODD % ODD],
		    .offset = odd[i / ODD / ODD % ODD] / 2,
		    .before = OFFSET,
		    .step = (enum dgram_step)(i / ODD / ODD / ODD),
		};
		enum stamp stamp;

		assert_in_range(dgram_rtt(&t, &stamp), 1, 100 * MS);
		assert_in_range(stamp, STAMP_KERNEL, STAMP_USER);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_real),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("dgram_rtt", tests, NULL, NULL);
}
