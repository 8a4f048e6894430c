/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_inspect.c - a container as JSON: identity, state, files, mounts, network */
#include "config.h"

#include "cmd/ctr_inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/ctr_view.h"
#include "cmd/engine/life.h"
#include "cmd/engine/logopt.h"
#include "cmd/network_view.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/jsonpick.h"
#include "core/base/log.h"
#include "core/control.h"
#include "core/health.h"
#include "core/logfile.h"
#include "core/monitor.h"
#include "storage/digest.h"
#include "storage/du.h"

#define NEVER "0001-01-01T00:00:00Z" /* Go's zero time, as Docker and Podman print it */

const char *view_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

json_t *view_list(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_array(v) ? json_incref(v) : json_array();
}

json_t *view_object(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_object(v) ? json_incref(v) : json_object();
}

const json_t *view_mount(const struct ctr_view *v, const char *dest)
{
	const json_t *mounts = json_object_get(v->config, "mounts"), *m;
	size_t i;

	json_array_foreach (mounts, i, m) {
		if (strcmp(view_text(m, "destination"), dest) == 0)
			return m;
	}
	return NULL;
}

bool view_has_ns(const struct ctr_view *v, const char *type)
{
	const json_t *all = json_object_get(v->linux_part, "namespaces"), *ns;
	size_t i;

	json_array_foreach (all, i, ns) {
		if (strcmp(view_text(ns, "type"), type) == 0)
			return true;
	}
	return false;
}

/* --- state -------------------------------------------------------------------------------- */

static void time_or_never(char out[32], int64_t ns)
{
	if (ns > 0)
		time_rfc3339(out, ns);
	else
		(void)snprintf(out, 32, NEVER);
}

static void put_health(const struct ctr_view *v, json_t *o)
{
	json_t *h = NULL;
	struct rl_err why;

	if (json_is_object(json_object_get(v->rec, "health")) &&
	    health_read(v->c->dir_fd, &h, &why) < 0)
		h = json_pack("{s:s, s:i, s:[]}", "Status", "starting", "FailingStreak", 0, "Log");
	else if (!h && v->how.full)
		h = json_null(); /* {{if .State.Health}}; {{.State.Health.Status}} is "" all the same */
	if (h && v->how.full) /* Podman's templates know it by this name, too */
		(void)json_object_set(o, "Healthcheck", h);
	if (h)
		(void)json_object_set_new(o, "Health", h);
}

static json_t *state_json(const struct ctr_view *v)
{
	const struct ctr_state *s = &v->state;
	bool runs = s->status == CTR_RUNNING || s->status == CTR_PAUSED;
	bool ended = s->status == CTR_EXITED || s->status == CTR_RESTARTING;
	const char *cgroup = s->cgroup;
	char started[32], finished[32];
	size_t mount = strlen("/sys/fs/cgroup");
	json_t *j;

	if (strncmp(cgroup, "/sys/fs/cgroup/", mount + 1) == 0)
		cgroup += mount;
	time_or_never(started, ended && !s->started_ns ? s->exit.started_ns : s->started_ns);
	time_or_never(finished, ended ? s->exit.finished_ns : 0);
	j = json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:b, "
		      "s:s, s:s}",
		      "OciVersion", view_text(v->config, "ociVersion"), "Status",
		      ctr_status_name(s->status), "Running", runs, "Paused",
		      s->status == CTR_PAUSED, "Restarting", s->status == CTR_RESTARTING,
		      "OOMKilled", ended && s->exit.oom, "Dead", 0, "Pid", (int)s->pid, "ConmonPid",
		      ctr_is_alive(s) ? (int)s->monitor : 0, "ExitCode", ended ? s->exit.code : 0,
		      "Error", ended ? s->exit.error : "", "StartedAt", started, "FinishedAt",
		      finished, "CgroupPath", cgroup, "StoppedByUser", ended && s->exit.by_user,
		      "CheckpointedAt", NEVER, "RestoredAt", NEVER);
	if (j)
		put_health(v, j);
	return j;
}

/* --- files -------------------------------------------------------------------------------- */

/* Folder of a layer in the store. Its key begins with the digest; the rest names the owners' map. */
static char *layer_dir(const struct ctr_view *v, DIR *layers, const char *diff_id)
{
	const char *hex = strchr(diff_id, ':');
	const struct dirent *e;

	rewinddir(layers);
	while (hex && (e = readdir(layers)))
		if (strncmp(e->d_name, hex + 1, strlen(hex + 1)) == 0)
			return str_printf("%s/layers/%s/diff", v->rl->data_dir, e->d_name);
	return NULL;
}

/* "top:...:bottom", as the overlay takes it */
static char *lower_dirs(const struct ctr_view *v)
{
	const json_t *ids = json_object_get(v->rec, "diff_ids");
	int fd = openat(v->rl->data_fd, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	auto_buf struct buf b = { 0 };

	for (size_t i = json_array_size(ids); d && i-- > 0;) {
		const char *id = json_string_value(json_array_get(ids, i));
		auto_free char *dir = id ? layer_dir(v, d, id) : NULL;

		if (dir && buf_printf(&b, "%s%s", b.len ? ":" : "", dir) < 0)
			return NULL;
	}
	return buf_take(&b);
}

static void put_path(const struct ctr_view *v, json_t *o, const char *key, const char *name)
{
	auto_free char *path = str_printf("%s/%s", v->c->dir, name);

	if (path && io_exists(v->c->dir_fd, name))
		(void)json_object_set_new(o, key, json_string(path));
}

static json_t *graph_driver(const struct ctr_view *v)
{
	json_t *data = json_object();
	auto_free char *lower = lower_dirs(v);
	char root[48];

	if (data && lower && *lower)
		(void)json_object_set_new(data, "LowerDir", json_string(lower));
	/* mounted where only the container's processes see it: this is the way there */
	if (data && v->state.pid > 0) {
		(void)snprintf(root, sizeof(root), "/proc/%d/root", (int)v->state.pid);
		(void)json_object_set_new(data, "MergedDir", json_string(root));
	}
	if (data) {
		put_path(v, data, "UpperDir", "upper");
		put_path(v, data, "WorkDir", "work");
	}
	return json_pack("{s:s, s:o}", "Name",
			 io_exists(v->c->dir_fd, "rootfs") ? "vfs" : "overlay", "Data", data);
}

/* A generated file of the container: its path, or "" when there is none. */
static json_t *own_file(const struct ctr_view *v, const char *name)
{
	auto_free char *path = str_printf("%s/%s", v->c->dir, name);

	if (!path || !io_exists(v->c->dir_fd, name))
		return json_string("");
	return json_string(path);
}

/* "" where the output goes elsewhere */
json_t *view_log_path(const struct ctr_view *v)
{
	struct logopt l;

	logopt_read(json_object_get(v->rec, "log"), &l);
	if (l.driver != LOG_DRIVER_FILE)
		return json_string("");
	return l.path ? json_string(l.path) : json_sprintf("%s/log/%s", v->c->dir, LOGFILE_NAME);
}

/* --- mounts ------------------------------------------------------------------------------- */

static const char *volume_at(const struct ctr_view *v, const char *dest)
{
	const json_t *all = json_object_get(v->rec, "volumes"), *o;
	size_t i;

	json_array_foreach (all, i, o) {
		if (strcmp(view_text(o, "dest"), dest) == 0)
			return view_text(o, "name");
	}
	return NULL;
}

static bool is_propagation(const char *s)
{
	static const char *const words[] = { "private", "rprivate", "shared",     "rshared",
					     "slave",   "rslave",   "unbindable", "runbindable" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

static json_t *mount_json(const struct ctr_view *v, const json_t *m)
{
	const char *dest = view_text(m, "destination"), *volume = volume_at(v, dest);
	const char *propagation = "rprivate";
	json_t *options = json_array(), *j;
	const json_t *all = json_object_get(m, "options"), *o;
	bool rw = true;
	size_t i;

	json_array_foreach (all, i, o) {
		const char *s = json_string_value(o);

		if (!s || strcmp(s, "rw") == 0 || strcmp(s, "copyup") == 0)
			continue;
		if (strcmp(s, "ro") == 0 || strcmp(s, "rro") == 0)
			rw = false;
		else if (is_propagation(s))
			propagation = s;
		else
			(void)json_array_append_new(options, json_string(s));
	}
	j = json_pack("{s:s}", "Type", volume ? "volume" : "bind");
	if (j && (volume || v->how.full))
		(void)json_object_set_new(j, "Name", json_string(volume ? volume : ""));
	if (j)
		(void)json_object_update_new(
			j, json_pack("{s:s, s:s, s:s, s:s, s:O, s:b, s:s}", "Source",
				     view_text(m, "source"), "Destination", dest, "Driver",
				     volume ? "local" : "", "Mode", "", "Options", options, "RW",
				     rw, "Propagation", propagation));
	json_decref(options);
	return j;
}

/* Binds and volumes that somebody asked for; tmpfs are in HostConfig. */
static json_t *mounts_json(const struct ctr_view *v)
{
	const json_t *places = json_object_get(v->rec, "mounts"), *p;
	json_t *a = json_array();
	size_t i;

	json_array_foreach (places, i, p) {
		const char *dest = json_string_value(p);
		const json_t *m = dest ? view_mount(v, dest) : NULL;

		if (m && strcmp(view_text(m, "type"), "bind") == 0)
			(void)json_array_append_new(a, mount_json(v, m));
	}
	return a;
}

/* --- network ------------------------------------------------------------------------------ */

/* The container whose network it is, 64 digits, or NULL */
static const char *net_owner(const struct ctr_view *v)
{
	const char *mode = view_text(v->asked, "network");

	return strcmp(view_text(v->rec, "net"), "container") == 0 &&
			       strncmp(mode, "container:", 10) == 0
		       ? mode + 10
		       : NULL;
}

static ino_t netns_inode(pid_t pid)
{
	struct stat st = { 0 };
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return pid > 0 && stat(path, &st) == 0 ? st.st_ino : 0;
}

/*
 * Whose network it is and whether that container is still there. After its end, or its restart, only
 * loopback is left in a network that somebody shared.
 */
static void put_net_owner(const struct ctr_view *v, const char *id, json_t *j)
{
	const char *now = "removed";
	struct ctr_state s = { 0 };
	struct rl_err why;
	struct ctr c = { 0 };

	if (ctr_open(v->rl, id, &c, &why) == 0) {
		now = "stopped";
		if (ctr_get_state(&c, &s, &why) == 0 && s.pid > 0)
			now = v->state.pid == 0 || netns_inode(s.pid) == netns_inode(v->state.pid)
				      ? "running"
				      : "restarted";
	}
	(void)json_object_set_new(
		j, "SharedWith",
		json_pack("{s:s, s:s, s:s}", "Id", id, "Name", c.name ? c.name : "", "State", now));
	ctr_done(&c);
}

/* What its monitor knows and no file: execs, and whether clients of published ports keep addresses. */
static void ask_monitor(struct ctr_view *v)
{
	auto_strv struct strv ids = { 0 };
	struct rl_err ignored;

	v->exec_ids = json_array();
	if (v->state.status != CTR_RUNNING ||
	    control_execs(v->rl, v->c->id, &ids, &v->clients, &ignored) < 0)
		return; /* it has ended meanwhile */
	for (size_t i = 0; i < ids.n; i++)
		(void)json_array_append_new(v->exec_ids, json_string(ids.v[i]));
}

/* As whom the container sees the clients of its published ports */
static void put_clients(const struct ctr_view *v, json_t *j)
{
	const bool known = v->clients & MONITOR_CLIENTS_KNOWN;
	const char *as[2] = { "", "" };

	if (known) {
		as[0] = v->clients & MONITOR_CLIENTS_REAL4 ? "client" : "gateway";
		as[1] = v->clients & MONITOR_CLIENTS_REAL6 ? "client" : "gateway";
	}
	if (known || v->how.full)
		(void)json_object_set_new(j, "ClientAddress",
					  json_pack("{s:s, s:s}", "IPv4", as[0], "IPv6", as[1]));
	if (v->state.network[0] || v->how.full)
		(void)json_object_set_new(j, "Helpers",
					  json_pack("{s:b, s:s}", "Down", v->state.network_down,
						    "Error", v->state.network));
}

/* Named ones; the first also where older scripts look for "the" address. */
static void add_networks(const struct ctr_view *v, json_t *j)
{
	static const char *const same[] = {
		"EndpointID",  "Gateway",           "IPAddress",           "IPPrefixLen",
		"IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "MacAddress",
	};
	json_t *nets = network_view_of(v->rl, v->c->id, v->c->dir_fd);
	const json_t *first = json_object_iter_value(json_object_iter(nets));

	for (size_t i = 0; first && i < ARRAY_LEN(same); i++)
		(void)json_object_set(j, same[i], json_object_get(first, same[i]));
	if (json_object_size(nets) > 0)
		(void)json_object_set(j, "Networks", nets);
	json_decref(nets);
}

static json_t *network_json(const struct ctr_view *v)
{
	json_t *ports = ctr_view_port_map(json_object_get(v->rec, "ports")), *exposed, *x, *j;
	const char *net = view_text(v->rec, "net"), *key;
	char sandbox[48] = "";

	exposed = json_object_get(json_object_get(v->image.config, "config"), "ExposedPorts");
	json_object_foreach (exposed, key, x) {
		if (ports && !json_object_get(ports, key))
			(void)json_object_set_new(ports, key, json_null());
	}
	if (v->state.pid > 0 && view_has_ns(v, "network"))
		(void)snprintf(sandbox, sizeof(sandbox), "/proc/%d/ns/net", (int)v->state.pid);
	j = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:b, s:s, s:i, s:o, s:s, "
		      "s:{}}",
		      "EndpointID", "", "Gateway", "", "IPAddress", "", "IPPrefixLen", 0,
		      "IPv6Gateway", "", "GlobalIPv6Address", "", "GlobalIPv6PrefixLen", 0,
		      "MacAddress", "", "Bridge", "", "SandboxID", "", "HairpinMode", 0,
		      "LinkLocalIPv6Address", "", "LinkLocalIPv6PrefixLen", 0, "Ports", ports,
		      "SandboxKey", sandbox, "Networks");
	if (j)
		put_clients(v, j);
	if (j && net_owner(v))
		put_net_owner(v, net_owner(v), j);
	else if (j && v->how.full)
		(void)json_object_set_new(
			j, "SharedWith",
			json_pack("{s:s, s:s, s:s}", "Id", "", "Name", "", "State", ""));
	add_networks(v, j);
	/* a network of its own, made for it alone, has no name; these two do */
	if (j && (strcmp(net, "none") == 0 || strcmp(net, "host") == 0))
		(void)json_object_set_new(
			json_object_get(j, "Networks"), net,
			json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:n, s:n, s:n}",
				  "EndpointID", "", "Gateway", "", "IPAddress", "", "IPPrefixLen",
				  0, "IPv6Gateway", "", "GlobalIPv6Address", "",
				  "GlobalIPv6PrefixLen", 0, "MacAddress", "", "NetworkID", net,
				  "DriverOpts", "IPAMConfig", "Links"));
	return j;
}

/* --- all of it ---------------------------------------------------------------------------- */

static int sizes(const struct ctr_view *v, json_t *j, struct rl_err *err)
{
	auto_free char *upper = str_printf("containers/%s/upper", v->c->id);
	auto_free char *copy = str_printf("containers/%s/rootfs", v->c->id);
	const char *const paths[] = { upper, copy };
	struct session s = { .userns_fd = FD_NONE };
	int64_t bytes[2] = { 0 };
	int r;

	if (!upper || !copy)
		return rl_oom(err);
	r = session_open(v->rl, &s, err);
	if (r == 0)
		r = du_trees(v->rl, &s, paths, 2, bytes, err);
	session_close(&s);
	if (r < 0)
		return r;
	(void)json_object_set_new(j, "SizeRw", json_integer(bytes[0] + bytes[1]));
	(void)json_object_set_new(j, "SizeRootFs",
				  json_integer(bytes[0] + bytes[1] + v->image.size));
	return 0;
}

static json_t *identity(const struct ctr_view *v)
{
	json_t *args = view_list(v->rec, "args"), *rest = json_array();
	const char *typed = view_text(v->rec, "image_name"),
		   *ref = view_text(v->asked, "image_ref");
	bool rootfs = !*view_text(v->rec, "image");
	const char *path = json_string_value(json_array_get(args, 0));
	json_t *j;

	for (size_t i = 1; i < json_array_size(args); i++)
		(void)json_array_append(rest, json_array_get(args, i));
	j = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s}", "Id", v->c->id,
		      "Created", view_text(v->rec, "created"), "Path", path ? path : "", "Args",
		      rest, "State", state_json(v), "Image", view_text(v->rec, "image"),
		      "ImageDigest", v->image.digest ? v->image.digest : "", "ImageName",
		      rootfs ? ""
		      : *ref ? ref
			     : typed,
		      "Rootfs", rootfs ? typed : "", "Pod", "");
	json_decref(args);
	return j;
}

static json_t *files(const struct ctr_view *v)
{
	const json_t *ids = json_object_get(v->rec, "files"); /* --pidfile and kin */

	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, "
			 "s:s}",
			 "ResolvConfPath", own_file(v, "resolv.conf"), "HostnamePath",
			 own_file(v, "hostname"), "HostsPath", own_file(v, "hosts"), "StaticDir",
			 v->c->dir, "OCIConfigPath", own_file(v, "config.json"), "LogPath",
			 view_log_path(v), "OCIRuntime", "rl", "ConmonPidFile",
			 view_text(ids, "monitor_pid"), "PidFile", view_text(ids, "pid"), "Name",
			 v->c->name, "RestartCount", (int)v->state.restarts, "Driver",
			 io_exists(v->c->dir_fd, "rootfs") ? "vfs" : "overlay", "MountLabel", "",
			 "ProcessLabel", "", "AppArmorProfile", "");
}

static json_t *rest(const struct ctr_view *v)
{
	const json_t *caps = json_object_get(v->process, "capabilities");

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:s, s:i, s:o, s:o, "
			 "s:o, s:b, s:b}",
			 "EffectiveCaps", view_list(caps, "effective"), "BoundingCaps",
			 view_list(caps, "bounding"), "ExecIDs", v->exec_ids, "GraphDriver",
			 graph_driver(v), "Mounts", mounts_json(v), "Dependencies",
			 net_owner(v) ? json_pack("[s]", net_owner(v)) : json_array(),
			 "NetworkSettings", network_json(v), "Namespace", "", "IsInfra", 0,
			 "IsService", 0, "KubeExitCodePropagation", "invalid", "lockNumber", 0,
			 "Config", ctr_inspect_config(v), "HostConfig", ctr_inspect_host(v),
			 "Isolation", ctr_inspect_isolation(v), "UseImageHosts",
			 json_is_true(json_object_get(v->asked, "no_hosts")), "UseImageHostname",
			 json_is_true(json_object_get(v->asked, "no_hostname")));
}

static int compose(struct ctr_view *v, json_t **ret, struct rl_err *err)
{
	json_auto_t *j = identity(v);
	int r = 0;

	if (!j || json_object_update_new(j, files(v)) < 0)
		return rl_oom(err);
	if (v->how.size)
		r = sizes(v, j, err);
	else if (v->how.full) {
		(void)json_object_set_new(j, "SizeRw", json_null());
		(void)json_object_set_new(j, "SizeRootFs", json_null());
	}
	if (r == 0 && json_object_update_new(j, rest(v)) < 0)
		r = rl_oom(err);
	if (r == 0)
		*ret = json_incref(j);
	return r;
}

/*
 * The spec without the rules of its seccomp filter: they are four fifths of the text, and all that is
 * shown of them is that they are there.
 */
static int read_config(const struct ctr *c, json_t **ret, struct rl_err *err)
{
	struct json_pick part = { .key = "linux" }, rules = { .key = "seccomp" };
	auto_buf struct buf b = { 0 };
	int r = json_pick_file(c->dir_fd, "config.json", SPEC_JSON_MAX, &b, &part, 1, err);

	if (r == 0 && part.v.p && *part.v.p == '{')
		r = json_pick(part.v, "config.json: linux", &rules, 1, err);
	if (r == 0 && rules.v.p && *rules.v.p == '{') {
		size_t at = (size_t)(rules.v.p - b.data), end = at + rules.v.len;

		memcpy(b.data + at, "{}", 2);
		memmove(b.data + at + 2, b.data + end, b.len - end);
		b.len -= rules.v.len - 2;
	}
	return r < 0 ? r : json_read(b.data, b.len, SPEC_JSON_MAX, "config.json", ret, err);
}

int ctr_inspect_json(const struct rl *rl, struct ctr *c, const struct ctr_inspect_how *how,
		     json_t **ret, struct rl_err *err)
{
	struct ctr_view v = { .rl = rl, .c = c, .how = *how };
	const char *image;
	struct rl_err why;
	int r = life_state(rl, c, &v.state, err);

	v.rec = c->record;
	if (r == 0 && !v.rec)
		r = rl_fail(err, EBADMSG, "its record (state.json) is damaged");
	if (r == 0)
		r = read_config(c, &v.config, err);
	if (r < 0)
		return r;
	v.asked = json_object_get(v.rec, "asked");
	v.process = json_object_get(v.config, "process");
	v.linux_part = json_object_get(v.config, "linux");
	image = view_text(v.rec, "image");
	/* an image that was removed by force leaves a few fields empty */
	if (*image && digest_is_hex64(image, strlen(image)) &&
	    image_load(rl, image, &v.image, &why) < 0)
		log_debug("%s", why.msg);
	ask_monitor(&v);
	r = compose(&v, ret, err);
	image_done(&v.image);
	json_decref(v.config);
	return r;
}
