/* `reachd print`: writes a reference to standard output. */
#include "build.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "contract.h"
#include "print.h"
#include "print_profile.h"

static int
usage(FILE *to)
{
	const struct contract *c;

	fputs("usage: reachd print REFERENCE [NAME]\n\n", to);
	for (unsigned n = 0; (c = contract_at(n)) != NULL; n++)
		fprintf(to, "  %-10s %s\n", c->name, c->what);
	fprintf(to, "  %-10s %s\n", "profile",
	    "requirements of a profile, by its NAME, or of all");
	return to == stdout ? 0 : 2;
}

int
print_main(int argc, char **argv)
{
	const struct contract *c;
	struct buf text = BUF_INIT;
	int failed;

	if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage(stdout);
	if ((argc == 2 || argc == 3) && strcmp(argv[1], "profile") == 0)
		return print_profile(argc == 3 ? argv[2] : NULL);
	if (argc != 2)
		return usage(stderr);
	c = contract_find(argv[1]);
	if (c == NULL) {
		fprintf(stderr, "reachd print: there is no \"%s\"\n", argv[1]);
		return usage(stderr);
	}
	c->write(&text);
	failed = text.err ||
		 fwrite(text.data, 1, text.len, stdout) != text.len ||
		 fflush(stdout) != 0;
	if (failed)
		perror("reachd print");
	buf_free(&text);
	return failed;
}
