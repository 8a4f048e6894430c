/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_limits.c - limits of a group: as files, and changed while it is in use
 *
 * Source: kernel Documentation/admin-guide/cgroup-v2.rst ("max", "100" and the like as defaults).
 */
#include "config.h"

#include "core/cgroup_limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/cgroup_fs.h"

size_t cgroup_knobs(const struct cgroup_limits *l, struct cgroup_knob k[CGROUP_KNOBS])
{
	const struct {
		const char *flag, *file;
		int64_t v;
	} memory[] = {
		{ "--memory", "memory.max", l->memory_max },
		{ "--memory-reservation", "memory.low", l->memory_low },
		{ "--memory-high", "memory.high", l->memory_high },
	};
	size_t n = 0;

	if (l->cpu_quota_us > 0) {
		k[n] = (struct cgroup_knob){ "--cpus", "cpu", "cpu.max", "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "%lld %lld",
			       (long long)l->cpu_quota_us,
			       (long long)(l->cpu_period_us > 0 ? l->cpu_period_us : 100000));
	}
	if (l->cpu_weight > 0) {
		k[n] = (struct cgroup_knob){ "--cpu-shares", "cpu", "cpu.weight", "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "%llu",
			       (unsigned long long)l->cpu_weight);
	}
	for (size_t i = 0; i < ARRAY_LEN(memory); i++) {
		if (memory[i].v <= 0)
			continue;
		k[n] = (struct cgroup_knob){ memory[i].flag, "memory", memory[i].file, "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "%lld", (long long)memory[i].v);
	}
	if (l->has_swap) {
		k[n] = (struct cgroup_knob){ "--memory-swap", "memory", "memory.swap.max", "max" };
		if (l->memory_swap_max >= 0)
			(void)snprintf(k[n].value, sizeof(k->value), "%lld",
				       (long long)l->memory_swap_max);
		n++;
	}
	if (l->pids_max > 0) {
		k[n] = (struct cgroup_knob){ "--pids-limit", "pids", "pids.max", "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "%lld", (long long)l->pids_max);
	}
	if (l->cpuset_cpus[0]) {
		k[n] = (struct cgroup_knob){ "--cpuset-cpus", "cpuset", "cpuset.cpus", "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "%s", l->cpuset_cpus);
	}
	if (l->cpuset_mems[0]) {
		k[n] = (struct cgroup_knob){ "--cpuset-mems", "cpuset", "cpuset.mems", "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "%s", l->cpuset_mems);
	}
	return n;
}

/* --- changing ------------------------------------------------------------------------------- */

/* What a file says when nothing limits. */
static const char *unlimited(const char *file)
{
	return strcmp(file, "cpu.weight") == 0    ? "100"
	       : strcmp(file, "memory.low") == 0  ? "0"
	       : strncmp(file, "cpuset.", 7) == 0 ? "\n"
						  : "max";
}

static const struct cgroup_knob *find(const struct cgroup_knob *k, size_t n, const char *file)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(k[i].file, file) == 0)
			return &k[i];
	return NULL;
}

/* The files that change, with their new values, in @ret. */
static size_t differences(const struct cgroup_limits *old, const struct cgroup_limits *new,
			  struct cgroup_knob ret[2 * CGROUP_KNOBS])
{
	struct cgroup_knob a[CGROUP_KNOBS], b[CGROUP_KNOBS];
	const size_t na = cgroup_knobs(old, a), nb = cgroup_knobs(new, b);
	size_t n = 0;

	for (size_t i = 0; i < nb; i++) {
		const struct cgroup_knob *was = find(a, na, b[i].file);

		if (!was || strcmp(was->value, b[i].value) != 0)
			ret[n++] = b[i];
	}
	for (size_t i = 0; i < na; i++) {
		if (find(b, nb, a[i].file))
			continue;
		ret[n] = a[i];
		(void)snprintf(ret[n].value, sizeof(ret[n].value), "%s", unlimited(a[i].file));
		n++;
	}
	return n;
}

/*
 * A limit below what is in use would end the container at once. Pages of files do not count: the
 * kernel takes them back.
 */
static int check_memory(int dir_fd, const struct cgroup_limits *new, struct rl_err *err)
{
	int64_t current = 0, active = 0, inactive = 0;

	if (new->memory_max <= 0)
		return 0;
	cgfs_number(dir_fd, "memory.current", NULL, &current);
	cgfs_number(dir_fd, "memory.stat", "active_file", &active);
	cgfs_number(dir_fd, "memory.stat", "inactive_file", &inactive);
	current -= active + inactive;
	if (current <= new->memory_max)
		return 0;
	return rl_fail(err, EBUSY,
		       "'--memory %lld' is below what the container uses now, %lld bytes",
		       (long long)new->memory_max, (long long)current);
}

static int write_knob(int dir_fd, const struct cgroup_knob *k, char *before, size_t room,
		      struct rl_err *err)
{
	ssize_t n = cgfs_read(dir_fd, k->file, before, room);
	int r = n < 0 ? (int)n : cgfs_write(dir_fd, k->file, k->value);

	if (r == -ENOENT && !cgfs_lists(dir_fd, "cgroup.controllers", k->controller)) {
		rl_fail(err, ENOTSUP,
			"'%s': the controller '%s' is not delegated to this container", k->flag,
			k->controller);
		return rl_hint(err, "'rl doctor' tells how to get it; it takes effect at the next "
				    "start");
	}
	return r < 0 ? rl_fail_sys(err, -r, "'%s': write '%s' to '%s'", k->flag, k->value, k->file)
		     : 0;
}

int cgroup_update(const char *path, const struct cgroup_limits *old,
		  const struct cgroup_limits *new, struct rl_err *err)
{
	struct cgroup_knob k[2 * CGROUP_KNOBS];
	char before[2 * CGROUP_KNOBS][256];
	const size_t n = differences(old, new, k);
	auto_fd int dir = cgfs_open(path);
	int r = 0;

	if (dir < 0)
		return rl_fail_sys(err, -dir, "open the cgroup '%s'", path);
	r = check_memory(dir, new, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = write_knob(dir, &k[i], before[i], sizeof(before[i]), err);
		/* all or nothing */
		for (size_t b = i; r < 0 && b-- > 0;) {
			int back = cgfs_write(dir, k[b].file, before[b]);

			if (back < 0)
				log_warn("'%s' of the cgroup stays changed: %s", k[b].file,
					 strerror(-back));
		}
	}
	return r;
}
