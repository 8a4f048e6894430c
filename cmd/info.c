/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info.c - `rl info`: this machine, this store, and the ways that rl takes here
 *
 * Podman's layout, as YAML without --format. What rl has no such thing for is left out or empty; what it
 * decides by trial (how layers are mounted, which ids there are) is tried here as well, and the reason for
 * anything but the best way is told (store.graphStatus).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "cmd/info_security.h"
#include "cmd/other_fields.h"
#include "cmd/version.h"
#include "cmd/yaml.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/cgroup.h"
#include "core/ctr_state.h"
#include "core/distro.h"
#include "core/session.h"
#include "storage/image.h"
#include "storage/platform.h"
#include "storage/registries.h"
#include "storage/rootfs.h"

struct info_opts {
	const char *format;
	bool security;
};

static const struct opt info_options[] = {
	OPT_STR('f', "format", struct info_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL(0, "security", struct info_opts, security,
		 "only the layers that keep containers in, as they are on this machine"),
	OPT_IGNORE_BOOL("debug"),
	OPT_END,
};

/* --- host -------------------------------------------------------------------------------- */

static json_t *distribution(void)
{
	struct distro d;

	distro_read(&d);
	return json_pack("{s:s, s:s, s:s}", "codename", d.codename, "distribution", d.id, "version",
			 d.version);
}

static json_t *map_json(const struct idmap *m)
{
	json_t *a = json_array();

	for (size_t i = 0; i < m->n && a; i++)
		if (json_array_append_new(a, json_pack("{s:I, s:I, s:I}", "container_id",
						       (json_int_t)m->v[i].inside, "host_id",
						       (json_int_t)m->v[i].outside, "size",
						       (json_int_t)m->v[i].count)) < 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

static json_t *cgroup_part(struct rl_err *err)
{
	static const char *const managers[] = { "none", "cgroupfs", "systemd" };
	struct cgroup_probe p;
	json_t *j, *list = json_array();

	if (!list || cgroup_probe(&p, err) < 0) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < p.controllers.n; i++)
		(void)json_array_append_new(list, json_string(p.controllers.v[i]));
	j = json_pack("{s:s, s:s, s:o}", "cgroupVersion", p.is_v2 ? "v2" : "v1", "cgroupManager",
		      managers[p.rung], "cgroupControllers", list);
	strv_done(&p.controllers);
	return j;
}

static bool is_on(const char *path, char yes)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;

	return io_read_file(AT_FDCWD, path, 64, &b, &ignored) == 0 && b.data && b.data[0] == yes;
}

static json_t *security(const struct rl *rl)
{
	auto_free char *profile = NULL;
	struct rl_err ignored;

	profile = proc_find_data("seccomp.json", &ignored);
	return json_pack("{s:b, s:b, s:b, s:s, s:b}", "apparmorEnabled",
			 is_on("/sys/module/apparmor/parameters/enabled", 'Y'), "rootless",
			 rl->uid != 0, "seccompEnabled", profile != NULL, "seccompProfilePath",
			 profile ? profile : "", "selinuxEnabled",
			 is_on("/sys/fs/selinux/enforce", '1') ||
				 is_on("/sys/fs/selinux/enforce", '0'));
}

static json_t *memory(void)
{
	struct sysinfo s = { 0 };
	json_int_t unit;
	char up[64];

	(void)sysinfo(&s); /* zeros */
	unit = (json_int_t)s.mem_unit;
	(void)snprintf(up, sizeof(up), "%ldh %ldm %ld.00s", s.uptime / 3600, s.uptime / 60 % 60,
		       s.uptime % 60);
	return json_pack("{s:I, s:I, s:I, s:I, s:s}", "memFree", (json_int_t)s.freeram * unit,
			 "memTotal", (json_int_t)s.totalram * unit, "swapFree",
			 (json_int_t)s.freeswap * unit, "swapTotal", (json_int_t)s.totalswap * unit,
			 "uptime", up);
}

/* Programs and services that Podman tells about and rl has in itself or not at all. */
static json_t *inapplicable(void)
{
	static const char none[] = "{s:s, s:s, s:s}";

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:{s:b, s:s}}", "buildahVersion", "",
		"databaseBackend", "", "networkBackend", "rl", "rootlessNetworkCmd", "rl-net",
		"conmon", json_pack(none, "package", "", "path", "", "version", ""), "pasta",
		json_pack(none, "executable", "", "package", "", "version", ""), "slirp4netns",
		json_pack(none, "executable", "", "package", "", "version", ""), "remoteSocket",
		"exists", 0, "path", "");
}

static json_t *runtime(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n < 0 ? 0 : n] = '\0';
	return json_pack("{s:s, s:s, s:s, s:s}", "name", "rl", "package", "", "path", self,
			 "version", PACKAGE_VERSION);
}

static json_t *host(const struct rl *rl, const struct session *s, struct rl_err *err)
{
	json_auto_t *cgroups = cgroup_part(err), *mem = memory(), *more = inapplicable();
	struct utsname u = { 0 };
	struct platform p;
	json_t *j;

	(void)uname(&u); /* cannot fail with a valid buffer */
	platform_host(&p);
	j = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "arch",
		      p.arch, "os", p.os, "variant", p.variant, "cpus",
		      (int)sysconf(_SC_NPROCESSORS_ONLN), "hostname", u.nodename, "kernel",
		      u.release, "eventLogger", "file", "logDriver", "k8s-file", "distribution",
		      distribution(), "security", security(rl), "idMappings",
		      s ? json_pack("{s:o, s:o}", "gidmap", map_json(&s->gids), "uidmap",
				    map_json(&s->uids))
			: json_object(),
		      "ociRuntime", runtime(), "serviceIsRemote", 0);
	if (!j || !cgroups || !mem || !more || json_object_update(j, cgroups) < 0 ||
	    json_object_update(j, mem) < 0 || json_object_update(j, more) < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* --- store, registries ------------------------------------------------------------------- */

static json_t *container_counts(const struct rl *rl)
{
	auto_strv struct strv ids = { 0 };
	struct rl_err ignored;
	int running = 0, paused = 0, stopped = 0;

	RL_IGNORE(ctr_list(rl, &ids, &ignored)); /* none, then */
	for (size_t i = 0; i < ids.n; i++) {
		struct ctr_state s;
		struct ctr c;

		if (ctr_open(rl, ids.v[i], &c, &ignored) < 0)
			continue;
		if (ctr_get_state(&c, &s, &ignored) == 0) {
			running += s.status == CTR_RUNNING;
			paused += s.status == CTR_PAUSED;
			stopped += s.status != CTR_RUNNING && s.status != CTR_PAUSED;
		} else {
			stopped++;
		}
		ctr_done(&c);
	}
	return json_pack("{s:i, s:i, s:i, s:i}", "number", running + paused + stopped, "paused",
			 paused, "running", running, "stopped", stopped);
}

static json_t *image_count(const struct rl *rl)
{
	struct image *v = NULL;
	struct rl_err ignored;
	size_t n = 0;

	RL_IGNORE(image_list(rl, &v, &n, &ignored)); /* none, then */
	image_list_done(v, n);
	return json_pack("{s:I}", "number", (json_int_t)n);
}

static json_t *store(const struct rl *rl, const struct session *s)
{
	auto_free char *why = NULL, *volumes = str_printf("%s/volumes", rl->data_dir);
	enum rootfs_rung rung = ROOTFS_COPY;
	json_t *status = json_object();
	struct rl_err e = { 0 };

	if (s && rootfs_pick(rl, s, &rung, &why, &e) < 0)
		log_warn("how layers are mounted is not known: %s", e.msg);
	if (why)
		(void)json_object_set_new(status, "Why not better", json_string(why)); /* or not */
	return volumes ? json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:{}}", "graphRoot",
				   rl->data_dir, "runRoot", rl->run_dir, "volumePath", volumes,
				   "graphDriverName", rootfs_rung_name(rung), "graphStatus", status,
				   "containerStore", container_counts(rl), "imageStore",
				   image_count(rl), "graphOptions")
		       : NULL;
}

static json_t *registries(void)
{
	auto_registries struct registries *reg = NULL;
	json_t *j = json_object(), *list = json_array();
	struct rl_err why = { 0 };

	if (registries_exist() && registries_load(&reg, &why) < 0)
		log_warn("%s", why.msg);
	for (size_t i = 0; reg && i < registries_search(reg)->n; i++)
		(void)json_array_append_new(list, json_string(registries_search(reg)->v[i]));
	if (json_array_size(list) > 0)
		(void)json_object_set(j, "search", list);
	json_decref(list);
	return j;
}

static json_t *collect(const struct rl *rl, bool only_security, struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	struct rl_err why = { 0 };
	const struct session *inside = session_open(rl, &s, &why) == 0 ? &s : NULL;
	json_t *j;

	if (only_security) {
		j = info_security(rl, inside, why.msg);
		session_close(&s);
		return j;
	}
	if (!inside)
		log_warn("%s", why.msg);
	j = json_pack("{s:o, s:o, s:o, s:{s:[s, s, s, s], s:[s, s, s], s:[s]}, s:o}", "host",
		      host(rl, inside, err), "store", store(rl, inside), "registries", registries(),
		      "plugins", "log", "k8s-file", "journald", "none", "passthrough", "network",
		      "private", "none", "host", "volume", "local", "version", version_json());
	session_close(&s);
	return j;
}

/* What scripts look for in docker's list: "name=rootless" and the like */
static json_t *security_options(const json_t *host)
{
	const json_t *sec = json_object_get(host, "security");
	json_t *a = json_array();

	if (json_is_true(json_object_get(sec, "apparmorEnabled")))
		(void)json_array_append_new(a, json_string("name=apparmor"));
	if (json_is_true(json_object_get(sec, "seccompEnabled")))
		(void)json_array_append_new(a, json_string("name=seccomp,profile=builtin"));
	if (json_is_true(json_object_get(sec, "rootless")))
		(void)json_array_append_new(a, json_string("name=rootless"));
	(void)json_array_append_new(a, json_string("name=cgroupns"));
	return a;
}

/* How full the file system of the store is, for templates; it changes from one call to the next */
static int add_room(json_t *store)
{
	const char *root = json_string_value(json_object_get(store, "graphRoot"));
	json_int_t size = 0, used = 0;
	struct statvfs fs;

	if (root && statvfs(root, &fs) == 0) {
		size = (json_int_t)fs.f_blocks * (json_int_t)fs.f_frsize;
		used = size - (json_int_t)fs.f_bfree * (json_int_t)fs.f_frsize;
	}
	return json_object_update_new(
		store, json_pack("{s:I, s:I}", "graphRootAllocated", size, "graphRootUsed", used));
}

/* Docker's booleans: which limits there are; and what is a matter of this moment */
static int add_limits(json_t *j)
{
	static const char *const names[][2] = {
		{ "MemoryLimit", "memory" }, { "SwapLimit", "memory" }, { "CpuCfsPeriod", "cpu" },
		{ "CpuCfsQuota", "cpu" },    { "CPUShares", "cpu" },    { "CPUSet", "cpuset" },
		{ "PidsLimit", "pids" },
	};
	const json_t *host = json_object_get(j, "host"), *v;
	const json_t *have = json_object_get(host, "cgroupControllers");
	char now[32];
	size_t k;
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool on = false;

		json_array_foreach (have, k, v) {
			on = on || strcmp(json_string_value(v), names[i][1]) == 0;
		}
		bad |= json_object_set_new(j, names[i][0], json_boolean(on));
	}
	time_rfc3339(now, wall_ns());
	bad |= json_object_set_new(j, "SystemTime", json_string(now));
	bad |= json_object_set_new(
		j, "Runtimes",
		json_pack("{s:{s:O}}", "rl", "path",
			  json_object_get(json_object_get(host, "ociRuntime"), "path")));
	bad |= json_object_set_new(j, "ClientInfo", json_pack("{s:s}", "Version", PACKAGE_VERSION));
	return bad;
}

/* The names that docker has for some of it, and those of Go where JSON has others; for templates only */
static int add_other_names(json_t *j)
{
	json_t *h = json_object_get(j, "host"), *st = json_object_get(j, "store");
	json_t *n = json_object_get(st, "containerStore");
	const char *version = json_string_value(json_object_get(h, "cgroupVersion"));
	json_auto_t *d = json_pack(
		"{s:s, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O, s:O}",
		"ServerVersion", PACKAGE_VERSION, "Driver", json_object_get(st, "graphDriverName"),
		"DockerRootDir", json_object_get(st, "graphRoot"), "OSType",
		json_object_get(h, "os"), "Architecture", json_object_get(h, "arch"), "NCPU",
		json_object_get(h, "cpus"), "MemTotal", json_object_get(h, "memTotal"),
		"KernelVersion", json_object_get(h, "kernel"), "Name",
		json_object_get(h, "hostname"), "CgroupDriver", json_object_get(h, "cgroupManager"),
		"Containers", json_object_get(n, "number"), "ContainersRunning",
		json_object_get(n, "running"), "ContainersPaused", json_object_get(n, "paused"),
		"ContainersStopped", json_object_get(n, "stopped"), "Images",
		json_object_get(json_object_get(st, "imageStore"), "number"));
	json_auto_t *more = json_pack("{s:s, s:O, s:s, s:o, s:s, s:{s:s}}", "CgroupVersion",
				      version && *version ? version + 1 : "", "LoggingDriver",
				      json_object_get(h, "logDriver"), "DefaultRuntime", "rl",
				      "SecurityOptions", security_options(h), "OperatingSystem",
				      "Linux", "Swarm", "LocalNodeState", "inactive");

	if (!d || !more || json_object_update(j, d) < 0 || json_object_update(j, more) < 0 ||
	    add_limits(j) < 0 || add_room(st) < 0 || other_fields(j, OTHER_INFO) < 0)
		return -1;
	return json_object_set(h, "cgroupsVersion", json_object_get(h, "cgroupVersion"));
}

static int info(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	static const char *const maps[] = { "registries", "graphStatus", "graphOptions", "Runtimes",
					    NULL };
	const struct info_opts *o = opts;
	const struct format f = { .text = format_asked(o->format), .map_names = maps };
	json_auto_t *j = collect(rl, o->security, err), *rows = NULL;
	auto_buf struct buf out = { 0 };
	int r;

	(void)args;
	if (!j)
		return rl_oom(err);
	if (!f.text) {
		r = yaml_print(j, &out) < 0 ? rl_oom(err) : 0;
	} else if (format_is_json(o->format)) {
		r = format_json(j, &out, err);
	} else {
		rows = !o->security && add_other_names(j) < 0 ? NULL : json_pack("[O]", j);
		r = rows ? format_rows(&f, rows, &out, err) : rl_oom(err);
	}
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_info = {
	.name = "info",
	.args = "",
	.summary = "Show what this machine and this store are like",
	.about = "Prints the machine, the user's ids, which cgroups and which way of mounting layers "
		 "containers get here, where things are kept and how many there are; as YAML unless "
		 "--format says otherwise.",
	.examples = {
		{ "rl info", "All of it." },
		{ "rl info --security", "The layers that keep containers in, and the rung of each." },
		{ "rl info --format '{{.Store.GraphRoot}} {{.Host.CgroupManager}}'",
		  "Where the store is, and who makes cgroups." },
	},
	.options = info_options,
	.opts_size = sizeof(struct info_opts),
	.run = info,
};
