/* The reflector's datagram sockets. */
#ifndef REFLECT_UDP_H
#define REFLECT_UDP_H

#include "addr.h"

struct uv_loop_s;
struct reflect_fate;
struct reflect_answer;
struct reflect_udp;

/* at is what was bound afterwards. NULL, with a text in error[256]. */
struct reflect_udp *reflect_udp_listen(struct uv_loop_s *loop, struct addr *at,
    struct reflect_fate *fate, char error[256]);
void reflect_udp_close(struct reflect_udp *u); /* on the loop */
void reflect_udp_send(const struct reflect_answer *a);

#endif
