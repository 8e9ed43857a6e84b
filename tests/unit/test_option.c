/* The table of settings: whole, and the same in the sample and the manual. */
#include "build.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "file.h"
#include "option.h"

static char *
read_tree(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], *text;
	size_t len;

	snprintf(
	    path, sizeof(path), "%s/%s", srcdir != NULL ? srcdir : ".", name);
	assert_int_equal(file_read(path, 1 << 20, &text, &len), 0);
	return text;
}

static void
every_row_is_whole(void **state)
{
	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];
		size_t len = strlen(o->help);

		assert_true(o->group > OPTION_NONE && o->group < OPTION_GROUPS);
		if (o->type == OPTION_ALSO) {
			assert_string_equal(o->key, "");
			continue;
		}
		assert_true(len > 10 && o->help[len - 1] == '.');
		assert_true(isupper((unsigned char)o->help[0]));
		for (unsigned k = 0; k < i; k++)
			assert_false(option_table[k].group == o->group &&
				     strcmp(option_table[k].key, o->key) == 0);
	}
	for (unsigned g = 1; g < OPTION_GROUPS; g++) {
		assert_non_null(option_groups[g].title);
		assert_non_null(option_groups[g].help);
	}
}

static const struct option *
find(enum option_group group, const char *key)
{
	for (unsigned i = 0; i < option_rows; i++) {
		if (option_table[i].group == group &&
		    strcmp(option_table[i].key, key) == 0)
			return &option_table[i];
	}
	return NULL;
}

static void
bounds_in_words(void **state)
{
	static const struct {
		enum option_group group;
		const char *key, *text;
	} rows[] = {
	    {OPTION_probing, "interval", "100ms to 1d"},
	    {OPTION_probing, "count", "1 to 32"},
	    {OPTION_thresholds, "loss_degraded", "0% to 100%"},
	    {OPTION_probing, "family", "one of: any, ipv4, ipv6"},
	    {OPTION_cluster, "class", "one of: public, video_mesh, reference"},
	    {OPTION_target, "probe",
		"one of: stun, tls, tcp, https, wss, icmp, sip, dns, ntp"},
	    {OPTION_target, "transport",
		"one of: udp, tcp, tls, https, wss, sip_udp, sip_tcp, "
		"sip_tls, sip_mtls, dns_udp, dns_tcp, ntp, icmp, http"},
	    {OPTION_target, "address", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = BUF_INIT;

		option_words_bounds(&b, find(rows[i].group, rows[i].key));
		assert_string_equal(buf_str(&b), rows[i].text);
		buf_free(&b);
	}
}

static void
the_reference_names_all(void **state)
{
	struct buf b = BUF_INIT;
	const char *text;

	option_reference_text(&b);
	text = buf_str(&b);
	for (unsigned i = 0; i < option_rows; i++) {
		char line[128];

		snprintf(line, sizeof(line), "\n%s (", option_table[i].key);
		if (option_table[i].type != OPTION_ALSO)
			assert_non_null(strstr(text, line));
	}
	assert_non_null(
	    strstr(text, "\ninterval (duration; 100ms to 1d; default 10s)\n"
			 "\tTime between two probes.\n"));
	assert_non_null(strstr(text, "\naddress (text)\n"));
	assert_non_null(strstr(text, "\nstate_file (path)\n"));
	buf_free(&b);
}

/* The part of the manual that is made from the table is as it makes it. */
static void
the_manual_has_the_reference(void **state)
{
	static const char begin[] = ".\\\" begin of what options.def makes\n";
	static const char end[] = ".\\\" end of what options.def makes\n";
	char *manual = read_tree("daemon/reachd.conf.5");
	char *from = strstr(manual, begin), *to = strstr(manual, end);
	struct buf b = BUF_INIT;

	option_reference_mdoc(&b);
	assert_non_null(from);
	assert_non_null(to);
	from += sizeof(begin) - 1;
	*to = '\0';
	assert_string_equal(from, buf_str(&b));
	buf_free(&b);
	free(manual);
}

/* ---- the sample ---- */

/* Whether some line is "KEY: VALUE", commented out or not, or has "KEY:". */
static bool
sample_has(const char *sample, const struct option *o)
{
	char want[256];
	bool whole = o->fallback != NULL && o->fallback[0] != '\0';
	const char *found = sample;
	size_t len = (size_t)snprintf(want, sizeof(want), "%s:%s%s", o->key,
	    whole ? " " : "", whole ? o->fallback : "");

	while ((found = strstr(found, want)) != NULL) {
		bool starts =
		    found == sample || strchr("\n #-{", found[-1]) != NULL;

		if (starts && (!whole || strchr("\n,}", found[len]) != NULL))
			return true;
		found++;
	}
	return false;
}

static bool
is_web(const struct option *o)
{
	return o->group == OPTION_web || o->group == OPTION_web_tls ||
	       o->group == OPTION_web_http || o->group == OPTION_web_limit;
}

static void
the_samples_show_every_setting(void **state)
{
	char *sample = read_tree("deploy/reachd.yml");
	char *web = read_tree("deploy/web.yml");

	for (unsigned i = 0; i < option_rows; i++) {
		const struct option *o = &option_table[i];

		if (o->type == OPTION_ALSO ||
		    sample_has(is_web(o) ? web : sample, o))
			continue;
		fail_msg("'%s: %s' is not in deploy/%s", o->key, o->fallback,
		    is_web(o) ? "web.yml" : "reachd.yml");
	}
	free(sample);
	free(web);
}

static void
parse_sample(const char *text, bool full)
{
	struct doc_errors errors = {0};
	struct config *c =
	    config_parse("/etc/reachd/reachd.yml", text, strlen(text), &errors);

	for (size_t i = 0; i < errors.errors; i++)
		print_message(
		    "%u: %s\n", errors.error[i].line, errors.error[i].text);
	assert_non_null(c);
	if (full) {
		assert_int_equal(c->clusters, 3);
		assert_int_equal(c->discoveries, 2);
		assert_int_equal(c->proxies, 2);
		assert_int_equal(c->targets, 13);
	}
	config_free(c);
}

/* After "#" one space makes a remark; the second profile is another one. */
static void
the_sample_is_right_with_all_of_it(void **state)
{
	char *sample = read_tree("deploy/reachd.yml"), *p = sample;
	struct buf b = BUF_INIT;

	parse_sample(sample, false);
	while (*p != '\0') {
		size_t len = strcspn(p, "\n") + 1;
		size_t indent = strspn(p, " ");

		if (strncmp(p, "#profiles", 9) == 0) {
			p += len;
			continue;
		}
		if (p[indent] == '#' && strspn(p + indent + 1, " ") != 1) {
			buf_put(&b, p, indent);
			buf_put(&b, p + indent + 1, len - indent - 1);
		} else {
			buf_put(&b, p, len);
		}
		p += len;
	}
	parse_sample(buf_str(&b), true);
	buf_free(&b);
	free(sample);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_is_whole),
	    cmocka_unit_test(bounds_in_words),
	    cmocka_unit_test(the_reference_names_all),
	    cmocka_unit_test(the_manual_has_the_reference),
	    cmocka_unit_test(the_samples_show_every_setting),
	    cmocka_unit_test(the_sample_is_right_with_all_of_it),
	};
	char directory[4096];
	const char *srcdir = getenv("srcdir");

	snprintf(directory, sizeof(directory), "%s/deploy/profiles",
	    srcdir != NULL ? srcdir : ".");
	setenv("REACHD_PROFILES", directory, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
