/* Texts to numbers: open addressing, linear probing, at most half full. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "target.h"

void
index_free(struct index *x)
{
	for (size_t i = 0; i < x->slots; i++)
		free(x->slot[i].text);
	free(x->slot);
	*x = (struct index){0};
}

/* Where the text is, or the free slot where it would be. */
static struct index_entry *
place(const struct index *x, const char *text)
{
	size_t i = target_hash(text, 0) & (x->slots - 1);

	while (x->slot[i].text != NULL && strcmp(x->slot[i].text, text) != 0)
		i = (i + 1) & (x->slots - 1);
	return &x->slot[i];
}

static int
grow(struct index *x)
{
	struct index wider = {NULL, x->slots > 0 ? 2 * x->slots : 64, x->used};

	wider.slot = calloc(wider.slots, sizeof(*wider.slot));
	if (wider.slot == NULL)
		return -1;
	for (size_t i = 0; i < x->slots; i++)
		if (x->slot[i].text != NULL)
			*place(&wider, x->slot[i].text) = x->slot[i];
	free(x->slot);
	*x = wider;
	return 0;
}

struct index_entry *
index_find(const struct index *x, const char *text)
{
	struct index_entry *e = x->slots > 0 ? place(x, text) : NULL;

	return e != NULL && e->text != NULL ? e : NULL;
}

struct index_entry *
index_add(struct index *x, const char *text)
{
	struct index_entry *e = index_find(x, text);

	if (e != NULL)
		return e;
	if (2 * (x->used + 1) > x->slots && grow(x) < 0)
		return NULL;
	e = place(x, text);
	e->text = strdup(text);
	if (e->text == NULL)
		return NULL;
	x->used++;
	return e;
}
