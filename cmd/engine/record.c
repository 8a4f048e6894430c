/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - engine: a container's own record (state.json) beside its OCI spec (config.json)
 *
 * Theory of operation: written once, when the container is made, and read by start, ps and
 * inspect. What changes later (pid, end) has files of its own (core/ctr.h). With --rm nothing needs
 * to survive a power loss, so nothing is synced. "version" is CTR_FORMAT; a newer one is refused.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/container.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"

#define RECORD_MAX (8U << 20)

static const char *const net_names[] = { "private", "none", "host" };

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

static json_t *limits_to_json(const struct cgroup_limits *l)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:s, s:s}", "cpu_quota_us",
			 (json_int_t)l->cpu_quota_us, "cpu_period_us", (json_int_t)l->cpu_period_us,
			 "cpu_weight", (json_int_t)l->cpu_weight, "memory_max",
			 (json_int_t)l->memory_max, "memory_swap_max",
			 (json_int_t)l->memory_swap_max, "has_swap", l->has_swap, "memory_low",
			 (json_int_t)l->memory_low, "memory_high", (json_int_t)l->memory_high,
			 "pids_max", (json_int_t)l->pids_max, "cpuset_cpus", l->cpuset_cpus,
			 "cpuset_mems", l->cpuset_mems);
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
	char created[32], uids[IDMAP_TEXT], gids[IDMAP_TEXT];

	time_rfc3339(created, c->created_ns);
	(void)idmap_format(&c->uids, uids);
	(void)idmap_format(&c->gids, gids);
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:O*, s:I, s:i,"
		" s:b, s:b, s:b, s:b, s:b, s:b}",
		"version", CTR_FORMAT, "id", c->ctr.id, "name", c->ctr.name, "created", created,
		"image_name", c->image_name, "image", c->image_id, "diff_ids",
		list_to_json(&c->diff_ids), "uids", uids, "gids", gids, "net", net_names[c->net],
		"limits", limits_to_json(&c->limits), "limit_flags", list_to_json(&c->limit_flags),
		"volumes", volumes_to_json(c), "labels", c->labels, "stop_timeout",
		(json_int_t)c->stop_timeout, "stop_signal", c->stop_signal, "tty", c->tty,
		"interactive", c->interactive, "remove", c->remove, "init", c->init,
		"strict_limits", c->strict_limits, "host_cgroupns", c->host_cgroupns);
}

int record_write(const struct container *c, struct rl_err *err)
{
	bool sync = !c->remove;
	json_auto_t *j = to_json(c);
	int r = j ? 0 : rl_oom(err);

	if (r == 0)
		r = json_write_file(c->ctr.dir_fd, "config.json", c->spec_json, sync, err);
	if (r == 0 && c->image_id[0]) /* what rmi looks at */
		r = io_replace_file(c->ctr.dir_fd, "image", c->image_id, strlen(c->image_id), 0600,
				    sync ? IO_SYNC : IO_NOSYNC, err);
	if (r == 0)
		r = json_write_file(c->ctr.dir_fd, "state.json", j, sync, err);
	return r;
}
