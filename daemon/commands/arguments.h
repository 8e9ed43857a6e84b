/*
 * The options of a command line: one row each, which the parser and the help
 * are made from. GNU long options, `--name=value` or `--name value`.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stddef.h>

enum argument_kind {
	ARGUMENT_FLAG, /* sets a bool */
	ARGUMENT_TEXT, /* sets a const char *, borrowed from argv */
	ARGUMENT_SET   /* is set by a function */
};

struct argument {
	const char *name;
	/* Behind "=" in the help: "FILE", words as "a|b", or NULL. */
	const char *value;
	const char *help;
	enum argument_kind kind;
	size_t offset; /* of the bool or text in the struct */
	/* 0; negative: not allowed, said why; positive: done, end with 0. */
	int (*set)(void *into, const struct argument *row, const char *value);
};

struct arguments_form {
	const char *command;	      /* in front of messages: "reachd" */
	const char *usage;	      /* first lines of the help */
	const struct argument *table; /* a row without a name ends it */
	/* Words that may stand alone: number n from 0 on, or NULL. */
	const char *(*operand)(unsigned n);
};

/*
 * Reads argv[1..] into the struct. --help and -h are understood without a
 * row. -1: go on; otherwise the exit status: 0 (help was asked for), or 2
 * with the reason on standard error.
 */
int arguments_parse(
    const struct arguments_form *form, void *into, int argc, char **argv);

#endif
