/* See scene.h. */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kind.h"
#include "proxy.h"
#include "scene.h"

struct scene scene;

/* Every name has one address, in a media subnet of the profile. */
static void
on_resolve(void *arg, const char *host, struct inventory_name *out)
{
	static struct addr a;

	addr_parse_host(&a, "23.89.7.7");
	out->host = host;
	out->addr = &a;
	out->addrs = 1;
}

static enum requirement_name
on_name(void *arg, const char *host, const char **alias)
{
	*alias = scene.alias;
	return scene.names_fail ? REQUIREMENT_NAME_FAILS
				: REQUIREMENT_NAME_FINE;
}

struct config *
scene_configure(const char *text)
{
	struct doc_errors errors = {0};
	struct config *c =
	    config_parse("/etc/t.yml", text, strlen(text), &errors);

	for (size_t i = 0; i < errors.errors; i++)
		print_message("%s:%u: %s\n",
		    errors.error[i].file != NULL ? errors.error[i].file : "",
		    errors.error[i].line, errors.error[i].text);
	assert_non_null(c);
	doc_errors_free(&errors);
	return c;
}

static int
by_name(const void *a, const void *b)
{
	const struct requirement_cluster *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
link_paths(void)
{
	const struct inventory *inv = scene.inv;

	for (size_t i = 0; i < inv->links; i++) {
		size_t at = 0;

		while (inv->target[at] != inv->link[i].target)
			at++;
		scene.link[i] =
		    (struct requirement_link){inv->link[i].need, (uint32_t)at};
	}
}

/* Targets of the configuration, as the daemon would make them. */
void
scene_make(const char *text)
{
	struct inventory_input in = {0};
	struct inventory *inv;

	scene.config = scene_configure(text);
	in.config = scene.config;
	in.resolve = on_resolve;
	inv = scene.inv = inventory_build(&in);
	assert_non_null(inv);
	if (inv->warnings != NULL)
		print_message("%s", inv->warnings);
	assert_in_range(inv->targets, 0, PATHS_MAX);
	assert_in_range(inv->clusters, 0, CLUSTERS_MAX);
	for (size_t i = 0; i < scene.config->needs; i++) {
		const struct config_target *t = &scene.config->need[i];

		scene.need[i] = (struct requirement_need){
		    .host = config_target_lookup(t),
		    .via = t->proxy != NULL ? t->proxy->name : NULL,
		    .scheme = t->proxy != NULL
				  ? word_label(WORD_PROXY_AUTH, t->proxy->auth)
				  : NULL};
	}
	link_paths();
	for (size_t i = 0; i < inv->clusters; i++) {
		scene.choose[i].class = (uint8_t)inv->cluster[i].class;
		scene.cluster[i].name = inv->cluster[i].name;
		scene.cluster[i].is = &scene.choose[i];
	}
	qsort(scene.cluster, inv->clusters, sizeof(scene.cluster[0]), by_name);
	scene.w =
	    (struct requirement_world){.profile = scene.config->profile[0],
		.need = scene.need,
		.needs = scene.config->needs,
		.link = scene.link,
		.links = inv->links,
		.path = scene.path,
		.paths = inv->targets,
		.cluster = scene.cluster,
		.clusters = inv->clusters,
		.site = &scene.site,
		.name = on_name,
		.subnet = scene.subnet};
}

void
scene_free(void)
{
	inventory_free(scene.inv);
	config_free(scene.config);
	memset(&scene, 0, sizeof(scene));
}

/* All is well: every target answers, over TLS as it should be. */
void
scene_well(void)
{
	for (size_t i = 0; i < scene.w.paths; i++) {
		const struct target *t = scene.inv->target[i];
		struct tls_facts *f = &scene.facts[i];

		*f = (struct tls_facts){.version = "TLSv1.2",
		    .cipher = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		    .have_cert = 1,
		    .staple = STAPLE_GOOD,
		    .intercepted = 1,
		    .sni_required = 1};
		scene.path[i] = (struct requirement_path){.state = STATE_UP,
		    .outcome = OUTCOME_ANSWERED,
		    .probed = true,
		    .fresh = true,
		    .http_status = 200,
		    .tls = kind_find(t->probe, t->path.transport)->shows &
				   SHOWS_TLS
			       ? f
			       : NULL};
	}
	for (size_t i = 0; i < scene.w.paths; i++)
		requirement_path(&scene.path[i], scene.inv->target[i],
		    scene.cluster, scene.w.clusters);
	memset(&scene.site, 0, sizeof(scene.site));
	scene.site.nat_symmetric = SITE_NO;
	scene.w.network_watched = true;
	scene.names_fail = false;
	scene.alias = "e1.a.akamaiedge.net";
}

/* What follows from the paths. */
void
scene_choose(void)
{
	struct choose_ranks ranks = {
	    .first = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
	size_t n = 0;

	for (size_t i = 0; i < scene.inv->clusters; i++)
		scene.choose[i] = (struct choose_cluster){
		    .class = scene.choose[i].class, .state = STATE_UNKNOWN};
	for (size_t i = 0; i < scene.w.paths; i++) {
		const struct target *t = scene.inv->target[i];

		for (uint32_t c = 0; c < scene.inv->clusters; c++)
			if (strcmp(t->cluster, scene.inv->cluster[c].name) == 0)
				scene.node[n++] =
				    (struct choose_node){.cluster = c,
					.transport = (uint8_t)t->path.transport,
					.state = scene.path[i].state,
					.index = (uint32_t)i,
					.rtt_ns = 1000};
	}
	choose_clusters(
	    scene.choose, scene.inv->clusters, scene.node, n, &ranks);
	requirement_count(&scene.w);
}

struct requirement_verdict
scene_judge(const char *id)
{
	const struct requirement *row = requirement_find(scene.w.profile, id);
	struct requirement_verdict v;

	assert_non_null(row);
	scene_choose();
	requirement_judge(&scene.w, row, &v);
	return v;
}
