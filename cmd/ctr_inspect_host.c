/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_inspect_host.c - "HostConfig" and "Isolation" of inspect: rights, limits, modes */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/ctr_inspect.h"
#include "cmd/ctr_view.h"
#include "cmd/engine/logopt.h"
#include "cmd/format.h"
#include "core/approx.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/strv.h"
#include "core/capname.h"
#include "core/idmap.h"
#include "core/restart.h"

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool asked(const struct ctr_view *v, const char *key)
{
	return json_is_true(json_object_get(v->asked, key));
}

/* --- limits ------------------------------------------------------------------------------- */

/* Docker's shares from the weight of cgroup v2: what was typed, or the nearest that means it. */
static int64_t shares(const struct ctr_view *v, int64_t weight)
{
	int64_t typed = number(v->asked, "cpu_shares");

	if (weight == 0 || (typed >= 2 && 1 + (typed - 2) * 9999 / 262142 == weight))
		return weight ? typed : 0;
	return 2 + (weight - 1) * 262142 / 9999;
}

/* Numbers of block devices: [{Path, Rate or Weight}], as Docker and Podman name them. */
static json_t *devices_of(const json_t *l, size_t index, const char *word)
{
	const json_t *all = json_object_get(l, "devices"), *x;
	json_t *ret = json_array();
	size_t i;

	json_array_foreach (all, i, x) {
		json_int_t n = json_integer_value(json_array_get(x, index));
		char path[64];

		if (index == 2 && n > 0) /* as --blkio-weight-device said it, or the nearest */
			n = 10 + ((n - 1) * 990 + 9998) / 9999;
		(void)snprintf(path, sizeof(path), "/dev/block/%d:%d",
			       (int)json_integer_value(json_array_get(x, 0)),
			       (int)json_integer_value(json_array_get(x, 1)));
		if (n > 0)
			(void)json_array_append_new(ret,
						    json_pack("{s:s, s:I}", "Path", path, word, n));
	}
	return ret;
}

static json_t *blkio(const json_t *l)
{
	json_int_t weight = (json_int_t)number(l, "io_weight");

	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "BlkioWeight",
			 weight ? 10 + ((weight - 1) * 990 + 9998) / 9999 : 0, "BlkioWeightDevice",
			 devices_of(l, 2, "Weight"), "BlkioDeviceReadBps", devices_of(l, 3, "Rate"),
			 "BlkioDeviceWriteBps", devices_of(l, 4, "Rate"), "BlkioDeviceReadIOps",
			 devices_of(l, 5, "Rate"), "BlkioDeviceWriteIOps",
			 devices_of(l, 6, "Rate"));
}

/* {"memory.high": "1073741824"} or null */
static json_t *cgroup_conf(const json_t *l)
{
	const json_t *all = json_object_get(l, "conf"), *x;
	json_t *ret = json_array_size(all) > 0 ? json_object() : json_null();
	size_t i;

	json_array_foreach (all, i, x) {
		const char *s = json_string_value(x);
		auto_free char *key = s ? strndup(s, strcspn(s, " ")) : NULL;

		if (key && s[strlen(key)])
			(void)json_object_set_new(ret, key, json_string(s + strlen(key) + 1));
	}
	return ret;
}

/* As Podman prints them: --cpus shows in all three of the CPU's numbers. */
static json_t *limits(const struct ctr_view *v)
{
	const json_t *l = json_object_get(v->rec, "limits");
	int64_t quota = number(l, "cpu_quota_us"), period = number(l, "cpu_period_us");
	int64_t memory = number(l, "memory_max"), swap = number(l, "memory_swap_max");
	bool asked_period = json_object_get(
		json_object_get(json_object_get(v->linux_part, "resources"), "cpu"), "period");
	int64_t total = !memory || !json_is_true(json_object_get(l, "has_swap")) ? 0
			: swap < 0                                               ? -1
										 : memory + swap;

	return json_pack("{s:I, s:I, s:I, s:s, s:I, s:I, s:i, s:i, s:s, s:s, "
			 "s:i, s:i, s:I, s:I, s:i, s:b, s:I, s:i, s:i, s:i, s:i, s:o}",
			 "CpuShares", (json_int_t)shares(v, number(l, "cpu_weight")), "Memory",
			 (json_int_t)memory, "NanoCpus",
			 (json_int_t)(quota > 0 && period > 0 ? quota * 1000000000 / period : 0),
			 "CgroupParent", view_text(l, "parent"), "CpuPeriod",
			 (json_int_t)(quota > 0 || asked_period ? period : 0), "CpuQuota",
			 (json_int_t)quota, "CpuRealtimePeriod", 0, "CpuRealtimeRuntime", 0,
			 "CpusetCpus", view_text(l, "cpuset_cpus"), "CpusetMems",
			 view_text(l, "cpuset_mems"), "DiskQuota", 0, "KernelMemory", 0,
			 "MemoryReservation", (json_int_t)number(l, "memory_low"), "MemorySwap",
			 (json_int_t)total, "MemorySwappiness", 0, "OomKillDisable", 0, "PidsLimit",
			 (json_int_t)number(l, "pids_max"), "CpuCount", 0, "CpuPercent", 0,
			 "IOMaximumIOps", 0, "IOMaximumBandwidth", 0, "CgroupConf", cgroup_conf(l));
}

/* "Unlimited" is -1 for whoever reads this. */
static json_int_t rlimit(const json_t *x, const char *key)
{
	int64_t n = number(x, key);

	return n == INT64_MAX ? -1 : (json_int_t)n;
}

static json_t *ulimits(const struct ctr_view *v)
{
	const json_t *all = json_object_get(v->process, "rlimits"), *x;
	json_t *a = json_array();
	size_t i;

	json_array_foreach (all, i, x) {
		(void)json_array_append_new(
			a, json_pack("{s:s, s:I, s:I}", "Name", view_text(x, "type"), "Soft",
				     rlimit(x, "soft"), "Hard", rlimit(x, "hard")));
	}
	return a;
}

/* --- rights ------------------------------------------------------------------------------- */

static uint64_t bounding(const struct ctr_view *v)
{
	const json_t *all = json_object_get(json_object_get(v->process, "capabilities"),
					    "bounding"),
		     *x;
	uint64_t set = 0;
	size_t i;

	json_array_foreach (all, i, x) {
		int n = json_is_string(x) ? capname_parse(json_string_value(x)) : -1;

		if (n >= 0 && n < 64)
			set |= UINT64_C(1) << n;
	}
	return set;
}

/* By name, as Podman sorts them. */
json_t *view_cap_names(uint64_t set)
{
	json_t *a = json_array();

	for (unsigned n = 0; a && n < 64; n++) {
		const char *name = set >> n & 1 ? capname_of(n) : NULL;
		size_t at = 0;

		if (!name)
			continue;
		while (at < json_array_size(a) &&
		       strcmp(json_string_value(json_array_get(a, at)), name) < 0)
			at++;
		(void)json_array_insert_new(a, at, json_string(name));
	}
	return a;
}

static json_t *devices(const struct ctr_view *v)
{
	const json_t *all = json_object_get(v->asked, "devices"), *x;
	json_t *a = json_array();
	size_t i;

	json_array_foreach (all, i, x) {
		const char *s = json_string_value(x), *c = s ? strchr(s, ':') : NULL;
		int n = c ? (int)(c - s) : 0;

		if (!s)
			continue;
		(void)json_array_append_new(
			a, json_pack("{s:o, s:o, s:s}", "PathOnHost",
				     c ? json_sprintf("%.*s", n, s) : json_string(s),
				     "PathInContainer",
				     c && c[1] == '/'
					     ? json_sprintf("%.*s", (int)strcspn(c + 1, ":"), c + 1)
				     : c ? json_sprintf("%.*s", n, s)
					 : json_string(s),
				     "CgroupPermissions", ""));
	}
	return a;
}

/* --- modes -------------------------------------------------------------------------------- */

/* What was typed, else what it is. */
static const char *mode(const struct ctr_view *v, const char *key, const char *ns)
{
	const char *typed = view_text(v->asked, key);

	if (*typed)
		return typed;
	return view_has_ns(v, ns) ? "private" : "host";
}

/* Others may join it unless it was said to be private. */
static const char *ipc_mode(const struct ctr_view *v)
{
	bool is_usual = !*view_text(v->asked, "ipc") && view_has_ns(v, "ipc");

	return is_usual ? "shareable" : mode(v, "ipc", "ipc");
}

static json_t *id_lines(const struct ctr_view *v, const char *key)
{
	struct idmap m = { 0 };
	json_t *a = json_array();

	if (idmap_parse(view_text(v->rec, key), &m) < 0)
		return a;
	for (size_t i = 0; i < m.n; i++)
		(void)json_array_append_new(
			a, json_sprintf("%u:%u:%u", m.v[i].inside, m.v[i].outside, m.v[i].count));
	return a;
}

static char *join(const json_t *options)
{
	auto_buf struct buf b = { 0 };
	const json_t *x;
	size_t i;

	json_array_foreach (options, i, x) {
		const char *s = json_string_value(x);

		if (s && buf_printf(&b, "%s%s", b.len ? "," : "", s) < 0)
			return NULL;
	}
	return buf_take(&b);
}

static json_t *tmpfs(const struct ctr_view *v)
{
	const json_t *places = json_object_get(v->rec, "mounts"), *p;
	json_t *o = json_object();
	size_t i;

	json_array_foreach (places, i, p) {
		const char *dest = json_string_value(p);
		const json_t *m = dest ? view_mount(v, dest) : NULL;
		auto_free char *text = NULL;

		if (!m || strcmp(view_text(m, "type"), "tmpfs") != 0)
			continue;
		text = join(json_object_get(m, "options"));
		if (text)
			(void)json_object_set_new(o, dest, json_string(text));
	}
	return o;
}

static int64_t shm_size(const struct ctr_view *v)
{
	const json_t *all = json_object_get(view_mount(v, "/dev/shm"), "options"), *x;
	size_t i;

	json_array_foreach (all, i, x) {
		const char *s = json_string_value(x);
		uint64_t n;

		if (s && strncmp(s, "size=", 5) == 0 && parse_uint(s + 5, INT64_MAX, &n) == 0)
			return (int64_t)n;
	}
	return 0;
}

static json_t *restart(const struct ctr_view *v)
{
	struct restart_policy p = { RESTART_NO, 0 };
	struct rl_err ignored;

	RL_IGNORE(restart_parse(view_text(v->rec, "restart"), &p, &ignored)); /* stays "no" */
	return json_pack("{s:s, s:i}", "Name", restart_name(p.kind), "MaximumRetryCount",
			 (int)p.max);
}

static json_t *log_config(const struct ctr_view *v)
{
	char size[FORMAT_TEXT_MAX] = "0B";
	struct logopt l;

	logopt_read(json_object_get(v->rec, "log"), &l);
	if (l.driver == LOG_DRIVER_FILE)
		format_size(size, l.max_size, 4, "");
	return json_pack("{s:s, s:n, s:o, s:s, s:s}", "Type", logopt_driver_name(l.driver),
			 "Config", "Path", view_log_path(v), "Tag", l.tag ? l.tag : "", "Size",
			 size);
}

static json_t *first_half(const struct ctr_view *v)
{
	const char *cgroup = v->state.cgroup, *net = view_text(v->asked, "network");
	bool scope = strstr(cgroup, ".scope/") != NULL, own = view_has_ns(v, "cgroup");
	bool privileged = asked(v, "privileged");
	uint64_t caps = bounding(v), usual = capname_default() & capname_all();

	return json_pack(
		"{s:o, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:b, s:b, s:o, s:s, s:n, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:s, s:o}",
		"Binds", view_list(v->asked, "binds"), "CgroupManager",
		scope ? "systemd" : "cgroupfs", "CgroupMode", own ? "private" : "host",
		"ContainerIDFile", view_text(v->asked, "cidfile"), "LogConfig", log_config(v),
		"NetworkMode", *net ? net : view_text(v->rec, "net"), "PortBindings",
		ctr_view_port_map(json_object_get(v->rec, "ports")), "RestartPolicy", restart(v),
		"AutoRemove", json_is_true(json_object_get(v->rec, "remove")), "AutoRemoveImage", 0,
		"Annotations", view_annotations(v), "VolumeDriver", "", "VolumesFrom", "CapAdd",
		view_cap_names(privileged ? 0 : caps & ~usual), "CapDrop",
		view_cap_names(privileged ? 0 : usual & ~caps), "Dns", view_list(v->asked, "dns"),
		"DnsOptions", view_list(v->asked, "dns_option"), "DnsSearch",
		view_list(v->asked, "dns_search"), "ExtraHosts", view_list(v->asked, "add_host"),
		"HostsFile", "", "GroupAdd", view_list(v->asked, "group_add"));
}

static const char *cgroups_mode(const struct ctr_view *v)
{
	static const char *const modes[] = { "default", "disabled", "no-conmon", "split" };
	int64_t mode = number(json_object_get(v->rec, "limits"), "mode");

	return modes[mode > 0 && mode < (int64_t)ARRAY_LEN(modes) ? mode : 0];
}

static json_t *second_half(const struct ctr_view *v)
{
	const json_t *root = json_object_get(v->config, "root");

	return json_pack(
		"{s:s, s:s, s:s, s:n, s:i, s:s, s:b, s:b, s:b, s:o, s:o, s:s, s:s, s:{s:o, s:o}, "
		"s:I, s:s, s:[ii], s:s, s:b, s:o, s:o}",
		"IpcMode", ipc_mode(v), "Cgroup", "", "Cgroups", cgroups_mode(v), "Links",
		"OomScoreAdj", (int)number(v->process, "oomScoreAdj"), "PidMode",
		mode(v, "pid", "pid"), "Privileged", asked(v, "privileged"), "PublishAllPorts", 0,
		"ReadonlyRootfs", json_is_true(json_object_get(root, "readonly")), "SecurityOpt",
		view_list(v->asked, "security_opt"), "Tmpfs", tmpfs(v), "UTSMode",
		mode(v, "uts", "uts"), "UsernsMode", view_text(v->asked, "userns"), "IDMappings",
		"UidMap", id_lines(v, "uids"), "GidMap", id_lines(v, "gids"), "ShmSize",
		(json_int_t)shm_size(v), "Runtime", "rl", "ConsoleSize", 0, 0, "Isolation", "",
		"Init", json_is_true(json_object_get(v->rec, "init")), "Devices", devices(v),
		"Ulimits", ulimits(v));
}

json_t *ctr_inspect_host(const struct ctr_view *v)
{
	json_t *j = first_half(v), *sysctls = json_object_get(v->linux_part, "sysctl");

	if (j)
		(void)json_object_update_new(j, second_half(v));
	if (j && sysctls) /* Docker's: those that were asked for, here with what rl adds */
		(void)json_object_set(j, "Sysctls", sysctls);
	if (j)
		(void)json_object_update_new(j, limits(v));
	if (j)
		(void)json_object_update_new(j, blkio(json_object_get(v->rec, "limits")));
	return j;
}

/* --- isolation ---------------------------------------------------------------------------- */

/* Is the limit that a flag ("--memory 64m") asked for in force? Its file in the cgroup says. */
static bool in_force(const struct ctr_view *v, const char *flag)
{
	static const struct {
		const char *flag, *file;
	} files[] = {
		{ "--cpus", "cpu.max" },
		{ "--cpu-quota", "cpu.max" },
		{ "--cpu-shares", "cpu.weight" },
		{ "--memory-swap", "memory.swap.max" },
		{ "--memory-reservation", "memory.low" },
		{ "--memory", "memory.max" },
		{ "--pids-limit", "pids.max" },
		{ "--cpuset-cpus", "cpuset.cpus" },
		{ "--cpuset-mems", "cpuset.mems" },
		{ "--blkio-weight", "io.weight" },
		{ "--blkio-weight-device", "io.weight" },
		{ "--device-read-bps", "io.max" },
		{ "--device-write-bps", "io.max" },
		{ "--device-read-iops", "io.max" },
		{ "--device-write-iops", "io.max" },
		{ "--cgroup-parent", "." },
		{ "--cgroups", "." },
		{ "--cgroup-conf", "." },
	};

	for (size_t i = 0; i < ARRAY_LEN(files) && v->state.cgroup[0]; i++) {
		size_t n = strlen(files[i].flag);
		auto_free char *path = NULL;

		if (strncmp(flag, files[i].flag, n) != 0 || flag[n] != ' ')
			continue;
		if (strcmp(files[i].flag, "--cgroup-conf") == 0)
			path = str_printf("%s/%.*s", v->state.cgroup,
					  (int)strcspn(flag + n + 1, "="), flag + n + 1);
		else
			path = str_printf("%s/%s", v->state.cgroup, files[i].file);
		return path && access(path, F_OK) == 0;
	}
	return false;
}

/* What the kernel says about the first process while there is one: not what was asked for. */
static json_t *in_kernel(const struct ctr_view *v)
{
	static const char *const want[] = { "NoNewPrivs", "Seccomp", "CapBnd", "CapEff" };
	auto_buf struct buf b = { 0 };
	auto_strv struct strv lines = { 0 };
	char path[64];
	struct rl_err ignored;
	json_t *o = json_object();

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)v->state.pid);
	if (v->state.pid <= 0 || io_read_file(AT_FDCWD, path, 1 << 16, &b, &ignored) < 0 ||
	    strv_split(&lines, b.data ? b.data : "", '\n') < 0)
		return o;
	for (size_t i = 0; i < lines.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(want); k++) {
			size_t n = strlen(want[k]);

			if (strncmp(lines.v[i], want[k], n) == 0 && lines.v[i][n] == ':')
				(void)json_object_set_new(
					o, want[k],
					json_string(lines.v[i] + n + 1 +
						    strspn(lines.v[i] + n + 1, " \t")));
		}
	return o;
}

/* "default", the file of --security-opt, or that there is none. */
static const char *seccomp_profile(const struct ctr_view *v)
{
	const json_t *opts = json_object_get(v->asked, "security_opt"), *x;
	const char *file = "default";
	size_t i;

	if (!json_is_object(json_object_get(v->linux_part, "seccomp")))
		return "unconfined";
	json_array_foreach (opts, i, x) {
		const char *s = json_string_value(x);

		if (s && strncmp(s, "seccomp", 7) == 0 && s[7] && s[8])
			file = s + 8;
	}
	return file;
}

static json_t *walls(const struct ctr_view *v)
{
	const json_t *notes = json_object_get(v->config, "annotations");

	return json_pack("{s:s, s:o, s:b, s:b, s:O, s:O, s:o}", "SeccompProfile",
			 seccomp_profile(v), "Capabilities", view_cap_names(bounding(v)),
			 "Hardened", asked(v, "hardened"), "NestedUserNamespaces",
			 json_object_get(notes, "rl.nested") != NULL, "MaskedPaths",
			 json_object_get(v->linux_part, "maskedPaths"), "ReadonlyPaths",
			 json_object_get(v->linux_part, "readonlyPaths"), "InKernel", in_kernel(v));
}

/* Is the limit of a running container kept without its cgroup, by what comes near it? */
static bool is_near(const struct ctr_view *v, const char *flag)
{
	const json_t *l = json_object_get(v->rec, "limits");
	const int64_t quota = number(l, "cpu_quota_us"), period = number(l, "cpu_period_us");
	struct rlimit procs;
	cpu_set_t set;

	if (!approx_can(flag))
		return false;
	if (strncmp(flag, "--cpu", 5) == 0) /* whole processors, the last one may be a part */
		return sched_getaffinity(v->state.pid, sizeof(set), &set) == 0 &&
		       (quota == 0 || (CPU_COUNT(&set) - 1) * period < quota);
	if (strncmp(flag, "--pids-limit", 12) == 0)
		return prlimit(v->state.pid, RLIMIT_NPROC, NULL, &procs) == 0 &&
		       procs.rlim_max <= (rlim_t)number(l, "pids_max");
	return true; /* the monitor watches the memory */
}

json_t *ctr_inspect_isolation(const struct ctr_view *v)
{
	const json_t *flags = json_object_get(v->rec, "limit_flags"), *x;
	const json_t *seccomp = json_object_get(v->linux_part, "seccomp");
	json_t *hold = json_array(), *lost = json_array(), *own = json_array(), *j;
	json_t *near = json_array();
	const json_t *all = json_object_get(v->linux_part, "namespaces");
	size_t i;

	json_array_foreach (all, i, x) {
		(void)json_array_append_new(own, json_string(view_text(x, "type")));
	}
	json_array_foreach (flags, i, x) {
		const char *s = json_string_value(x);

		if (s && v->state.pid > 0)
			(void)json_array_append_new(in_force(v, s)  ? hold
						    : is_near(v, s) ? near
								    : lost,
						    json_string(s));
	}
	j = json_pack("{s:o, s:s, s:b, s:s, s:o, s:o, s:o}", "OwnNamespaces", own, "Seccomp",
		      json_is_object(seccomp) ? "filter" : "unconfined", "NoNewPrivileges",
		      json_is_true(json_object_get(v->process, "noNewPrivileges")), "Cgroup",
		      v->state.cgroup, "LimitsInForce", hold, "LimitsApproximate", near,
		      "LimitsNotInForce", lost);
	if (j)
		(void)json_object_update_new(j, walls(v));
	return j;
}
