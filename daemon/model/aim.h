/*
 * What somebody asks for, as a target that can be probed: the text of a
 * request and the module that says how. Pure.
 */
#ifndef AIM_H
#define AIM_H

#include "config.h"

enum { AIM_WHY = 256 };

struct aim {
	struct config_target t; /* without a name; probing is the module's */
	char *lookup; /* owned: whose address is probed; t.host unless the
			 asker wants it called otherwise */
};

/*
 * The target as blackbox_exporter takes it: HOST:PORT, HOST, or a URL, which
 * of http need not say so. hostname (or NULL) is what the host is called to
 * itself. 0 with *out; -ENOMEM; or -EINVAL with *why, for people.
 */
int aim_at(struct aim *out, const struct config_module *m, const char *target,
    const char *hostname, char why[AIM_WHY]);
/* Where an answer of that target sends one on to. */
int aim_follow(struct aim *out, const struct config_module *m,
    const struct aim *from, const char *location, char why[AIM_WHY]);
void aim_clear(struct aim *a);

#endif
