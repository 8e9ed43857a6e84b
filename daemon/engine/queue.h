/*
 * A queue of fixed-size records from one thread to one other. Neither waits:
 * when it is full the record is dropped and counted.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

/* capacity is a power of two. NULL: no memory. */
struct queue *queue_new(size_t record, size_t capacity);
void queue_free(struct queue *q);
bool queue_push(struct queue *q, const void *record); /* the writer */
bool queue_pop(struct queue *q, void *record);	      /* the reader */
uint64_t queue_dropped(const struct queue *q);	      /* any thread */

#endif
