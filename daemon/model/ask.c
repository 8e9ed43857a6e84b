/* The life of what a target asks. */
#include "build.h"

#include <stdlib.h>

#include "ask.h"
#include "ask_groups.h"
#include "option.h"

struct ask *
ask_new(unsigned groups)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->refs = 1;
	a->groups = groups;
	for (unsigned i = 0; i < ASK_GROUPS; i++)
		option_defaults(
		    ask_groups[i].option, (char *)a + ask_groups[i].offset);
	return a;
}

struct ask *
ask_ref(struct ask *a)
{
	if (a != NULL)
		__atomic_add_fetch(&a->refs, 1, __ATOMIC_RELAXED);
	return a;
}

void
ask_unref(struct ask *a)
{
	if (a == NULL || __atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (unsigned i = 0; i < ASK_GROUPS; i++)
		option_free(
		    ask_groups[i].option, (char *)a + ask_groups[i].offset);
	free(a->text);
	free(a);
}
