/* Blocks of 64 KiB, or as large as a piece needs. */
#include "build.h"

#include <stdlib.h>

#include "arena.h"

enum { BLOCK = 65536 };

struct block {
	struct block *next;
	size_t used, size;
	char data[];
};

struct arena {
	struct block *block; /* the one that is taken from */
};

struct arena *
arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *a)
{
	struct block *b = a != NULL ? a->block : NULL;

	while (b != NULL) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
	free(a);
}

void *
arena_take(struct arena *a, size_t n)
{
	struct block *b = a->block;

	n = (n + 7) & ~(size_t)7;
	if (b == NULL || b->size - b->used < n) {
		size_t size = n > BLOCK ? n : BLOCK;

		b = malloc(sizeof(*b) + size);
		if (b == NULL)
			return NULL;
		*b = (struct block){a->block, 0, size};
		a->block = b;
	}
	b->used += n;
	return b->data + b->used - n;
}
