/* Finding and loading the profiles that the configuration names. */
#include "build.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "config_read.h"
#include "doc.h"
#include "option.h"

const char *
config_profile_directory(void)
{
	const char *set = secure_getenv("REACHD_PROFILES");

	return set != NULL && set[0] != '\0' ? set : PKGDATADIR "/profiles";
}

/* "one, other": the profiles in the directory. */
static void
put_names(struct buf *b, const char *directory)
{
	struct dirent **entry;
	int n = scandir(directory, &entry, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		size_t len = strlen(entry[i]->d_name);

		if (len > 4 && strcmp(entry[i]->d_name + len - 4, ".yml") == 0)
			buf_printf(b, "%s%.*s", b->len > 0 ? ", " : "",
			    (int)(len - 4), entry[i]->d_name);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

/* The file of a profile; NULL with an error when there is none. */
static char *
find_file(struct config_reader *r, const struct doc_node *at, const char *name)
{
	const char *directory = config_profile_directory();
	struct buf path = BUF_INIT, known = BUF_INIT;
	char shown[DOC_SHOWN];
	char *file;

	if (strchr(name, '/') != NULL)
		return option_path(r->directory, name);
	buf_printf(&path, "%s/%s.yml", directory, name);
	file = buf_steal(&path);
	if (file == NULL || access(file, F_OK) == 0)
		return file;
	put_names(&known, directory);
	doc_error(r->errors, at, "there is no profile '%s' in %s (there: %s)",
	    doc_error_shown(name, shown), directory,
	    known.len > 0 ? buf_str(&known) : "none");
	buf_free(&known);
	free(file);
	return NULL;
}

static void
load(struct config_reader *r, const struct doc_node *at,
    const struct config_profile *p)
{
	struct config *c = r->c;
	size_t before = doc_errors_count(r->errors);
	char *file = find_file(r, at, p->name);
	struct profile *loaded = NULL;

	if (file != NULL) {
		loaded = profile_load(file, p->revision, r->errors);
		if (loaded == NULL)
			doc_error(r->errors, at, "%s cannot be used", file);
	} else if (doc_errors_count(r->errors) == before) {
		doc_error(r->errors, at, "not enough memory");
	}
	free(file);
	if (loaded == NULL)
		return;
	for (size_t i = 0; i < c->profiles; i++) {
		if (strcmp(c->profile[i]->id, loaded->id) == 0)
			doc_error(r->errors, at,
			    "the profile '%s' is given twice", loaded->id);
	}
	c->profile[c->profiles++] = loaded;
}

static void
read_profile(struct config_reader *r, const struct doc_node *item)
{
	struct config_profile p;

	option_defaults(OPTION_profile, &p);
	if (item->kind == DOC_MAP) {
		option_check_keys(item, OPTION_profile, r->errors);
		option_read(item, OPTION_profile, &p, r->directory, r->errors);
	} else if (item->kind == DOC_SCALAR && item->scalar[0] != '\0') {
		p.name = strdup(item->scalar);
	} else {
		doc_error(r->errors, item,
		    "must be the name of a profile or a mapping, not %s",
		    doc_kind_text(item));
	}
	if (p.name != NULL)
		load(r, item, &p);
	option_free(OPTION_profile, &p);
}

void
config_profiles_read(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL || list->items == 0)
		return;
	c->profile = calloc(list->items, sizeof(struct profile *));
	if (c->profile == NULL) {
		doc_error(r->errors, list, "not enough memory");
		return;
	}
	for (size_t i = 0; i < list->items; i++)
		read_profile(r, list->item[i]);
}
