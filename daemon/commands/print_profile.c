/* The requirements of a profile, and how each is tested. */
#include "build.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "config.h"
#include "doc.h"
#include "kind.h"
#include "print_profile.h"
#include "profile.h"
#include "requirement.h"

static void
put_cell(struct buf *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		if (*text == '|')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
}

/* "stun over udp, port 3478": where one word does not say both, both. */
static void
put_probe(struct buf *out, const struct requirement_probe *p)
{
	const char *over = p->kind != NULL
			       ? word_label(WORD_TRANSPORT, p->kind->transport)
			       : p->name;

	if (strncmp(p->name, over, 3) != 0 && strcmp(over, "http") != 0)
		buf_printf(out, "%s over ", p->name);
	buf_puts(out, over);
	for (unsigned i = 0; i < p->ports; i++)
		buf_printf(out, "%s%u", i > 0 ? "/" : " port ", p->port[i]);
}

/* "a.example.com, b.example.com (where they are known from)" */
static void
put_hosts(struct buf *out, const struct requirement *r)
{
	const char *before = " to ";

	for (size_t i = 0; i < r->groups; i++) {
		const struct requirement_hosts *h = &r->hosts[i];

		for (size_t k = 0; k < h->hosts; k++) {
			buf_printf(out, "%s%s%s", before, h->host[k],
			    h->path != NULL ? h->path : "");
			before = ", ";
		}
		if (h->hosts == 0)
			continue;
		buf_puts(out, " (");
		put_cell(out, h->from);
		buf_putc(out, ')');
	}
}

/* "https to www.example.com (the vendor's document); rule media" */
static void
put_means(struct buf *out, const struct profile *p, const struct requirement *r)
{
	size_t from = out->len;

	for (size_t i = 0; i < r->probes; i++) {
		buf_puts(out, i > 0 ? ", " : "");
		put_probe(out, &r->probe[i]);
	}
	put_hosts(out, r);
	for (size_t i = 0; i < r->likes; i++)
		buf_printf(out, "%s%s",
		    i > 0	       ? ", "
		    : out->len == from ? "hosts of "
				       : " to hosts of ",
		    p->row[r->like[i]].id);
	for (size_t i = 0; i < r->derives; i++)
		buf_printf(out, "%srule %s", out->len > from ? "; " : "",
		    requirement_rule_label(r->derive[i].rule));
	put_cell(out, r->reason);
}

/* What only the operator knows. */
static void
put_supply(struct buf *out, const struct requirement *r)
{
	size_t from = out->len;

	for (size_t i = 0; i < r->groups; i++)
		if (r->hosts[i].supply != NULL) {
			buf_puts(out, out->len > from ? "; " : "");
			put_cell(out, r->hosts[i].supply);
		}
}

static void
put_row(struct buf *out, const struct profile *p, const struct requirement *r)
{
	buf_printf(out, "| %s | %s | %s%s | ", r->id, r->section,
	    r->reason != NULL
		? "not probeable"
		: word_label(WORD_REQUIREMENT_CATEGORY, r->category),
	    r->holds ? "" : ", not in this revision");
	put_cell(out, r->users != NULL ? r->users : "all");
	buf_puts(out, " | ");
	put_cell(out, r->text);
	buf_puts(out, " | ");
	put_means(out, p, r);
	buf_puts(out, " | ");
	put_supply(out, r);
	buf_puts(out, " |\n");
}

static void
put_profile(struct buf *out, const struct profile *p)
{
	buf_printf(
	    out, "# %s (%s), revision %s\n\n", p->id, p->vendor, p->revision);
	for (size_t i = 0; i < p->products; i++)
		buf_printf(
		    out, "- %s: %s\n", p->product[i].name, p->product[i].text);
	buf_puts(out, p->products > 0 ? "\n" : "");
	buf_puts(out,
	    "| id | section | category | users | requirement | tested by | "
	    "to be given |\n|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < p->rows; i++)
		put_row(out, p, &p->row[i]);
}

/* Loads and writes one; 0, or 2 with the mistakes on standard error. */
static int
put_file(struct buf *out, const char *file)
{
	struct doc_errors errors = {0};
	struct profile *p = profile_load(file, NULL, &errors);
	struct buf text = BUF_INIT;

	if (p != NULL) {
		buf_puts(out, out->len > 0 ? "\n" : "");
		put_profile(out, p);
		profile_free(p);
		return 0;
	}
	config_errors_text(&text, file, &errors);
	fputs(buf_str(&text), stderr);
	buf_free(&text);
	doc_errors_free(&errors);
	return 2;
}

static int
is_profile(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 4 && strcmp(e->d_name + len - 4, ".yml") == 0;
}

static int
put_all(struct buf *out, const char *directory)
{
	struct dirent **entry;
	int n = scandir(directory, &entry, is_profile, alphasort), code = 0;

	if (n <= 0)
		fprintf(stderr, "reachd print: no profiles in %s\n", directory);
	for (int i = 0; i < n; i++) {
		struct buf path = BUF_INIT;

		buf_printf(&path, "%s/%s", directory, entry[i]->d_name);
		if (code == 0)
			code = put_file(out, buf_str(&path));
		buf_free(&path);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return n > 0 ? code : 2;
}

int
print_profile(const char *name)
{
	const char *directory = config_profile_directory();
	struct buf out = BUF_INIT, path = BUF_INIT;
	int code;

	if (name == NULL) {
		code = put_all(&out, directory);
	} else {
		if (strchr(name, '/') != NULL)
			buf_puts(&path, name);
		else
			buf_printf(&path, "%s/%s.yml", directory, name);
		code = put_file(&out, buf_str(&path));
	}
	if (code == 0 &&
	    (out.err || fwrite(out.data, 1, out.len, stdout) != out.len ||
		fflush(stdout) != 0)) {
		perror("reachd print");
		code = 1;
	}
	buf_free(&out);
	buf_free(&path);
	return code;
}
