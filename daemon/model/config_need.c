/*
 * Targets of requirements: the hosts of a row by its probes, each directly
 * and through the proxies picked. What several rows ask alike is one target,
 * named after the first row of the profile that asks it, picked or not, so
 * that its name does not depend on what is picked.
 */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask_groups.h"
#include "buf.h"
#include "config_ask.h"
#include "config_pick.h"
#include "doc.h"
#include "kind.h"
#include "option.h"
#include "profile.h"
#include "proxy.h"

enum { NEEDS_MAX = 20000, KEYS_MAX = 64 };

struct needing {
	struct config_reader *r;
	struct config_pick pick;
	size_t first; /* need of this profile */
	size_t room;
	bool no_way; /* a way that is not there: said once, not for each host */
};

/* What one need is made of. */
struct asked {
	const struct requirement *row; /* whose hosts these are */
	const struct requirement_probe *probe;
	const struct requirement_hosts *group;
	const struct config_given *given; /* NULL: the profile's host */
	const char *address;
	const struct doc_node *via; /* a way; NULL: direct */
	uint16_t port;		    /* 0: the address's or the kind's */
};

/* ---- what it asks ---- */

/* Keys of a probe or of a given host that are not for the kind. */
static bool
is_own_key(const char *key)
{
	static const char *const own[] = {
	    "probe", "transport", "ports", "via", "address", "path"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i], key) == 0)
			return true;
	return false;
}

static bool
is_asked_key(const struct kind *k, const char *key)
{
	for (unsigned i = 0; i < option_rows; i++)
		for (unsigned g = 0; g < ASK_GROUPS; g++)
			if ((k->asks & 1u << g) != 0 &&
			    option_table[i].group == ask_groups[g].option &&
			    option_table[i].type != OPTION_ALSO &&
			    strcmp(option_table[i].key, key) == 0)
				return true;
	return false;
}

/* Adds the keys of a mapping, or puts them in place of equal ones. */
static void
merge(struct doc_node *into, const struct doc_node *map)
{
	for (size_t i = 0; map->kind == DOC_MAP && i < map->items; i++) {
		size_t at = 0;

		if (is_own_key(map->key[i]->scalar))
			continue;
		while (at < into->items &&
		       strcmp(into->key[at]->scalar, map->key[i]->scalar) != 0)
			at++;
		if (at == KEYS_MAX)
			return;
		into->key[at] = map->key[i];
		into->item[at] = map->item[i];
		into->items += at == into->items;
	}
}

/* Says of a key that neither the row nor the kind knows that it is wrong. */
static void
check_keys(struct needing *n, const struct doc_node *map, const struct kind *k,
    const char *file)
{
	struct doc_errors *errors = n->r->errors;
	const char *before = errors->file;
	char shown[DOC_SHOWN];

	if (file != NULL)
		errors->file = file;
	for (size_t i = 0; map->kind == DOC_MAP && i < map->items; i++) {
		const char *key = map->key[i]->scalar;

		if (!is_own_key(key) && !is_asked_key(k, key))
			doc_error(errors, map->key[i],
			    "'%s' is no key of a %s probe over %s",
			    doc_error_shown(key, shown), k->name,
			    word_label(WORD_TRANSPORT, k->transport));
	}
	errors->file = before;
}

/* What the row asks, and over that what the operator does. */
static struct ask *
read_ask(struct needing *n, const struct asked *a, const struct kind *k)
{
	struct doc_node *key[KEYS_MAX], *item[KEYS_MAX];
	struct doc_node map = {.kind = DOC_MAP, .key = key, .item = item};

	merge(&map, a->probe->at);
	if (a->given != NULL)
		merge(&map, a->given->at);
	return config_ask_read(n->r, &map, k, false);
}

/* ---- where it is ---- */

static bool
is_web(const struct kind *k)
{
	return (k->asks & 1u << ASK_HTTP) != 0;
}

/* The path of the URL: the operator's, the hosts', the row's, or the root. */
static const char *
path_of(const struct asked *a)
{
	const struct doc_node *n =
	    a->given != NULL ? doc_get(a->given->at, "path") : NULL;

	if (n == NULL && a->group->path != NULL)
		return a->group->path;
	if (n == NULL)
		n = doc_get(a->probe->at, "path");
	return n != NULL && n->kind == DOC_SCALAR ? n->scalar : "/";
}

/* "HOST:PORT", or a URL where the kind wants one. */
static void
put_place(struct buf *b, const struct asked *a)
{
	const struct kind *k = a->probe->kind;
	struct addr literal;
	bool bare = addr_parse_host(&literal, a->address) == 0 &&
		    addr_family(&literal) == AF_INET6 && a->address[0] != '[' &&
		    (a->port != 0 || is_web(k));

	if (is_web(k))
		buf_printf(
		    b, "%s://", word_label(WORD_TRANSPORT, k->transport));
	buf_printf(b, bare ? "[%s]" : "%s", a->address);
	if (a->port != 0)
		buf_printf(b, ":%u", a->port);
	if (is_web(k))
		buf_puts(b, path_of(a));
	buf_putc(b, '\0');
}

/* ---- names ---- */

static void
put_plain(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		buf_putc(b, isalnum(c) || c == '.' || c == '-'
				? (char)tolower(c)
				: '-');
	}
}

static bool
name_is_taken(const struct needing *n, const char *name)
{
	const struct config *c = n->r->c;

	for (size_t i = 0; i < c->needs; i++)
		if (strcmp(c->need[i].name, name) == 0)
			return true;
	return false;
}

/* "dom-02-idbroker.example.com-hq", with a hash where that is too long. */
static void
name_need(struct needing *n, const struct asked *a, struct config_target *t)
{
	const struct kind *usual = kind_first(t->probe);
	struct buf b = BUF_INIT, all = BUF_INIT;
	unsigned salt = 0;

	put_plain(&b, a->row->id);
	buf_putc(&b, '-');
	put_plain(&b, t->host);
	if (t->transport != usual->transport ||
	    strcmp(t->probe, a->row->probe[0].name) != 0) {
		buf_putc(&b, '-');
		put_plain(&b, word_label(WORD_TRANSPORT, t->transport));
	}
	if (t->port != 0 && kind_find(t->probe, t->transport)->port != t->port)
		buf_printf(&b, "-%u", t->port);
	if (t->proxy != NULL) {
		buf_putc(&b, '-');
		put_plain(&b, t->proxy->name);
	}
	buf_printf(&all, "%s %s %s %s", buf_str(&b), t->probe,
	    t->url != NULL ? t->url : "", t->ask != NULL ? t->ask->text : "");
	if (b.len <= TARGET_NAME && !b.err)
		memcpy(t->name, buf_str(&b), b.len + 1);
	else
		config_target_suffix(t->name, buf_str(&b), buf_str(&all), 0);
	while (name_is_taken(n, t->name))
		config_target_suffix(
		    t->name, buf_str(&b), buf_str(&all), ++salt);
	buf_free(&b);
	buf_free(&all);
}

/* ---- needs ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
is_same(const struct config_target *a, const struct config_target *b)
{
	return a->probe == b->probe && a->transport == b->transport &&
	       a->port == b->port && a->proxy == b->proxy &&
	       strcmp(a->host, b->host) == 0 && same_text(a->url, b->url) &&
	       same_text(a->ask != NULL ? a->ask->text : NULL,
		   b->ask != NULL ? b->ask->text : NULL);
}

static void
drop(struct config_target *t)
{
	free(t->host);
	free(t->url);
	ask_unref(t->ask);
	proxy_unref(t->proxy);
}

/* Takes the target over; the number of the need that it is. */
static uint32_t
take(struct needing *n, struct config_target *t, const struct asked *a)
{
	struct config *c = n->r->c;
	struct config_target *more;

	for (size_t i = n->first; i < c->needs; i++) {
		if (!is_same(&c->need[i], t))
			continue;
		drop(t);
		return (uint32_t)i;
	}
	if (c->needs == n->room) {
		size_t room = n->room > 0 ? 2 * n->room : 256;

		more = c->needs < NEEDS_MAX
			   ? realloc(c->need, room * sizeof(*more))
			   : NULL;
		if (more == NULL) {
			doc_error(n->r->errors, NULL, "not enough memory");
			drop(t);
			return UINT32_MAX;
		}
		c->need = more;
		n->room = room;
	}
	name_need(n, a, t);
	c->need[c->needs] = *t;
	return (uint32_t)c->needs++;
}

static void
row_needs(struct requirement *row, uint32_t need)
{
	uint32_t *more;

	for (size_t i = 0; i < row->needs; i++)
		if (row->need[i] == need)
			return;
	if (need == UINT32_MAX)
		return;
	more = realloc(row->need, (row->needs + 1) * sizeof(*more));
	if (more == NULL)
		return;
	row->need = more;
	more[row->needs++] = need;
}

static int
place_target(struct needing *n, const struct asked *a,
    const struct doc_node *at, struct config_target *t)
{
	int err = is_web(a->probe->kind)
		      ? config_target_url(n->r->errors, at, t)
		      : config_target_address(n->r->errors, at, t);

	if (err < 0 || a->via == NULL)
		return err;
	if (n->no_way)
		return -EINVAL;
	err = config_via_find(n->r, a->via, t, &t->proxy);
	n->no_way = err < 0;
	return err;
}

static uint32_t
make_need(struct needing *n, const struct asked *a)
{
	const struct kind *k = a->probe->kind;
	const struct doc_node *from =
	    a->given != NULL ? a->given->at : a->probe->at;
	struct config_target t = {.probe = k->name, .transport = k->transport};
	struct buf place = BUF_INIT;
	struct doc_node at = {
	    .kind = DOC_SCALAR, .line = from->line, .column = from->column};
	const char *before = n->r->errors->file;
	uint32_t need = UINT32_MAX;

	if (a->given == NULL)
		n->r->errors->file = n->pick.profile->file;
	put_place(&place, a);
	at.scalar = place.data;
	if (!place.err && place_target(n, a, &at, &t) == 0) {
		t.probing = n->pick.probing;
		t.ask = read_ask(n, a, k);
		need = take(n, &t, a);
	} else {
		drop(&t);
	}
	buf_free(&place);
	n->r->errors->file = before;
	return need;
}

/* Whether that kind of probe can go through a proxy. */
static bool
has_proxy(const struct requirement_probe *p)
{
	return !p->direct && is_web(p->kind);
}

/* One address by one probe: every port, every way. */
static void
need_ways(struct needing *n, struct requirement *to, struct asked *a)
{
	const struct doc_node *via = has_proxy(a->probe) ? n->pick.via : NULL;
	char host[256];
	uint16_t port = 0, other = 1;
	bool has_port =
	    addr_split(a->address, host, sizeof(host), &port) == 0 &&
	    addr_split(a->address, host, sizeof(host), &other) == 0 &&
	    port == other;
	unsigned ports = has_port || a->probe->ports == 0 ? 1 : a->probe->ports;
	size_t ways = via != NULL && via->items > 0 ? via->items : 1;

	for (unsigned i = 0; i < ports; i++)
		for (size_t k = 0; k < ways; k++) {
			a->port = has_port || a->probe->ports == 0
				      ? 0
				      : a->probe->port[i];
			a->via =
			    via != NULL && via->items > 0 ? via->item[k] : NULL;
			row_needs(to, make_need(n, a));
		}
}

/* Which of the row's probes a host has: all, or the one that it names. */
static bool
is_probed_by(
    const struct requirement *row, size_t probe, const struct config_given *g)
{
	const struct requirement_probe *p = &row->probe[probe];

	if (p->kind == NULL)
		return false;
	if (g != NULL && g->transport != 0)
		return p->kind->transport == g->transport;
	return !row->choice || probe == 0;
}

static void
need_host(struct needing *n, struct requirement *to,
    const struct requirement *by, struct asked *a)
{
	for (size_t i = 0; i < by->probes; i++) {
		if (by->probe[i].kind == NULL)
			to->unknown = by->probe[i].name;
		if (!is_probed_by(by, i, a->given))
			continue;
		a->row = by;
		a->probe = &by->probe[i];
		if (a->given != NULL)
			check_keys(n, a->given->at, a->probe->kind, NULL);
		need_ways(n, to, a);
	}
}

/*
 * The hosts of `of`, by the probes of `by`, are needed by `to`. Returns how
 * many groups of them have none.
 */
static void
need_hosts(struct needing *n, struct requirement *to,
    const struct requirement *by, const struct requirement *of)
{
	const struct config_pick *p = &n->pick;

	for (size_t g = 0; g < of->groups; g++) {
		const struct requirement_hosts *h = &of->hosts[g];
		size_t had = 0;

		for (size_t i = 0; i < h->hosts; i++) {
			struct asked a = {.group = h, .address = h->host[i]};

			if (config_pick_is_out(p, h->host[i]))
				continue;
			need_host(n, to, by, &a);
			had++;
		}
		for (size_t i = 0; i < p->givens; i++) {
			struct asked a = {.group = h,
			    .given = &p->given[i],
			    .address = p->given[i].address};

			if (p->given[i].row != of || p->given[i].group != g)
				continue;
			need_host(n, to, by, &a);
			had++;
		}
		if (had > 0)
			continue;
		to->bare++;
		if (to->supply == NULL)
			to->supply = h->supply != NULL ? h->supply : h->match;
	}
}

/* ---- rows ---- */

static void
need_row(struct needing *n, struct requirement *row)
{
	struct profile *p = n->pick.profile;

	if (row->reason != NULL || !row->holds)
		return;
	if (row->probes > 0)
		need_hosts(n, row, row, row);
	for (size_t i = 0; i < row->likes; i++) {
		const struct requirement *other = &p->row[row->like[i]];

		/* Its hosts by our probes, or as it has them probed. */
		need_hosts(n, row, row->probes > 0 ? row : other, other);
	}
}

/* Keys of a probe are the profile's mistake, and told as such. */
static void
check_probes(struct needing *n)
{
	const struct profile *p = n->pick.profile;

	for (size_t i = 0; i < p->rows; i++)
		for (size_t k = 0; k < p->row[i].probes; k++)
			if (p->row[i].probe[k].kind != NULL)
				check_keys(n, p->row[i].probe[k].at,
				    p->row[i].probe[k].kind, p->file);
}

/* Leaves out what no row that is taken needs, and numbers the rest. */
static void
sift(struct needing *n)
{
	struct config *c = n->r->c;
	struct profile *p = n->pick.profile;
	uint32_t *number = calloc(c->needs + 1, sizeof(*number));
	size_t kept = n->first;

	if (number == NULL)
		return;
	for (size_t i = 0; i < p->rows; i++)
		for (size_t k = 0; k < p->row[i].needs; k++)
			if (p->row[i].left == REQUIREMENT_TAKEN)
				number[p->row[i].need[k]] = 1;
	for (size_t i = n->first; i < c->needs; i++) {
		if (number[i] == 0) {
			drop(&c->need[i]);
			continue;
		}
		number[i] = (uint32_t)kept;
		c->need[kept++] = c->need[i];
	}
	c->needs = kept;
	for (size_t i = 0; i < p->rows; i++) {
		struct requirement *row = &p->row[i];

		if (row->left != REQUIREMENT_TAKEN)
			row->needs = 0;
		for (size_t k = 0; k < row->needs; k++)
			row->need[k] = number[row->need[k]];
	}
	free(number);
}

/* Rows that want probed what certificates name: how, for later. */
static void
keep_learner(struct needing *n, const struct requirement *row)
{
	struct config *c = n->r->c;
	struct asked a = {.row = row, .probe = row->probe};
	struct config_learner *more;
	bool learns = false;

	for (size_t i = 0; i < row->derives; i++)
		learns |= row->derive[i].rule == RULE_RESPONDERS;
	if (!learns || row->left != REQUIREMENT_TAKEN || row->probes == 0 ||
	    row->probe->kind == NULL || !is_web(row->probe->kind))
		return;
	more = realloc(c->learner, (c->learners + 1) * sizeof(*c->learner));
	if (more == NULL)
		return;
	c->learner = more;
	more[c->learners++] = (struct config_learner){.row = row,
	    .like = {.probe = row->probe->kind->name,
		.transport = row->probe->kind->transport,
		.port = row->probe->kind->port,
		.probing = n->pick.probing,
		.ask = read_ask(n, &a, row->probe->kind)}};
}

static void
read_profile(
    struct config_reader *r, struct profile *p, const struct doc_node *item)
{
	struct needing n = {.r = r, .first = r->c->needs};
	size_t errors = doc_errors_count(r->errors);

	n.pick.profile = p;
	n.pick.map = item->kind == DOC_MAP ? item : NULL;
	n.room = n.first;
	config_pick_read(r, &n.pick);
	check_probes(&n);
	/* Said once, and not for each host. */
	if (doc_errors_count(r->errors) > errors)
		goto out;
	for (size_t i = 0; i < p->rows; i++)
		if (p->row[0].left != REQUIREMENT_NO_PICK)
			need_row(&n, &p->row[i]);
	sift(&n);
	for (size_t i = 0; i < p->rows; i++)
		keep_learner(&n, &p->row[i]);
out:
	config_pick_free(&n.pick);
	profile_settle(p);
}

void
config_need_read(struct config_reader *r, const struct doc_node *list)
{
	/* With mistakes in some profile the others are not its neighbours. */
	if (list == NULL || r->c->profiles != list->items)
		return;
	for (size_t i = 0; i < list->items; i++)
		read_profile(r, r->c->profile[i], list->item[i]);
}

void
config_need_free(struct config *c)
{
	config_targets_free(c->need, c->needs);
	for (size_t i = 0; i < c->learners; i++)
		ask_unref(c->learner[i].like.ask);
	free(c->learner);
}
