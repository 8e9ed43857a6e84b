/*
 * Scripts for three shells. A value is a file, one of the words in its row
 * ("debug|info|warn|error"), or something that no shell can know.
 */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "arguments.h"
#include "buf.h"
#include "completion.h"

/* "" for the daemon, "reflect" for "reachd reflect". */
static const char *
command_of(const struct arguments_form *f)
{
	const char *space = strchr(f->command, ' ');

	return space != NULL ? space + 1 : "";
}

static bool
takes_file(const struct argument *a)
{
	return a->value != NULL && strcmp(a->value, "FILE") == 0;
}

static bool
takes_words(const struct argument *a)
{
	return a->value != NULL && strchr(a->value, '|') != NULL;
}

/* "debug|info" as "debug info". */
static void
put_words(struct buf *b, const struct argument *a)
{
	for (const char *s = a->value; *s != '\0'; s++)
		buf_putc(b, *s == '|' ? ' ' : *s);
}

/*
 * The help on one line, for single quotes of sh, without what stands in
 * brackets: defaults are not the same for every build. zsh wants some
 * characters escaped.
 */
static void
put_help(struct buf *b, const char *help, const char *escape)
{
	bool space = false;

	for (; *help != '\0'; help++) {
		if (isspace((unsigned char)*help)) {
			space = true;
			continue;
		}
		if (*help == '(')
			return;
		if (space)
			buf_putc(b, ' ');
		space = false;
		if (*help == '\'')
			buf_puts(b, "'\\'");
		else if (strchr(escape, *help) != NULL)
			buf_putc(b, '\\');
		buf_putc(b, *help);
	}
}

static void
put_commands(struct buf *b, const struct arguments_form *const *form,
    const char *between)
{
	for (unsigned i = 1; form[i] != NULL; i++)
		buf_printf(
		    b, "%s%s", i > 1 ? between : "", command_of(form[i]));
}

static void
put_operands(struct buf *b, const struct arguments_form *f)
{
	const char *word;

	for (unsigned n = 0; (word = f->operand(n)) != NULL; n++)
		buf_printf(b, "%s%s", n > 0 ? " " : "", word);
}

/* ---- bash ---- */

/* What follows an option: a case for each that takes a value. */
static void
bash_values(struct buf *b, const struct arguments_form *f)
{
	for (const struct argument *a = f->table; a->name != NULL; a++) {
		if (a->value == NULL)
			continue;
		buf_printf(b, "\t%s:--%s) ", command_of(f), a->name);
		if (takes_words(a)) {
			buf_puts(b, "COMPREPLY=($(compgen -W '");
			put_words(b, a);
			buf_puts(b, "' -- \"$cur\"));");
		} else {
			buf_puts(b, takes_file(a) ? "_filedir;" : ":;");
		}
		buf_puts(b, " return ;;\n");
	}
}

static void
bash_options(struct buf *b, const struct arguments_form *f)
{
	buf_printf(b, "\t'%s') words='", command_of(f));
	for (const struct argument *a = f->table; a->name != NULL; a++)
		buf_printf(b, "--%s%s ", a->name, a->value != NULL ? "=" : "");
	buf_puts(b, "--help' ;;\n");
}

static void
bash_operands(
    struct buf *b, const struct arguments_form *const *form, unsigned i)
{
	if (i > 0 && form[i]->operand == NULL)
		return;
	buf_printf(b, "\t'%s') words='", command_of(form[i]));
	if (i == 0)
		put_commands(b, form, " ");
	else
		put_operands(b, form[i]);
	buf_puts(b, "' ;;\n");
}

static void
write_bash(struct buf *b, const struct arguments_form *const *form)
{
	buf_puts(b,
	    "# bash completion for reachd(8); `reachd print completion-bash`\n"
	    "_reachd()\n{\n"
	    "\tlocal cur prev words cword split command=\n"
	    "\t_init_completion -s || return\n"
	    "\tcase ${words[1]} in ");
	put_commands(b, form, " | ");
	buf_puts(b, ") [ \"$cword\" -eq 1 ] || command=${words[1]} ;; esac\n"
		    "\tcase $command:$prev in\n");
	for (unsigned i = 0; form[i] != NULL; i++)
		bash_values(b, form[i]);
	buf_puts(b, "\tesac\n"
		    "\t\"$split\" && return\n"
		    "\twords=\n"
		    "\tif [[ $cur == -* ]]; then\n"
		    "\tcase $command in\n");
	for (unsigned i = 0; form[i] != NULL; i++)
		bash_options(b, form[i]);
	buf_puts(b, "\tesac\n\telse\n\tcase $command in\n");
	for (unsigned i = 0; form[i] != NULL; i++)
		bash_operands(b, form, i);
	buf_puts(b, "\tesac\n\tfi\n"
		    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		    "\t[[ ${COMPREPLY-} == *= ]] && compopt -o nospace\n"
		    "\treturn 0\n"
		    "} && complete -F _reachd reachd\n");
}

/* ---- zsh ---- */

static void
zsh_form(struct buf *b, const struct arguments_form *const *form, unsigned i)
{
	buf_puts(b, "\t_arguments -S");
	for (const struct argument *a = form[i]->table; a->name != NULL; a++) {
		buf_printf(
		    b, " \\\n\t\t'*--%s%s[", a->name, a->value ? "=" : "");
		put_help(b, a->help, "[]:");
		buf_puts(b, "]");
		if (takes_file(a)) {
			buf_puts(b, ":file:_files");
		} else if (takes_words(a)) {
			buf_puts(b, ":word:(");
			put_words(b, a);
			buf_puts(b, ")");
		} else if (a->value != NULL) {
			buf_puts(b, ":");
			put_help(b, a->value, "[]:");
			buf_puts(b, ": ");
		}
		buf_putc(b, '\'');
	}
	buf_puts(b, " \\\n\t\t'(- *)--help[print this and exit]'");
	if (i == 0 || form[i]->operand != NULL) {
		buf_puts(b, " \\\n\t\t'1:what:(");
		if (i == 0)
			put_commands(b, form, " ");
		else
			put_operands(b, form[i]);
		buf_puts(b, ")'");
	}
	buf_putc(b, '\n');
}

static void
write_zsh(struct buf *b, const struct arguments_form *const *form)
{
	buf_puts(b, "#compdef reachd\n"
		    "# zsh completion for reachd(8); `reachd print "
		    "completion-zsh`\n"
		    "if (( CURRENT > 2 )); then\n\tcase ${words[2]} in\n");
	for (unsigned i = 1; form[i] != NULL; i++) {
		buf_printf(b, "\t%s)\n\tshift words; (( CURRENT-- ))\n",
		    command_of(form[i]));
		zsh_form(b, form, i);
		buf_puts(b, "\treturn ;;\n");
	}
	buf_puts(b, "\tesac\nfi\n");
	zsh_form(b, form, 0);
}

/* ---- fish ---- */

/* When the options of the form are offered. */
static void
fish_condition(
    struct buf *b, const struct arguments_form *const *form, unsigned i)
{
	buf_puts(b, "complete -c reachd -n '");
	if (i == 0) {
		buf_puts(b, "not __fish_seen_subcommand_from ");
		put_commands(b, form, " ");
	} else {
		buf_printf(
		    b, "__fish_seen_subcommand_from %s", command_of(form[i]));
	}
	buf_puts(b, "' ");
}

static void
fish_form(struct buf *b, const struct arguments_form *const *form, unsigned i)
{
	for (const struct argument *a = form[i]->table; a->name != NULL; a++) {
		fish_condition(b, form, i);
		buf_printf(b, "-l %s", a->name);
		if (takes_words(a)) {
			buf_puts(b, " -x -a '");
			put_words(b, a);
			buf_putc(b, '\'');
		} else if (a->value != NULL) {
			buf_puts(b, takes_file(a) ? " -r -F" : " -x");
		}
		buf_puts(b, " -d '");
		put_help(b, a->help, "");
		buf_puts(b, "'\n");
	}
	fish_condition(b, form, i);
	buf_puts(b, "-l help -d 'print this and exit'\n");
	if (i > 0 && form[i]->operand == NULL)
		return;
	fish_condition(b, form, i);
	buf_puts(b, "-a '");
	if (i == 0)
		put_commands(b, form, " ");
	else
		put_operands(b, form[i]);
	buf_puts(b, "'\n");
}

static void
write_fish(struct buf *b, const struct arguments_form *const *form)
{
	buf_puts(b,
	    "# fish completion for reachd(8); `reachd print completion-fish`\n"
	    "complete -c reachd -f\n");
	for (unsigned i = 0; form[i] != NULL; i++)
		fish_form(b, form, i);
}

static const struct {
	const char *shell;
	void (*write)(struct buf *b, const struct arguments_form *const *form);
} shells[] = {
    {"bash", write_bash},
    {"zsh", write_zsh},
    {"fish", write_fish},
};

int
completion_write(
    struct buf *b, const char *shell, const struct arguments_form *const *form)
{
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].shell, shell) == 0) {
			shells[i].write(b, form);
			return 0;
		}
	}
	return -EINVAL;
}
