/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pid1.c - process 1 of a container that was started with --init
 *
 * Theory of operation: every signal is blocked and taken with sigwaitinfo(). SIGCHLD: reap
 * everybody who is dead, and leave with the payload's status when it is the payload (128 + n for
 * signal n, as shells do). Any other signal is handed to the payload as it came. When process 1
 * leaves, the kernel ends the rest of the namespace.
 *
 * It has given up the same rights as the payload (isolate.h) and holds no descriptor but 0, 1 and 2.
 * A process that is rl would have to stay non-dumpable, so that nobody in the container gets at its
 * memory or executable, and then nobody enters the container's namespaces by it either: not `cp`, not
 * `top`, not another container (--network container:X). So it executes the stub (stub.c), which goes on
 * with the same loop; the one here is for where that cannot be had.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/init.h"

/* Reap; returns when the payload is not among the dead. */
static void reap(pid_t payload)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != payload)
			continue;
		if (WIFSIGNALED(status))
			_exit(128 + WTERMSIG(status));
		_exit(WEXITSTATUS(status));
	}
	if (pid < 0 && errno == ECHILD)
		_exit(255); /* cannot be: the payload is our child */
}

/* Returns where it cannot be done. @fd: the stub, closes itself */
static void become_stub(int fd, pid_t payload)
{
	char number[16];
	const char *const argv[] = { "rl-init", number, NULL }, *const env[] = { NULL };

	(void)snprintf(number, sizeof(number), "%d", (int)payload);
	(void)syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
}

void pid1_run(pid_t payload, int stub_fd, int done_fd)
{
	sigset_t all;

	(void)prctl(PR_SET_NAME, "rl-init");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* where the process namespace is somebody else's */
	if (stub_fd >= 0)
		become_stub(stub_fd, payload);
	fd_close(stub_fd);
	fd_close(done_fd);
	(void)sigfillset(&all);
	for (;;) {
		siginfo_t si;
		int s = sigwaitinfo(&all, &si);

		if (s == SIGCHLD)
			reap(payload);
		else if (s > 0)
			(void)kill(payload, s); /* gone: SIGCHLD is on its way */
	}
}
