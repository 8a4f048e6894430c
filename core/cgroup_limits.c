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

static const char *const io_names[CGROUP_IO_KINDS] = { "rbps", "wbps", "riops", "wiops" };
static const char *const io_flags[CGROUP_IO_KINDS] = { "--device-read-bps", "--device-write-bps",
						       "--device-read-iops",
						       "--device-write-iops" };

/* One device: io.weight and io.max; all four numbers of that are named, so that each write is whole. */
static size_t device_knobs(const struct cgroup_device *d, struct cgroup_knob *k)
{
	const char *flag = NULL;
	size_t n = 0, len;

	if (d->weight > 0) {
		k[n] = (struct cgroup_knob){ "--blkio-weight-device", "io", "io.weight", "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "%u:%u %llu", d->major, d->minor,
			       (unsigned long long)d->weight);
	}
	for (size_t i = 0; i < CGROUP_IO_KINDS && !flag; i++)
		flag = d->max[i] > 0 ? io_flags[i] : NULL;
	if (!flag)
		return n;
	k[n] = (struct cgroup_knob){ flag, "io", "io.max", "" };
	len = (size_t)snprintf(k[n].value, sizeof(k->value), "%u:%u", d->major, d->minor);
	for (size_t i = 0; i < CGROUP_IO_KINDS; i++) {
		char number[32] = "max";

		if (d->max[i] > 0)
			(void)snprintf(number, sizeof(number), "%llu",
				       (unsigned long long)d->max[i]);
		len += (size_t)snprintf(k[n].value + len, sizeof(k->value) - len, " %s=%s",
					io_names[i], number);
	}
	return n + 1;
}

static size_t io_knobs(const struct cgroup_limits *l, struct cgroup_knob *k)
{
	size_t n = 0;

	if (l->io_weight > 0) {
		k[n] = (struct cgroup_knob){ "--blkio-weight", "io", "io.weight", "" };
		(void)snprintf(k[n++].value, sizeof(k->value), "default %llu",
			       (unsigned long long)l->io_weight);
	}
	for (size_t i = 0; i < l->n_devices && i < CGROUP_DEVICES; i++)
		n += device_knobs(&l->devices[i], k + n);
	return n;
}

/* Files by name: the controller is what stands before the dot. */
static size_t conf_knobs(const struct cgroup_limits *l, struct cgroup_knob *k)
{
	static const char *const controllers[] = { "cpu",    "memory",  "pids", "io",
						   "cpuset", "hugetlb", "rdma", "misc" };
	size_t n = 0;

	for (size_t i = 0; i < l->n_confs && i < CGROUP_CONFS; i++) {
		const char *s = l->conf[i];
		size_t len = strcspn(s, " ");

		k[n] = (struct cgroup_knob){ "--cgroup-conf", "", "", "" };
		for (size_t c = 0; c < ARRAY_LEN(controllers); c++)
			if (strcspn(s, ".") == strlen(controllers[c]) &&
			    strncmp(s, controllers[c], strlen(controllers[c])) == 0)
				k[n].controller = controllers[c];
		if (len >= sizeof(k->file) || !s[len])
			continue;
		memcpy(k[n].file, s, len);
		(void)snprintf(k[n++].value, sizeof(k->value), "%s", s + len + 1);
	}
	return n;
}

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
		k[n] = (struct cgroup_knob){ memory[i].flag, "memory", "", "" };
		(void)snprintf(k[n].file, sizeof(k->file), "%s", memory[i].file);
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
	n += io_knobs(l, k + n);
	return n + conf_knobs(l, k + n);
}

/* --- changing ------------------------------------------------------------------------------- */

/* A file of many lines, each with the device (or "default") first. */
static bool has_lines(const char *file)
{
	return strncmp(file, "io.", 3) == 0;
}

/* Make the value of @k the one that says that nothing limits. */
static void unlimit(struct cgroup_knob *k)
{
	const char *text = strcmp(k->file, "cpu.weight") == 0    ? "100"
			   : strcmp(k->file, "memory.low") == 0  ? "0"
			   : strncmp(k->file, "cpuset.", 7) == 0 ? "\n"
								 : "max";
	size_t n = has_lines(k->file) ? strcspn(k->value, " ") : 0;

	if (strcmp(k->file, "io.max") == 0)
		text = " rbps=max wbps=max riops=max wiops=max";
	else if (n > 0)
		text = k->value[0] == 'd' ? " 100" : " default";
	(void)snprintf(k->value + n, sizeof(k->value) - n, "%s", text);
}

static const struct cgroup_knob *find(const struct cgroup_knob *k, size_t n,
				      const struct cgroup_knob *like)
{
	size_t line = has_lines(like->file) ? strcspn(like->value, " ") + 1 : 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(k[i].file, like->file) == 0 &&
		    strncmp(k[i].value, like->value, line) == 0)
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
		const struct cgroup_knob *was = find(a, na, &b[i]);

		if (!was || strcmp(was->value, b[i].value) != 0)
			ret[n++] = b[i];
	}
	for (size_t i = 0; i < na; i++) {
		if (find(b, nb, &a[i]))
			continue;
		ret[n] = a[i];
		unlimit(&ret[n++]);
	}
	return n;
}

const char *cgroup_changed(const struct cgroup_limits *old, const struct cgroup_limits *new,
			   bool (*can)(const char *flag), bool swap)
{
	struct cgroup_knob k[2 * CGROUP_KNOBS];
	const size_t n = differences(old, new, k);

	for (size_t i = 0; i < n; i++)
		if (!can(k[i].flag) && (swap || strcmp(k[i].flag, "--memory-swap") != 0))
			return k[i].flag;
	return NULL;
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

	if (r == -ENOENT && k->controller[0] &&
	    !cgfs_lists(dir_fd, "cgroup.controllers", k->controller)) {
		rl_fail(err, ENOTSUP,
			"'%s': the controller '%s' is not delegated to this container", k->flag,
			k->controller);
		return rl_hint(err, "'rl doctor' tells how to get it; it takes effect at the next "
				    "start");
	}
	return r < 0 ? rl_fail_sys(err, -r, "'%s': write '%s' to '%s'", k->flag, k->value, k->file)
		     : 0;
}

/* What such a line said before. */
static struct cgroup_knob old_line(const struct cgroup_limits *old, const struct cgroup_knob *k)
{
	struct cgroup_knob all[CGROUP_KNOBS], back = *k;
	const struct cgroup_knob *was = find(all, cgroup_knobs(old, all), k);

	if (was)
		return *was;
	unlimit(&back);
	return back;
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
			int back = has_lines(k[b].file)
					   ? cgfs_write(dir, k[b].file, old_line(old, &k[b]).value)
					   : cgfs_write(dir, k[b].file, before[b]);

			if (back < 0)
				log_warn("'%s' of the cgroup stays changed: %s", k[b].file,
					 strerror(-back));
		}
	}
	return r;
}
