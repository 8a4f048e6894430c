/* SPDX-License-Identifier: Apache-2.0 */
/* ps_row.c - one container as the JSON object that lists work on; the header is the manual */
#include "config.h"

#include "cmd/ps_row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/ctr_view.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "cmd/network_view.h"
#include "cmd/ps_filter.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/jsonpick.h"
#include "core/base/log.h"
#include "core/health.h"
#include "net/endpoint.h"
#include "storage/du.h"
#include "storage/image.h"
#include "storage/ref.h"

#define STATE_MAX (8U << 20)
#define NO_TIME   INT64_C(-62135596800) /* Go's zero time as Unix time */

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* "2026-11-22 16:28:11.245683662 +0000 UTC", as Go prints a time */
static void go_time(char out[64], int64_t ns)
{
	time_t s = (time_t)(ns / 1000000000);
	char fraction[16];
	struct tm tm;
	size_t n;

	*out = '\0';
	if (!gmtime_r(&s, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm))
		return;
	(void)snprintf(fraction, sizeof(fraction), ".%09d", (int)(ns % 1000000000));
	for (n = strlen(fraction); n > 1 && (fraction[n - 1] == '0' || fraction[n - 1] == '.'); n--)
		;
	if (fraction[n - 1] == '.')
		n = 0;
	n = strlen(fraction) < n ? strlen(fraction) : n;
	(void)snprintf(out + strlen(out), 64 - strlen(out), "%.*s +0000 UTC", n > 1 ? (int)n : 0,
		       fraction);
}

/* --- namespaces --------------------------------------------------------------------------- */

static const struct {
	const char *file, *key; /* below /proc/PID/ns; in JSON */
} ns_files[] = {
	{ "mnt", "Mnt" },   { "cgroup", "Cgroup" }, { "ipc", "Ipc" },   { "net", "Net" },
	{ "pid", "Pidns" }, { "uts", "Uts" },       { "user", "User" },
};

static void add_namespace(json_t *o, pid_t pid, const char *file, const char *key)
{
	char path[48], text[64], *end;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, file);
	n = readlink(path, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0'; /* "net:[4026531840]" */
	end = strchr(text, ']');
	if (end)
		*end = '\0';
	end = strchr(text, '[');
	if (end)
		(void)json_object_set_new(o, key, json_string(end + 1));
}

static json_t *namespaces(pid_t pid)
{
	json_t *o = json_object();

	for (size_t i = 0; o && pid > 0 && i < ARRAY_LEN(ns_files); i++)
		add_namespace(o, pid, ns_files[i].file, ns_files[i].key);
	return o;
}

/* --- the row ------------------------------------------------------------------------------ */

static const char *health_text(const struct ctr *c, const struct ctr_state *s, bool has_check,
			       char out[16])
{
	*out = '\0';
	if (!has_check || !ctr_is_alive(s))
		return out;
	health_read_status(c->dir_fd, out);
	if (!*out)
		(void)snprintf(out, 16, "%s", health_name(HEALTH_STARTING));
	return out;
}

static json_t *or_null(json_t *v, size_t n)
{
	return v && n > 0 ? json_incref(v) : json_null();
}

static int64_t seconds(int64_t ns)
{
	return ns ? ns / 1000000000 : NO_TIME;
}

/* What every row shows */
struct words {
	int64_t created_ns;
	char age[FORMAT_TEXT_MAX], health[16], status[VIEW_STATUS_MAX];
	char *command, *ports; /* owned */
};

static void words_done(struct words *w)
{
	free(w->command);
	free(w->ports);
}

static int words_make(const struct ctr *c, const struct ctr_state *s, const struct ps_row_how *how,
		      const char *created, const json_t *args, const json_t *ports, bool has_check,
		      struct words *w)
{
	w->created_ns = 0;
	(void)time_parse_rfc3339(created, &w->created_ns);
	format_age(w->age, wall_ns() - w->created_ns);
	ctr_view_status(w->status, s, health_text(c, s, has_check, w->health));
	w->command = ctr_view_command(args, how->whole);
	w->ports = ctr_view_ports(ports);
	return w->command && w->ports ? 0 : -ENOMEM;
}

/* What only templates and filters ask for. */
static int add_inner(json_t *j, const struct ctr *c, const struct words *w)
{
	char time[64];
	json_t *more;

	go_time(time, w->created_ns);
	more = json_pack("{s:O, s:I, s:s++, s:s++, s:s, s:s, s:s, s:s}", "Record", c->record,
			 "CreatedNs", (json_int_t)w->created_ns, "CreatedHuman", w->age, " ago", "",
			 "RunningFor", w->age, " ago", "", "CommandText", w->command, "PortsText",
			 w->ports, "CreatedTime", time, "Health", w->health);
	return more ? json_object_update_new(j, more) : -ENOMEM;
}

/* The names of its networks; looked for where there can be some. */
static json_t *networks(const struct ctr *c, const struct ctr_state *s, const char *asked)
{
	auto_strv struct strv names = { 0 };
	json_t *a = json_array();

	if ((ctr_is_alive(s) || (*asked && endpoint_is_named(asked))) &&
	    network_names_of(c->dir_fd, &names) < 0)
		return a;
	for (size_t i = 0; a && i < names.n; i++)
		(void)json_array_append_new(a, json_string(names.v[i]));
	return a;
}

static json_t *make(const struct ctr *c, const struct ctr_state *s, const struct ps_row_how *how)
{
	json_t *rec = c->record, *labels = json_object_get(rec, "labels");
	json_t *ports = json_object_get(rec, "ports"), *mounts = json_object_get(rec, "mounts");
	json_t *args = json_object_get(rec, "args"), *asked = json_object_get(rec, "asked");
	bool ended = s->status == CTR_EXITED || s->status == CTR_RESTARTING;
	int64_t started = s->started_ns ? s->started_ns : s->exit.started_ns;
	struct words w;
	json_t *j = NULL;

	if (words_make(c, s, how, str(rec, "created"), args, ports,
		       json_is_object(json_object_get(rec, "health")), &w) == 0)
		j = json_pack(
			"{s:b, s:o, s:s++, s:s, s:b, s:I, s:i, s:n, s:s, s:s, s:s, s:b, s:o, s:o, "
			"s:[s], s:o, s:o, s:i, s:s, s:s, s:o, s:i, s:n, s:I, s:s, s:s, s:I}",
			"AutoRemove", json_is_true(json_object_get(rec, "remove")), "Command",
			or_null(args, 1), "CreatedAt", w.age, " ago", "", "CIDFile",
			str(asked, "cidfile"), "Exited", s->status == CTR_EXITED, "ExitedAt",
			(json_int_t)seconds(ended ? s->exit.finished_ns : 0), "ExitCode",
			ended ? s->exit.code : 0, "ExposedPorts", "Id", c->id, "Image",
			str(rec, "image_name"), "ImageID", str(rec, "image"), "IsInfra", 0,
			"Labels", or_null(labels, json_object_size(labels)), "Mounts",
			mounts ? json_incref(mounts) : json_array(), "Names", c->name, "Namespaces",
			how->namespaces ? namespaces(s->pid) : json_object(), "Networks",
			networks(c, s, str(asked, "network")), "Pid", (int)s->pid, "Pod", "",
			"PodName", "", "Ports", or_null(ports, json_array_size(ports)), "Restarts",
			(int)s->restarts, "Size", "StartedAt", (json_int_t)seconds(started),
			"State", ctr_status_name(s->status), "Status", w.status, "Created",
			(json_int_t)(w.created_ns / 1000000000));
	if (j && add_inner(j, c, &w) < 0) {
		json_decref(j);
		j = NULL;
	}
	words_done(&w);
	return j;
}

/* What brief rows need of state.json */
enum { CREATED, IMAGE, ARGS, PORTS, HEALTH, PICKS };

static json_t *make_brief(const struct ctr *c, const struct ctr_state *s,
			  const struct ps_row_how *how, const struct json_pick p[PICKS])
{
	char created[48], image[REF_LEN_MAX + 1];
	json_auto_t *args = NULL, *ports = NULL;
	struct words w;
	json_t *j = NULL;

	args = json_text_tree(p[ARGS].v);
	ports = json_text_tree(p[PORTS].v);
	if (words_make(c, s, how, json_text_copy(p[CREATED].v, created, sizeof(created)), args,
		       ports, p[HEALTH].v.p && *p[HEALTH].v.p == '{', &w) == 0)
		j = json_pack("{s:s, s:s, s:[s], s:s, s:s, s:I, s:s++, s:s, s:s}", "Id", c->id,
			      "Image", json_text_copy(p[IMAGE].v, image, sizeof(image)), "Names",
			      c->name, "State", ctr_status_name(s->status), "Status", w.status,
			      "CreatedNs", (json_int_t)w.created_ns, "RunningFor", w.age, " ago",
			      "", "CommandText", w.command, "PortsText", w.ports);
	words_done(&w);
	return j;
}

/*
 * Does it certainly not run, and did its monitor write the end, or was there never one? Then nobody
 * needs to read its records. Whatever is unclear says no.
 */
static bool is_idle(const struct rl *rl, const char *id)
{
	char path[CTR_ID_LEN + 32];
	auto_fd int fd = FD_NONE;
	bool ended;

	(void)snprintf(path, sizeof(path), "containers/%s/lock", id);
	fd = openat(rl->data_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || io_lock_holder(fd) != 0)
		return false;
	(void)snprintf(path, sizeof(path), "containers/%s/exit.json", id);
	ended = io_exists(rl->data_fd, path);
	if (!ended && errno == ENOENT) {
		(void)snprintf(path, sizeof(path), "containers/%s/run.json", id);
		ended = !io_exists(rl->data_fd, path) && errno == ENOENT;
	}
	/* between the two looks it may have been started: then the lock is held again */
	return ended && io_lock_holder(fd) == 0;
}

json_t *ps_row_make(struct rl *rl, const char *id, const struct ps_row_how *how)
{
	struct json_pick p[PICKS] = { { .key = "created" },
				      { .key = "image_name" },
				      { .key = "args" },
				      { .key = "ports" },
				      { .key = "health" } };
	json_t *j = NULL;
	struct rl_err err = { 0 };
	struct ctr_state s;
	struct ctr c;
	int r;

	if (how->running_only && is_idle(rl, id))
		return NULL;
	r = how->brief ? ctr_look(rl, id, p, PICKS, &c, &err) : ctr_open(rl, id, &c, &err);
	if (r < 0)
		return NULL; /* removed between listing and opening */
	r = life_state(rl, &c, &s, &err);
	if (r == 0 && (how->brief ? c.text.len == 0 : !c.record)) { /* for the reason */
		r = json_read_file(c.dir_fd, "state.json", STATE_MAX, &c.record, &err);
		if (r == 0 && how->brief)
			r = rl_fail(&err, EINVAL, "state.json: not an object");
	}
	if (r == 0 && s.damaged)
		log_warn("container %.12s: its %s is damaged, so not all is known of it ('rl "
			 "stop', 'rl "
			 "start' and 'rl rm -f' work)",
			 id, s.damaged);
	if (r == 0 && (!how->running_only || ctr_is_alive(&s)))
		j = how->brief ? make_brief(&c, &s, how, p) : make(&c, &s, how);
	else if (r < 0 && r != -ENOENT)
		log_warn("container %.12s is damaged, showing the others: %s ('rl rm -f %.12s' "
			 "removes it)",
			 id, err.msg, id);
	ctr_done(&c);
	return j;
}

json_t *ps_row(struct rl *rl, const char *id)
{
	return ps_row_make(rl, id, &(const struct ps_row_how){ .whole = true });
}

/* --- sizes -------------------------------------------------------------------------------- */

/* Sizes of the images that rows name, one look-up for each image; an unknown one counts 0. */
static int64_t image_size(const struct rl *rl, json_t *known, const char *id)
{
	json_t *v = json_object_get(known, id);
	auto_image struct image img = { 0 };
	struct rl_err ignored;

	if (v)
		return json_integer_value(v);
	if (strlen(id) == 64 && image_find(rl, id, NULL, &img, &ignored) < 0)
		img.size = 0;
	(void)json_object_set_new(known, id, json_integer(img.size));
	return img.size;
}

static int set_size(json_t *row, int64_t rw, int64_t image)
{
	char a[FORMAT_TEXT_MAX], b[FORMAT_TEXT_MAX];
	json_t *text;

	format_size(a, rw, 3, "");
	format_size(b, rw + image, 3, "");
	text = json_sprintf("%s (virtual %s)", a, b);
	if (json_object_set_new(row, "Size",
				json_pack("{s:I, s:I}", "rootFsSize", (json_int_t)(rw + image),
					  "rwSize", (json_int_t)rw)) < 0)
		return -ENOMEM;
	return json_object_set_new(row, "SizeText", text);
}

int ps_row_sizes(const struct rl *rl, json_t *rows, struct rl_err *err)
{
	size_t n = json_array_size(rows);
	auto_strv struct strv paths = { 0 };
	auto_free int64_t *bytes = calloc(2 * n + 1, sizeof(*bytes));
	json_auto_t *known = json_object();
	struct session s = { .userns_fd = FD_NONE };
	int r = bytes && known ? 0 : rl_oom(err);

	if (n == 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *id = str(json_array_get(rows, i), "Id");

		/* writable files: of an overlay, or the copy where there is none */
		if (strv_take(&paths, str_printf("containers/%s/upper", id)) < 0 ||
		    strv_take(&paths, str_printf("containers/%s/rootfs", id)) < 0)
			r = rl_oom(err);
	}
	if (r == 0)
		r = session_open(rl, &s, err);
	if (r == 0)
		r = du_trees(rl, &s, (const char *const *)paths.v, 2 * n, bytes, err);
	session_close(&s);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *row = json_array_get(rows, i);

		if (set_size(row, bytes[2 * i] + bytes[2 * i + 1],
			     image_size(rl, known, str(row, "ImageID"))) < 0)
			r = rl_oom(err);
	}
	return r;
}

/* --- for the eye -------------------------------------------------------------------------- */

int ps_row_for_json(json_t *row)
{
	static const char *const inner[] = { "Record",      "CreatedNs",   "CreatedHuman",
					     "RunningFor",  "CommandText", "PortsText",
					     "CreatedTime", "Health",      "SizeText" };

	for (size_t i = 0; i < ARRAY_LEN(inner); i++)
		(void)json_object_del(row, inner[i]); /* SizeText may not be there */
	return 0;
}

static int copy(json_t *row, const char *to, const char *from)
{
	json_t *v = json_object_get(row, from);

	return json_object_set(row, to, v ? v : json_null());
}

static int networks_text(json_t *row)
{
	const json_t *name, *list = json_object_get(row, "Networks");
	auto_buf struct buf b = { 0 };
	size_t i;
	int r = 0;

	json_array_foreach (list, i, name) {
		if (r == 0)
			r = buf_printf(&b, "%s%s", i ? "," : "", json_string_value(name));
	}
	return r < 0 ? r : json_object_set_new(row, "Networks", json_string(b.data ? b.data : ""));
}

int ps_row_for_template(json_t *row, bool whole)
{
	const json_t *ns = json_object_get(row, "Namespaces");
	char id[80];
	int bad = 0;

	(void)snprintf(id, sizeof(id), whole ? "%s" : "%.12s", str(row, "Id"));
	bad |= json_object_set_new(row, "ID", json_string(id));
	bad |= json_object_set_new(row, "Id", json_string(id));
	bad |= json_object_set(row, "Names", json_array_get(json_object_get(row, "Names"), 0));
	bad |= copy(row, "Command", "CommandText");
	bad |= copy(row, "Ports", "PortsText");
	if (!json_object_get(row, "Record")) /* a brief one */
		return bad ? -ENOMEM : 0;
	bad |= copy(row, "CreatedAt", "CreatedTime");
	bad |= copy(row, "Created", "CreatedTime");
	bad |= json_object_set_new(row, "Size", json_string(str(row, "SizeText")));
	bad |= json_object_set_new(row, "LocalVolumes",
				   json_integer((json_int_t)json_array_size(json_object_get(
					   json_object_get(row, "Record"), "volumes"))));
	(void)snprintf(id, sizeof(id), whole ? "%s" : "%.12s", str(row, "ImageID"));
	bad |= json_object_set_new(row, "ImageID", json_string(id));
	bad |= networks_text(row);
	bad |= json_object_del(row, "Record");
	if (json_is_null(json_object_get(row, "Labels")))
		bad |= json_object_set_new(row, "Labels", json_object());
	if (json_is_null(json_object_get(row, "ExposedPorts")))
		bad |= json_object_set_new(row, "ExposedPorts", json_object());
	/* .MNT and kin beside .Namespaces.MNT */
	for (size_t i = 0; i < ARRAY_LEN(ns_files); i++) {
		const char *key = ns_files[i].key;

		bad |= json_object_set_new(row, strcmp(key, "User") == 0 ? "UserNS" : key,
					   json_string(str(ns, key)));
	}
	bad |= copy(row, "CGROUPNS", "Cgroup");
	return bad ? -ENOMEM : 0;
}

json_t *ps_row_headers(void)
{
	static const char *const names[][2] = {
		{ "ID", "CONTAINER ID" },      { "Id", "CONTAINER ID" },
		{ "RunningFor", "CREATED" },   { "CreatedHuman", "CREATED" },
		{ "CreatedAt", "CREATED AT" }, { "StartedAt", "STARTED AT" },
		{ "ExitedAt", "EXITED AT" },   { "ExitCode", "EXIT CODE" },
		{ "ImageID", "IMAGE ID" },     { "Pod", "POD ID" },
		{ "PodName", "PODNAME" },      { "ExposedPorts", "EXPOSED PORTS" },
		{ "Cgroup", "CGROUPNS" },      { "UserNS", "USERNS" },
		{ "Pidns", "PIDNS" },          { "AutoRemove", "AUTO REMOVE" },
	};
	json_t *o = json_object();

	for (size_t i = 0; o && i < ARRAY_LEN(names); i++)
		(void)json_object_set_new(o, names[i][0], json_string(names[i][1]));
	return o;
}
