/* Choosing among the times of a datagram; see DESIGN: probing, precisely. */
#include "build.h"

#include "dgram_rtt.h"

/* How far a reading of the offset between the clocks may be wrong. */
enum { SLACK_NS = 1000 };

static bool
within(const struct dgram_times *t, int64_t d)
{
	return d >= 0 && (uint64_t)d <= t->now - t->sent;
}

/* Both stamps of one clock: exact, if no step is between them. */
static bool
of_pair(const struct dgram_times *t, int64_t *d)
{
	*d = t->rx - t->tx;
	return t->tx != 0 && t->rx != 0 && within(t, *d);
}

/* Whether the transmit stamp is from this request's time, as it must be. */
static bool
tx_fits(const struct dgram_times *t)
{
	int64_t after = t->tx - t->offset - (int64_t)t->sent;

	return after >= -SLACK_NS && (after < 0 || within(t, after));
}

static bool
of_rx(const struct dgram_times *t, int64_t offset, int64_t *d)
{
	*d = t->rx - offset - (int64_t)t->sent;
	return t->rx != 0 && within(t, *d);
}

/*
 * Of a step since the last reading it is not known whether it was before or
 * after the answer: the pair is right unless the step is between its halves.
 * After an earlier one, the present offset is the answer's for sure.
 */
static enum stamp
choose(const struct dgram_times *t, int64_t *d)
{
	switch (t->step) {
	case DGRAM_STEP_NONE:
		if (tx_fits(t) && of_pair(t, d))
			return STAMP_KERNEL;
		if (of_rx(t, t->offset, d))
			return STAMP_KERNEL_RX;
		/*
		 * Neither stamp is from our time: the kernel's clock is not
		 * the one that we are shown. It agrees with itself.
		 */
		return !tx_fits(t) && of_pair(t, d) ? STAMP_KERNEL : STAMP_USER;
	case DGRAM_STEP_NOW:
		if (of_pair(t, d))
			return STAMP_KERNEL;
		return of_rx(t, t->offset, d) || of_rx(t, t->before, d)
			   ? STAMP_KERNEL_RX
			   : STAMP_USER;
	case DGRAM_STEP_EARLIER:
		if (of_rx(t, t->offset, d))
			return STAMP_KERNEL_RX;
		return of_pair(t, d) ? STAMP_KERNEL : STAMP_USER;
	}
	return STAMP_USER;
}

uint64_t
dgram_rtt(const struct dgram_times *t, enum stamp *stamp)
{
	int64_t d = 0;

	*stamp = choose(t, &d);
	if (*stamp == STAMP_USER)
		d = (int64_t)(t->now - t->sent);
	return d > 0 ? (uint64_t)d : 1;
}

bool
dgram_rtt_real(const struct dgram_times *t, int64_t *sent, int64_t *received)
{
	int64_t d;

	if (t->step != DGRAM_STEP_NONE || !of_rx(t, t->offset, &d))
		return false;
	*sent = t->tx != 0 && tx_fits(t) ? t->tx : (int64_t)t->sent + t->offset;
	*received = t->rx;
	return true;
}
