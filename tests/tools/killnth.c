/* SPDX-License-Identifier: Apache-2.0 */
/*
 * killnth.c - run a command; kill one of its processes, or fail its call, at the n-th system call
 *
 *	killnth [OPTION...] -- COMMAND...
 *	-x NAME      the tree begins when the command executes a program of this name (default "rl")
 *	-a NAME=PID  follow this process as well, and what it forks; its path is NAME
 *	-l FILE      write "PATH CALLS CALLS-AT-EXEC NAMES" of every process at the end
 *	-p PATH -n N [-e ERRNO [-f]]  at the N-th call of the process PATH: SIGKILL, or with -e that
 *	             error in place of the call (only calls that can fail so are counted), with -f
 *	             every later one as well
 *	-s           SIGSTOP at the call instead; we leave at once, the others go on
 *	-o FILE      write "fired CALL PID ROOT-PID" or "idle" or "timeout ..." there
 *	-T SECONDS   limit (default 30): then everything is killed, status 124
 *	-w MS        how long others are followed after the command's end (default 300)
 *
 * Theory of operation: PTRACE_SEIZE with all fork events, so the tree of processes is known from its
 * root "0" on: the second child of the first child is "0.1.2", run after run. A process counts
 * its calls from its first one. A child may report before its parent's event does: it stays
 * stopped until then. What still lives at the end goes on untraced when we exit. Status: the command's,
 * or 128 + signal; 125 for errors of our own. Run it as root where the command changes its user.
 */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"

#define PROCS_MAX 4096
#define PATH_LEN  64
#define NAMES_LEN 96
#define TICK_MS   20

#define OPTIONS                                                                                   \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT)

struct process {
	pid_t pid;
	char path[PATH_LEN]; /* empty: its parent's event has not come yet */
	char names[NAMES_LEN];
	unsigned calls, at_exec, children;
	uint64_t nr; /* of the call it is in */
	bool counts, in_call, gone, failing;
};

struct killnth {
	const char *root_exe, *list_file, *out_file, *path;
	uint64_t n, error, limit_s, linger_ms;
	bool for_ever, stop, fired;
	bool stopped; /* -s: it stands still, or has ended */
	pid_t fired_pid;
	uint64_t fired_nr;
	pid_t root;
	int status;       /* of the root, -1 while it lives */
	int64_t ended_ms; /* when the root ended */
	struct process p[PROCS_MAX];
	size_t n_p;
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "killnth: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static struct process *find(struct killnth *k, pid_t pid)
{
	for (size_t i = k->n_p; i-- > 0;)
		if (k->p[i].pid == pid && !k->p[i].gone)
			return &k->p[i];
	return NULL;
}

static struct process *add(struct killnth *k, pid_t pid, const char *path)
{
	struct process *p = find(k, pid);

	if (!p) {
		if (k->n_p == PROCS_MAX)
			_exit(125);
		p = &k->p[k->n_p++];
		*p = (struct process){ .pid = pid };
	}
	(void)snprintf(p->path, sizeof(p->path), "%s", path);
	return p;
}

/* Collect the different names that a process had. */
static void note_name(struct process *p)
{
	char path[64], name[32] = "";
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)p->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : 0;
	fd_close(fd);
	if (n <= 0)
		return;
	name[strcspn(name, "\n")] = '\0';
	if (!strstr(p->names, name) && strlen(p->names) + strlen(name) + 2 < sizeof(p->names))
		(void)snprintf(p->names + strlen(p->names), sizeof(p->names) - strlen(p->names),
			       "%s%s", p->names[0] ? "," : "", name);
}

static void resume(pid_t pid, int sig)
{
	/* ESRCH: killed meanwhile */
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)sig);
}

/* --- which calls can fail in which way ------------------------------------------------------- */

static bool is_file(pid_t pid, uint64_t fd)
{
	char path[64], to[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, (int)fd);
	n = readlink(path, to, sizeof(to) - 1);
	if (n <= 0)
		return false;
	to[n] = '\0';
	return to[0] == '/' && strncmp(to, "/proc/", 6) != 0 && strncmp(to, "/dev/", 5) != 0 &&
	       strncmp(to, "/sys/", 5) != 0;
}

static bool writes(pid_t pid, const struct ptrace_syscall_info *i)
{
	switch (i->entry.nr) {
	case SYS_openat:
		return i->entry.args[2] & O_CREAT;
	case SYS_write:
	case SYS_pwrite64:
	case SYS_fsync:
	case SYS_fdatasync:
		return is_file(pid, i->entry.args[0]);
	case SYS_mkdirat:
	case SYS_symlinkat:
	case SYS_linkat:
#ifdef SYS_renameat
	case SYS_renameat:
#endif
	case SYS_renameat2:
	case SYS_ftruncate:
	case SYS_fallocate:
	case SYS_bind:
	case SYS_setxattr:
	case SYS_fsetxattr:
#ifdef SYS_mkdir
	case SYS_mkdir:
	case SYS_rename:
	case SYS_symlink:
	case SYS_link:
#endif
		return true;
	default:
		return false;
	}
}

static bool makes_process(uint64_t nr)
{
	switch (nr) {
#ifdef SYS_fork
	case SYS_fork:
	case SYS_vfork:
#endif
	case SYS_clone:
	case SYS_clone3:
		return true;
	default:
		return false;
	}
}

static bool makes_fd(uint64_t nr)
{
	switch (nr) {
	case SYS_openat:
	case SYS_openat2:
	case SYS_socket:
	case SYS_socketpair:
	case SYS_pipe2:
	case SYS_accept4:
	case SYS_memfd_create:
	case SYS_pidfd_open:
	case SYS_signalfd4:
	case SYS_fsopen:
	case SYS_fsmount:
	case SYS_open_tree:
		return true;
	default:
		return false;
	}
}

static bool mounts(uint64_t nr)
{
	switch (nr) {
	case SYS_mount:
	case SYS_umount2:
	case SYS_fsopen:
	case SYS_fsconfig:
	case SYS_fsmount:
	case SYS_open_tree:
	case SYS_move_mount:
	case SYS_mount_setattr:
	case SYS_pivot_root:
	case SYS_unshare:
	case SYS_setns:
		return true;
	default:
		return false;
	}
}

/* Calls that wait for somebody, so that a signal may end them. */
static bool waits(uint64_t nr)
{
	switch (nr) {
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
	case SYS_read:
	case SYS_readv:
	case SYS_write:
	case SYS_writev:
	case SYS_openat:
	case SYS_connect:
	case SYS_accept4:
	case SYS_recvmsg:
	case SYS_sendmsg:
	case SYS_recvfrom:
	case SYS_sendto:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_flock:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_ftruncate:
	case SYS_sendfile:
	case SYS_splice:
		return true;
	default:
		return false;
	}
}

static bool can_fail(const struct killnth *k, pid_t pid, const struct ptrace_syscall_info *i)
{
	uint64_t nr = i->entry.nr;

	switch ((int)k->error) {
	case ENOSPC:
	case EDQUOT:
		return writes(pid, i);
	case EIO:
		return writes(pid, i) || nr == SYS_getdents64 ||
		       ((nr == SYS_read || nr == SYS_pread64) && is_file(pid, i->entry.args[0]));
	case EMFILE:
	case ENFILE:
		return makes_fd(nr);
	case EAGAIN:
		return makes_process(nr);
	case EINTR:
		return waits(nr);
	case EPERM:
		return mounts(nr) || makes_process(nr);
	case ENOMEM:
		/* not brk: it tells of a failure by what it returns, which is no error number */
		return makes_process(nr) || makes_fd(nr) || nr == SYS_mmap;
	default:
		return true;
	}
}

/* --- acting ---------------------------------------------------------------------------------- */

static void skip_call(pid_t pid)
{
#if defined(__x86_64__)
	(void)ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L);
#elif defined(__aarch64__)
	int none = -1;
	struct iovec v = { &none, sizeof(none) };

	(void)ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &v);
#else
#error "say here how a call is skipped"
#endif
}

static void set_result(pid_t pid, long result)
{
#if defined(__x86_64__)
	(void)ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), result);
#elif defined(__aarch64__)
	struct user_regs_struct r;
	struct iovec v = { &r, sizeof(r) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) < 0)
		return;
	r.regs[0] = (uint64_t)result;
	(void)ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
#endif
}

static void fire(struct killnth *k, struct process *p)
{
	k->fired = true;
	k->fired_nr = p->nr;
	k->fired_pid = p->pid;
	if (k->stop) {
		(void)kill(p->pid, SIGSTOP);
		return;
	}
	if (!k->error) {
		(void)kill(p->pid, SIGKILL);
		return;
	}
	p->failing = true;
	skip_call(p->pid);
}

static void on_entry(struct killnth *k, struct process *p, const struct ptrace_syscall_info *i)
{
	bool chosen;

	p->nr = i->entry.nr;
	if (!p->counts)
		return;
	if (k->error && !can_fail(k, p->pid, i))
		return;
	if (p->calls++ == 0)
		note_name(p);
	chosen = k->path && strcmp(k->path, p->path) == 0;
	if (chosen && (p->calls == k->n || (k->for_ever && p->calls > k->n)))
		fire(k, p);
}

static void on_call(struct killnth *k, struct process *p)
{
	struct ptrace_syscall_info i = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(i), &i) < 0)
		return; /* killed meanwhile */
	p->in_call = i.op == PTRACE_SYSCALL_INFO_ENTRY;
	if (p->in_call) {
		on_entry(k, p, &i);
	} else if (p->failing) {
		p->failing = false;
		set_result(p->pid, -(long)k->error);
	}
}

static void on_exec(struct killnth *k, struct process *p)
{
	char path[64], exe[4096] = "";
	const char *base;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)p->pid);
	if (readlink(path, exe, sizeof(exe) - 1) < 0)
		return;
	base = strrchr(exe, '/');
	if (p->pid == k->root && base && strcmp(base + 1, k->root_exe) == 0)
		p->counts = true;
	else
		p->at_exec = p->calls;
	note_name(p);
}

static void on_fork(struct killnth *k, const struct process *parent)
{
	unsigned long pid = 0;
	char path[PATH_LEN + 16];
	struct process *child;
	bool waits;

	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid) < 0)
		return;
	child = find(k, (pid_t)pid);
	waits = child != NULL;
	if (parent->counts)
		(void)snprintf(path, sizeof(path), "%s.%u", parent->path, parent->children);
	else
		(void)snprintf(path, sizeof(path), "-");
	path[PATH_LEN - 1] = '\0';
	child = add(k, (pid_t)pid, path);
	child->counts = parent->counts;
	if (waits)
		resume(child->pid, 0);
}

static void on_stop(struct killnth *k, pid_t pid, int status)
{
	struct process *p = find(k, pid);
	int sig = WSTOPSIG(status), event = status >> 16;

	if (!p) { /* reported before its parent's event: stays stopped */
		(void)add(k, pid, "");
		return;
	}
	switch (event) {
	case 0:
		if (sig == (SIGTRAP | 0x80)) {
			on_call(k, p);
			sig = 0;
		}
		resume(pid, sig);
		return;
	case PTRACE_EVENT_STOP:
		if (sig == SIGTRAP)
			break;
		(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* a group stop */
		k->stopped = k->stopped || pid == k->fired_pid;
		return;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		p->children++;
		on_fork(k, p);
		break;
	case PTRACE_EVENT_EXEC:
		on_exec(k, p);
		break;
	case PTRACE_EVENT_EXIT:
		note_name(p);
		break;
	default:
		break;
	}
	resume(pid, 0);
}

static void on_wait(struct killnth *k, pid_t pid, int status)
{
	struct process *p = find(k, pid);

	if (WIFSTOPPED(status)) {
		on_stop(k, pid, status);
		return;
	}
	if (p)
		p->gone = true;
	k->stopped = k->stopped || (k->stop && pid == k->fired_pid);
	if (pid == k->root) {
		k->status = status;
		k->ended_ms = now_ms();
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

static FILE *out_open(const char *path)
{
	FILE *f = path ? fopen(path, "we") : NULL;

	if (path && !f)
		die(path);
	return f;
}

static void write_list(const struct killnth *k)
{
	FILE *f = out_open(k->list_file);

	for (size_t i = 0; f && i < k->n_p; i++)
		if (k->p[i].path[0] && k->p[i].path[0] != '-')
			(void)fprintf(f, "%s %u %u %s\n", k->p[i].path, k->p[i].calls,
				      k->p[i].at_exec, k->p[i].names[0] ? k->p[i].names : "?");
	if (f && fclose(f) != 0)
		die(k->list_file);
}

static int finish(struct killnth *k, bool timeout)
{
	FILE *f;

	for (size_t i = 0; i < k->n_p; i++)
		if (!k->p[i].gone)
			note_name(&k->p[i]);
	write_list(k);
	f = out_open(k->out_file);
	if (f && timeout)
		(void)fprintf(f, "timeout");
	else if (f && k->fired)
		(void)fprintf(f, "fired %llu %d %d", (unsigned long long)k->fired_nr,
			      (int)k->fired_pid, (int)k->root);
	else if (f)
		(void)fprintf(f, "idle");
	for (size_t i = 0; timeout && i < k->n_p; i++) {
		struct process *p = &k->p[i];

		if (p->gone)
			continue;
		if (f)
			(void)fprintf(f, " %s(%s) %s %llu;", p->path, p->names,
				      p->in_call ? "in call" : "after call",
				      (unsigned long long)p->nr);
		(void)kill(p->pid, SIGKILL);
	}
	if (f && (fputc('\n', f) == EOF || fclose(f) != 0))
		die(k->out_file);
	if (timeout)
		return 124;
	if (k->status == -1)
		return 0; /* -s */
	return WIFEXITED(k->status) ? WEXITSTATUS(k->status) : 128 + WTERMSIG(k->status);
}

static void on_tick(int sig)
{
	(void)sig; /* interrupts waitpid() */
}

static int follow(struct killnth *k)
{
	const struct itimerval tick = { { 0, TICK_MS * 1000L }, { 0, TICK_MS * 1000L } };
	int64_t end = now_ms() + (int64_t)k->limit_s * 1000;

	if (sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_tick }, NULL) < 0 ||
	    setitimer(ITIMER_REAL, &tick, NULL) < 0)
		die("timer");
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid > 0)
			on_wait(k, pid, status);
		else if (errno == ECHILD)
			return finish(k, false);
		if (k->stopped)
			return finish(k, false);
		if (k->status != -1 && ((k->fired && !k->for_ever && !k->stop) ||
					now_ms() > k->ended_ms + (int64_t)k->linger_ms))
			return finish(k, false);
		if (now_ms() > end)
			return finish(k, true);
	}
}

static void start(struct killnth *k, char **argv)
{
	int gate[2];
	char c;

	if (pipe2(gate, O_CLOEXEC) < 0)
		die("pipe");
	k->root = fork();
	if (k->root < 0)
		die("fork");
	if (k->root == 0) {
		(void)close(gate[1]);
		if (read(gate[0], &c, 1) < 0)
			_exit(125);
		(void)execvp(argv[0], argv);
		die(argv[0]);
	}
	(void)close(gate[0]);
	if (ptrace(PTRACE_SEIZE, k->root, NULL, (void *)(uintptr_t)OPTIONS) < 0)
		die("seize the command");
	(void)add(k, k->root, "0");
	if (ptrace(PTRACE_INTERRUPT, k->root, NULL, NULL) < 0)
		die("interrupt");
	(void)close(gate[1]);
}

static void attach(struct killnth *k, const char *arg)
{
	size_t len = strcspn(arg, "=");
	char path[PATH_LEN];
	uint64_t pid;

	errno = EINVAL;
	if (arg[len] != '=' || len >= PATH_LEN || parse_uint(arg + len + 1, INT32_MAX, &pid) < 0)
		die(arg);
	(void)snprintf(path, sizeof(path), "%.*s", (int)len, arg);
	if (ptrace(PTRACE_SEIZE, (pid_t)pid, NULL, (void *)(uintptr_t)OPTIONS) < 0)
		die(arg);
	add(k, (pid_t)pid, path)->counts = true;
	if (ptrace(PTRACE_INTERRUPT, (pid_t)pid, NULL, NULL) < 0)
		die(arg);
}

static uint64_t number(const char *s)
{
	uint64_t v = 0;

	errno = EINVAL;
	if (parse_uint(s, INT32_MAX, &v) < 0)
		die(s);
	return v;
}

int main(int argc, char **argv)
{
	static struct killnth k = {
		.root_exe = "rl", .limit_s = 30, .linger_ms = 300, .status = -1
	};
	const char *attached[8];
	size_t n_attached = 0;
	int o;

	while ((o = getopt(argc, argv, "+x:a:l:p:n:e:fso:T:w:")) != -1) {
		switch (o) {
		case 'x':
			k.root_exe = optarg;
			break;
		case 'a':
			if (n_attached < ARRAY_LEN(attached))
				attached[n_attached++] = optarg;
			break;
		case 'l':
			k.list_file = optarg;
			break;
		case 'p':
			k.path = optarg;
			break;
		case 'n':
			k.n = number(optarg);
			break;
		case 'e':
			k.error = number(optarg);
			break;
		case 'f':
			k.for_ever = true;
			break;
		case 's':
			k.stop = true;
			break;
		case 'o':
			k.out_file = optarg;
			break;
		case 'T':
			k.limit_s = number(optarg);
			break;
		case 'w':
			k.linger_ms = number(optarg);
			break;
		default:
			return 125;
		}
	}
	if (optind >= argc) {
		(void)fprintf(stderr, "killnth: no command\n");
		return 125;
	}
	for (size_t i = 0; i < n_attached; i++)
		attach(&k, attached[i]);
	start(&k, argv + optind);
	return follow(&k);
}
