/*
 * The YAML files of the operator: configuration, target file, profile.
 * Besides memory errors: a file is either taken or has a mistake that is
 * said, and what is taken makes targets with names of their own.
 */
#include "build.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_targets(const struct config *c, const struct config_target *t, size_t n)
{
	struct inventory_input in = {
	    .config = c, .file_target = &t, .file_targets = &n, .files = 1};
	struct inventory *i = inventory_build(&in);
	size_t names;
	char **name = inventory_names(&in, &names);

	if (i == NULL || name == NULL)
		abort();
	for (size_t k = 1; k < i->targets; k++) {
		if (strcmp(i->target[k - 1]->name, i->target[k]->name) >= 0)
			abort();
	}
	while (names > 0)
		free(name[--names]);
	free(name);
	inventory_free(i);
}

/* Whether something was taken must be the contrary of errors. */
static void
check_errors(struct doc_errors *e, int taken)
{
	if (taken == (doc_errors_count(e) > 0))
		abort();
	doc_errors_free(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char plain[] = "rolling: true\n";
	struct doc_errors errors = {0};
	const char *text = (const char *)data;
	struct config_target *t = NULL;
	struct config *c = config_parse("/etc/f.yml", text, size, &errors);
	struct profile *p;
	ssize_t n;

	check_errors(&errors, c != NULL);
	if (c == NULL)
		c = config_parse(
		    "/etc/p.yml", plain, sizeof(plain) - 1, &errors);
	n = config_target_file(c, text, size, &t, &errors);
	check_errors(&errors, n >= 0);
	check_targets(c, t, n > 0 ? (size_t)n : 0);
	config_targets_free(t, n > 0 ? (size_t)n : 0);
	config_free(c);
	p = profile_parse("f", text, size, NULL, &errors);
	check_errors(&errors, p != NULL);
	profile_free(p);
	return 0;
}
