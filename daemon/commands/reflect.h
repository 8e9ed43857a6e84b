/*
 * `reachd reflect`: a STUN responder over UDP, TCP and TLS with settable
 * delay, jitter and loss, to place at one's own sites and to try things out.
 */
#ifndef REFLECT_H
#define REFLECT_H

struct arguments_form;

extern const struct arguments_form reflect_form;

/* argv[0] is "reflect". The exit status: 0, 1 cannot listen, 2 bad options. */
int reflect_main(int argc, char **argv);

#endif
