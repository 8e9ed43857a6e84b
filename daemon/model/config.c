/* The configuration file: its top level, and what makes it one object. */
#include "build.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "config_read.h"
#include "doc.h"
#include "file.h"
#include "option.h"

enum { SHA256_LEN = 32, STUN_COUNT = 5 };

#define WINDOW_LEAST CLOCK_SEC
#define WINDOW_MOST  (7 * 86400 * CLOCK_SEC)

/* The directory of a file as an absolute path; owned by the caller. */
static char *
directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	struct buf b = BUF_INIT;

	if (file[0] != '/') {
		char *here = getcwd(NULL, 0);

		buf_puts(&b, here != NULL ? here : ".");
		free(here);
	}
	if (slash != NULL) {
		if (file[0] != '/')
			buf_putc(&b, '/');
		buf_put(&b, file, (size_t)(slash - file));
	}
	return buf_steal(&b);
}

static int
hash_text(struct config *c, const char *text, size_t len)
{
	unsigned char sum[SHA256_LEN];

	if (!EVP_Digest(text, len, sum, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	for (unsigned i = 0; i < SHA256_LEN; i++)
		snprintf(c->sha256 + i * 2, 3, "%02x", sum[i]);
	return 0;
}

static int
compare_windows(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
read_window(struct config_reader *r, const struct doc_node *n)
{
	struct config *c = r->c;
	uint64_t ns;

	if (option_duration(n, WINDOW_LEAST, WINDOW_MOST, &ns, r->errors) < 0)
		return;
	/* In the MIB a window goes by its seconds. */
	if (ns % CLOCK_SEC != 0) {
		doc_error(r->errors, n, "must be whole seconds");
		return;
	}
	for (unsigned i = 0; i < c->windows; i++) {
		if (c->window[i] == ns) {
			doc_error(r->errors, n, "is in the list twice");
			return;
		}
	}
	c->window[c->windows++] = ns;
}

static void
read_windows(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL) {
		c->window[0] = 60 * CLOCK_SEC;
		c->window[1] = 300 * CLOCK_SEC;
		c->window[2] = 900 * CLOCK_SEC;
		c->windows = 3;
		return;
	}
	if (list->items == 0 || list->items > CONFIG_WINDOWS)
		doc_error(r->errors, list, "must have 1 to %d lengths, not %zu",
		    CONFIG_WINDOWS, list->items);
	for (size_t i = 0; i < list->items && i < CONFIG_WINDOWS; i++)
		read_window(r, list->item[i]);
	if (c->windows == 0)
		c->window[c->windows++] = WINDOW_LEAST;
	qsort(c->window, c->windows, sizeof(c->window[0]), compare_windows);
}

static void
read_defaults(struct config_reader *r, const struct doc_node *root)
{
	const struct doc_node *map =
	    option_shape(root, OPTION_config, "defaults", r->errors);
	const struct doc_node *thresholds =
	    option_shape(root, OPTION_config, "thresholds", r->errors);
	struct config_probing *p = &r->c->defaults;
	size_t before = doc_errors_count(r->errors);

	config_probing_init(p);
	option_check_keys(map, OPTION_defaults, r->errors);
	read_windows(
	    r, option_shape(map, OPTION_defaults, "windows", r->errors));
	config_probing_read(r, map, thresholds, p);
	r->defaults = *p;
	config_probing_finish(r, map != NULL ? map : root, thresholds, p,
	    p->count > 0 ? p->count : STUN_COUNT);
	r->defaults_bad = doc_errors_count(r->errors) > before;
}

static void
read_limits(struct config_reader *r, const struct doc_node *map)
{
	if (map == NULL)
		return;
	option_check_keys(map, OPTION_limits, r->errors);
	option_read(map, OPTION_limits, r->c, r->directory, r->errors);
}

static void
read_notifications(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL) {
		c->ping_notifications = 1 << PING_NOTIFICATION_TEST_FAILED |
					1 << PING_NOTIFICATION_TEST_COMPLETED;
		return;
	}
	for (size_t i = 0; i < list->items; i++) {
		const struct doc_node *n = list->item[i];
		unsigned word =
		    n->kind == DOC_SCALAR
			? word_number(WORD_PING_NOTIFICATION, n->scalar)
			: 0;

		if (word == 0)
			doc_error(r->errors, n, "must be one of %s",
			    word_list(WORD_PING_NOTIFICATION));
		c->ping_notifications |= 1U << word;
	}
}

static void
read_snmp(struct config_reader *r, const struct doc_node *map)
{
	if (map == NULL)
		return;
	option_check_keys(map, OPTION_snmp, r->errors);
	option_read(map, OPTION_snmp, r->c, r->directory, r->errors);
	read_notifications(
	    r, option_shape(map, OPTION_snmp, "ping_notifications", r->errors));
}

static void
read_target_files(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL || list->items == 0)
		return;
	c->target_file = calloc(list->items, sizeof(char *));
	for (size_t i = 0; c->target_file != NULL && i < list->items; i++) {
		const struct doc_node *n = list->item[i];
		char *path = NULL;

		if (n->kind != DOC_SCALAR || n->scalar[0] == '\0') {
			doc_error(r->errors, n, "must be a path, not %s",
			    doc_kind_text(n));
			continue;
		}
		path = option_path(r->directory, n->scalar);
		if (path == NULL)
			break;
		c->target_file[c->target_files++] = path;
	}
}

static void
read_root(struct config_reader *r, const struct doc_node *root)
{
	struct config *c = r->c;
	struct doc_errors *e = r->errors;

	option_check_keys(root, OPTION_config, e);
	option_read(root, OPTION_config, c, r->directory, e);
	config_pem_check(
	    r, doc_get(root, "ca_file"), c->ca_file, "-----BEGIN ");
	read_defaults(r, root);
	read_limits(r, option_shape(root, OPTION_config, "limits", e));
	read_snmp(r, option_shape(root, OPTION_config, "snmp", e));
	config_profiles_read(
	    r, option_shape(root, OPTION_config, "profiles", e));
	config_media_read(r, option_shape(root, OPTION_config, "media", e));
	config_proxies_read(r, option_shape(root, OPTION_config, "proxies", e));
	config_targets_read(r, option_shape(root, OPTION_config, "targets", e));
	read_target_files(
	    r, option_shape(root, OPTION_config, "target_files", e));
	config_module_read(r, option_shape(root, OPTION_config, "probe", e));
	config_need_read(r, option_shape(root, OPTION_config, "profiles", e));
}

static struct config *
config_new(const char *name, const char *text, size_t len)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	option_defaults(OPTION_config, c);
	option_defaults(OPTION_media, c);
	option_defaults(OPTION_limits, c);
	option_defaults(OPTION_snmp, c);
	c->file = strdup(name);
	if (c->file != NULL && hash_text(c, text, len) == 0)
		return c;
	config_free(c);
	return NULL;
}

static struct config *
parse(const char *name, const char *text, size_t len, bool files,
    struct doc_errors *errors)
{
	size_t before = doc_errors_count(errors);
	struct config *c = config_new(name, text, len);
	char *directory = directory_of(name);
	struct config_reader r = {
	    .c = c, .directory = directory, .errors = errors, .files = files};
	struct doc_node *root = doc_parse(text, len, errors);

	if (c == NULL || directory == NULL)
		doc_error(errors, NULL, "not enough memory");
	else if (root != NULL && doc_null(root))
		doc_error(errors, NULL, "the file is empty");
	else if (root != NULL && root->kind != DOC_MAP)
		doc_error(errors, root, "must be a mapping, not %s",
		    doc_kind_text(root));
	else if (root != NULL)
		read_root(&r, root);
	doc_free(root);
	free(directory);
	if (doc_errors_count(errors) == before)
		return c;
	config_free(c);
	doc_errors_sort(errors);
	return NULL;
}

struct config *
config_parse(
    const char *name, const char *text, size_t len, struct doc_errors *errors)
{
	return parse(name, text, len, false, errors);
}

static struct config *
load(const char *file, int (*reader)(const char *, size_t, char **, size_t *),
    struct doc_errors *errors)
{
	struct config *c;
	char *text;
	size_t len;
	int err = reader(file, DOC_BYTES, &text, &len);

	if (err == -EFBIG) {
		doc_error(errors, NULL, "larger than 16 MiB");
		return NULL;
	}
	if (err < 0) {
		doc_error(errors, NULL, "cannot be read: %s", file_why(err));
		return NULL;
	}
	c = parse(file, text, len, true, errors);
	free(text);
	return c;
}

struct config *
config_load(const char *file, struct doc_errors *errors)
{
	return load(file, file_read, errors);
}

struct config *
config_reload(const char *file, struct doc_errors *errors)
{
	return load(file, file_read_regular, errors);
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	config_media_free(c);
	config_targets_free(c->target, c->targets);
	config_proxies_free(c);
	config_module_free(c);
	for (size_t i = 0; i < c->target_files; i++)
		free(c->target_file[i]);
	for (size_t i = 0; i < c->profiles; i++)
		profile_free(c->profile[i]);
	config_need_free(c);
	free(c->target_file);
	free(c->profile);
	free(c->file);
	option_free(OPTION_config, c);
	option_free(OPTION_snmp, c);
	free(c);
}

void
config_errors_text(struct buf *b, const char *file, const struct doc_errors *e)
{
	for (size_t i = 0; i < e->errors; i++) {
		const struct doc_error *x = &e->error[i];

		buf_puts(b, x->file != NULL ? x->file : file);
		if (x->line > 0)
			buf_printf(b, ":%u:%u", x->line, x->column);
		buf_printf(b, ": error: %s\n",
		    x->text != NULL ? x->text : "not enough memory");
	}
	if (e->dropped > 0)
		buf_printf(b, "%s: and %zu more errors\n", file, e->dropped);
}
