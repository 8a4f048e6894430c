/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spy.c - inside a container with SYS_PTRACE: looks into every process as soon as it appears (S3)
 *
 *	spy REPORT	until killed; statically linked
 *
 * Each pid that is there is seized and its descriptors are listed, again and again until it is gone.
 * Into REPORT goes a line "seen PID" for each new one, and "CAUGHT ..." for what must never be: a
 * descriptor above 2, an executable called rl. In the middle of execve(2) the kernel shows the old
 * descriptors to such a one for a moment, between the new memory and close-on-exec; all that may be
 * met there is a socket, by which set-up reports: its number is seen, but nobody can open it.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS 65536

static int report;

static void say(const char *what, int pid, const char *more)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s %d %s\n", what, pid, more);

	if (write(report, line, (size_t)n) != n)
		_exit(1);
}

/* Is it the channel of an execve(2) that is under way? */
static bool is_channel(const char *fds, const char *fd)
{
	char path[320], to[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", fds, fd);
	n = readlink(path, to, sizeof(to));
	return n < 0 || (n > 7 && memcmp(to, "socket:", 7) == 0);
}

static void descriptors(int pid, bool stopped)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || (e->d_name[0] <= '2' && !e->d_name[1]))
			continue;
		if (stopped || !is_channel(path, e->d_name))
			say("CAUGHT descriptor", pid, e->d_name);
	}
	if (d)
		(void)closedir(d);
}

static void program(int pid)
{
	char path[64], to[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, to, sizeof(to) - 1);
	if (n <= 0)
		return;
	to[n] = '\0';
	if (n >= 3 && strcmp(to + n - 3, "/rl") == 0)
		say("CAUGHT program", pid, to);
}

/*
 * Whoever can be seized is stopped where it is. The kernel lets nobody in while it executes a program,
 * so what stands still here is either our set-up, which must not be, or what was to be executed.
 */
static void seize(int pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC) < 0)
		return;
	say("seized", pid, "");
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, &status, __WALL) != pid)
		return;
	program(pid);
	descriptors(pid, true);
	(void)ptrace(PTRACE_DETACH, pid, 0, 0); /* it may have been killed */
}

int main(int argc, char **argv)
{
	static bool known[PIDS];
	struct dirent *e;

	report = argc == 2
			 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644)
			 : -1;
	if (report < 0)
		return 2;
	say("ready", getpid(), "");
	for (;;) {
		DIR *d = opendir("/proc");

		while (d && (e = readdir(d))) {
			int pid = 0;

			for (const char *c = e->d_name; *c >= '0' && *c <= '9' && pid < PIDS; c++)
				pid = pid * 10 + (*c - '0');
			if (pid <= 1 || pid >= PIDS || pid == getpid())
				continue;
			if (!known[pid])
				say("seen", pid, "");
			known[pid] = true;
			seize(pid);
			descriptors(pid, false);
			program(pid);
		}
		if (d)
			(void)closedir(d);
	}
}
