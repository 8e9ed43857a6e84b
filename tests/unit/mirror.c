/* Starting and ending a reflector; see mirror.h. */
#include "build.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mirror.h"

enum { ARGS = 12 };

bool
mirror_is(int argc, char **argv)
{
	return argc > 0 && strcmp(argv[0], "reflect") == 0;
}

pid_t
mirror_spawn(const char *const *args, int stream, FILE **out)
{
	char *argv[ARGS + 2] = {(char *)(uintptr_t) "reflect"};
	int argc = 1, fds[2];
	pid_t pid;

	while (argc <= ARGS && args[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
		argc++;
	}
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], stream);
		close(fds[0]);
		close(fds[1]);
		/* Anew: what threads had begun here would hang in the child. */
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(fds[1]);
	*out = fdopen(fds[0], "r");
	return pid;
}

struct mirror
mirror_start(const char *const *args)
{
	struct mirror m = {0};
	char line[128];
	FILE *out;

	m.pid = mirror_spawn(args, STDOUT_FILENO, &out);
	for (unsigned i = 0; i < MIRROR_PORTS && args[i] != NULL; i++) {
		if (strncmp(args[i], "--listen", 8) != 0)
			break;
		assert_non_null(fgets(line, sizeof(line), out));
		assert_memory_equal(line, args[i] + 9, 3);
		m.port[i] = (uint16_t)strtoul(strrchr(line, ':') + 1, NULL, 10);
		assert_int_not_equal(m.port[i], 0);
	}
	fclose(out);
	return m;
}

int
mirror_exit(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void
mirror_stop(struct mirror *m)
{
	kill(m->pid, SIGTERM);
	assert_int_equal(mirror_exit(m->pid), 0);
}
