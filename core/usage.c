/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - what a running container uses; the header is the manual */
#include "config.h"

#include "core/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/cgroup_fs.h"
#include "core/procs.h"

#define FILE_MAX (1 << 20)

/* --- texts -------------------------------------------------------------------------------- */

/* Digits at @s, 0 when there are none; absurd ones stop at the largest number. */
static int64_t number(const char *s)
{
	uint64_t v = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v) || v > INT64_MAX)
			return INT64_MAX;
	return (int64_t)v;
}

static void add(int64_t *to, int64_t n)
{
	if (__builtin_add_overflow(*to, n, to))
		*to = INT64_MAX;
}

static const char *next_line(const char *s)
{
	s += strcspn(s, "\n");
	return *s ? s + 1 : s;
}

/* Word @n after @s, counted from 1; "" when the line is shorter. */
static const char *word(const char *s, int n)
{
	for (; n > 0; n--) {
		s += strspn(s, " \t");
		if (n == 1 || !*s || *s == '\n')
			break;
		s += strcspn(s, " \t\n");
	}
	return *s == '\n' ? "" : s;
}

void usage_parse_net_dev(const char *text, int64_t *in, int64_t *out)
{
	*in = *out = 0;
	for (const char *s = text; *s; s = next_line(s)) {
		const char *name = s + strspn(s, " "), *colon = strpbrk(name, ":\n|");

		if (!colon || *colon != ':' || (colon - name == 2 && memcmp(name, "lo", 2) == 0))
			continue;
		add(in, number(word(colon + 1, 1)));
		add(out, number(word(colon + 1, 9)));
	}
}

void usage_parse_io_stat(const char *text, int64_t *in, int64_t *out)
{
	*in = *out = 0;
	for (const char *s = text; *s; s++) {
		if (strncmp(s, "rbytes=", 7) == 0)
			add(in, number(s + 7));
		else if (strncmp(s, "wbytes=", 7) == 0)
			add(out, number(s + 7));
	}
}

/* --- from the cgroup ---------------------------------------------------------------------- */

static bool read_text(int dir_fd, const char *path, struct buf *b)
{
	struct rl_err ignored;

	return io_read_file(dir_fd, path, FILE_MAX, b, &ignored) == 0 &&
	       (b->data || buf_str(b, "") == 0);
}

static void from_cgroup(int fd, struct usage *u)
{
	auto_buf struct buf io = { 0 };
	int64_t usec = -1, memory = -1, cache = 0;

	cgfs_number(fd, "cpu.stat", "usage_usec", &usec);
	cgfs_number(fd, "memory.current", NULL, &memory);
	cgfs_number(fd, "memory.stat", "inactive_file", &cache);
	cgfs_number(fd, "memory.max", NULL, &u->memory_limit);
	cgfs_number(fd, "pids.current", NULL, &u->pids);
	if (usec >= 0)
		u->cpu_ns = usec > INT64_MAX / 1000 ? INT64_MAX : usec * 1000;
	if (memory >= 0) /* the kernel takes that cache back first: not what it needs */
		u->memory = memory > cache ? memory - cache : 0;
	if (read_text(fd, "io.stat", &io))
		usage_parse_io_stat(io.data, &u->disk_in, &u->disk_out);
}

/* --- from its processes ------------------------------------------------------------------- */

/* Value of "key: N" in a file of /proc/PID, times @unit; false when it is not there. */
static bool proc_value(pid_t pid, const char *file, const char *key, int64_t unit, int64_t *sum)
{
	auto_buf struct buf b = { 0 };
	char path[64];
	size_t n = strlen(key);

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if (!read_text(AT_FDCWD, path, &b))
		return false;
	for (const char *s = b.data; *s; s = next_line(s)) {
		int64_t v;

		if (strncmp(s, key, n) != 0)
			continue;
		v = number(s + n + strspn(s + n, " \t"));
		add(sum, v > INT64_MAX / unit ? INT64_MAX : v * unit);
		return true;
	}
	return false;
}

static int from_processes(const struct ctr_state *s, struct usage *u, struct rl_err *err)
{
	auto_procs struct procs list = { 0 };
	int64_t ticks = 0, pss = 0, threads = 0, in = 0, out = 0;
	bool has_pss = true, has_io = true;
	int r = procs_list(s->pid, s->cgroup, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		struct procinfo p;

		if (procinfo_read(list.v[i], &p) < 0)
			continue; /* ended just now */
		threads += p.threads;
		ticks += p.utime + p.stime + p.cutime + p.cstime;
		if (u->memory < 0)
			has_pss &= proc_value(list.v[i], "smaps_rollup", "Pss:", 1024, &pss) ||
				   p.state == 'Z';
		if (u->disk_in < 0)
			has_io &= (proc_value(list.v[i], "io", "read_bytes:", 1, &in) &&
				   proc_value(list.v[i], "io", "write_bytes:", 1, &out)) ||
				  p.state == 'Z';
	}
	if (u->cpu_ns < 0)
		u->cpu_ns = ticks * (1000000000 / procs_hz());
	if (u->pids < 0)
		u->pids = threads;
	if (u->memory < 0 && has_pss)
		u->memory = pss;
	if (u->disk_in < 0 && has_io) {
		u->disk_in = in;
		u->disk_out = out;
	}
	return 0;
}

static void from_network(pid_t pid, struct usage *u)
{
	auto_buf struct buf b = { 0 };
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (read_text(AT_FDCWD, path, &b))
		usage_parse_net_dev(b.data, &u->net_in, &u->net_out);
}

int usage_read(const struct ctr_state *s, bool own_net, struct usage *ret, struct rl_err *err)
{
	auto_fd int fd = *s->cgroup ? cgfs_open(s->cgroup) : FD_NONE;
	struct usage u = { -1, -1, -1, -1, -1, -1, -1, -1, 0 };
	struct sysinfo info;
	struct timespec t;
	int r = 0;

	if (fd >= 0)
		from_cgroup(fd, &u);
	if (u.cpu_ns < 0 || u.memory < 0 || u.disk_in < 0 || u.pids < 0)
		r = from_processes(s, &u, err);
	if (r < 0)
		return r;
	if (own_net)
		from_network(s->pid, &u);
	if (sysinfo(&info) == 0) {
		int64_t all = (int64_t)((uint64_t)info.totalram * info.mem_unit);

		if (u.memory_limit < 0 || u.memory_limit > all)
			u.memory_limit = all;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	u.at_ns = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	*ret = u;
	return 0;
}
