/* `reachd print profile`: the requirements of a profile, as a table. */
#ifndef PRINT_PROFILE_H
#define PRINT_PROFILE_H

/*
 * Of an installed profile or of a file (with a slash); NULL: of every
 * installed one. 0, 1 cannot write, 2 there is none or it has mistakes.
 */
int print_profile(const char *name);

#endif
