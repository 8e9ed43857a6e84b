/*
 * The path that the master listens on: why it cannot be reached, said once
 * in words that tell what to do, and whether what is there now is still what
 * we are connected to.
 */
#ifndef AGENTX_SOCKET_H
#define AGENTX_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

/* Zeroed but for the path, which is borrowed. */
struct agentx_socket {
	const char *path;
	int told;     /* errno, as last logged */
	unsigned bad; /* looks in a row without a reason */
	dev_t device;
	ino_t inode; /* 0: not known */
};

/* The connection has just been made. */
void agentx_socket_connected(struct agentx_socket *s);
/* While there is none, every few seconds. */
void agentx_socket_look(struct agentx_socket *s);
/* While there is one: another socket took the place of the master's. */
bool agentx_socket_is_replaced(const struct agentx_socket *s);

#endif
