/* `reachd --config.check`: reads what can be read here, and says the rest. */
#include "build.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "check_config.h"
#include "clock.h"
#include "doc.h"
#include "file.h"
#include "inventory.h"
#include "proxy.h"

/* What the files beside the configuration hold. */
struct sources {
	struct nodelist **list;
	size_t lists;
	struct config_target **target;
	size_t *targets;
	size_t files;
	FILE *errors;
	bool wrong;
};

/* A line each, with the file in front. */
static void
print_warnings(FILE *out, const char *file, const char *lines)
{
	while (lines != NULL && *lines != '\0') {
		int len = (int)strcspn(lines, "\n");

		fprintf(out, "%s: warning: %.*s\n", file, len, lines);
		lines += len + (lines[len] == '\n');
	}
}

/* ---- files ---- */

/* The text of a file, or NULL with a warning. */
static char *
read_source(struct sources *s, const char *path, size_t *len)
{
	char *text;
	int err = file_read_regular(path, DOC_BYTES, &text, len);

	if (err == 0)
		return text;
	fprintf(s->errors, "%s: warning: cannot be read now: %s\n", path,
	    file_why(err));
	return NULL;
}

static void
read_document(struct sources *s, const char *path)
{
	size_t len;
	char *text = read_source(s, path, &len), error[256];
	struct nodelist **more, *l;

	if (text == NULL)
		return;
	l = nodelist_parse(text, len, error);
	free(text);
	if (l == NULL) {
		fprintf(s->errors, "%s: error: %s\n", path, error);
		s->wrong = true;
		return;
	}
	print_warnings(s->errors, path, l->warnings);
	for (size_t i = 0; i < l->clusters; i++) {
		for (size_t k = 0; k < l->cluster[i].rejections; k++)
			fprintf(s->errors, "%s: warning: cluster '%s': %s\n",
			    path, l->cluster[i].name,
			    l->cluster[i].rejected[k]);
	}
	more = realloc(s->list, (s->lists + 1) * sizeof(*more));
	if (more == NULL) {
		nodelist_free(l);
		return;
	}
	s->list = more;
	more[s->lists++] = l;
}

static void
print_errors(FILE *out, const char *file, struct doc_errors *e)
{
	struct buf b = BUF_INIT;

	config_errors_text(&b, file, e);
	fputs(buf_str(&b), out);
	buf_free(&b);
	doc_errors_free(e);
}

static void
read_targets(struct sources *s, const struct config *c, const char *path)
{
	struct doc_errors errors = {0};
	struct config_target *t, **more;
	size_t len, *counts;
	char *text = read_source(s, path, &len);
	ssize_t n;

	if (text == NULL)
		return;
	n = config_target_file(c, text, len, &t, &errors);
	free(text);
	if (n < 0) {
		print_errors(s->errors, path, &errors);
		s->wrong = true;
		return;
	}
	more = realloc(s->target, (s->files + 1) * sizeof(*more));
	if (more != NULL)
		s->target = more;
	counts = realloc(s->targets, (s->files + 1) * sizeof(*counts));
	if (counts != NULL)
		s->targets = counts;
	if (more == NULL || counts == NULL) {
		config_targets_free(t, (size_t)n);
		return;
	}
	more[s->files] = t;
	counts[s->files++] = (size_t)n;
}

static void
read_sources(struct sources *s, const struct config *c)
{
	for (size_t i = 0; i < c->discoveries; i++) {
		if (c->discovery[i].file != NULL)
			read_document(s, c->discovery[i].file);
	}
	for (size_t i = 0; i < c->target_files; i++) {
		glob_t g;

		if (glob(c->target_file[i], 0, NULL, &g) != 0) {
			fprintf(s->errors, "%s: warning: no such file now\n",
			    c->target_file[i]);
			continue;
		}
		for (size_t k = 0; k < g.gl_pathc; k++)
			read_targets(s, c, g.gl_pathv[k]);
		globfree(&g);
	}
}

static void
free_sources(struct sources *s)
{
	for (size_t i = 0; i < s->lists; i++)
		nodelist_free(s->list[i]);
	for (size_t i = 0; i < s->files; i++)
		config_targets_free(s->target[i], s->targets[i]);
	free(s->list);
	free(s->target);
	free(s->targets);
}

/* ---- names ---- */

/*
 * A name stands for one address of each family, out of ranges that nothing
 * public has (RFC 6598, RFC 6666), so that limits count it.
 */
static void
assume(void *arg, const char *host, struct inventory_name *out)
{
	struct addr *a = arg;
	uint64_t h = target_hash(host != NULL ? host : "", 0);
	uint8_t v4[4] = {100, 64 | (h >> 16 & 63), h >> 8 & 255, h & 255};
	uint8_t v6[16] = {1};

	memcpy(v6 + 8, &h, sizeof(h));
	memset(a, 0, 2 * sizeof(*a));
	addr_from_bytes(&a[0], AF_INET, v4, 0);
	addr_from_bytes(&a[1], AF_INET6, v6, 0);
	out->host = host;
	out->addr = a;
	out->addrs = 2;
}

static bool
is_name(const struct target *t)
{
	struct addr a;

	return addr_parse_host(&a, target_next_hop(t)) < 0;
}

/* ---- report ---- */

static void
print_target(FILE *out, const struct target *t)
{
	char name[TARGET_NAME + 1], text[ADDR_TEXT + 1200], interval[32];
	char port[16];
	size_t len = strlen(t->name);

	memcpy(name, t->name, len + 1);
	if (is_name(t)) {
		/* The hash in the name is that of an address to come. */
		if (len > 7 && name[len - 7] == '-' &&
		    strspn(name + len - 6, "0123456789abcdef") == 6)
			memcpy(name + len - 6, "??????", 6);
		/* The servers of this host come with their ports. */
		port[0] = '\0';
		if (t->port != 0)
			snprintf(port, sizeof(port), ":%u", t->port);
		snprintf(text, sizeof(text), "%s%s over %s", t->host, port,
		    addr_family(&t->path.addr) == AF_INET6 ? "IPv6" : "IPv4");
	} else {
		addr_text(&t->path.addr, text);
	}
	if (t->url != NULL)
		snprintf(text, sizeof(text), "%s%s%s", t->url,
		    t->proxy != NULL ? " through " : "",
		    t->proxy != NULL ? t->proxy->name : "");
	fprintf(out, "  %-32s %-4s %-4s %-40s every %s\n", name, t->probe,
	    word_label(WORD_TRANSPORT, t->path.transport), text,
	    clock_duration_text(t->interval_ns, interval));
}

/* Requests a second, in thousandths. */
static uint64_t
rate(const struct target *t)
{
	return t->count * CLOCK_SEC * 1000 / t->interval_ns;
}

static int
compare_hosts(const void *a, const void *b)
{
	struct addr x = (*(struct target *const *)a)->path.addr;
	struct addr y = (*(struct target *const *)b)->path.addr;

	addr_set_port(&x, 0);
	addr_set_port(&y, 0);
	return addr_compare(&x, &y);
}

static void
print_requests(FILE *out, const struct inventory *i)
{
	uint64_t all = 0, sum = 0, most = 0;
	const struct target *busiest = NULL;
	struct buf b = BUF_INIT;
	char text[ADDR_TEXT];

	for (size_t k = 0; k < i->targets; k++) {
		if (k == 0 || compare_hosts(&i->target[k - 1], &i->target[k]))
			sum = 0;
		sum += rate(i->target[k]);
		all += rate(i->target[k]);
		if (sum <= most)
			continue;
		most = sum;
		busiest = i->target[k];
	}
	buf_puts(&b, "requests: ");
	buf_decimal(&b, all, 3);
	buf_puts(&b, " a second in all");
	if (busiest != NULL) {
		buf_puts(&b, ", at most ");
		buf_decimal(&b, most, 3);
		buf_printf(&b, " to one address (%s)",
		    is_name(busiest)
			? target_next_hop(busiest)
			: addr_host_text(&busiest->path.addr, text));
	}
	fprintf(out, "%s\n", buf_str(&b));
	buf_free(&b);
}

static void
print_report(FILE *out, const struct config *c, struct inventory *i)
{
	struct check_config_memory m = check_config_memory(c, i);
	bool named = false;

	fprintf(out, "%s is valid\n", c->file);
	fprintf(out, "targets: %zu in %zu media cluster%s\n", i->targets,
	    i->clusters, i->clusters == 1 ? "" : "s");
	for (size_t k = 0; k < i->targets; k++) {
		print_target(out, i->target[k]);
		named = named || is_name(i->target[k]);
	}
	if (named)
		fprintf(out, "  (a name counts as one IPv4 and one IPv6 "
			     "address until it is resolved)\n");
	for (size_t k = 0; k < c->discoveries; k++) {
		if (c->discovery[k].url != NULL)
			fprintf(out,
			    "  (and the nodes of %s, not fetched "
			    "here)\n",
			    c->discovery[k].name);
	}
	fprintf(out, "series: about %zu\n", check_config_series(c, i));
	fprintf(out, "memory: about %zu.%zu MB, %zu.%zu MB of it samples\n",
	    m.all / 1000000, m.all / 100000 % 10, m.samples / 1000000,
	    m.samples / 100000 % 10);
	if (i->targets > 1)
		qsort(i->target, i->targets, sizeof(struct target *),
		    compare_hosts);
	print_requests(out, i);
}

static struct inventory *
build(const struct config *c, const struct sources *s, struct shard shard)
{
	struct addr assumed[2];
	const struct inventory_input in = {.config = c,
	    .list = (const struct nodelist *const *)s->list,
	    .lists = s->lists,
	    .file_target = (const struct config_target *const *)s->target,
	    .file_targets = s->targets,
	    .files = s->files,
	    .shard = shard,
	    .resolve = assume,
	    .arg = assumed};
	struct inventory *i = inventory_build(&in);

	if (i == NULL)
		fprintf(s->errors, "%s: error: not enough memory\n", c->file);
	return i;
}

/* Each counts as it would when it runs; together they are all there is. */
static void
print_shards(FILE *out, const struct config *c, const struct sources *s,
    const struct shard *own)
{
	for (unsigned k = 0; own->count > 1 && k < own->count; k++) {
		struct inventory *i =
		    build(c, s, (struct shard){k, own->count});

		if (i == NULL)
			return;
		fprintf(out,
		    "shard %u/%u: %zu targets in %zu media cluster%s%s\n", k,
		    own->count, i->targets, i->clusters,
		    i->clusters == 1 ? "" : "s",
		    k == own->index ? " (this one)" : "");
		inventory_free(i);
	}
}

int
check_config_main(
    const char *file, const struct shard *shard, FILE *out, FILE *errors)
{
	struct doc_errors mistakes = {0};
	struct sources s = {.errors = errors};
	struct config *c = config_load(file, &mistakes);
	struct inventory *i = NULL;
	int code = 1;

	if (c == NULL) {
		print_errors(errors, file, &mistakes);
		return 1;
	}
	read_sources(&s, c);
	if (!s.wrong)
		i = build(c, &s, *shard);
	if (i != NULL) {
		print_warnings(errors, file, i->warnings);
		print_report(out, c, i);
		print_shards(out, c, &s, shard);
		code = 0;
	}
	inventory_free(i);
	free_sources(&s);
	config_free(c);
	return code;
}
