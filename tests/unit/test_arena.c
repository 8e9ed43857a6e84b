/* Pieces of an arena are aligned, do not overlap and stay where they are. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "dice.h"

enum { PIECES = 3000 };

static void
test_pieces(void **state)
{
	static unsigned char *piece[PIECES];
	static size_t size[PIECES];
	struct dice d = dice_case(1);
	struct arena *a = arena_new();

	assert_non_null(a);
	for (unsigned i = 0; i < PIECES; i++) {
		/* now and then one that is larger than a block */
		size[i] = dice_below(&d, i % 500 == 499 ? 300000 : 200);
		piece[i] = arena_take(a, size[i]);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % 8, 0);
		memset(piece[i], (int)(i % 251), size[i]);
	}
	for (unsigned i = 0; i < PIECES; i++)
		for (size_t k = 0; k < size[i]; k++)
			assert_int_equal(piece[i][k], i % 251);
	arena_free(a);
}

static void
test_edges(void **state)
{
	struct arena *a = arena_new();
	char *whole = arena_take(a, 65536), *none = arena_take(a, 0);
	char *one = arena_take(a, 1), *next = arena_take(a, 8);

	memset(whole, 1, 65536);
	assert_non_null(none);
	assert_true(next >= one + 8 || next + 8 <= one);
	arena_free(a);
	arena_free(arena_new());
	arena_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
