/* SPDX-License-Identifier: Apache-2.0 */
/* record_limits.c - engine: "limits" of a container's record; what is not limited is mostly left out */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cmd/engine/container.h"

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key)); /* 0 for what is missing */
}

static void text(const json_t *o, const char *key, char *ret, size_t room)
{
	const char *s = json_string_value(json_object_get(o, key));

	(void)snprintf(ret, room, "%s", s ? s : "");
}

/* Block devices, files by name, the place */
static int put_io(const struct cgroup_limits *l, json_t *o)
{
	json_t *a = json_array(), *conf = json_array();
	int bad = 0;

	for (size_t i = 0; i < l->n_devices; i++) {
		const struct cgroup_device *d = &l->devices[i];

		bad |= json_array_append_new(
			a,
			json_pack("[I, I, I, I, I, I, I]", (json_int_t)d->major,
				  (json_int_t)d->minor, (json_int_t)d->weight,
				  (json_int_t)d->max[CGROUP_RBPS], (json_int_t)d->max[CGROUP_WBPS],
				  (json_int_t)d->max[CGROUP_RIOPS],
				  (json_int_t)d->max[CGROUP_WIOPS]));
	}
	for (size_t i = 0; i < l->n_confs; i++)
		bad |= json_array_append_new(conf, json_string(l->conf[i]));
	if (l->n_devices > 0)
		bad |= json_object_set(o, "devices", a);
	if (l->n_confs > 0)
		bad |= json_object_set(o, "conf", conf);
	if (l->io_weight > 0)
		bad |= json_object_set_new(o, "io_weight", json_integer((json_int_t)l->io_weight));
	if (l->parent[0])
		bad |= json_object_set_new(o, "parent", json_string(l->parent));
	if (l->mode != CGROUP_MODE_DEFAULT)
		bad |= json_object_set_new(o, "mode", json_integer((json_int_t)l->mode));
	json_decref(a);
	json_decref(conf);
	return bad;
}

static void get_io(const json_t *o, struct cgroup_limits *l)
{
	const json_t *a = json_object_get(o, "devices"), *conf = json_object_get(o, "conf");
	int64_t mode = number(o, "mode");

	for (size_t i = 0; i < json_array_size(a) && i < CGROUP_DEVICES; i++) {
		const json_t *e = json_array_get(a, i);
		int64_t v[3 + CGROUP_IO_KINDS] = { 0 };

		for (size_t k = 0; k < 3 + CGROUP_IO_KINDS; k++)
			v[k] = json_integer_value(json_array_get(e, k));
		l->devices[i] = (struct cgroup_device){ .major = (uint32_t)v[0],
							.minor = (uint32_t)v[1],
							.weight = (uint64_t)v[2] };
		for (size_t k = 0; k < CGROUP_IO_KINDS; k++)
			l->devices[i].max[k] = v[3 + k] > 0 ? (uint64_t)v[3 + k] : 0;
		l->n_devices = i + 1;
	}
	for (size_t i = 0; i < json_array_size(conf) && i < CGROUP_CONFS; i++) {
		const char *s = json_string_value(json_array_get(conf, i));

		(void)snprintf(l->conf[i], sizeof(l->conf[i]), "%s", s ? s : "");
		l->n_confs = i + 1;
	}
	l->io_weight = (uint64_t)number(o, "io_weight");
	text(o, "parent", l->parent, sizeof(l->parent));
	if (mode >= 0 && mode <= CGROUP_MODE_SPLIT)
		l->mode = (enum cgroup_mode)mode;
}

json_t *record_limits(const struct cgroup_limits *l)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:s, s:s}",
			      "cpu_quota_us", (json_int_t)l->cpu_quota_us, "cpu_period_us",
			      (json_int_t)l->cpu_period_us, "cpu_weight", (json_int_t)l->cpu_weight,
			      "memory_max", (json_int_t)l->memory_max, "memory_swap_max",
			      (json_int_t)l->memory_swap_max, "has_swap", l->has_swap, "memory_low",
			      (json_int_t)l->memory_low, "memory_high", (json_int_t)l->memory_high,
			      "pids_max", (json_int_t)l->pids_max, "cpuset_cpus", l->cpuset_cpus,
			      "cpuset_mems", l->cpuset_mems);

	if (o && put_io(l, o) < 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

void record_get_limits(const json_t *o, struct cgroup_limits *l)
{
	*l = (struct cgroup_limits){
		.cpu_quota_us = number(o, "cpu_quota_us"),
		.cpu_period_us = number(o, "cpu_period_us"),
		.cpu_weight = (uint64_t)number(o, "cpu_weight"),
		.memory_max = number(o, "memory_max"),
		.memory_swap_max = number(o, "memory_swap_max"),
		.has_swap = json_is_true(json_object_get(o, "has_swap")),
		.memory_low = number(o, "memory_low"),
		.memory_high = number(o, "memory_high"),
		.pids_max = number(o, "pids_max"),
	};
	text(o, "cpuset_cpus", l->cpuset_cpus, sizeof(l->cpuset_cpus));
	text(o, "cpuset_mems", l->cpuset_mems, sizeof(l->cpuset_mems));
	get_io(o, l);
}
