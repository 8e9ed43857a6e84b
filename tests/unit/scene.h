/*
 * What requirements are judged by, for tests: a configuration, the targets
 * that it makes, and what is known of them, which tests set by hand.
 */
#ifndef SCENE_H
#define SCENE_H

#include "choose.h"
#include "config.h"
#include "inventory.h"
#include "profile.h"
#include "requirement.h"

enum { PATHS_MAX = 2000, CLUSTERS_MAX = 8 };

struct scene {
	struct config *config;
	struct inventory *inv;
	struct requirement_world w;
	struct requirement_path path[PATHS_MAX];
	struct requirement_link link[PATHS_MAX];
	struct requirement_need need[PATHS_MAX];
	struct tls_facts facts[PATHS_MAX];
	struct choose_cluster choose[CLUSTERS_MAX];
	struct requirement_cluster cluster[CLUSTERS_MAX];
	struct requirement_count subnet[64];
	struct choose_node node[PATHS_MAX];
	struct site site;
	bool names_fail;
	const char *alias;
};
extern struct scene scene;

/* Fails the test, and says why, when the text has mistakes. */
struct config *scene_configure(const char *text);
/* Targets of the configuration, as the daemon would make them. */
void scene_make(const char *text);
void scene_free(void);
/* All is well: every target answers, over TLS as it should be. */
void scene_well(void);
/* Works out what follows from the paths. */
void scene_choose(void);
/* How a row of the first profile is judged. */
struct requirement_verdict scene_judge(const char *id);

#endif
