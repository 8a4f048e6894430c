/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - engine: a container's own record (state.json) beside its OCI spec (config.json)
 *
 * Theory of operation: written once, when the container is made, and read by start, ps and
 * inspect. What changes later (pid, end) has files of its own (core/ctr.h). "asked" and "mounts"
 * are what people look at (cmd/engine/spec_asked.c): nothing that runs depends on them.
 * "ports" lists what is published: {host_ip, container_port, host_port, range, protocol}. Nothing is
 * synced here: see ctr_sync(). "version" is CTR_FORMAT; a newer one is refused.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/container.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"

#define RECORD_MAX (8U << 20)

static const char *const net_names[] = { "private", "none", "host", "container", "ns" };

static json_t *list_to_json(const struct strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < l->n; i++) {
		if (json_array_append_new(a, json_string(l->v[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *volumes_to_json(const struct container *c)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < c->n_volumes; i++) {
		const struct spec_volume *v = &c->volumes[i];

		if (json_array_append_new(a, json_pack("{s:s, s:s, s:b, s:b}", "name", v->name,
						       "dest", v->dest, "copy_up", v->copy_up,
						       "anonymous", v->anonymous)) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *to_json(const struct container *c)
{
	char created[32], uids[IDMAP_TEXT], gids[IDMAP_TEXT], restart[RESTART_TEXT];

	time_rfc3339(created, c->created_ns);
	(void)idmap_format(&c->uids, uids);
	(void)idmap_format(&c->gids, gids);
	restart_print(&c->restart, restart);
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:O*, s:I, s:I,"
		" s:s, s:o, s:i, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:O*, s:O*, s:O*, s:o, "
		"s:o, s:O*, s:O*}",
		"version", CTR_FORMAT, "id", c->ctr.id, "name", c->ctr.name, "created", created,
		"image_name", c->image_name, "image", c->image_id, "diff_ids",
		list_to_json(&c->diff_ids), "uids", uids, "gids", gids, "net", net_names[c->net],
		"limits", record_limits(&c->limits), "limit_flags", list_to_json(&c->limit_flags),
		"volumes", volumes_to_json(c), "labels", c->labels, "stop_timeout",
		(json_int_t)c->stop_timeout, "timeout", (json_int_t)c->run_timeout, "restart",
		restart, "health", health_conf_write(&c->health), "stop_signal", c->stop_signal,
		"tty", c->tty, "interactive", c->interactive, "remove", c->remove, "run", c->run,
		"init", c->init, "strict_limits", c->strict_limits, "host_cgroupns",
		c->host_cgroupns, "over_folder", c->over_folder, "args",
		json_object_get(json_object_get(c->spec_json, "process"), "args"), "mounts",
		c->mounts, "asked", c->asked, "ports", ports_to_json(c), "net_words",
		list_to_json(&c->net_words), "files", c->files, "log", c->log);
}

/* What volume rm looks at; with --rm anonymous ones go with the container */
static int write_volumes(const struct container *c, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };

	for (size_t i = 0; i < c->n_volumes; i++) {
		const struct spec_volume *v = &c->volumes[i];
		char fate = !v->anonymous ? CTR_VOLUME_STAYS
			    : c->remove   ? CTR_VOLUME_GOES
					  : CTR_VOLUME_NEW;

		if (buf_printf(&b, "%c %s\n", fate, v->name) < 0)
			return rl_oom(err);
	}
	return b.len ? io_replace_file(c->ctr.dir_fd, CTR_VOLUMES, b.data, b.len, 0600, IO_NOSYNC,
				       err)
		     : 0;
}

int record_write(const struct container *c, struct rl_err *err)
{
	json_auto_t *j = to_json(c);
	int r = j ? 0 : rl_oom(err);

	if (r == 0)
		r = io_replace_file(c->ctr.dir_fd, "config.json", c->config_text,
				    strlen(c->config_text), 0600, IO_NOSYNC, err);
	if (r == 0 && c->image_id[0]) /* what rmi looks at */
		r = io_replace_file(c->ctr.dir_fd, "image", c->image_id, strlen(c->image_id), 0600,
				    IO_NOSYNC, err);
	if (r == 0)
		r = write_volumes(c, err);
	if (r == 0)
		r = json_write_file(c->ctr.dir_fd, "state.json", j, false, err);
	return r;
}

/* --- reading ------------------------------------------------------------------------------- */

static int json_to_list(const json_t *o, const char *key, struct strv *ret, struct rl_err *err)
{
	json_t *a = NULL;
	int r = json_get_arr(o, key, "state.json", &a, err);

	if (r == 0 && a)
		r = json_check_strings(a, key, err);
	for (size_t i = 0; r == 0 && i < json_array_size(a); i++)
		r = strv_add(ret, json_string_value(json_array_get(a, i))) < 0 ? rl_oom(err) : 0;
	return r;
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key)); /* 0 for what is missing */
}

static void text(const json_t *o, const char *key, char *ret, size_t room)
{
	const char *s = json_string_value(json_object_get(o, key));

	(void)snprintf(ret, room, "%s", s ? s : "");
}

static int json_to_volumes(const json_t *j, struct container *c, struct rl_err *err)
{
	const json_t *a = json_object_get(j, "volumes");
	size_t n = json_array_size(a);

	c->volumes = calloc(n + 1, sizeof(*c->volumes));
	if (!c->volumes)
		return rl_oom(err);
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(a, i);
		const char *name = json_string_value(json_object_get(o, "name"));
		const char *dest = json_string_value(json_object_get(o, "dest"));
		struct spec_volume *v = &c->volumes[c->n_volumes++];

		v->name = strdup(name ? name : "");
		v->dest = strdup(dest ? dest : "");
		v->copy_up = json_is_true(json_object_get(o, "copy_up"));
		v->anonymous = json_is_true(json_object_get(o, "anonymous"));
		if (!v->name || !v->dest)
			return rl_oom(err);
	}
	return 0;
}

static int check_version(const json_t *j, struct rl_err *err)
{
	if (number(j, "version") <= CTR_FORMAT)
		return 0;
	rl_fail(err, EPROTO,
		"the container was made by a newer rl (format %lld, this one knows %d)",
		(long long)number(j, "version"), CTR_FORMAT);
	return rl_hint(err, "use that version for it, or remove the container with it");
}

static int from_json(const json_t *j, struct container *c, struct rl_err *err)
{
	const char *uids = json_string_value(json_object_get(j, "uids"));
	const char *gids = json_string_value(json_object_get(j, "gids"));
	const char *net = json_string_value(json_object_get(j, "net"));
	const char *image_name = json_string_value(json_object_get(j, "image_name"));
	const char *created = json_string_value(json_object_get(j, "created"));
	int r = check_version(j, err);

	if (r < 0)
		return r;
	if (!uids || !gids || idmap_parse(uids, &c->uids) < 0 || idmap_parse(gids, &c->gids) < 0)
		return rl_fail(err, EINVAL, "'uids' or 'gids' is not an id map");
	for (size_t i = 0; net && i < ARRAY_LEN(net_names); i++)
		if (strcmp(net, net_names[i]) == 0)
			c->net = (enum container_net)i;
	c->image_name = strdup(image_name ? image_name : "");
	if (!c->image_name)
		return rl_oom(err);
	if (!created || time_parse_rfc3339(created, &c->created_ns) < 0)
		c->created_ns = 0;
	r = restart_parse(json_string_value(json_object_get(j, "restart")), &c->restart, err);
	health_conf_init(&c->health);
	if (r == 0)
		r = health_conf_read(json_object_get(j, "health"), &c->health, err);
	if (r < 0)
		return r;
	text(j, "image", c->image_id, sizeof(c->image_id));
	c->labels = json_incref(json_object_get(j, "labels"));
	c->asked = json_incref(json_object_get(j, "asked"));
	c->mounts = json_incref(json_object_get(j, "mounts"));
	c->files = json_incref(json_object_get(j, "files"));
	c->log = json_incref(json_object_get(j, "log"));
	r = ports_from_json(json_object_get(j, "ports"), c, err);
	if (r < 0)
		return r;
	record_get_limits(json_object_get(j, "limits"), &c->limits);
	c->stop_timeout = number(j, "stop_timeout");
	c->run_timeout = number(j, "timeout");
	c->stop_signal = (int)number(j, "stop_signal");
	c->tty = json_is_true(json_object_get(j, "tty"));
	c->interactive = json_is_true(json_object_get(j, "interactive"));
	c->remove = json_is_true(json_object_get(j, "remove"));
	c->init = json_is_true(json_object_get(j, "init"));
	c->strict_limits = json_is_true(json_object_get(j, "strict_limits"));
	c->host_cgroupns = json_is_true(json_object_get(j, "host_cgroupns"));
	c->over_folder = json_is_true(json_object_get(j, "over_folder"));
	r = json_to_list(j, "diff_ids", &c->diff_ids, err);
	if (r == 0)
		r = json_to_list(j, "limit_flags", &c->limit_flags, err);
	if (r == 0)
		r = json_to_list(j, "net_words", &c->net_words, err);
	return r < 0 ? r : json_to_volumes(j, c, err);
}

int record_parse(const char *data, size_t len, struct container *c, struct rl_err *err)
{
	json_auto_t *j = NULL;
	int r = json_read(data, len, RECORD_MAX, "state.json", &j, err);

	return r < 0 ? r : from_json(j, c, err);
}

int record_reread(struct container *c, struct rl_err *err)
{
	json_auto_t *state = NULL, *config = NULL, *before = NULL, *after = NULL;
	struct health_conf check;
	struct spec fresh = { 0 };
	auto_free char *name = NULL;
	int r = json_read_file(c->ctr.dir_fd, "state.json", RECORD_MAX, &state, err);

	health_conf_init(&check);
	if (r == 0 && json_is_string(json_object_get(state, "name")))
		name = strdup(json_string_value(json_object_get(state, "name")));
	if (r == 0)
		r = health_conf_read(json_object_get(state, "health"), &check, err);
	if (r == 0)
		r = json_read_file(c->ctr.dir_fd, "config.json", RECORD_MAX, &config, err);
	if (r == 0)
		r = spec_parse(config, &fresh, err);
	before = r == 0 ? health_conf_write(&c->health) : NULL;
	after = r == 0 ? health_conf_write(&check) : NULL;
	if (r == 0 && (!before || !after))
		r = rl_oom(err);
	if (r == 0) {
		struct health_conf old_check = c->health;
		struct spec_rlimit *old = c->spec.rlimits;

		if (name) {
			free(c->ctr.name);
			c->ctr.name = TAKE_PTR(name);
		}
		c->health = check;
		check = old_check;
		c->spec.rlimits = fresh.rlimits;
		c->spec.n_rlimits = fresh.n_rlimits;
		fresh.rlimits = old;
		r = json_equal(before, after) ? 0 : 1;
	}
	health_conf_done(&check);
	spec_done(&fresh);
	return r;
}

int record_read(struct container *c, struct rl_err *err)
{
	json_auto_t *j = NULL;
	int r = json_read_file(c->ctr.dir_fd, "state.json", RECORD_MAX, &j, err);

	if (r == 0)
		r = from_json(j, c, err);
	if (r == 0)
		r = json_read_file(c->ctr.dir_fd, "config.json", RECORD_MAX, &c->spec_json, err);
	if (r == 0)
		r = spec_parse(c->spec_json, &c->spec, err);
	return r < 0 ? rl_wrap(err, "the record of container %.12s", c->ctr.id) : 0;
}
