/* `reachd print`: the references that the program carries within itself. */
#ifndef PRINT_H
#define PRINT_H

/* argv[0] is "print". The exit status: 0, 1 cannot write, 2 bad arguments. */
int print_main(int argc, char **argv);

#endif
