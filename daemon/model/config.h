/*
 * The configuration file as the daemon uses it: checked, with all defaults
 * filled in, immutable once loaded.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "allow.h"
#include "nodelist.h"
#include "profile.h"
#include "target.h"
#include "doc.h"

enum { CONFIG_WINDOWS = 4 };

enum config_histograms { HISTOGRAMS_CLUSTER, HISTOGRAMS_TARGET };

/* How something is probed: `defaults`, overridden per cluster and target. */
struct config_probing {
	uint64_t interval, timeout, spacing;	/* ns; timeout 0: derived */
	uint64_t retry;			/* ns; 0: not given */
	unsigned count;				/* 0: the collector's */
	uint8_t dscp;
	struct addr source;			/* family 0: any */
	char interface[IFNAMSIZ];
	unsigned family;			/* 0 both, 4, 6 */
	bool all_addresses;			/* a path for each address */
	enum expect expect;
	struct thresholds thresholds;
};

/* An item of `profiles`, as written. */
struct config_profile {
	char *name, *revision;
};

struct config_cluster {
	struct node_cluster nodes;	/* from the configuration file */
	struct cluster_about about;
	struct config_probing probing;
	unsigned line;
};

struct config_target {
	char name[TARGET_NAME + 1];
	const char *probe;		/* collector's name */
	enum transport transport;
	char *host;
	uint16_t port;			/* 0: it has none, or (of dns) it is
					   the name servers of this host */
	char cluster[CLUSTER_NAME + 1];	/* "": none */
	struct ask *ask;		/* reference; NULL: asks nothing */
	char *url;			/* instead of an address, or NULL */
	struct proxy *proxy;		/* reference; NULL: direct */
	struct config_probing probing;
	unsigned line;
};

/*
 * How to probe hosts that a row of a profile wants probed once they are
 * learned: a target without name, host and url.
 */
struct config_learner {
	const struct requirement *row;
	struct config_target like;
};

/* What a module of /probe may be. */
enum config_prober {
	PROBER_HTTP,
	PROBER_TCP,
	PROBER_TLS,
	PROBER_DNS,
	PROBER_ICMP,
	PROBER_STUN,
	PROBER_SIP,
	PROBER_NTP,
	PROBERS
};

enum { MODULE_NAME = 64 };

/* How to probe what is asked for. */
struct config_module {
	char name[MODULE_NAME + 1];
	uint8_t prober;			/* enum config_prober */
	struct config_target like;	/* without name, host and url */
	uint64_t timeout;		/* ns; 0: only the asker's */
	bool follow;			/* redirections */
};

struct config_discovery {
	char *name;			/* file path or URL without secrets */
	char *file;			/* absolute; or NULL */
	char *url;			/* or NULL */
	char *bearer_token_file;	/* absolute or NULL */
	char *ca_file;
	char *proxy;			/* URL or NULL */
	struct cluster_about about;	/* what it lists */
	uint64_t refresh;		/* ns; for files it is a safety net */
	uint64_t timeout;
};

struct config {
	char *file;			/* as given */
	char sha256[65];
	struct config_probing defaults;
	uint64_t window[CONFIG_WINDOWS];	/* ns, ascending */
	unsigned windows;
	struct config_cluster *cluster;
	size_t clusters;
	struct config_target *target;
	size_t targets;
	struct proxy **proxy;		/* references */
	size_t proxies;
	struct config_discovery *discovery;
	size_t discoveries;
	char **target_file;		/* absolute globs */
	size_t target_files;
	struct profile **profile;
	size_t profiles;
	struct config_target *need;	/* of all profiles' rows */
	size_t needs;
	struct config_learner *learner;
	size_t learners;
	struct allow *allow;		/* what /probe is for */
	size_t allows;
	struct config_module *module;
	size_t modules;
	enum config_histograms histograms;
	bool rolling;			/* rolling windows are exposed */
	bool transmit_stamps;
	uint32_t margin_ppm;		/* of choose */
	uint64_t requests_per_second;	/* limit over all */
	uint64_t requests_per_address;	/* limit per address and second */
	unsigned max_addresses;		/* of a name */
	char *ca_file;			/* or NULL */
	char *nameserver;		/* "192.0.2.53:53"; NULL: system's */
	char *state_file;		/* absolute or NULL */
	uint64_t state_interval;	/* ns */
	char *agentx;			/* absolute or NULL: no SNMP */
	unsigned ping_notifications;	/* 1 << enum ping_notification */
};

/*
 * Loads and checks a file. On errors returns NULL with all of them in
 * *errors, sorted. Paths in the file are relative to the file.
 */
struct config *config_load(const char *file, struct doc_errors *errors);
/* The same while the daemon runs: never waits for what is no regular file. */
struct config *config_reload(const char *file, struct doc_errors *errors);
/* The same from memory; name stands for the file in messages and paths. */
struct config *config_parse(const char *name, const char *text, size_t len,
    struct doc_errors *errors);
void config_free(struct config *c);

/*
 * A Prometheus file_sd file (YAML or JSON): [{targets: [...], labels: {}}].
 * Labels that say how to probe: __probe__ (collector, default stun),
 * __transport__ (default udp), media_cluster, name. The result has the
 * defaults of c. How many, or -EINVAL with errors appended; *out is then
 * unchanged.
 */
ssize_t config_target_file(const struct config *c, const char *text, size_t len,
    struct config_target **out, struct doc_errors *errors);
void config_targets_free(struct config_target *t, size_t n);
/*
 * The name that is looked up for it, borrowed; NULL where the name servers of
 * this host are meant.
 */
const char *config_target_lookup(const struct config_target *t);

/*
 * "NAME-c61d2a", with a hash of text (an address) that salt changes; what is
 * too long is cut before the hash.
 */
void config_target_suffix(char out[TARGET_NAME + 1], const char *name,
    const char *text, unsigned salt);

/* The module of that name, or NULL. */
const struct config_module *config_module_find(
    const struct config *c, const char *name);

/* Where profiles are looked for by their names. */
const char *config_profile_directory(void);

/* The timeout in effect for probes of so many requests. */
uint64_t config_probing_timeout(const struct config_probing *p,
    unsigned count);
/* The family that can be probed: 4, 6, or 0 for both. */
unsigned config_probing_family(const struct config_probing *p);

/* "FILE:LINE:COLUMN: error: TEXT" per line, into a buffer for people. */
struct buf;
void config_errors_text(struct buf *b, const char *file,
    const struct doc_errors *e);

#endif
