/*
 * What a vendor requires, row by row: data of a profile. A row is probed (its
 * hosts, each by its probes, are the needs of the row), worked out by rules,
 * or says why it cannot be tested. Whether it is met is judged from what is
 * known of targets, clusters and the site; pure, as everything here.
 */
#ifndef REQUIREMENT_H
#define REQUIREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "choose.h"
#include "site.h"
#include "subnet.h"
#include "target.h"
#include "word.h"

struct doc_node;
struct kind;
struct profile;

enum {
	REQUIREMENT_WHY = 192,
	REQUIREMENT_PORTS = 8, /* of a probe of a row */
	REQUIREMENT_PRODUCTS = 64
};

enum requirement_rule {
	RULE_NONE,
#define RULE(name, label, keys, needs, help) RULE_##name,
#include "rules.def"
	RULES
};

/* Hosts of a row that go together: those that match one pattern. */
struct requirement_hosts {
	char *match;  /* "*.example.com", or NULL */
	char *from;   /* where it is known from that these are hosts of it */
	char *supply; /* what the operator must give, or NULL */
	char *path;   /* of their URLs, or NULL */
	char **host;  /* "HOST" or "HOST:PORT" */
	size_t hosts;
};

/* How each of the hosts is probed. */
struct requirement_probe {
	char *name;		  /* of the kind */
	const struct kind *kind;  /* NULL: this program knows none such */
	uint16_t port[REQUIREMENT_PORTS];
	unsigned ports;		  /* 0: the kind's */
	bool direct;		  /* never through a proxy */
	const struct doc_node *at; /* while the file is kept */
};

/* A rule and what it is told. */
struct requirement_derive {
	enum requirement_rule rule;
	enum transport transport;	/* 0: any */
	uint16_t low, high;		/* ports; 0: any */
	enum cluster_class class;	/* 0: public */
	bool allowed, direct;
	char *text;	/* tag, match, least, section; or NULL */
	struct subnet subnet;		/* family 0: none */
	char **word;			/* rows, ciphers, schemes, codes */
	size_t words;
};

/* Why a row is not looked at. */
enum requirement_left {
	REQUIREMENT_TAKEN,
	REQUIREMENT_NO_PICK,	/* no products are picked of the profile */
	REQUIREMENT_REVISION,	/* not in the revision gone by */
	REQUIREMENT_PRODUCT,	/* none of its products is picked */
	REQUIREMENT_KIND,	/* its category is not picked */
	REQUIREMENT_OUT		/* the operator leaves it out */
};

struct requirement {
	char *id, *section, *text, *limits;
	char *users;		/* "app, room"; NULL: all */
	char *reason;		/* why it cannot be probed, or NULL */
	enum requirement_category category;
	uint64_t products;	/* bits of profile->product; all when 0 */
	bool holds;		/* in the revision */
	bool silence;		/* no answer says nothing of it */
	bool strict;		/* an error response is a failure */
	bool choice;		/* a host is probed by one of the probes */
	struct requirement_hosts *hosts;
	size_t groups;
	struct requirement_probe *probe;
	size_t probes;
	struct requirement_derive *derive;
	size_t derives;
	size_t *like;		/* rows whose hosts are its hosts, too */
	size_t likes;
	/* set by the configuration */
	enum requirement_left left;
	uint32_t *need;		/* numbers of needs, from 0 on */
	size_t needs;
	size_t bare;		/* groups of hosts without any host */
	const char *supply;	/* what to give for the first of those */
	const char *unknown;	/* a kind of probe that is not known here */
};

void requirement_free(struct requirement *r, size_t n); /* an array of them */

/* The row of that id, or NULL. */
const struct requirement *requirement_find(
    const struct profile *p, const char *id);

/*
 * Whether a host is one of the pattern: "*.example.com" is example.com and
 * all below; another * stands for any characters.
 */
bool requirement_match(const char *pattern, const char *host);

/* The label of a rule ("media"), and back: RULE_NONE for no such. */
const char *requirement_rule_label(enum requirement_rule rule);
enum requirement_rule requirement_rule_find(const char *label);
/* What a rule may be told: keys with a space after each. */
const char *requirement_rule_keys(enum requirement_rule rule);
/* Of which it must be told one, likewise; "" for none. */
const char *requirement_rule_needs(enum requirement_rule rule);
/* "a, b, c": every label. */
const char *requirement_rule_list(void);

/* ---- judging ---- */

/* A target and what is known of it. */
struct requirement_path {
	/*
	 * These by requirement_path(): copies of the target's, since rules go
	 * over ten thousand paths, and a row that is near is read faster.
	 */
	const struct target *target;
	uint32_t cluster, subnet; /* row of the world, or UINT32_MAX; 0 none */
	uint16_t port;
	uint8_t class, transport;
	bool node, blocked; /* of a media cluster; expected to be blocked */
	uint8_t state, outcome;	/* enum state; outcome of the last request */
	bool probed, fresh;	/* ever; within the last few intervals */
	const struct tls_facts *tls; /* NULL: none */
	int64_t http_status;	     /* 0: none */
};

/* A need and one of the paths that it became. */
struct requirement_link {
	uint32_t need, path;
};

/* What a need asks and through what. */
struct requirement_need {
	const char *host;   /* borrowed; NULL: name servers of this host */
	const char *via;    /* name of the proxy; NULL: direct */
	const char *scheme; /* how it authenticates there, or NULL */
	const struct requirement *row; /* that it was learned for, or NULL */
};

enum requirement_name {
	REQUIREMENT_NAME_UNKNOWN,
	REQUIREMENT_NAME_FINE,
	REQUIREMENT_NAME_FAILS
};

/* Media nodes of a subnet or of a cluster. */
struct requirement_count {
	unsigned nodes, up, down; /* of those that are expected to answer */
	unsigned fresh;		  /* probed lately */
	const char *trouble;	  /* a target that is down */
};

struct requirement_cluster {
	const char *name;
	const struct choose_cluster *is;
	struct requirement_count count;
};

struct requirement_world {
	const struct profile *profile;
	uint32_t subnet_base; /* of the targets' subnets: rows before its */
	const struct requirement_need *need;
	size_t needs;	/* of rows */
	size_t learnt;	/* and behind them those that were learned */
	const struct requirement_link *link; /* by need */
	size_t links;
	const struct requirement_path *path;
	size_t paths;
	struct requirement_cluster *cluster;
	size_t clusters;
	const struct site *site;
	bool network_watched;
	/* What the resolver knows; *alias: the name it is another one of. */
	enum requirement_name (*name)(
	    void *arg, const char *host, const char **alias);
	void *arg;
	/* made by requirement_count() */
	struct requirement_count *subnet; /* the caller's: one per subnet */
	struct requirement_count outside; /* nodes in none of them */
};

/* What stays of a path as long as the clusters do, which are by name. */
void requirement_path(struct requirement_path *p, const struct target *t,
    const struct requirement_cluster *cluster, size_t clusters);
/* Counts media nodes by subnet and by cluster. */
void requirement_count(struct requirement_world *w);

struct requirement_verdict {
	enum requirement_status status;
	char why[REQUIREMENT_WHY]; /* for people; "" when it is met */
};

void requirement_judge(const struct requirement_world *w,
    const struct requirement *row, struct requirement_verdict *out);

#endif
