/* SPDX-License-Identifier: Apache-2.0 */
/* proc.c - helper programs, pidfds, descriptor passing; the header is the manual */
#include "config.h"

#include "core/base/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/strv.h"

#define KILL_ROUNDS \
	20 /* of proc_kill_session(); a fork bomb wins, and the container's limits end it */
#define PROC_LIST_MAX 32 /* descriptors listed for one helper */

char *proc_find(const char *name)
{
	static const char *const dirs[] = {
		"/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/run/wrappers/bin",
	};

	if (strchr(name, '/'))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char *p = str_printf("%s/%s", dirs[i], name);

		if (p && access(p, X_OK) == 0)
			return p;
		free(p);
	}
	return NULL;
}

/* Folder of the running executable without trailing slash; NULL on failure. */
static char *own_dir(void)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash || slash == exe)
		return NULL;
	*slash = '\0';
	return strdup(exe);
}

static char *find_near(const char *rel, const char *build_rel, const char *fixed, int mode)
{
	auto_free char *dir = own_dir();
	char *p;

	if (dir) {
		const char *last = strrchr(dir, '/');

		/* not from a build tree: what lies beside that may be anybody's (/tmp) */
		if (strcmp(last ? last : "", "/bin") == 0) {
			p = str_printf("%s/../%s", dir, rel);
			if (p && access(p, mode) == 0)
				return p;
			free(p);
		}
		p = str_printf("%s/%s", dir, build_rel);
		if (p && access(p, mode) == 0)
			return p;
		free(p);
	}
	p = strdup(fixed);
	if (p && access(p, mode) == 0)
		return p;
	free(p);
	return NULL;
}

char *proc_find_own(const char *name, struct rl_err *err)
{
	auto_free char *rel = str_printf("libexec/rl/%s", name);
	auto_free char *fixed = str_printf("%s/%s", RL_LIBEXECDIR, name);
	char *p = rel && fixed ? find_near(rel, name, fixed, X_OK) : NULL;

	if (!p) {
		rl_fail(err, ENOENT, "the helper program '%s' is not installed", name);
		rl_hint(err, "it belongs into '%s'; run 'make install' again", RL_LIBEXECDIR);
	}
	return p;
}

char *proc_find_data(const char *name, struct rl_err *err)
{
	auto_free char *rel = str_printf("share/rl/%s", name);
	auto_free char *build = str_printf("contrib/%s", name);
	auto_free char *fixed = str_printf("%s/%s", RL_DATADIR, name);
	char *p = rel && build && fixed ? find_near(rel, build, fixed, R_OK) : NULL;

	if (!p) {
		rl_fail(err, ENOENT, "the data file '%s' is not installed", name);
		rl_hint(err, "it belongs into '%s'; run 'make install' again", RL_DATADIR);
	}
	return p;
}

pid_t proc_clone(uint64_t flags, int exit_signal, int cgroup_fd)
{
	struct clone_args args = { .flags = flags, .exit_signal = (unsigned)exit_signal };
	long pid;

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)cgroup_fd;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	/* filters that cannot look into clone3's struct answer ENOSYS so that clone(2) is tried */
	if (pid < 0 && (errno == ENOSYS || errno == EPERM) && cgroup_fd < 0)
		pid = syscall(SYS_clone, (unsigned long)flags | SIGCHLD, 0, 0, 0, 0);
	return (pid_t)pid;
}

void proc_close_range(unsigned first, unsigned last)
{
	const unsigned most = 65536; /* the kernel gives the lowest free number; we hold few */

	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	/* not up to the limit of now: one may be open above it */
	for (unsigned fd = first; fd <= last && fd < most; fd++)
		(void)close((int)fd);
}

void proc_keep_fds(int *const *fds, size_t n, int from)
{
	for (size_t i = 0; i < n; i++)
		*fds[i] = *fds[i] >= 0 ? fcntl(*fds[i], F_DUPFD_CLOEXEC, from + (int)n) : FD_NONE;
	for (size_t i = 0; i < n; i++) {
		int to = from + (int)i;

		(void)close(to); /* may be closed already */
		*fds[i] = *fds[i] >= 0 ? dup3(*fds[i], to, O_CLOEXEC) : FD_NONE;
	}
	proc_close_range((unsigned)from + (unsigned)n, ~0U);
}

int proc_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd; /* pidfds are always O_CLOEXEC */
}

int proc_pidfd_signal(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

/* A number out of /proc/PID/stat (proc(5) counts its fields from 1), or -errno. */
static int64_t stat_number(pid_t pid, int want)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;
	char path[64], *p;
	uint64_t v = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (io_read_file(AT_FDCWD, path, 4096, &b, &err) < 0)
		return -err.code;
	if (!b.data)
		return -ESRCH;
	/* the name (field 2) may hold blanks and brackets: count from its last ')' */
	p = strrchr(b.data, ')');
	for (int field = 2; p && field < want; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p || *p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return (int64_t)v;
}

pid_t proc_first_child(pid_t parent)
{
	auto_dir DIR *d = opendir("/proc");
	int64_t first = INT64_MAX;
	struct dirent *e;
	pid_t found = -ESRCH;
	uint64_t pid;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		int64_t began;

		if (parse_uint(e->d_name, INT32_MAX, &pid) < 0 ||
		    stat_number((pid_t)pid, 4) != parent)
			continue;
		began = stat_number((pid_t)pid, 22);
		if (began < 0 || began > first || (began == first && (pid_t)pid > found))
			continue;
		first = began;
		found = (pid_t)pid;
	}
	return found;
}

int64_t proc_start_time(pid_t pid)
{
	return stat_number(pid, 22);
}

static bool same_pid_ns(pid_t pid, const struct stat *want)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, &st) == 0 && st.st_dev == want->st_dev && st.st_ino == want->st_ino;
}

/* Return: how many it found. */
static unsigned kill_round(pid_t sid, const struct stat *ns)
{
	auto_dir DIR *d = opendir("/proc");
	const struct dirent *e;
	unsigned found = 0;
	uint64_t pid;

	while (d && (e = readdir(d))) {
		auto_fd int fd = FD_NONE;

		if (parse_uint(e->d_name, INT32_MAX, &pid) < 0 || stat_number((pid_t)pid, 6) != sid)
			continue;
		fd = proc_pidfd_open((pid_t)pid); /* pins it; then look whether it is one */
		if (fd < 0 || stat_number((pid_t)pid, 6) != sid || !same_pid_ns((pid_t)pid, ns))
			continue;
		found += proc_pidfd_signal(fd, SIGKILL) == 0;
	}
	return found;
}

void proc_kill_session(pid_t sid, pid_t init)
{
	char path[64];
	struct stat ns;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)init);
	if (sid <= 1 || stat(path, &ns) < 0)
		return;
	for (int i = 0; i < KILL_ROUNDS && kill_round(sid, &ns) > 0; i++)
		(void)poll(NULL, 0, 1); /* who forked while we looked is found next time */
}

/*
 * Show what this process is in ps(1), where it would pass for the command that it was forked from:
 * the kernel shows the memory between arg_start and arg_end (fields 48 and 49 of
 * /proc/PID/stat), and that is ours to write.
 */
void proc_set_title(const char *title)
{
	auto_buf struct buf b = { 0 };
	unsigned long long start = 0, end = 0;
	struct rl_err err;
	const char *p;

	if (io_read_file(AT_FDCWD, "/proc/self/stat", 4096, &b, &err) < 0 || !b.data)
		return; /* cosmetic only */
	p = strrchr(b.data, ')');
	for (int field = 2; p && field < 48; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p || sscanf(p, "%llu %llu", &start, &end) != 2 || start == 0 || end <= start + 1)
		return;
	memset((char *)(uintptr_t)start, 0, end - start);
	(void)snprintf((char *)(uintptr_t)start, end - start, "%s", title);
	(void)prctl(PR_SET_NAME, title); /* cosmetic as well */
}

int proc_boot_id(char out[37])
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;

	if (io_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &b, &err) < 0)
		return -err.code;
	if (b.len < 36)
		return -EINVAL;
	memcpy(out, b.data, 36);
	out[36] = '\0';
	return 0;
}

/* The highest descriptor number of the child; ours are kept above it. */
static int top_fd(const struct proc_spec *spec)
{
	int top = 2;

	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].to > top)
			top = spec->fds[i].to;
	return top;
}

static bool is_listed(const struct proc_spec *spec, int fd)
{
	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].to == fd)
			return true;
	return false;
}

/* Everything from @first up ends at the exec. */
static int cloexec_from(int first)
{
	auto_dir DIR *d = NULL;
	struct dirent *e;

	if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	/* Linux before 5.11, or an outer seccomp filter */
	d = opendir("/proc/self/fd");
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		uint64_t fd;

		if (parse_uint(e->d_name, INT_MAX, &fd) == 0 && (int)fd >= first)
			(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	}
	return 0;
}

/*
 * In the child: put the listed descriptors at their numbers, close all others. Sources are first
 * copied above every target so that none is overwritten before its turn.
 */
static int place_fds(const struct proc_spec *spec)
{
	int copy[PROC_LIST_MAX], top = top_fd(spec);
	auto_fd int first = open("/dev/null", O_RDWR | O_CLOEXEC);
	int null = first < 0 ? -1 : fcntl(first, F_DUPFD_CLOEXEC, top + 1);

	if (null < 0)
		return -errno;
	for (size_t i = 0; i < spec->n_fds; i++) {
		copy[i] = spec->fds[i].from < 0
				  ? null
				  : fcntl(spec->fds[i].from, F_DUPFD_CLOEXEC, top + 1);
		if (copy[i] < 0)
			return -errno;
	}
	fd_close(TAKE_FD(first));          /* its number may be a target */
	for (int std = 0; std <= 1; std++) /* stderr stays as it is unless listed */
		if (dup3(null, std, 0) < 0)
			return -errno;
	for (size_t i = 0; i < spec->n_fds; i++)
		if (dup3(copy[i], spec->fds[i].to, 0) < 0)
			return -errno;
	for (int fd = 3; fd <= top; fd++) /* holes between the listed numbers */
		if (!is_listed(spec, fd))
			(void)close(fd); /* may not be open */
	return cloexec_from(top + 1);
}

static _Noreturn void child(const struct proc_spec *spec, char *const *envp, pid_t parent,
			    int report_fd)
{
	sigset_t none;
	int r;

	(void)sigemptyset(&none);
	for (int s = 1; s < 65; s++) /* KILL, STOP and the libc's own refuse, rightly */
		(void)sigaction(s, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	/* ctrl-\ is a question to whoever started us (waiting.h), and not our end */
	(void)sigaction(SIGQUIT, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (spec->join_userns >= 0 && (setns(spec->join_userns, CLONE_NEWUSER) < 0 ||
				       setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		goto failed;
	if (spec->die_with_parent &&
	    (prctl(PR_SET_PDEATHSIG, spec->die_with_parent) < 0 || getppid() != parent))
		goto failed;
	r = place_fds(spec);
	if (r < 0) {
		errno = -r;
		goto failed;
	}
	execve(spec->argv[0], (char *const *)(uintptr_t)spec->argv, envp);
failed:
	r = errno;
	RL_IGNORE(
		io_write_all(report_fd, &r, sizeof(r))); /* the parent sees end of file otherwise */
	_exit(127);
}

int proc_spawn(const struct proc_spec *spec, pid_t *ret_pid, int *ret_pidfd, struct rl_err *err)
{
	auto_strv struct strv env = { 0 };
	auto_fd int rd = FD_NONE, wr = FD_NONE;
	pid_t pid, parent = getpid();
	int p[2], e = 0, pidfd;

	if (strv_add(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") <
		    0 ||
	    strv_add(&env, "LANG=C") < 0)
		return rl_oom(err);
	for (size_t i = 0; spec->env && spec->env[i]; i++)
		if (strv_setenv(&env, spec->env[i]) < 0)
			return rl_oom(err);
	if (spec->n_fds > PROC_LIST_MAX)
		return rl_fail(err, EINVAL, "too many descriptors for '%s'", spec->argv[0]);
	if (pipe2(p, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "start '%s': pipe", spec->argv[0]);
	rd = p[0];
	/* the report end must survive place_fds() until the exec closes it */
	wr = fcntl(p[1], F_DUPFD_CLOEXEC, top_fd(spec) + 1);
	fd_close(p[1]);
	if (wr < 0)
		return rl_fail_sys(err, errno, "start '%s': pipe", spec->argv[0]);
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "start '%s': fork", spec->argv[0]);
	if (pid == 0)
		child(spec, env.v, parent, wr);
	fd_close(TAKE_FD(wr));
	if (io_read_full(rd, &e, sizeof(e)) == sizeof(e)) {
		(void)waitpid(pid, NULL, 0); /* it leaves at once */
		return rl_fail_sys(err, e, "start '%s'", spec->argv[0]);
	}
	pidfd = proc_pidfd_open(pid);
	if (pidfd < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return rl_fail_sys(err, -pidfd, "start '%s': pidfd_open", spec->argv[0]);
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

int proc_wait(int pidfd, pid_t pid, int timeout_ms, int *ret_status)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms;
	int r;

	for (;;) {
		int left = timeout_ms < 0 ? -1 : (int)(end - now_ms());

		r = poll(&p, 1, timeout_ms >= 0 && left < 0 ? 0 : left);
		if (r > 0)
			break;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int collect(int rd, int pidfd, pid_t pid, int timeout_ms, char *text, size_t room,
		   int *ret_status)
{
	int64_t end = now_ms() + timeout_ms;
	size_t n = 0;

	/* the helper may leave its stderr to a child: stop at its own end, not at end of file */
	for (;;) {
		struct pollfd p[2] = { { .fd = rd, .events = POLLIN },
				       { .fd = pidfd, .events = POLLIN } };
		int left = timeout_ms < 0 ? -1 : (int)(end - now_ms());
		char waste[512];
		ssize_t r;

		if (timeout_ms >= 0 && left <= 0)
			return -ETIMEDOUT;
		if (poll(p, 2, left) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents) {
			r = n < room - 1 ? read(rd, text + n, room - 1 - n)
					 : read(rd, waste, sizeof(waste));
			if (r > 0 && n < room - 1)
				n += (size_t)r;
			text[n] = '\0';
			if (r > 0)
				continue;
			return proc_wait(pidfd, pid, timeout_ms < 0 ? -1 : left, ret_status);
		}
		if (p[1].revents)
			return proc_wait(pidfd, pid, -1, ret_status);
	}
}

int proc_run(const struct proc_spec *spec, int timeout_ms, struct rl_err *err)
{
	struct proc_fd fds[PROC_LIST_MAX];
	struct proc_spec s = *spec;
	auto_fd int rd = FD_NONE, wr = FD_NONE, pidfd = FD_NONE;
	char text[4096] = "";
	int p[2], r, status = 0;
	size_t n = 0, len;
	pid_t pid;

	if (spec->n_fds >= ARRAY_LEN(fds))
		return rl_fail(err, EINVAL, "too many descriptors for '%s'", spec->argv[0]);
	if (pipe2(p, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "start '%s': pipe", spec->argv[0]);
	rd = p[0];
	wr = p[1];
	for (size_t i = 0; i < spec->n_fds && spec->fds[i].to < 2; i++)
		fds[n++] = spec->fds[i];
	fds[n++] = (struct proc_fd){ wr, 2 };
	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].to > 2)
			fds[n++] = spec->fds[i];
	s.fds = fds;
	s.n_fds = n;
	r = proc_spawn(&s, &pid, &pidfd, err);
	if (r < 0)
		return r;
	fd_close(TAKE_FD(wr));
	r = collect(rd, pidfd, pid, timeout_ms, text, sizeof(text), &status);
	if (r < 0) {
		(void)proc_pidfd_signal(pidfd, SIGKILL);
		RL_IGNORE(proc_wait(pidfd, pid, 5000, &status)); /* killed: nothing more to do */
		return rl_fail_sys(err, -r, "'%s' did not end", spec->argv[0]);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	for (len = strlen(text); len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ');)
		text[--len] = '\0';
	if (WIFSIGNALED(status))
		return rl_fail(err, EIO, "'%s' died by signal %d: %.600s", spec->argv[0],
			       WTERMSIG(status), text);
	return rl_fail(err, EIO, "'%s' exited with %d: %.600s", spec->argv[0], WEXITSTATUS(status),
		       text);
}

int fd_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * PROC_FDS_MAX)];
	} c = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r;

	if (n_fds > PROC_FDS_MAX)
		return -EINVAL;
	if (n_fds > 0) {
		struct cmsghdr *h;

		m.msg_control = c.room;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(h), fds, sizeof(int) * n_fds);
	}
	do
		r = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : (size_t)r == len ? 0 : -EMSGSIZE;
}

ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t max_fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * PROC_FDS_MAX)];
	} c = { 0 };
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.room,
			    .msg_controllen = sizeof(c.room) };
	size_t got = 0;
	ssize_t r;

	for (size_t i = 0; i < max_fds; i++)
		fds[i] = FD_NONE;
	do
		r = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			if (got < max_fds)
				fds[got++] = fd;
			else
				fd_close(fd); /* more than asked for: not ours to keep */
		}
	}
	if (m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
		for (size_t i = 0; i < max_fds; i++) {
			fd_close(fds[i]);
			fds[i] = FD_NONE;
		}
		return -EMSGSIZE;
	}
	return r;
}
