/* One writer, one reader, a ring and two counters that only grow. */
#include "build.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

struct queue {
	_Atomic uint64_t head, tail, dropped; /* written, read, lost */
	size_t record, mask;
	unsigned char data[];
};

struct queue *
queue_new(size_t record, size_t capacity)
{
	struct queue *q;

	assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
	q = calloc(1, sizeof(*q) + record * capacity);
	if (q == NULL)
		return NULL;
	q->record = record;
	q->mask = capacity - 1;
	return q;
}

void
queue_free(struct queue *q)
{
	free(q);
}

bool
queue_push(struct queue *q, const void *record)
{
	uint64_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&q->tail, memory_order_acquire) >
	    q->mask) {
		atomic_fetch_add_explicit(&q->dropped, 1, memory_order_relaxed);
		return false;
	}
	memcpy(q->data + (head & q->mask) * q->record, record, q->record);
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return true;
}

bool
queue_pop(struct queue *q, void *record)
{
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&q->head, memory_order_acquire))
		return false;
	memcpy(record, q->data + (tail & q->mask) * q->record, q->record);
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	return true;
}

uint64_t
queue_dropped(const struct queue *q)
{
	return atomic_load_explicit(&q->dropped, memory_order_relaxed);
}
