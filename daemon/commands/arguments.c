/* The options of a command line, by table. */
#include "build.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "arguments.h"

enum { ROWS_MAX = 32, ROW_BASE = 256, ROW_HELP = ROW_BASE + ROWS_MAX };

static void
help_print(const struct arguments_form *form)
{
	printf("%s\n", form->usage);
	for (const struct argument *a = form->table; a->name != NULL; a++)
		printf("  --%s%s%s\n        %s\n", a->name,
		    a->value != NULL ? "=" : "",
		    a->value != NULL ? a->value : "", a->help);
	printf("  --help\n        print this and exit\n");
}

static void
options_make(
    const struct arguments_form *form, struct option option[ROWS_MAX + 2])
{
	unsigned n = 0;

	for (const struct argument *a = form->table; a->name != NULL; a++, n++)
		option[n] = (struct option){a->name,
		    a->value != NULL ? required_argument : no_argument, NULL,
		    ROW_BASE + (int)n};
	option[n] = (struct option){"help", no_argument, NULL, ROW_HELP};
	option[n + 1] = (struct option){0};
}

static int
set(void *into, const struct argument *a, const char *value)
{
	char *field = (char *)into + a->offset;

	switch (a->kind) {
	case ARGUMENT_FLAG:
		*(bool *)(void *)field = true;
		return 0;
	case ARGUMENT_TEXT:
		*(const char **)(void *)field = value;
		return 0;
	case ARGUMENT_SET:
		return a->set(into, a, value);
	}
	return -1;
}

int
arguments_parse(
    const struct arguments_form *form, void *into, int argc, char **argv)
{
	struct option option[ROWS_MAX + 2];
	int id, result;

	options_make(form, option);
	while ((id = getopt_long(argc, argv, "h", option, NULL)) != -1) {
		if (id == 'h' || id == ROW_HELP) {
			help_print(form);
			return 0;
		}
		/* What getopt does not know it has said already. */
		if (id < ROW_BASE)
			return 2;
		result = set(into, &form->table[id - ROW_BASE], optarg);
		if (result != 0)
			return result < 0 ? 2 : 0;
	}
	if (optind < argc) {
		fprintf(stderr,
		    "%s: '%s' is no command and no option; see %s --help\n",
		    form->command, argv[optind], form->command);
		return 2;
	}
	return -1;
}
