/*
 * Media nodes by cluster, as a discovery document or a target file names
 * them. Parsing only (jansson); which file or URL, and when, is discovery.c's.
 */
#ifndef NODELIST_H
#define NODELIST_H

#include <stddef.h>
#include <stdint.h>

#include "target.h"
#include "word.h"

struct node {
	enum transport transport;	/* UDP, TCP or TLS */
	uint16_t port;
	char *host;		/* owned: name or literal, without brackets */
};

struct node_cluster {
	char name[CLUSTER_NAME + 1];
	enum cluster_class class;
	struct node *node;	/* owned; no two alike */
	size_t nodes;
	char **rejected;	/* owned: entries that could not be used, why */
	size_t rejections;
};

/* One entry of a Prometheus file_sd file: probed as the labels say. */
struct node_group;

struct nodelist {
	struct node_cluster *cluster;	/* owned */
	size_t clusters;
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

/*
 * A discovery document: clusters -> {udp, tcp, xtls} ->
 * [url], clusterClasses.hybridMedia names the Video Mesh ones (UDP only).
 * Unknown keys are warnings, unusable entries are rejected one by one.
 * NULL, and a message for people in error[256], when it is no such document.
 */
struct nodelist *nodelist_parse(const char *json, size_t len, char error[256]);

#endif
