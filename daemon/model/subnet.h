/* Longest-prefix match over a list of subnets, IPv4 and IPv6. Pure. */
#ifndef SUBNET_H
#define SUBNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct subnet {
	int family;
	uint8_t bytes[16];	/* host bits zero */
	uint8_t bits;
};

/* "198.51.100.0/24"; -EINVAL, or -ERANGE when host bits are set. */
int subnet_parse(struct subnet *s, const char *text);

/* Whether the address is in it. */
bool subnet_holds(const struct subnet *s, const struct addr *a);

struct subnet_table;
/*
 * Copies the rows; row i keeps its number, and of equal rows the first one
 * counts. NULL: no memory.
 */
struct subnet_table *subnet_table_new(const struct subnet *s, size_t n);
void subnet_table_free(struct subnet_table *t);
/* 1 + the row of the longest prefix that holds the address; 0 for none. */
uint32_t subnet_find(const struct subnet_table *t, const struct addr *a);

#endif
