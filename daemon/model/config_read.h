/*
 * How the files of the configuration's room share the work; nobody else
 * includes it. Every mistake is appended to errors, and reading goes on.
 */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "config.h"

struct kind;

struct config_reader {
	struct config *c;
	const char *directory; /* of the file, absolute */
	struct doc_errors *errors;
	struct config_probing defaults; /* before they were finished */
	bool defaults_bad; /* said already: not again for each heir */
	bool files; /* those that it names are looked at, too */
};

/* What holds unless it is overridden. */
void config_probing_init(struct config_probing *p);
/*
 * Reads the keys of probing and thresholds that the mappings give (either may
 * be NULL) over what p holds.
 */
void config_probing_read(struct config_reader *r, const struct doc_node *map,
    const struct doc_node *thresholds, struct config_probing *p);
/*
 * Fills in what follows from the rest and checks that all of it fits
 * together, for probes of at most so many requests.
 */
void config_probing_finish(struct config_reader *r, const struct doc_node *map,
    const struct doc_node *thresholds, struct config_probing *p,
    unsigned count);
/* Whether a host can be probed; an error if it is of a wrong family. */
void config_probing_check_host(struct config_reader *r,
    const struct doc_node *at, const struct config_probing *p,
    const char *host);

/* Items of media.clusters and of media.discovery. */
void config_media_read(struct config_reader *r, const struct doc_node *media);
void config_media_free(struct config *c);

/* Lets go of what it has. */
void config_target_clear(struct config_target *t);

/* Items of targets. */
void config_targets_read(struct config_reader *r, const struct doc_node *list);
/* One of them, as if it were reached directly. */
void config_target_read(struct config_reader *r, const struct doc_node *map,
    struct config_target *t);
/*
 * The kind that probe and transport name together (the transport is set when
 * it was not), or NULL with an error.
 */
const struct kind *config_target_kind(struct doc_errors *errors,
    const struct doc_node *at, struct config_target *t);
/* Sets host (a copy) and port from "HOST:PORT". 0, or -errno with an error. */
int config_target_address(struct doc_errors *errors, const struct doc_node *at,
    struct config_target *t);

/* The same from "scheme://host:port/path", which must be of its kind. */
int config_target_url(struct doc_errors *errors, const struct doc_node *at,
    struct config_target *t);

/* Items of proxies; before those of targets. */
void config_proxies_read(struct config_reader *r, const struct doc_node *list);
void config_proxies_free(struct config *c);

/* How many paths a target has by its `via`. */
size_t config_via_count(const struct doc_node *map);
/*
 * Makes t[0] as many targets as the list (NULL: direct) has ways: *n of them,
 * each whole by itself.
 */
void config_via_read(struct config_reader *r, const struct doc_node *list,
    struct config_target *t, size_t *n);
/*
 * The proxy of that name, a reference in *out; NULL: direct. 0, or -EINVAL
 * with an error.
 */
int config_via_find(struct config_reader *r, const struct doc_node *at,
    const struct config_target *t, struct proxy **out);

/* The mapping probe, and the modules that are built in. */
void config_module_read(struct config_reader *r, const struct doc_node *probe);
void config_module_free(struct config *c);

/* Items of profiles. */
void config_profiles_read(struct config_reader *r, const struct doc_node *list);
/* What is picked of them, once everything else is read. */
void config_need_read(struct config_reader *r, const struct doc_node *list);
void config_need_free(struct config *c);

/*
 * An error unless the file can be read and has a line that starts so; NULL is
 * no file.
 */
void config_pem_check(const struct config_reader *r, const struct doc_node *at,
    const char *path, const char *begin);

/* An error for each item that has the same value of the key as another. */
void config_unique(
    struct doc_errors *errors, const struct doc_node *list, const char *key);

#endif
