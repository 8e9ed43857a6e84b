/* `reachd print`: the references that the program carries within itself. */
#ifndef PRINT_H
#define PRINT_H

struct arguments_form;

extern const struct arguments_form print_form;

/*
 * argv[0] is "print"; form: what completion is made of, see completion.h. The
 * exit status: 0, 1 cannot write, 2 bad arguments.
 */
int print_main(int argc, char **argv, const struct arguments_form *const *form);

#endif
