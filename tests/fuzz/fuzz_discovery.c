/*
 * Discovery documents, which come from far away. Besides memory errors: what
 * is taken is sorted, each node once, and of hosts that can be probed.
 */
#include "build.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nodelist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_cluster(const struct node_cluster *c)
{
	if (c->name[0] == '\0' || strlen(c->name) > CLUSTER_NAME)
		abort();
	for (size_t i = 0; i < c->nodes; i++) {
		const struct node *n = &c->node[i], *last = n - 1;

		if (n->port == 0 || !nodelist_host_ok(n->host))
			abort();
		if (c->class == CLUSTER_CLASS_VIDEO_MESH &&
		    n->transport != TRANSPORT_UDP)
			abort();
		if (i > 0 && last->transport == n->transport &&
		    last->port == n->port && strcmp(last->host, n->host) == 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[256] = "";
	struct nodelist *l = nodelist_parse((const char *)data, size, error);

	if ((l == NULL) == (error[0] == '\0'))
		abort();
	for (size_t i = 0; l != NULL && i < l->clusters; i++) {
		check_cluster(&l->cluster[i]);
		if (i > 0 &&
		    strcmp(l->cluster[i - 1].name, l->cluster[i].name) >= 0)
			abort();
	}
	nodelist_free(l);
	return 0;
}
