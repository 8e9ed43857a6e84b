/*
 * Completion for shells, made from the tables of options: what the parser
 * takes is what the shell offers.
 */
#ifndef COMPLETION_H
#define COMPLETION_H

struct arguments_form;
struct buf;

/*
 * Appends the script for "bash", "zsh" or "fish". The first form is that of
 * the daemon, the others of its commands; NULL ends them. 0, or -EINVAL for
 * another shell.
 */
int completion_write(struct buf *b, const char *shell,
    const struct arguments_form *const *form);

#endif
