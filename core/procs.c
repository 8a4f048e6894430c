/* SPDX-License-Identifier: Apache-2.0 */
/* procs.c - the processes of a running container; the header is the manual */
#include "config.h"

#include "core/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/cgroup_fs.h"

#define FILE_MAX     65536
#define CMDLINE_MAX  (2 << 20)
#define CGROUP_DEPTH 32
#define NS_DEPTH     34 /* user namespaces nest 32 deep (user_namespaces(7)) */

/* --- which processes ---------------------------------------------------------------------- */

static int add(struct procs *p, pid_t pid)
{
	if (p->n >= PROCS_MAX)
		return -E2BIG;
	if ((p->n & (p->n + 1)) == 0) { /* 0, 1, 3, 7, ...: room for twice as many and one */
		pid_t *v = realloc(p->v, (p->n * 2 + 1) * sizeof(*v));

		if (!v)
			return -ENOMEM;
		p->v = v;
	}
	p->v[p->n++] = pid;
	return 0;
}

static pid_t number(const char *s, size_t n)
{
	char text[16];
	uint64_t v;

	if (n == 0 || n >= sizeof(text))
		return 0;
	memcpy(text, s, n);
	text[n] = '\0';
	return parse_uint(text, INT32_MAX, &v) < 0 ? 0 : (pid_t)v;
}

static int add_group(struct procs *p, int fd)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;
	int r = io_read_file(fd, "cgroup.procs", 16 << 20, &b, &ignored);

	for (const char *s = b.data; r == 0 && s && *s;) {
		size_t n = strcspn(s, "\n");
		pid_t pid = number(s, n);

		if (pid > 0) /* 0: in a pid namespace that we do not see */
			r = add(p, pid);
		s += n + (s[n] == '\n');
	}
	return r;
}

/* The group and all below: the container may have made some of its own. Takes @fd. */
static int walk_group(struct procs *p, int fd, int depth)
{
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int r = add_group(p, fd);

	d = fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return r;
	}
	while (r == 0 && depth > 0 && (e = readdir(d))) {
		int sub;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			r = walk_group(p, sub, depth - 1);
	}
	return r;
}

static ino_t ns_inode(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static int open_userns(pid_t pid)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Is the user namespace of @pid @want, or nested in it? @own, the reader's, ends the walk. */
static bool is_inside(pid_t pid, ino_t want, ino_t own)
{
	int fd = open_userns(pid);

	for (int depth = 0; fd >= 0 && depth < NS_DEPTH; depth++) {
		ino_t ino = ns_inode(fd);
		int up;

		if (ino == want || ino == own) {
			fd_close(fd);
			return ino == want;
		}
		up = ioctl(fd, NS_GET_PARENT);
		fd_close(fd);
		fd = up;
	}
	fd_close(fd);
	return false;
}

static int scan(struct procs *p, pid_t init, struct rl_err *err)
{
	auto_fd int mine = open_userns(getpid()), its = open_userns(init);
	ino_t own = ns_inode(mine), want = ns_inode(its);
	auto_dir DIR *d = opendir("/proc");
	struct dirent *e;
	int r = 0;

	if (want == 0 || !d)
		return rl_fail(err, ESRCH, "process %d has ended", (int)init);
	if (want == own) { /* not one of ours: at least say what is certain */
		r = add(p, init);
		return r < 0 ? rl_fail_sys(err, -r, "list the processes") : 0;
	}
	while (r == 0 && (e = readdir(d))) {
		pid_t pid = number(e->d_name, strlen(e->d_name));

		if (pid > 0 && is_inside(pid, want, own))
			r = add(p, pid);
	}
	return r < 0 ? rl_fail_sys(err, -r, "list the processes") : 0;
}

static int by_number(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

int procs_list(pid_t init, const char *cgroup, struct procs *ret, struct rl_err *err)
{
	struct procs p = { 0 };
	int fd = *cgroup ? cgfs_open(cgroup) : -ENOENT, r;

	if (fd >= 0) {
		r = walk_group(&p, fd, CGROUP_DEPTH);
		if (r < 0)
			rl_fail_sys(err, -r, "list the processes in '%s'", cgroup);
	} else {
		r = scan(&p, init, err);
	}
	if (r < 0) {
		procs_done(&p);
		return r;
	}
	if (p.n > 1)
		qsort(p.v, p.n, sizeof(*p.v), by_number);
	*ret = p;
	return 0;
}

void procs_done(struct procs *p)
{
	free(p->v);
	*p = (struct procs){ 0 };
}

/* --- one process -------------------------------------------------------------------------- */

int procinfo_parse_stat(const char *text, struct procinfo *ret)
{
	/* the name may hold blanks and brackets: it ends at the last ')' */
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	long long ut, st, cut, cst, nice, threads, start, rss;
	unsigned long long vsz;
	int ppid, pgrp, session, tty, tpgid;
	size_t n;

	if (!open || !close || close < open)
		return -EINVAL;
	if (sscanf(close + 1,
		   " %c %d %d %d %d %d %*u %*u %*u %*u %*u %lld %lld %lld %lld %*d %lld %lld %*d "
		   "%lld %llu %lld",
		   &ret->state, &ppid, &pgrp, &session, &tty, &tpgid, &ut, &st, &cut, &cst, &nice,
		   &threads, &start, &vsz, &rss) != 15)
		return -EINVAL;
	n = (size_t)(close - open - 1);
	if (n >= sizeof(ret->comm))
		n = sizeof(ret->comm) - 1;
	memcpy(ret->comm, open + 1, n);
	ret->comm[n] = '\0';
	ret->ppid = ppid;
	ret->pgrp = pgrp;
	ret->session = session;
	ret->tty = (unsigned)tty;
	ret->tpgid = tpgid;
	ret->utime = ut;
	ret->stime = st;
	ret->cutime = cut;
	ret->cstime = cst;
	ret->nice = nice;
	ret->threads = threads;
	ret->start = start;
	ret->vsz = (int64_t)vsz;
	if (__builtin_mul_overflow(rss, sysconf(_SC_PAGESIZE) / 1024, &ret->rss))
		return -EINVAL;
	return 0;
}

/* Numbers after "Key:"; the end of the line ends them. */
static size_t numbers(const char *s, uint32_t *v, size_t max)
{
	size_t n = 0;

	while (n < max && *s && *s != '\n') {
		size_t len;
		char digits[16];
		uint64_t x;

		s += strspn(s, " \t");
		len = strspn(s, "0123456789");
		if (len == 0 || len >= sizeof(digits))
			break;
		memcpy(digits, s, len);
		digits[len] = '\0';
		if (parse_uint(digits, UINT32_MAX, &x) < 0)
			break;
		v[n++] = (uint32_t)x;
		s += len;
	}
	return n;
}

static void ids(const char *s, uint32_t *real, uint32_t *effective)
{
	uint32_t v[2] = { 0 };

	if (numbers(s, v, 2) == 2) {
		*real = v[0];
		*effective = v[1];
	}
}

static uint64_t mask(const char *s)
{
	unsigned long long v = 0;

	return sscanf(s, " %16llx", &v) == 1 ? v : 0;
}

static void status_line(const char *s, struct procinfo *p)
{
	static const char *const caps[PROCS_CAPS] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:",
						      "CapAmb:" };
	uint32_t v[PROCS_LEVELS];
	size_t n;

	if (strncmp(s, "Uid:", 4) == 0) {
		ids(s + 4, &p->uid, &p->euid);
	} else if (strncmp(s, "Gid:", 4) == 0) {
		ids(s + 4, &p->gid, &p->egid);
	} else if (strncmp(s, "Groups:", 7) == 0) {
		p->n_groups = numbers(s + 7, p->groups, sizeof(p->groups) / sizeof(p->groups[0]));
	} else if (strncmp(s, "NSpid:", 6) == 0) {
		p->levels = numbers(s + 6, v, PROCS_LEVELS);
		for (n = 0; n < p->levels; n++)
			p->nspid[n] = (pid_t)v[n];
	} else if (strncmp(s, "NSpgid:", 7) == 0) {
		size_t m = numbers(s + 7, v, PROCS_LEVELS);

		for (n = 0; n < m; n++)
			p->nspgid[n] = (pid_t)v[n];
	} else if (strncmp(s, "Seccomp:", 8) == 0) {
		p->seccomp = numbers(s + 8, v, 1) == 1 ? (int)v[0] : 0;
	} else if (strncmp(s, "Cap", 3) == 0) {
		for (n = 0; n < PROCS_CAPS; n++)
			if (strncmp(s, caps[n], 7) == 0)
				p->caps[n] = mask(s + 7);
	}
}

int procinfo_parse_status(const char *text, struct procinfo *ret)
{
	for (const char *s = text; *s;) {
		status_line(s, ret);
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return ret->levels > 0 ? 0 : -EINVAL;
}

static int read_one(pid_t pid, const char *file, size_t max, struct buf *b)
{
	char path[48];
	struct rl_err ignored;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	r = io_read_file(AT_FDCWD, path, max, b, &ignored);
	if (r == 0 && !b->data)
		r = buf_str(b, "");
	return r;
}

int procinfo_read(pid_t pid, struct procinfo *ret)
{
	auto_buf struct buf stat = { 0 }, status = { 0 };
	struct procinfo p = { 0 };

	if (read_one(pid, "stat", FILE_MAX, &stat) < 0 ||
	    read_one(pid, "status", FILE_MAX, &status) < 0)
		return -ESRCH;
	if (procinfo_parse_stat(stat.data, &p) < 0 || procinfo_parse_status(status.data, &p) < 0)
		return -ESRCH;
	*ret = p;
	return 0;
}

int procinfo_args(pid_t pid, const struct procinfo *p, struct buf *out)
{
	auto_buf struct buf b = { 0 };
	int r = read_one(pid, "cmdline", CMDLINE_MAX, &b);

	if (r < 0)
		return r == -ENOMEM ? r : -ESRCH;
	if (b.len == 0) /* the kernel's own, or one that is ending */
		return buf_printf(out, "[%s]", p->comm);
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\0')
			b.data[i] = i + 1 < b.len ? ' ' : '\0';
	return buf_str(out, b.data);
}

int64_t procs_hz(void)
{
	long hz = sysconf(_SC_CLK_TCK);

	return hz > 0 ? hz : 100;
}

int64_t procs_uptime_ticks(void)
{
	struct timespec t;

	/* what start times count: with the time that the machine slept */
	if (clock_gettime(CLOCK_BOOTTIME, &t) < 0)
		return 0;
	return (int64_t)t.tv_sec * procs_hz() + t.tv_nsec / (1000000000 / procs_hz());
}
