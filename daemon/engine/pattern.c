/* Target files: members of a pattern, read as they change. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "pattern.h"
#include "watch.h"

#define REFRESH (300 * CLOCK_SEC)

static struct pattern_member *
member_of(struct pattern *p, const char *path)
{
	for (size_t i = 0; i < p->members; i++)
		if (!strcmp(p->member[i].feed->name, path))
			return &p->member[i];
	struct pattern_member *more =
	    realloc(p->member, (p->members + 1) * sizeof(*more));
	if (!more)
		return NULL;
	p->member = more;
	struct feed *f = feed_new(SOURCE_TARGET_FILE, path);
	if (!f)
		return NULL;
	p->member[p->members] = (struct pattern_member){.feed = f};
	return &p->member[p->members++];
}

/* Files that match no more; whether a list went with one. */
static bool
drop_members(struct pattern *p)
{
	size_t kept = 0;
	bool changed = false;
	for (size_t i = 0; i < p->members; i++) {
		struct pattern_member *m = &p->member[i];
		if (m->keep) {
			p->member[kept++] = *m;
			continue;
		}
		log_info("discovery", "%s: the file is gone", m->feed->name);
		changed |= m->feed->targets > 0;
		feed_free(m->feed);
	}
	p->members = kept;
	return changed;
}

/* all: also files that look the same. Whether any list is another one. */
bool
pattern_refresh(struct pattern *p, bool all)
{
	const struct config *c = p->env->config;
	const struct watch_file *file;
	size_t n = watch_files(p->watch, &file);
	bool changed = false;
	p->due = clock_mono() + feed_spread(REFRESH);
	for (size_t i = 0; i < p->members; i++)
		p->member[i].keep = false;
	/* A name without wildcards has to be there. */
	struct watch_file plain = {p->path, 0};
	if (!p->glob && !n) {
		file = &plain;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		struct pattern_member *m = member_of(p, file[i].path);
		if (!m)
			continue;
		m->keep = true;
		if (!all && m->stamp == file[i].stamp && m->feed->tried)
			continue;
		m->stamp = file[i].stamp;
		changed |= feed_read(m->feed, c, file[i].path);
	}
	return drop_members(p) || changed;
}

void
pattern_forget(struct pattern *p)
{
	for (size_t i = 0; i < p->members; i++)
		feed_forget(p->member[i].feed);
}

static void
on_changed(void *arg)
{
	struct pattern *p = arg;
	p->env->published(p->env->arg, pattern_refresh(p, false));
}

void
pattern_close(struct pattern *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->members; i++)
		feed_free(p->member[i].feed);
	free(p->member);
	watch_free(p->watch);
	free(p->path);
	free(p);
}

struct pattern *
pattern_open(struct feed_env *env, const char *path)
{
	struct pattern *p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	struct watch_setup setup = {
	    .loop = env->loop,
	    .path = path,
	    .glob = strpbrk(path, "*?[") != NULL,
	    .changed = on_changed,
	    .arg = p,
	};
	p->env = env;
	p->glob = setup.glob;
	p->path = strdup(path);
	p->watch = watch_new(&setup);
	if (p->path && p->watch)
		return p;
	pattern_close(p);
	return NULL;
}
