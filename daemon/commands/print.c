/* `reachd print`: writes a reference to standard output. */
#include "build.h"

#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "buf.h"
#include "completion.h"
#include "contract.h"
#include "print.h"
#include "print_profile.h"

/* Behind the contracts; without a shell it has a command of its own. */
static const struct {
	const char *name, *what, *shell;
} more[] = {
    {"profile", "requirements of a profile, by its NAME, or of all", NULL},
    {"completion-bash", "completion of options in bash", "bash"},
    {"completion-zsh", "completion of options in zsh", "zsh"},
    {"completion-fish", "completion of options in fish", "fish"},
};

enum { MORE = sizeof(more) / sizeof(*more) };

static const struct argument arguments[] = {{0}};

static const char *
operand(unsigned n)
{
	unsigned contracts = 0;

	while (contract_at(contracts) != NULL)
		contracts++;
	if (n < contracts)
		return contract_at(n)->name;
	n -= contracts;
	return n < MORE ? more[n].name : NULL;
}

const struct arguments_form print_form = {"reachd print",
    "usage: reachd print REFERENCE [NAME]\n", arguments, operand};

static int
usage(FILE *to)
{
	const struct contract *c;

	fprintf(to, "%s\n", print_form.usage);
	for (unsigned n = 0; (c = contract_at(n)) != NULL; n++)
		fprintf(to, "  %-15s %s\n", c->name, c->what);
	for (unsigned n = 0; n < MORE; n++)
		fprintf(to, "  %-15s %s\n", more[n].name, more[n].what);
	return to == stdout ? 0 : 2;
}

/* 0, or -1 when there is no such reference. */
static int
reference(struct buf *text, const char *name,
    const struct arguments_form *const *form)
{
	const struct contract *c = contract_find(name);

	if (c != NULL) {
		c->write(text);
		return 0;
	}
	for (unsigned n = 0; n < MORE; n++) {
		if (more[n].shell != NULL && strcmp(more[n].name, name) == 0)
			return completion_write(text, more[n].shell, form);
	}
	return -1;
}

int
print_main(int argc, char **argv, const struct arguments_form *const *form)
{
	struct buf text = BUF_INIT;
	int failed;

	if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage(stdout);
	if ((argc == 2 || argc == 3) && strcmp(argv[1], "profile") == 0)
		return print_profile(argc == 3 ? argv[2] : NULL);
	if (argc != 2)
		return usage(stderr);
	if (reference(&text, argv[1], form) < 0) {
		fprintf(stderr, "reachd print: there is no \"%s\"\n", argv[1]);
		return usage(stderr);
	}
	failed = text.err ||
		 fwrite(text.data, 1, text.len, stdout) != text.len ||
		 fflush(stdout) != 0;
	if (failed)
		perror("reachd print");
	buf_free(&text);
	return failed;
}
