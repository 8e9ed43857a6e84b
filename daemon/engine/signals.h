/*
 * SIGHUP, SIGINT and SIGTERM, heard by a loop and taken by its thread alone.
 * At its end nobody takes them: who asks twice for an end does not kill.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

struct signals;
struct uv_loop_s;

/*
 * heard() is called on the loop. This thread, and those that it makes from
 * now on, leave them to the one of the loop. NULL: no memory.
 */
struct signals *signals_new(
    struct uv_loop_s *loop, void (*heard)(void *arg, int number), void *arg);
/* By the thread of the loop; what came in between is not lost. */
void signals_take(void);
/* On the loop, whose thread leaves them then; its memory goes with the turn. */
void signals_close(struct signals *s);

#endif
