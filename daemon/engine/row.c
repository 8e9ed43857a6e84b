/*
 * A target's numbers and samples. The words are under a sequence lock: its
 * one writer never waits, a reader that met a write tries again. The ring is
 * written before its head moves, so a reader copies backwards from the head
 * and drops what may have been overwritten meanwhile.
 */
#include "build.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "native.h"
#include "row.h"

struct ring *
row_ring_new(uint32_t capacity)
{
	struct ring *g;

	assert(capacity > 0 && (capacity & (capacity - 1)) == 0);
	g = calloc(1, sizeof(*g) + capacity * sizeof(g->cell[0]));
	if (g != NULL)
		g->mask = capacity - 1;
	return g;
}

static void
free_shown(struct row *r)
{
	free(r->tls);
	free(r->facts);
}

struct row *
row_new(uint32_t capacity, unsigned shows)
{
	struct row *r = calloc(1, sizeof(*r));
	struct ring *g = row_ring_new(capacity);

	if (r == NULL || g == NULL || row_want(r, shows) < 0) {
		if (r != NULL)
			free_shown(r);
		free(r);
		free(g);
		return NULL;
	}
	atomic_init(&r->refs, 1);
	atomic_init(&r->ring, g);
	r->wanted = capacity;
	r->made_at = clock_mono();
	judge_init(&r->judge, STATE_UNKNOWN, 0);
	row_publish_judge(r);
	atomic_init(&r->word[TALLY_SHORT_LOSS], STATS_NONE);
	atomic_init(&r->word[TALLY_SHORT_RTT], STATS_NONE);
	return r;
}

uint64_t
row_made_at(const struct row *r)
{
	return r->made_at;
}

int
row_want(struct row *r, unsigned shows)
{
	if ((shows & SHOWS_TLS) != 0 && r->tls == NULL)
		r->tls = calloc(1, sizeof(*r->tls));
	if ((shows & SHOWS_FACTS) != 0 && r->facts == NULL)
		r->facts = calloc(1, sizeof(*r->facts));
	return ((shows & SHOWS_TLS) != 0 && r->tls == NULL) ||
		       ((shows & SHOWS_FACTS) != 0 && r->facts == NULL)
		   ? -ENOMEM
		   : 0;
}

struct row *
row_ref(struct row *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void
row_rings_free(struct ring *g)
{
	while (g != NULL) {
		struct ring *older = g->older;

		free(g);
		g = older;
	}
}

void
row_unref(struct row *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	row_rings_free(atomic_load(&r->replaced));
	free(atomic_load(&r->next_ring));
	free(atomic_load(&r->ring));
	free_shown(r);
	free(r);
}

/* The writer's side. */

void
row_begin(struct row *r)
{
	uint32_t seq = atomic_load_explicit(&r->seq, memory_order_relaxed);

	atomic_store_explicit(&r->seq, seq + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

void
row_end(struct row *r)
{
	uint32_t seq = atomic_load_explicit(&r->seq, memory_order_relaxed);

	atomic_store_explicit(&r->seq, seq + 1, memory_order_release);
}

void
row_set(struct row *r, unsigned word, uint64_t v)
{
	atomic_store_explicit(&r->word[word], v, memory_order_relaxed);
}

uint64_t
row_get(const struct row *r, unsigned word)
{
	return atomic_load_explicit(&r->word[word], memory_order_relaxed);
}

void
row_add(struct row *r, unsigned word, uint64_t v)
{
	row_set(r, word, row_get(r, word) + v);
}

void
row_set_addr(struct row *r, unsigned word, const struct addr *a)
{
	uint64_t w[4] = {0};

	_Static_assert(sizeof(struct addr) <= sizeof(w), "four words hold it");
	memcpy(w, a, sizeof(*a));
	for (unsigned i = 0; i < 4; i++)
		row_set(r, word + i, w[i]);
}

void
row_append(struct row *r, const struct sample *s)
{
	struct ring *g = atomic_load_explicit(&r->ring, memory_order_relaxed);
	uint64_t n = row_appended(r);
	struct cell *c = &g->cell[n & g->mask];

	/* Who sees what is overwritten now shall see the head before it too. */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&c->sent, s->sent_ns, memory_order_relaxed);
	atomic_store_explicit(&c->rest, s->rest, memory_order_relaxed);
	atomic_store_explicit(&r->appended, n + 1, memory_order_release);
}

uint64_t
row_appended(const struct row *r)
{
	return atomic_load_explicit(&r->appended, memory_order_relaxed);
}

static struct sample
ring_get(const struct ring *g, uint64_t i)
{
	const struct cell *c = &g->cell[i & g->mask];

	return (struct sample){
	    atomic_load_explicit(&c->sent, memory_order_relaxed),
	    atomic_load_explicit(&c->rest, memory_order_relaxed)};
}

struct sample
row_sample(const struct row *r, uint64_t i)
{
	return ring_get(
	    atomic_load_explicit(&r->ring, memory_order_acquire), i);
}

uint32_t
row_capacity(const struct row *r)
{
	return atomic_load_explicit(&r->ring, memory_order_acquire)->mask + 1;
}

/* Moves the newest samples over and leaves the old ring to the control. */
void
row_adopt_ring(struct row *r)
{
	struct ring *to = atomic_exchange(&r->next_ring, NULL);
	struct ring *from = atomic_load(&r->ring);
	uint64_t end = row_appended(r), i;

	if (to == NULL)
		return;
	i = end > from->mask ? end - from->mask - 1 : 0;
	if (end - i > (uint64_t)to->mask + 1)
		i = end - to->mask - 1;
	for (; i < end; i++) {
		struct sample s = row_sample(r, i);
		struct cell *c = &to->cell[i & to->mask];

		atomic_store_explicit(
		    &c->sent, s.sent_ns, memory_order_relaxed);
		atomic_store_explicit(&c->rest, s.rest, memory_order_relaxed);
	}
	atomic_store_explicit(&r->ring, to, memory_order_release);
	from->older = atomic_load(&r->replaced);
	while (!atomic_compare_exchange_weak(&r->replaced, &from->older, from))
		continue;
}

/* A handshake that failed before a certificate came changes nothing. */
static void
note_look(struct row_tls *t, const struct tls_facts *f)
{
	struct row_look look = {.chain = f->chain};

	if (!f->have_cert)
		return;
	memcpy(look.version, f->version, sizeof(look.version));
	memcpy(look.cipher, f->cipher, sizeof(look.cipher));
	memcpy(look.fingerprint, f->fingerprint, sizeof(look.fingerprint));
	if (atomic_load_explicit(&t->changed_at, memory_order_relaxed) != 0 &&
	    memcmp(&look, &t->look, sizeof(look)) == 0)
		return;
	t->look = look;
	atomic_store_explicit(
	    &t->changed_at, clock_mono(), memory_order_relaxed);
}

void
row_set_tls(struct row *r, const struct tls_facts *facts)
{
	uint64_t w[TLS_WORDS] = {0};

	if (r->tls == NULL)
		return;
	note_look(r->tls, facts);
	memcpy(w, facts, sizeof(*facts));
	row_begin(r);
	for (unsigned i = 0; i < TLS_WORDS; i++)
		atomic_store_explicit(
		    &r->tls->word[i], w[i], memory_order_relaxed);
	atomic_store_explicit(&r->tls->set, true, memory_order_relaxed);
	row_end(r);
}

void
row_set_fact(struct row *r, enum fact fact, int64_t value)
{
	struct row_facts *f = r->facts;

	if (f == NULL || fact >= FACT_END)
		return;
	row_begin(r);
	atomic_store_explicit(&f->value[fact], value, memory_order_relaxed);
	atomic_store_explicit(&f->known,
	    atomic_load_explicit(&f->known, memory_order_relaxed) | UINT64_C(1)
									<< fact,
	    memory_order_relaxed);
	row_end(r);
}

void
row_add_native(struct row *r, uint64_t rtt_ns)
{
	if (r->native != NULL)
		native_add(r->native, rtt_ns);
}

struct judge *
row_judge(struct row *r)
{
	return &r->judge;
}

/* verdict, error and damped, then two counts of 16 bits. */
static uint64_t
pack_judge(const struct judge *j)
{
	return j->verdict | (uint64_t)j->error << 8 | (uint64_t)j->damped << 9 |
	       (uint64_t)j->oks << 16 | (uint64_t)j->locals << 32;
}

void
row_publish_judge(struct row *r)
{
	const struct judge *j = &r->judge;

	row_set(r, TALLY_STATE, j->state);
	row_set(r, TALLY_CHANGED_AT, j->changed_ns);
	row_set(r, TALLY_CHANGES, j->changes);
	row_set(r, TALLY_FAILS, j->fails);
	row_set(r, TALLY_LOSS_HIGH, j->loss_high);
	row_set(r, TALLY_RTT_HIGH, j->rtt_high);
	row_set(r, TALLY_JUDGE, pack_judge(j));
	row_set(r, TALLY_FLAP_FROM, j->flap_from);
	row_set(r, TALLY_FLAP_COUNT, j->flap_count);
}

static uint8_t
known_state(uint64_t v)
{
	return v > 0 && v < STATE_END ? (uint8_t)v : STATE_UNKNOWN;
}

void
row_restore(struct row *r, const uint64_t words[TALLY_WORDS])
{
	uint64_t packed = words[TALLY_JUDGE];

	for (unsigned i = 0; i < TALLY_WORDS; i++)
		row_set(r, i, words[i]);
	r->judge = (struct judge){
	    .state = known_state(words[TALLY_STATE]),
	    .verdict = known_state(packed & 0xff),
	    .loss_high = words[TALLY_LOSS_HIGH] != 0,
	    .rtt_high = words[TALLY_RTT_HIGH] != 0,
	    .error = (packed >> 8 & 1) != 0,
	    .damped = (packed >> 9 & 1) != 0,
	    .fails = (uint16_t)words[TALLY_FAILS],
	    .oks = (uint16_t)(packed >> 16),
	    .locals = (uint16_t)(packed >> 32),
	    .changed_ns = words[TALLY_CHANGED_AT],
	    .changes = words[TALLY_CHANGES],
	    .flap_from = words[TALLY_FLAP_FROM],
	    .flap_count = (uint32_t)words[TALLY_FLAP_COUNT],
	};
	row_publish_judge(r);
}

void
row_set_owner(struct row *r, void *owner)
{
	r->owner = owner;
}

void *
row_owner(const struct row *r)
{
	return r->owner;
}

/* The link flags: written by the control thread alone. */

void
row_set_link(struct row *r, bool usable, uint64_t now)
{
	bool down = atomic_load(&r->link_down);

	if (usable && down)
		atomic_store(&r->link_up_at, now);
	if (usable == down)
		atomic_store(&r->link_down, !usable);
}

bool
row_link_was_down(const struct row *r, uint64_t sent_ns)
{
	return atomic_load_explicit(&r->link_down, memory_order_acquire) ||
	       atomic_load_explicit(&r->link_up_at, memory_order_relaxed) >
		   sent_ns;
}

/* The readers' side. */

/* A copy of n words that no write fell into. */
static void
read_words(
    const struct row *r, const _Atomic uint64_t *from, uint64_t *to, unsigned n)
{
	uint32_t before, after;

	do {
		before = atomic_load_explicit(&r->seq, memory_order_acquire);
		for (unsigned i = 0; i < n; i++)
			to[i] = atomic_load_explicit(
			    &from[i], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&r->seq, memory_order_relaxed);
	} while (before != after || (before & 1) != 0);
}

void
row_read(const struct row *r, uint64_t out[TALLY_WORDS])
{
	read_words(r, r->word, out, TALLY_WORDS);
}

void
row_read_brief(const struct row *r, uint64_t out[TALLY_PHASE])
{
	read_words(r, r->word, out, TALLY_PHASE);
}

void
row_read_addr(const uint64_t words[TALLY_PHASE], unsigned word, struct addr *a)
{
	memcpy(a, &words[word], sizeof(*a));
}

bool
row_read_tls(const struct row *r, struct tls_facts *out)
{
	uint64_t w[TLS_WORDS];

	if (r->tls == NULL || !atomic_load(&r->tls->set))
		return false;
	read_words(r, r->tls->word, w, TLS_WORDS);
	memcpy(out, w, sizeof(*out));
	return true;
}

uint64_t
row_tls_changed(const struct row *r)
{
	return r->tls != NULL ? atomic_load(&r->tls->changed_at) : 0;
}

uint64_t
row_read_facts(const struct row *r, int64_t out[FACT_END])
{
	const struct row_facts *f = r->facts;
	uint64_t known = 0;

	if (f != NULL)
		known = atomic_load_explicit(&f->known, memory_order_acquire);
	for (unsigned i = 0; i < FACT_END; i++)
		out[i] = (known & UINT64_C(1) << i) != 0
			     ? atomic_load_explicit(
				   &f->value[i], memory_order_relaxed)
			     : 0;
	return known;
}

/* *end: how many had ever been appended with the last of out. */
static size_t
read_back(const struct row *r, uint64_t after, struct sample *out, size_t max,
    uint64_t *end)
{
	uint64_t head =
	    atomic_load_explicit(&r->appended, memory_order_acquire);
	/* After the head: a ring that was swapped in holds all up to it. */
	const struct ring *g =
	    atomic_load_explicit(&r->ring, memory_order_acquire);
	uint64_t size = (uint64_t)g->mask + 1, now, first = head;
	size_t n = 0, lost = 0;

	while (first > 0 && n < max && head - first < size) {
		struct sample s = ring_get(g, first - 1);

		if (s.sent_ns <= after)
			break;
		out[max - ++n] = s;
		first--;
	}
	/*
	 * The writer may have gone round meanwhile: whatever stands within
	 * a ring's length (and the one being written) of its head is gone.
	 */
	atomic_thread_fence(memory_order_acquire);
	now = atomic_load_explicit(&r->appended, memory_order_relaxed);
	if (now + 1 > size && first < now + 1 - size)
		lost = now + 1 - size - first;
	if (lost > n)
		lost = n;
	memmove(out, out + max - n + lost, (n - lost) * sizeof(*out));
	*end = head;
	return n - lost;
}

size_t
row_read_samples(
    const struct row *r, uint64_t after, struct sample *out, size_t max)
{
	uint64_t end;

	return read_back(r, after, out, max, &end);
}

size_t
row_read_newest(
    const struct row *r, struct sample *out, size_t max, uint64_t *end)
{
	return read_back(r, 0, out, max, end);
}
