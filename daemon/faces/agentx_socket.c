/* Reasons for which a socket in the file system is out of reach. */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentx_socket.h"
#include "log.h"

enum { ODD_LOOKS = 2 };

void
agentx_socket_connected(struct agentx_socket *s)
{
	struct stat st;
	bool known = stat(s->path, &st) == 0;

	s->told = 0;
	s->bad = 0;
	s->device = known ? st.st_dev : 0;
	s->inode = known ? st.st_ino : 0;
}

bool
agentx_socket_is_replaced(const struct agentx_socket *s)
{
	struct stat st;

	/* One that was only removed has left its master at work. */
	return s->inode != 0 && stat(s->path, &st) == 0 &&
	       (st.st_dev != s->device || st.st_ino != s->inode);
}

/* The directory of the path that is closed to us, or the socket itself. */
static void
closed_part(const char *path, char *out, size_t size)
{
	const char *end = path;

	while ((end = strchr(end + 1, '/')) != NULL) {
		snprintf(out, size, "%.*s", (int)(end - path), path);
		if (faccessat(AT_FDCWD, out, X_OK, AT_EACCESS) < 0)
			return;
	}
	snprintf(out, size, "%s", path);
}

static void
tell_denied(const struct agentx_socket *s)
{
	struct group g, *found = NULL;
	struct stat st;
	char part[512], text[1024], name[64];

	closed_part(s->path, part, sizeof(part));
	if (stat(part, &st) < 0) {
		log_warn("agentx", "%s: permission denied", s->path);
		return;
	}
	/* To connect is to write; to go through a directory, to search it. */
	if ((st.st_mode & (S_ISDIR(st.st_mode) ? S_IXGRP : S_IWGRP)) == 0) {
		log_warn("agentx",
		    "%s: permission denied: %s is not open to a group, mode "
		    "%04o; see agentXPerms in snmpd.conf",
		    s->path, part, st.st_mode & 07777);
		return;
	}
	snprintf(name, sizeof(name), "%lu", (unsigned long)st.st_gid);
	getgrgid_r(st.st_gid, &g, text, sizeof(text), &found);
	log_warn("agentx",
	    "%s: permission denied: this user is not in the group %s "
	    "that %s is open to, mode %04o; see agentXPerms in snmpd.conf",
	    s->path, found != NULL ? g.gr_name : name, part,
	    st.st_mode & 07777);
}

void
agentx_socket_look(struct agentx_socket *s)
{
	int err =
	    faccessat(AT_FDCWD, s->path, W_OK, AT_EACCESS) == 0 ? 0 : errno;

	/* Just there, or left behind by a master that was killed. */
	s->bad = err == 0 ? s->bad + 1 : 0;
	if (s->bad >= ODD_LOOKS)
		err = ECONNREFUSED;
	if (err == 0 || err == s->told)
		return;
	s->told = err;
	if (err == EACCES)
		tell_denied(s);
	else if (err == ECONNREFUSED)
		log_warn("agentx", "%s: no master answers there", s->path);
	else
		log_warn("agentx", "%s: %s", s->path, strerror(err));
}
