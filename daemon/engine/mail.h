/*
 * What other threads ask of the control: a reload that they wait for, rounds,
 * or to look into the engines' queues.
 */
#ifndef MAIL_H
#define MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct uv_loop_s;
struct mail;

enum { MAIL_ROUNDS = 64 };

/* arrived() is called on the loop when there is something. NULL: failed. */
struct mail *mail_new(
    struct uv_loop_s *loop, void (*arrived)(void *arg), void *arg);
void mail_close(struct mail *m); /* on its loop */
void mail_free(struct mail *m);	 /* when the loop has run out */

/* ---- any thread ---- */

void mail_wake(struct mail *m);
/* Waits for mail_reload_answer(), at most 30 s: its result and its text. */
int mail_reload(struct mail *m, struct buf *errors);
/* A round of the target with that index, 0: of all. 0, or -EAGAIN. */
int mail_round(struct mail *m, uint32_t index);

/* ---- the loop's thread ---- */

/* Whether somebody waits for a reload; the answer names the ticket. */
bool mail_reload_asked(struct mail *m, uint64_t *ticket);
void mail_reload_answer(
    struct mail *m, uint64_t ticket, int result, const char *errors);
/* The rounds asked for since the last call; how many. */
unsigned mail_rounds(struct mail *m, uint32_t out[MAIL_ROUNDS]);

#endif
