/*
 * The E-model with all but three of its inputs at their defaults (ITU-T
 * G.107, Table 2), which leaves R = 93.2 - Id - Ie,eff. Integers: R is kept
 * in millionths.
 */
#include "build.h"

#include "clock.h"
#include "mos.h"

#define R_UNIT INT64_C(1000000)

/* R of a perfect path: G.107 with its default values. */
#define R_BEST (932 * R_UNIT / 10)

/*
 * Delay, mouth to ear (R. Cole, J. Rosenbluth, "Voice over IP performance
 * monitoring", 2001): beside the network a frame of 10 ms and a de-jitter
 * buffer of twice the mean jitter. Their fit of G.107's Idd has its knee at
 * 177.3 ms: Id = 0.024 d + 0.11 (d - 177.3) for d above it, d in ms.
 */
#define DELAY_FRAME   (10 * CLOCK_MS)
#define DELAY_JITTERS 2
#define DELAY_KNEE    (1773 * CLOCK_MS / 10)
#define DELAY_MOST    (10 * CLOCK_SEC) /* R is below 0 long before */
#define DELAY_SLOPE   24	       /* R_UNIT / 10^3 per ms: 0.024 */
#define KNEE_SLOPE    110	       /* 0.11 */

/*
 * G.711 with packet loss concealment, 10 ms frames, losses at random
 * (BurstR 1): Ie = 0, Bpl = 25.1 (ITU-T G.113 Appendix I). Of G.107:
 * Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), Ppl in percent.
 */
#define LOSS_MOST INT64_C(95)
#define LOSS_BPL  INT64_C(251000) /* 25.1 % in ppm */

enum { MOS_LEAST = 1000, MOS_MOST = 4500 };

static int64_t
delay_impairment(uint64_t rtt_ns, uint64_t jitter_ns)
{
	uint64_t rtt = rtt_ns < DELAY_MOST ? rtt_ns : DELAY_MOST;
	uint64_t jitter = jitter_ns < DELAY_MOST ? jitter_ns : DELAY_MOST;
	uint64_t d = rtt / 2 + DELAY_JITTERS * jitter + DELAY_FRAME;
	uint64_t id = d * DELAY_SLOPE;

	if (d > DELAY_KNEE)
		id += (d - DELAY_KNEE) * KNEE_SLOPE;
	/* ns times R_UNIT / 10^3 per ms */
	return (int64_t)(id / 1000);
}

static int64_t
loss_impairment(int64_t ppm)
{
	return LOSS_MOST * R_UNIT * ppm / (ppm + LOSS_BPL);
}

/* G.107 Annex B: MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6. */
static uint64_t
of_r(int64_t r)
{
	__int128 cubic;
	int64_t mos;

	if (r <= 0)
		return MOS_LEAST;
	cubic = (__int128)r * (r - 60 * R_UNIT) * (100 * R_UNIT - r);
	/* 7e-6 in thousandths of R_UNIT: 7e-3 / 10^12 */
	mos = MOS_LEAST * R_UNIT + 35 * r +
	      (int64_t)(cubic * 7 / ((__int128)1000 * R_UNIT * R_UNIT));
	mos = (mos + R_UNIT / 2) / R_UNIT;
	/* The polynomial dips below 1 for R below 6.5. */
	if (mos < MOS_LEAST)
		return MOS_LEAST;
	return mos > MOS_MOST ? MOS_MOST : (uint64_t)mos;
}

uint64_t
mos_estimate(uint64_t rtt_ns, uint64_t jitter_ns, uint64_t loss_ppm)
{
	/* The model ends long before: a path that carries nothing. */
	if (loss_ppm >= 1000000)
		return MOS_LEAST;
	return of_r(R_BEST - delay_impairment(rtt_ns, jitter_ns) -
		    loss_impairment((int64_t)loss_ppm));
}
