/* SPDX-License-Identifier: Apache-2.0 */
/* approx.c - limits without a cgroup; the header is the manual */
#include "config.h"

#include "core/approx.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/procs.h"

bool approx_can(const char *flag)
{
	static const char *const flags[] = { "--cpus", "--cpu-quota", "--cpuset-cpus",
					     "--pids-limit", "--memory" };
	const size_t n = strcspn(flag, " :");

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strlen(flags[i]) == n && strncmp(flags[i], flag, n) == 0)
			return true;
	return false;
}

/* --- processors ------------------------------------------------------------------------------ */

/* "0-2,5", checked by who made the limits; processors that no kernel has are left out. */
static void parse_cpus(const char *s, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	while (*s) {
		char word[32];
		const size_t n = strcspn(s, ",");
		char *dash;
		uint64_t from, to;

		(void)snprintf(word, sizeof(word), "%.*s", (int)n, s);
		s += n + (s[n] == ',');
		dash = strchr(word, '-');
		if (dash)
			*dash++ = '\0';
		if (parse_uint(word, CPU_SETSIZE - 1, &from) < 0)
			continue;
		to = from;
		if (dash && parse_uint(dash, UINT32_MAX, &to) < 0)
			continue;
		for (uint64_t i = from; i <= to && i < CPU_SETSIZE; i++)
			CPU_SET(i, ret);
	}
}

/* @n of those in @set; where to begin differs, so that containers do not share the first ones. */
static void choose(cpu_set_t *set, int n, unsigned begin)
{
	int all = CPU_COUNT(set), index = 0, first = (int)(begin % (unsigned)all);
	cpu_set_t some;

	CPU_ZERO(&some);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, set))
			continue;
		if ((index - first + all) % all < n)
			CPU_SET(i, &some);
		index++;
	}
	*set = some;
}

static void describe(const cpu_set_t *set, char how[APPROX_TEXT])
{
	int n = CPU_COUNT(set);
	size_t len = (size_t)snprintf(how, APPROX_TEXT, "%d whole processor%s by affinity:", n,
				      n == 1 ? "" : "s");

	for (int i = 0; i < CPU_SETSIZE && len + 8 < APPROX_TEXT; i++)
		if (CPU_ISSET(i, set))
			len += (size_t)snprintf(how + len, APPROX_TEXT - len, " %d", i);
}

/* The processors that @l leaves of our own. */
static int pick(struct approx *a, const struct cgroup_limits *l, unsigned begin, cpu_set_t *ret,
		struct rl_err *err)
{
	cpu_set_t named;
	int64_t n;

	if (!a->has_own && sched_getaffinity(0, sizeof(a->own), &a->own) < 0)
		return rl_fail_sys(err, errno, "ask for the processors");
	a->has_own = true;
	*ret = a->own;
	if (l->cpuset_cpus[0]) {
		parse_cpus(l->cpuset_cpus, &named);
		CPU_AND(ret, &a->own, &named);
	}
	if (CPU_COUNT(ret) == 0)
		return rl_fail(err, EINVAL, "'--cpuset-cpus %s': none of them is there",
			       l->cpuset_cpus);
	if (l->cpu_quota_us > 0 && l->cpu_period_us > 0) {
		n = l->cpu_quota_us / l->cpu_period_us + (l->cpu_quota_us % l->cpu_period_us > 0);
		if (n < CPU_COUNT(ret))
			choose(ret, (int)n, begin);
	}
	return 0;
}

int approx_cpus(struct approx *a, const struct cgroup_limits *l, pid_t init, char how[APPROX_TEXT],
		struct rl_err *err)
{
	cpu_set_t set;
	int r = pick(a, l, (unsigned)init, &set, err);

	if (r < 0)
		return r;
	if (sched_setaffinity(init, sizeof(set), &set) < 0 ||
	    sched_setaffinity(0, sizeof(set), &set) < 0)
		return rl_fail_sys(err, errno, "choose the processors");
	describe(&set, how);
	return 0;
}

/* --- processes ------------------------------------------------------------------------------- */

/* Are we uid 0 of the machine itself? RLIMIT_NPROC does not bind that one. */
static bool is_real_root(void)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;
	unsigned long inside, outside, count;

	if (getuid() != 0 || io_read_file(AT_FDCWD, "/proc/self/uid_map", 4096, &b, &ignored) < 0)
		return false;
	return b.data && sscanf(b.data, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
	       outside == 0;
}

/* Since 5.14 it is counted in each user namespace; before, all that the user runs anywhere. */
static bool counts_per_namespace(void)
{
	struct utsname u;
	unsigned major, minor;

	if (uname(&u) < 0 || sscanf(u.release, "%4u.%4u", &major, &minor) != 2)
		return false;
	return major > 5 || (major == 5 && minor >= 14);
}

static int set_nproc(pid_t pid, int64_t max)
{
	const rlim_t want = max > 0 ? (rlim_t)max : RLIM_INFINITY;
	struct rlimit old, now;

	if (prlimit(pid, RLIMIT_NPROC, NULL, &old) < 0)
		return -errno;
	now.rlim_max = want < old.rlim_max ? want : old.rlim_max;
	now.rlim_cur = now.rlim_max;
	return prlimit(pid, RLIMIT_NPROC, &now, NULL) < 0 ? -errno : 0;
}

static int check_nproc(struct rl_err *err)
{
	if (!counts_per_namespace())
		return rl_fail(err, ENOTSUP,
			       "before Linux 5.14 RLIMIT_NPROC counts everything of the user");
	if (is_real_root())
		return rl_fail(err, ENOTSUP, "RLIMIT_NPROC does not bind real root");
	return 0;
}

int approx_pids(struct approx *a, int64_t max, pid_t init, struct rl_err *err)
{
	int r = check_nproc(err);

	if (r < 0)
		return r;
	r = set_nproc(init, max);
	if (r < 0)
		return rl_fail_sys(err, -r, "limit the number of processes");
	a->nproc = max;
	return 0;
}

/* --- of a container that runs ---------------------------------------------------------------- */

/* Every thread has processors of its own. */
static void move_threads(pid_t pid, const cpu_set_t *set)
{
	char path[32];
	auto_dir DIR *d = NULL;
	struct dirent *e;
	uint64_t tid;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (parse_uint(e->d_name, INT32_MAX, &tid) == 0)
			(void)sched_setaffinity((pid_t)tid, sizeof(*set), set); /* it may be gone */
}

int approx_change(struct approx *a, const struct cgroup_limits *l, pid_t init, struct rl_err *err)
{
	auto_procs struct procs list = { 0 };
	cpu_set_t set;
	int r = pick(a, l, (unsigned)init, &set, err);

	if (r == 0 && l->pids_max != a->nproc) {
		r = check_nproc(err);
		if (r == 0 && a->nproc > 0 && (l->pids_max == 0 || l->pids_max > a->nproc))
			r = rl_fail(err, EPERM,
				    "without a cgroup '--pids-limit' can only be lowered while it "
				    "runs, it is %lld",
				    (long long)a->nproc);
	}
	if (r == 0)
		r = procs_list(init, "", &list, err);
	if (r == 0 && sched_setaffinity(0, sizeof(set), &set) < 0)
		r = rl_fail_sys(err, errno, "choose the processors");
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		move_threads(list.v[i], &set);
		if (l->pids_max != a->nproc)
			(void)set_nproc(list.v[i], l->pids_max); /* as above */
	}
	a->nproc = l->pids_max;
	return 0;
}
