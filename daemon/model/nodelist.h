/*
 * Media nodes by cluster, as a discovery document or a target file names
 * them. Parsing only (jansson); which file or URL, and when, is discovery.c's.
 */
#ifndef NODELIST_H
#define NODELIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target.h"
#include "word.h"

struct node {
	enum transport transport;	/* UDP, TCP or TLS */
	uint16_t port;
	char *host;		/* owned: name or literal, without brackets */
};

/* What the operator says of media clusters; "" for nothing. */
struct cluster_about {
	char service[33], region[33];
};

struct node_cluster {
	char name[CLUSTER_NAME + 1];
	enum cluster_class class;
	struct node *node;	/* owned; sorted, no two alike */
	size_t nodes;
	char **rejected;	/* owned: entries that could not be used, why */
	size_t rejections;
};

struct nodelist {
	struct node_cluster *cluster;	/* owned; sorted by name */
	size_t clusters;
	struct cluster_about about;	/* all of them; left to the owner */
	char *warnings;		/* owned, a line each; NULL for none */
};

void nodelist_free(struct nodelist *l);

/*
 * "stun:HOST:PORT", "STUN:[v6]:PORT;transport=udp", "stun:HOST": scheme in
 * any case, parameters dropped, default port when it has none. host is
 * allocated. 0, or -EINVAL with *why set to a static text.
 */
int nodelist_parse_url(const char *url, uint16_t default_port, char **host,
    uint16_t *port, const char **why);

/* Whether the text can be the host of a node: a name, or a unicast address. */
bool nodelist_host_ok(const char *host);
/* Whether it is the address of one host: not 0.0.0.0/8, not multicast. */
bool nodelist_address_ok(const struct addr *a);
/* A copy in one spelling: addresses as we write them, names in lower case. */
char *nodelist_copy_host(const char *host);
/* The usual port of media over the transport: 5004, and 443 over TLS. */
uint16_t nodelist_port(enum transport t);

/*
 * A discovery document: clusters -> {udp, tcp, xtls} ->
 * [url], clusterClasses.hybridMedia names the Video Mesh ones (UDP only).
 * Unknown keys are warnings, unusable entries are rejected one by one.
 * NULL, and a message for people in error[256], when it is no such document or
 * has no node that can be used (so that the last good list is kept).
 */
struct nodelist *nodelist_parse(const char *json, size_t len, char error[256]);

#endif
