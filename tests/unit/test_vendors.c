/*
 * Profiles of other vendors: data only, by the same code. Each row of theirs
 * that is picked can be met, and can fail.
 */
#include "build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "scene.h"

static void
assert_status(const char *id, enum requirement_status status, const char *why)
{
	struct requirement_verdict v = scene_judge(id);

	if (v.status != status || strcmp(v.why, why) != 0)
		fail_msg("%s is %s: %s", id,
		    word_label(WORD_REQUIREMENT_STATUS, v.status), v.why);
}

/* Nothing in the program knows a vendor: a second one is a second file. */
static void
a_second_vendor(void **state)
{
	const char *srcdir = getenv("srcdir");
	/* A relative one would be taken as the configuration's. */
	char *root = realpath(srcdir != NULL ? srcdir : ".", NULL);
	char text[8192];

	snprintf(text, sizeof(text),
	    "profiles:\n  - name: %s/deploy/profiles/jitsi.yml\n"
	    "    products: [browser]\n"
	    "    hosts: {TURN-01: [turn.example.com], "
	    "WEB-01: [meet.example.com]}\n"
	    "media:\n  clusters:\n    - {name: bridge, udp: "
	    "[\"stun:192.0.2.1\"]}\n",
	    root);
	free(root);
	scene_make(text);
	scene_well();
	/* The profile's port, where the node names none. */
	for (size_t i = 0; i < scene.inv->targets; i++)
		if (strcmp(scene.inv->target[i]->cluster, "bridge") == 0)
			assert_int_equal(scene.inv->target[i]->port, 10000);
	assert_status("MEDIA-01", REQUIREMENT_STATUS_MET, "");
	assert_status("MEDIA-02", REQUIREMENT_STATUS_MET, "");
	assert_status("TURN-01", REQUIREMENT_STATUS_MET, "");
	assert_status("TURN-02", REQUIREMENT_STATUS_MET, "");
	assert_status("WEB-02", REQUIREMENT_STATUS_MET, "");
	assert_status("WEB-04", REQUIREMENT_STATUS_MET, "");
	assert_status("SIP-01", REQUIREMENT_STATUS_NOT_SELECTED,
	    "none of its products is picked");
	for (size_t i = 0; i < scene.w.paths; i++)
		if (scene.inv->target[i]->path.transport == TRANSPORT_UDP) {
			scene.path[i].state = STATE_DOWN;
			scene.path[i].outcome = OUTCOME_TIMEOUT;
		}
	assert_int_equal(
	    scene_judge("MEDIA-01").status, REQUIREMENT_STATUS_FAILED);
	assert_int_equal(
	    scene_judge("TURN-01").status, REQUIREMENT_STATUS_FAILED);
	assert_status("TURN-02", REQUIREMENT_STATUS_MET, "");
	scene_free();
}

/* Every row of it can be met, and can fail. */
static void
a_third_vendor(void **state)
{
	const char *srcdir = getenv("srcdir");
	char *root = realpath(srcdir != NULL ? srcdir : ".", NULL);
	char text[8192];

	snprintf(text, sizeof(text),
	    "profiles:\n  - name: %s/deploy/profiles/teams.yml\n"
	    "    products: [all]\n    hosts: {UDP-01: [192.0.2.1]}\n"
	    "media:\n  clusters:\n    - {name: relay, class: public, "
	    "udp: [\"stun:52.112.0.1:3479\", \"stun:52.122.0.1\", "
	    "\"stun:[2603:1063::1]:3481\"], tcp: [\"stun:52.112.0.1:443\"]}\n",
	    root);
	free(root);
	scene_make(text);
	for (unsigned down = 0; down < 2; down++) {
		scene_well();
		for (size_t i = 0; down && i < scene.w.paths; i++) {
			scene.path[i].state = STATE_DOWN;
			scene.path[i].outcome = OUTCOME_PROHIBITED;
			scene.facts[i].verify_error = 20;
		}
		scene.names_fail = down;
		scene_choose();
		for (size_t i = 0; i < scene.w.profile->rows; i++) {
			const char *id = scene.w.profile->row[i].id;

			print_message("%s\n", id);
			assert_int_equal(scene_judge(id).status,
			    down ? REQUIREMENT_STATUS_FAILED
				 : REQUIREMENT_STATUS_MET);
		}
	}
	scene_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_second_vendor),
	    cmocka_unit_test(a_third_vendor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
