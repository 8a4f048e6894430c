/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memwatch.c - what the processes of a container use of memory
 *
 * Theory of operation: a look costs a few system calls for each process. How long the next one can
 * wait follows from what is left: no process of today fills memory faster than FILL. While no
 * number moves, looks become rarer, down to one in a second, which is nothing; a burst out of that
 * calm may overshoot by what it fills in this second. That is what makes it approximate.
 *
 * The container's own /proc lists its processes and no others, execs included. It is opened through
 * init's root once the payload runs, so what is found there is checked: a procfs, and its process 1
 * in init's pid namespace. The kernel says both, so a container can put nothing else in its place;
 * nothing that it mounts below is opened, and once there is such a thing the host's /proc is used.
 */
#include "config.h"

#include "core/memwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/procs.h"

#define FILL_PER_MS (2 << 20) /* bytes: 2 GiB/s */
#define LOOK_MIN_MS 10
#define LOOK_MAX_MS 250
#define CALM_MAX_MS 1000
#define ROLLUP_MAX  8192

/* @path of @proc_fd itself: what is mounted over it may be a pipe, or a file system that never answers. */
static int open_own(int proc_fd, const char *path, uint64_t flags)
{
	const struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };

	return (int)syscall(SYS_openat2, proc_fd, path, &how, sizeof(how));
}

/* "pid:[4026531836]" of both */
static bool is_namespace_of(int proc_fd, pid_t init)
{
	auto_fd int fd = open_own(proc_fd, "1/ns/pid", O_PATH | O_NOFOLLOW);
	char path[48], first[64] = "", ours[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)init);
	return fd >= 0 && readlinkat(fd, "", first, sizeof(first) - 1) > 0 &&
	       readlink(path, ours, sizeof(ours) - 1) > 0 && strcmp(first, ours) == 0;
}

static int open_proc(pid_t init)
{
	const struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	auto_fd int root = FD_NONE, fd = FD_NONE;
	struct statfs fs;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)init);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return FD_NONE;
	fd = (int)syscall(SYS_openat2, root, "proc", &how, sizeof(how));
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC ||
	    !is_namespace_of(fd, init))
		return FD_NONE;
	return TAKE_FD(fd);
}

static int64_t number_after(const char *text, const char *key)
{
	const char *s = strstr(text, key);
	int64_t v = 0;

	for (s = s ? s + strlen(key) : ""; *s == ' ' || *s == '\t'; s++)
		;
	for (; *s >= '0' && *s <= '9' && v < INT64_MAX / 2048; s++)
		v = v * 10 + (*s - '0');
	return v;
}

/* A whole small file of /proc/PID; "" when it has gone, NULL when something lies over it. */
static const char *read_small(int proc_fd, const char *pid, const char *file, char *text,
			      size_t room)
{
	char path[64];
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%.12s/%s", pid, file);
	fd = open_own(proc_fd, path, O_RDONLY);
	if (fd < 0 && errno == EXDEV)
		return NULL;
	n = fd < 0 ? -1 : io_read_full(fd, text, room - 1);
	fd_close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* One process, bytes, -EXDEV. @exact: its share; without the right to see that, as if not asked for. */
static int64_t usage_of(int proc_fd, const char *pid, bool exact)
{
	char text[ROLLUP_MAX];
	const char *s;
	int64_t v = 0;

	if (exact) {
		s = read_small(proc_fd, pid, "smaps_rollup", text, sizeof(text));
		if (s && *s)
			return number_after(s, "\nPss:") * 1024;
	}
	/* "size resident shared ...", in pages */
	s = read_small(proc_fd, pid, "statm", text, 200);
	if (!s)
		return -EXDEV;
	s += strcspn(s, " ");
	v = *s ? number_after(s, " ") : 0;
	return v * sysconf(_SC_PAGESIZE);
}

struct sum {
	int64_t all, most;
	char who[16];    /* pid as in that /proc */
	bool is_covered; /* something lies over a file of it */
};

static void add(struct sum *s, int proc_fd, const char *pid, bool exact)
{
	int64_t v = usage_of(proc_fd, pid, exact);

	if (v < 0) {
		s->is_covered = true;
		return;
	}
	s->all += v;
	if (v <= s->most)
		return;
	s->most = v;
	(void)snprintf(s->who, sizeof(s->who), "%.12s", pid);
}

static struct sum sum_own(int proc_fd, bool exact)
{
	struct sum s = { 0 };
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d)
		fd_close(fd);
	while (d && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			add(&s, proc_fd, e->d_name, exact);
	return s;
}

static struct sum sum_host(int proc_fd, pid_t init, const char *cgroup, bool exact)
{
	auto_procs struct procs list = { 0 };
	struct sum s = { 0 };
	struct rl_err ignored;

	if (procs_list(init, cgroup, &list, &ignored) < 0)
		return s;
	for (size_t i = 0; i < list.n; i++) {
		char pid[16];

		(void)snprintf(pid, sizeof(pid), "%d", (int)list.v[i]);
		add(&s, proc_fd, pid, exact);
	}
	return s;
}

static void blame(struct memwatch *w, int proc_fd, const struct sum *s)
{
	char name[32];

	if (!read_small(proc_fd, s->who, "comm", name, sizeof(name)))
		return;
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (name[0])
		(void)snprintf(w->biggest, sizeof(w->biggest), "%.24s (%.1f MiB)", name,
			       (double)s->most / 1048576);
}

void memwatch_start(struct memwatch *w, int64_t max, pid_t init)
{
	memwatch_stop(w);
	w->max = max;
	w->proc_fd = open_proc(init);
}

int memwatch_look(struct memwatch *w, pid_t init)
{
	auto_fd int host =
		w->proc_fd < 0 ? open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : FD_NONE;
	int proc_fd = w->proc_fd < 0 ? host : w->proc_fd;
	struct sum s = host >= 0 ? sum_host(host, init, "", false) : sum_own(proc_fd, false);
	int64_t wait;

	if (s.is_covered && host < 0) { /* from now on that of the host */
		fd_close(TAKE_FD(w->proc_fd));
		return memwatch_look(w, init);
	}
	if (s.all > w->max) /* shared pages have been counted for each */
		s = host >= 0 ? sum_host(host, init, "", true) : sum_own(proc_fd, true);
	w->calm = s.all == w->last ? w->calm + 1 : 0;
	w->last = s.all;
	if (s.all > w->peak)
		w->peak = s.all;
	if (s.all > w->max) {
		w->is_over = true;
		blame(w, proc_fd, &s);
		return LOOK_MAX_MS;
	}
	wait = (w->max - s.all) / FILL_PER_MS;
	wait = wait < LOOK_MIN_MS ? LOOK_MIN_MS : wait > LOOK_MAX_MS ? LOOK_MAX_MS : wait;
	for (int i = 0; i < w->calm && wait < CALM_MAX_MS; i++)
		wait *= 2;
	return (int)(wait > CALM_MAX_MS ? CALM_MAX_MS : wait);
}

void memwatch_blame(struct memwatch *w, pid_t init, const char *cgroup)
{
	auto_fd int host = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sum s = { 0 };

	if (host < 0)
		return;
	s = sum_host(host, init, cgroup, false);
	blame(w, host, &s);
}

void memwatch_stop(struct memwatch *w)
{
	fd_close(w->proc_fd);
	*w = (struct memwatch)MEMWATCH_INIT;
}
