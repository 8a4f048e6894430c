/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.c - try one thing from inside a running process of ours, to see which wall stands
 *
 *	trial PID read PATH | write PATH | signal PID2
 *
 * The process is stopped by ptrace(2), made to call openat() (read only; or write and create) or
 * kill(PID2, 0), and goes on as if nothing had been. Prints the errno's name, or "ok"; what an open
 * gave is closed again. A seccomp filter that kills does so: only ask what its list has. Needs root,
 * x86_64 (77 elsewhere).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/parse.h"

#ifdef __x86_64__

#define ROOM 4096 /* below the stack and its red zone */

static int stopped(pid_t pid)
{
	int status;

	return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) ? 0 : -1;
}

/* One call where the process stands: its last instruction was "syscall", two bytes long. */
static int call(pid_t pid, const struct user_regs_struct *was, long nr, uint64_t a, uint64_t b,
		uint64_t c, uint64_t d, long *ret)
{
	struct user_regs_struct r = *was;

	r.rip -= 2;
	r.rax = (uint64_t)nr;
	r.orig_rax = UINT64_MAX; /* nothing to restart on the way */
	r.rdi = a;
	r.rsi = b;
	r.rdx = c;
	r.r10 = d;
	if (ptrace(PTRACE_SETREGS, pid, 0, &r) < 0 || ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0 ||
	    stopped(pid) < 0 || ptrace(PTRACE_GETREGS, pid, 0, &r) < 0)
		return -1;
	*ret = (long)r.rax;
	return 0;
}

static int peek_poke(pid_t pid, uint64_t at, char *text, size_t len, int poke)
{
	struct iovec here = { .iov_base = text, .iov_len = len };
	struct iovec there = { .iov_base = (void *)(uintptr_t)at, .iov_len = len };
	ssize_t n = poke ? process_vm_writev(pid, &here, 1, &there, 1, 0)
			 : process_vm_readv(pid, &here, 1, &there, 1, 0);

	return n == (ssize_t)len ? 0 : -1;
}

static int attempt(pid_t pid, const char *what, const char *object, long *ret)
{
	char old[ROOM], path[ROOM] = "";
	struct user_regs_struct was;
	uint64_t other = 0, at;
	long closed;

	if (ptrace(PTRACE_GETREGS, pid, 0, &was) < 0)
		return -1;
	if (strcmp(what, "signal") == 0) {
		if (parse_uint(object, INT32_MAX, &other) < 0 ||
		    call(pid, &was, SYS_kill, other, 0, 0, 0, ret) < 0)
			return -1;
		return ptrace(PTRACE_SETREGS, pid, 0, &was) < 0 ? -1 : 0;
	}
	at = was.rsp - 2 * sizeof(path);
	(void)snprintf(path, sizeof(path), "%s", object);
	if (peek_poke(pid, at, old, strlen(path) + 1, 0) < 0 ||
	    peek_poke(pid, at, path, strlen(path) + 1, 1) < 0 ||
	    call(pid, &was, SYS_openat, (uint64_t)AT_FDCWD, at,
		 strcmp(what, "write") == 0 ? O_WRONLY | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC,
		 0600, ret) < 0)
		return -1;
	if (*ret >= 0 && call(pid, &was, SYS_close, (uint64_t)*ret, 0, 0, 0, &closed) < 0)
		return -1;
	return peek_poke(pid, at, old, strlen(path) + 1, 1) < 0 ||
			       ptrace(PTRACE_SETREGS, pid, 0, &was) < 0
		       ? -1
		       : 0;
}

int main(int argc, char **argv)
{
	uint64_t pid;
	long ret = 0;

	if (argc != 4 || parse_uint(argv[1], INT32_MAX, &pid) < 0)
		return 125;
	if (ptrace(PTRACE_SEIZE, (pid_t)pid, 0, 0) < 0 ||
	    ptrace(PTRACE_INTERRUPT, (pid_t)pid, 0, 0) < 0 || stopped((pid_t)pid) < 0 ||
	    attempt((pid_t)pid, argv[2], argv[3], &ret) < 0) {
		perror("trial");
		return 125;
	}
	(void)ptrace(PTRACE_DETACH, (pid_t)pid, 0, 0); /* so does our end */
	(void)printf("%s\n", ret < 0 ? strerrorname_np((int)-ret) : "ok");
	return 0;
}

#else

int main(void)
{
	return 77;
}

#endif
