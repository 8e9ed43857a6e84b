/* The last good list of one source; the raise and clear of its condition. */
#include "build.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "event.h"
#include "feed.h"
#include "file.h"
#include "log.h"

struct feed *
feed_new(enum source kind, const char *name)
{
	struct feed *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->kind = kind;
	f->name = strdup(name);
	if (f->name)
		return f;
	free(f);
	return NULL;
}

static void
drop_lists(struct feed *f)
{
	if (f->list)
		nodelist_free(f->list);
	config_targets_free(f->target, f->targets);
	f->list = NULL;
	f->target = NULL;
	f->targets = 0;
}

void
feed_free(struct feed *f)
{
	if (!f)
		return;
	drop_lists(f);
	free(f->name);
	free(f);
}

static void
emit(const struct feed *f, enum event_kind kind, const char *cause)
{
	struct event e = {.kind = kind};
	snprintf(e.subject, sizeof(e.subject), "%.*s",
	    (int)sizeof(e.subject) - 1, f->name);
	snprintf(
	    e.cause, sizeof(e.cause), "%.*s", (int)sizeof(e.cause) - 1, cause);
	event_emit(&e);
}

void
feed_fail(struct feed *f, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->tried = true;
	f->failures++;
	if (f->failing) {
		log_debug("discovery", "%s: still: %s", f->name, text);
		return;
	}
	f->failing = true;
	emit(f, EVENT_DISCOVERY_FAILED, text);
}

static void
succeed(struct feed *f)
{
	char text[64];
	f->tried = true;
	f->last_success = clock_real();
	if (!f->failing)
		return;
	f->failing = false;
	snprintf(
	    text, sizeof(text), "%llu nodes", (unsigned long long)f->nodes);
	emit(f, EVENT_DISCOVERY_OK, text);
}

/* What a peer wrote is for those who look for it. */
static void
log_warnings(const struct feed *f, const char *warnings)
{
	for (const char *at = warnings; at && *at;) {
		size_t n = strcspn(at, "\n");
		log_debug("discovery", "%s: %.*s", f->name,
		    n < 200 ? (int)n : 200, at);
		at += n + (at[n] == '\n');
	}
}

static bool
take_document(struct feed *f, const char *text, size_t len)
{
	char error[256] = "";
	struct nodelist *list = nodelist_parse(text, len, error);
	if (!list) {
		feed_fail(f, "%s", error);
		return false;
	}
	drop_lists(f);
	f->list = list;
	f->nodes = f->rejected = 0;
	for (size_t i = 0; i < list->clusters; i++) {
		f->nodes += list->cluster[i].nodes;
		f->rejected += list->cluster[i].rejections;
	}
	log_warnings(f, list->warnings);
	return true;
}

static bool
take_targets(
    struct feed *f, const struct config *c, const char *text, size_t len)
{
	struct doc_errors errors = {.limit = 8};
	struct config_target *target = NULL;
	ssize_t n = config_target_file(c, text, len, &target, &errors);
	doc_errors_sort(&errors);
	if (n < 0 && errors.errors) {
		const struct doc_error *e = &errors.error[0];
		feed_fail(
		    f, "line %u, column %u: %s", e->line, e->column, e->text);
	} else if (n < 0) {
		feed_fail(f, "%s", strerror((int)-n));
	} else {
		drop_lists(f);
		f->target = target;
		f->targets = f->nodes = (size_t)n;
	}
	doc_errors_free(&errors);
	return n >= 0;
}

bool
feed_accept(
    struct feed *f, const struct config *c, const char *text, size_t len)
{
	uint8_t digest[32];
	if (!len) {
		/* Whoever writes it has emptied it first, or failed. */
		feed_fail(f, "it is empty");
		return false;
	}
	SHA256((const unsigned char *)text, len, digest);
	if (f->have && !memcmp(digest, f->digest, sizeof(digest))) {
		succeed(f);
		return false;
	}
	bool good = f->kind == SOURCE_TARGET_FILE
			? take_targets(f, c, text, len)
			: take_document(f, text, len);
	if (!good)
		return false;
	memcpy(f->digest, digest, sizeof(digest));
	f->have = true;
	log_info("discovery", "%s: %llu nodes, %llu entries rejected", f->name,
	    (unsigned long long)f->nodes, (unsigned long long)f->rejected);
	succeed(f);
	return true;
}

bool
feed_read(struct feed *f, const struct config *c, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	int rc = file_read_regular(path, FEED_MOST, &text, &len);
	if (rc) {
		feed_fail(f, "%s", file_why(rc));
		return false;
	}
	bool changed = feed_accept(f, c, text, len);
	free(text);
	return changed;
}

void
feed_forget(struct feed *f)
{
	f->have = false;
}

uint64_t
feed_spread(uint64_t ns)
{
	uint16_t v = 0;
	uv_random(NULL, NULL, &v, sizeof(v), 0, NULL);
	return ns - ns / 10 + ns / 5 / UINT16_MAX * v;
}
