/*
 * Mean opinion score estimated by the E-model (ITU-T G.107, wideband left
 * aside), as VoIP monitors do: delay and loss impairments of a G.711 call
 * with packet loss concealment (G.113 Appendix I).
 */
#ifndef MOS_H
#define MOS_H

#include <stdint.h>

/*
 * Thousandths, 1000..4500. The one-way delay is taken as half of rtt_ns, the
 * de-jitter buffer as twice jitter_ns. A path that loses all has 1000.
 */
uint64_t mos_estimate(uint64_t rtt_ns, uint64_t jitter_ns, uint64_t loss_ppm);

#endif
