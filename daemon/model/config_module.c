/* Probes by request: who may be asked for, and by which modules. */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "config_ask.h"
#include "config_read.h"
#include "doc.h"
#include "kind.h"
#include "option.h"

/* Names as blackbox_exporter's users know them, and what is ours alike. */
static const char builtin[] =
    "http_2xx: {prober: http}\n"
    "http_post_2xx: {prober: http, method: POST}\n"
    "tcp_connect: {prober: tcp}\n"
    "tcp_connect_tls: {prober: tls}\n"
    "icmp: {prober: icmp}\n"
    "dns_udp: {prober: dns, query: ., type: NS}\n"
    "dns_tcp: {prober: dns, transport: dns_tcp, query: ., type: NS}\n"
    "ntp: {prober: ntp}\n"
    "stun_udp: {prober: stun}\n"
    "stun_tcp: {prober: stun, transport: tcp}\n"
    "stun_tls: {prober: stun, transport: tls}\n"
    "sip_options_udp: {prober: sip}\n"
    "sip_options_tcp: {prober: sip, transport: sip_tcp}\n"
    "sip_options_tls: {prober: sip, transport: sip_tls}\n";

static const char *const kinds[] = {
    [PROBER_HTTP] = "https",
    [PROBER_TCP] = "tcp",
    [PROBER_TLS] = "tls",
    [PROBER_DNS] = "dns",
    [PROBER_ICMP] = "icmp",
    [PROBER_STUN] = "stun",
    [PROBER_SIP] = "sip",
    [PROBER_NTP] = "ntp",
};

/* Keys of blackbox_exporter's modules, and what stands for them here. */
static const struct {
	const char *theirs, *ours;
} hints[] = {
    {"valid_status_codes", "codes"},
    {"method", "method"},
    {"follow_redirects", "follow_redirects"},
    {"no_follow_redirects", "follow_redirects"},
    {"preferred_ip_protocol", "family"},
    {"ip_protocol_fallback", "family"},
    {"source_ip_address", "source"},
    {"tls", "prober: tls"},
    {"tls_config", "verify, server_name, client_cert and client_key"},
    {"query_name", "query"},
    {"query_type", "type"},
    {"transport_protocol", "transport"},
    {"recursion_desired", "recursion"},
    {"valid_rcodes", "rcode"},
    {"validate_answer_rrs", "answer"},
};

static const char *
hint_of(const char *theirs)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strcmp(hints[i].theirs, theirs) == 0)
			return hints[i].ours;
	return NULL;
}

/* Whoever has such a file shall know what to write instead. */
static bool
is_blackbox(struct config_reader *r, const struct doc_node *map)
{
	static const char *const groups[] = {
	    "http", "tcp", "dns", "icmp", "grpc"};
	bool any = false;

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		const struct doc_node *n = doc_get(map, groups[g]);
		char shown[DOC_SHOWN];

		if (n == NULL || n->kind != DOC_MAP)
			continue;
		any = true;
		for (size_t i = 0; i < n->items; i++) {
			const char *key = n->key[i]->scalar;
			const char *ours = hint_of(key);

			doc_error_shown(key, shown);
			if (ours != NULL)
				doc_error(r->errors, n->key[i],
				    "'%s' of blackbox_exporter is written %s "
				    "here, beside prober",
				    shown, ours);
			else
				doc_error(r->errors, n->key[i],
				    "'%s' of blackbox_exporter has no "
				    "counterpart here",
				    shown);
		}
		if (n->items == 0)
			doc_error(r->errors, n,
			    "settings stand beside prober, not below '%s'",
			    groups[g]);
	}
	return any;
}

/* blackbox_exporter's own rule for http, unless the module has one. */
static void
finish_http(struct config_module *m)
{
	struct ask *a = m->like.ask;

	if (m->prober == PROBER_HTTP && a != NULL && a->http.codes.ranges == 0)
		codes_add(&a->http.codes, "200-299");
}

static void
read_module(struct config_reader *r, const struct doc_node *map,
    struct config_module *m)
{
	struct config_target *t = &m->like;
	size_t before = doc_errors_count(r->errors);
	const struct doc_node *transport = doc_get(map, "transport");
	const struct kind *k;

	option_defaults(OPTION_module, m);
	t->probing = r->defaults;
	t->line = map->line;
	option_check_keys(map, OPTION_module, r->errors);
	option_read(map, OPTION_module, m, r->directory, r->errors);
	if (doc_errors_count(r->errors) > before)
		return;
	t->probe = kinds[m->prober];
	if (transport != NULL &&
	    (kind_first(t->probe)->asks & 1u << ASK_HTTP)) {
		doc_error(r->errors, transport,
		    "what carries %s is for the URL of the target to say",
		    doc_get(map, "prober")->scalar);
		return;
	}
	k = config_target_kind(
	    r->errors, transport != NULL ? transport : map, t);
	if (k != NULL)
		t->ask = config_ask_read(r, map, k, false);
	finish_http(m);
}

static void
read_item(struct config_reader *r, const struct doc_node *key,
    const struct doc_node *map)
{
	struct config *c = r->c;
	struct config_module *m = &c->module[c->modules];
	size_t len = strlen(key->scalar);

	if (len == 0 || len > MODULE_NAME)
		doc_error(r->errors, key,
		    "a module has a name of 1 to %d octets", MODULE_NAME);
	else if (map->kind != DOC_MAP)
		doc_error(r->errors, map, "must be a mapping, not %s",
		    doc_kind_text(map));
	else if (!is_blackbox(r, map)) {
		memcpy(m->name, key->scalar, len + 1);
		c->modules++;
		read_module(r, map, m);
	}
}

static bool
make_room(struct config *c, size_t more)
{
	struct config_module *m =
	    realloc(c->module, (c->modules + more) * sizeof(*m));

	if (m == NULL)
		return false;
	memset(m + c->modules, 0, more * sizeof(*m));
	c->module = m;
	return true;
}

/* Those of the file come first, so that they are found. */
static void
read_modules(struct config_reader *r, const struct doc_node *list)
{
	if (list == NULL || list->items == 0)
		return;
	if (!make_room(r->c, list->items)) {
		doc_error(r->errors, list, "not enough memory");
		return;
	}
	for (size_t i = 0; i < list->items; i++)
		read_item(r, list->key[i], list->item[i]);
}

static void
read_builtin(struct config_reader *r)
{
	struct doc_node *list =
	    doc_parse(builtin, sizeof(builtin) - 1, r->errors);

	read_modules(r, list);
	doc_free(list);
}

static void
read_allow(struct config_reader *r, const struct doc_node *list)
{
	struct config *c = r->c;

	if (list == NULL || list->items == 0)
		return;
	c->allow = calloc(list->items, sizeof(*c->allow));
	for (size_t i = 0; c->allow != NULL && i < list->items; i++) {
		const struct doc_node *n = list->item[i];
		const char *why = "cannot stand here: write HOST or HOST:PORT";
		char shown[DOC_SHOWN];

		if (n->kind == DOC_SCALAR &&
		    allow_parse(&c->allow[c->allows], n->scalar, &why) == 0)
			c->allows++;
		else
			doc_error(r->errors, n, "%s %s",
			    n->kind == DOC_SCALAR
				? doc_error_shown(n->scalar, shown)
				: doc_kind_text(n),
			    why);
	}
}

void
config_module_read(struct config_reader *r, const struct doc_node *probe)
{
	option_check_keys(probe, OPTION_probe, r->errors);
	if (probe != NULL) {
		read_allow(
		    r, option_shape(probe, OPTION_probe, "allow", r->errors));
		read_modules(
		    r, option_shape(probe, OPTION_probe, "modules", r->errors));
	}
	read_builtin(r);
}

const struct config_module *
config_module_find(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->modules; i++)
		if (strcmp(c->module[i].name, name) == 0)
			return &c->module[i];
	return NULL;
}

void
config_module_free(struct config *c)
{
	for (size_t i = 0; i < c->allows; i++)
		allow_clear(&c->allow[i]);
	for (size_t i = 0; i < c->modules; i++)
		config_target_clear(&c->module[i].like);
	free(c->allow);
	free(c->module);
}
