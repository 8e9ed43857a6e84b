/* What a target asks, from the file: the groups of settings of its kind. */
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask_groups.h"
#include "buf.h"
#include "config_ask.h"
#include "config_read.h"
#include "doc.h"
#include "kind.h"
#include "nodelist.h"

enum { KEY_MAX = 64 };

/* A mapping that is read, for a kind. */
struct asking {
	struct config_reader *r;
	const struct doc_node *map;
	const struct kind *kind;
	bool labels; /* keys are written __key__ */
	struct buf text;
};

/* The value of a key; NULL: not given. */
static const struct doc_node *
given(const struct asking *q, const char *name)
{
	char key[KEY_MAX];

	if (q->map == NULL || q->map->kind != DOC_MAP)
		return NULL;
	snprintf(key, sizeof(key), q->labels ? "__%s__" : "%s", name);
	return doc_get(q->map, key);
}

/* The value as it was written, lists and mappings too: an identity. */
static void
put_text(struct buf *b, const struct doc_node *n)
{
	if (n->kind == DOC_SCALAR) {
		buf_puts(b, n->scalar);
		return;
	}
	buf_putc(b, n->kind == DOC_MAP ? '{' : '[');
	for (size_t i = 0; i < n->items; i++) {
		if (i > 0)
			buf_putc(b, ',');
		if (n->kind == DOC_MAP)
			buf_printf(b, "%s:", n->key[i]->scalar);
		put_text(b, n->item[i]);
	}
	buf_putc(b, n->kind == DOC_MAP ? '}' : ']');
}

/* What a list or mapping holds is read by the check of its group. */
static void
read_row(struct asking *q, const struct option *o, const struct doc_node *n,
    char *base)
{
	if (q->text.len > 0)
		buf_putc(&q->text, ' ');
	buf_printf(&q->text, "%s=", o->key);
	put_text(&q->text, n);
	if (o->type < OPTION_MAP)
		option_value_parse(
		    o, n, base + o->offset, q->r->directory, q->r->errors);
}

static void
read_group(struct asking *q, const struct ask_group_desc *g, struct ask *a)
{
	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];
		const struct doc_node *n;

		if (o->group != g->option)
			continue;
		n = given(q, o->key);
		if (n != NULL)
			read_row(q, o, n, (char *)a + g->offset);
		else if (o->fallback == NULL)
			doc_error(
			    q->r->errors, q->map, "'%s' is missing", o->key);
	}
}

/* Groups may have keys of the same name; a kind knows one of them. */
static bool
is_known(const struct asking *q, const char *key)
{
	for (unsigned i = 0; i < option_rows; i++) {
		for (unsigned g = 0; g < ASK_GROUPS; g++)
			if ((q->kind->asks & 1u << g) != 0 &&
			    option_table[i].group == ask_groups[g].option &&
			    strcmp(option_table[i].key, key) == 0)
				return true;
	}
	return false;
}

static void
refuse_group(const struct asking *q, const struct ask_group_desc *g)
{
	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];
		const struct doc_node *n;

		if (o->group != g->option || is_known(q, o->key))
			continue;
		n = given(q, o->key);
		if (n != NULL)
			doc_error(q->r->errors, n,
			    "'%s' is no key of a %s probe over %s", o->key,
			    q->kind->name,
			    word_label(WORD_TRANSPORT, q->kind->transport));
	}
}

/* The user part of a URI, RFC 3261 section 25.1; %HH stands for the rest. */
static bool
is_sip_user(const char *s)
{
	enum { USER_MOST = 64 };
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && isxdigit((unsigned char)s[i + 1]) &&
		    isxdigit((unsigned char)s[i + 2]))
			continue;
		if (!isalnum((unsigned char)s[i]) &&
		    strchr("-_.!~*'()&=+$,;?/", s[i]) == NULL)
			return false;
	}
	return len > 0 && len <= USER_MOST;
}

static void
check_sip(const struct asking *q, const struct ask *a)
{
	const char *user = a->sip.user, *domain = a->sip.from_domain;
	char shown[DOC_SHOWN];

	if (user != NULL && !is_sip_user(user))
		doc_error(q->r->errors, given(q, "user"),
		    "'%s' is not the user part of a SIP URI: write what "
		    "stands before the @, other characters as %%HH",
		    doc_error_shown(user, shown));
	if (domain != NULL && !nodelist_host_ok(domain))
		doc_error(q->r->errors, given(q, "from_domain"),
		    "'%s' is not a domain", doc_error_shown(domain, shown));
	if (q->kind->transport == TRANSPORT_SIP_MTLS &&
	    a->tls.client_cert == NULL)
		doc_error(q->r->errors, q->map,
		    "'client_cert' is missing, which sip_mtls shows");
}

/* Labels of 1 to 63 octets, 253 in all with their dots, none at the end. */
static bool
is_domain(const char *s)
{
	enum { LABEL = 63, NAME = 253 };
	size_t len = strlen(s), label = 0;

	if (strcmp(s, ".") == 0)
		return true;
	if (len > 0 && s[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '\\')
			return false;
		label = s[i] == '.' ? 0 : label + 1;
		if (label > LABEL || (label == 0 && s[i + 1] == '.'))
			return false;
	}
	return len > 0 && len <= NAME && s[0] != '.' && label > 0;
}

static void
check_dns(const struct asking *q, struct ask_dns *d)
{
	const struct doc_node *query = given(q, "query");
	char shown[DOC_SHOWN];

	if (given(q, "answers") == NULL)
		d->least = d->rcode == 0;
	if (d->query == NULL || is_domain(d->query))
		return;
	doc_error_shown(d->query, shown);
	doc_error(q->r->errors, query,
	    "'%s' is not a domain name: labels of 1 to 63 characters with "
	    "dots between them",
	    shown);
}

static void
check_tls(const struct asking *q, const struct ask *a)
{
	const struct ask_tls *t = &a->tls;

	if ((t->client_cert == NULL) != (t->client_key == NULL)) {
		doc_error(q->r->errors, q->map,
		    "'client_cert' and 'client_key' belong together");
		return;
	}
	if (t->client_cert == NULL)
		return;
	config_pem_check(q->r, given(q, "client_cert"), t->client_cert,
	    "-----BEGIN CERTIFICATE");
	config_pem_check(
	    q->r, given(q, "client_key"), t->client_key, "-----BEGIN ");
}

struct ask *
config_ask_read(struct config_reader *r, const struct doc_node *map,
    const struct kind *k, bool labels)
{
	struct asking q = {r, map, k, labels, BUF_INIT};
	struct ask *a = k->asks != 0 ? ask_new(k->asks) : NULL;

	for (unsigned i = 0; i < ASK_GROUPS; i++) {
		if ((k->asks & 1u << i) == 0)
			refuse_group(&q, &ask_groups[i]);
		else if (a != NULL)
			read_group(&q, &ask_groups[i], a);
	}
	if (a != NULL && (k->asks & 1u << ASK_SIP) != 0)
		check_sip(&q, a);
	if (a != NULL && (k->asks & 1u << ASK_DNS) != 0)
		check_dns(&q, &a->dns);
	if (a != NULL && (k->asks & 1u << ASK_TLS) != 0)
		check_tls(&q, a);
	if (a != NULL)
		a->text = strdup(buf_str(&q.text));
	if ((k->asks != 0 && a == NULL) || (a != NULL && a->text == NULL) ||
	    q.text.err) {
		doc_error(r->errors, map, "not enough memory");
		ask_unref(a);
		a = NULL;
	}
	buf_free(&q.text);
	return a;
}
