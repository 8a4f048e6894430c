/* SPDX-License-Identifier: Apache-2.0 */
/* spec_linux.c - the "linux" object of an OCI runtime spec */
#include "config.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/spec_int.h"

static int ns_by_name(const char *name)
{
	static const char *const names[SPEC_NS_KINDS] = {
		[SPEC_NS_USER] = "user",     [SPEC_NS_MOUNT] = "mount", [SPEC_NS_PID] = "pid",
		[SPEC_NS_NET] = "network",   [SPEC_NS_IPC] = "ipc",     [SPEC_NS_UTS] = "uts",
		[SPEC_NS_CGROUP] = "cgroup", [SPEC_NS_TIME] = "time",
	};

	for (int i = 0; i < SPEC_NS_KINDS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static int parse_namespaces(const json_t *o, struct spec *s, struct rl_err *err)
{
	json_t *list, *item;
	size_t i, n;
	int r = spec_list(o, "namespaces", "linux", SPEC_ITEMS_MAX, &list, &n, err);

	if (r < 0)
		return r;
	json_array_foreach (list, i, item) {
		const char *type, *path;
		int kind;

		r = json_get_str(item, "type", "linux.namespaces", &type, err);
		if (r == 0)
			r = spec_path(item, "path", "linux.namespaces", &path, err);
		if (r < 0)
			return r;
		kind = type ? ns_by_name(type) : -1;
		if (kind < 0)
			return rl_fail(err, EINVAL, "linux.namespaces: unknown type '%.32s'",
				       type ? type : "");
		if (s->ns[kind].is_listed)
			return rl_fail(err, EINVAL, "linux.namespaces: '%s' comes twice", type);
		s->ns[kind] = (struct spec_ns){ .is_listed = true, .path = path };
	}
	if (!spec_ns_is_new(s, SPEC_NS_MOUNT))
		return rl_fail(err, EINVAL,
			       "linux.namespaces: a container needs a mount namespace of its own");
	return 0;
}

static int parse_time(const json_t *o, struct spec *s, struct rl_err *err)
{
	const struct {
		const char *key;
		int64_t *secs;
		uint32_t *nanos;
	} clocks[] = {
		{ "monotonic", &s->monotonic_s, &s->monotonic_ns },
		{ "boottime", &s->boottime_s, &s->boottime_ns },
	};
	json_t *t, *c;
	int r = json_get_obj(o, "timeOffsets", "linux", &t, err);

	if (r < 0 || !t)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		const int64_t max = INT64_C(9000000000);
		int64_t v;

		r = json_get_obj(t, clocks[i].key, "linux.timeOffsets", &c, err);
		if (r == 0)
			r = spec_int(c, "secs", "linux.timeOffsets", -max, max, 0, clocks[i].secs,
				     err);
		if (r == 0)
			r = spec_int(c, "nanosecs", "linux.timeOffsets", 0, 999999999, 0, &v, err);
		if (r < 0)
			return r;
		*clocks[i].nanos = (uint32_t)v;
	}
	s->has_time_offsets = json_object_size(t) > 0;
	if (s->has_time_offsets && !spec_ns_is_new(s, SPEC_NS_TIME))
		return rl_fail(err, EINVAL, "linux.timeOffsets: needs a time namespace of its own");
	return 0;
}

static int parse_device(const json_t *o, struct spec_device *d, struct rl_err *err)
{
	int64_t major, minor;
	const char *type;
	int r = spec_path(o, "path", "linux.devices", &d->path, err);

	if (r == 0)
		r = json_get_str(o, "type", "linux.devices", &type, err);
	if (r == 0)
		r = spec_int(o, "major", "linux.devices", 0, 4095, 0, &major, err);
	if (r == 0)
		r = spec_int(o, "minor", "linux.devices", 0, 1048575, 0, &minor, err);
	if (r < 0)
		return r;
	if (!d->path || strncmp(d->path, "/dev/", 5) != 0)
		return rl_fail(err, EINVAL, "linux.devices: '%s' is not below /dev",
			       d->path ? d->path : "");
	if (!type || strlen(type) != 1 || !strchr("bcu", *type))
		return rl_fail(err, EINVAL, "linux.devices: '%s' has the type '%.16s', not b or c",
			       d->path, type ? type : "");
	d->is_block = *type == 'b';
	d->major = (uint32_t)major;
	d->minor = (uint32_t)minor;
	return 0;
}

static int parse_devices(const json_t *o, struct spec *s, struct rl_err *err)
{
	json_t *list, *item;
	size_t i, n;
	int r = spec_list(o, "devices", "linux", SPEC_ITEMS_MAX, &list, &n, err);

	if (r < 0 || n == 0)
		return r;
	s->devices = calloc(n, sizeof(*s->devices));
	if (!s->devices)
		return rl_oom(err);
	json_array_foreach (list, i, item) {
		r = parse_device(item, &s->devices[i], err);
		if (r < 0)
			return r;
		s->n_devices = i + 1;
	}
	return 0;
}

/* Which namespace keeps the value of @key; -1: it is the host's (SECURITY S16). */
static int sysctl_owner(const char *key)
{
	static const char *const ipc[] = {
		"kernel.msgmax", "kernel.msgmnb",          "kernel.msgmni",
		"kernel.sem",    "kernel.shmall",          "kernel.shmmax",
		"kernel.shmmni", "kernel.shm_rmid_forced", "kernel.auto_msgmni",
	};

	if (strncmp(key, "net.", 4) == 0)
		return SPEC_NS_NET;
	if (strncmp(key, "fs.mqueue.", 10) == 0)
		return SPEC_NS_IPC;
	if (strncmp(key, "user.", 5) == 0)
		return SPEC_NS_USER;
	for (size_t i = 0; i < ARRAY_LEN(ipc); i++)
		if (strcmp(ipc[i], key) == 0)
			return SPEC_NS_IPC;
	return -1;
}

static int check_sysctl(const struct spec *s, const char *key, const json_t *value,
			struct rl_err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-/:@";
	int owner;

	if (strlen(key) > 255 || key[strspn(key, allowed)] || strstr(key, "..") ||
	    strstr(key, "//"))
		return rl_fail(err, EINVAL, "linux.sysctl: '%.64s' is not a sysctl name", key);
	if (!json_is_string(value) || json_string_length(value) > 1024)
		return rl_fail(err, EINVAL, "linux.sysctl: the value of '%s' is not a short string",
			       key);
	for (const char *p = json_string_value(value); *p; p++)
		if ((unsigned char)*p < 0x20 && *p != '\t')
			return rl_fail(err, EINVAL,
				       "linux.sysctl: the value of '%s' has a control byte", key);
	owner = sysctl_owner(key);
	if (owner < 0)
		return rl_fail(err, EINVAL,
			       "linux.sysctl: '%s' belongs to the host, not to a container", key);
	if (owner != SPEC_NS_USER && !s->ns[owner].is_listed)
		return rl_fail(err, EINVAL, "linux.sysctl: '%s' needs a%s namespace of its own",
			       key, owner == SPEC_NS_NET ? " network" : "n ipc");
	return 0;
}

static int parse_sysctls(const json_t *o, struct spec *s, struct rl_err *err)
{
	json_t *map, *value;
	const char *key;
	int r = json_get_obj(o, "sysctl", "linux", &map, err);

	if (r < 0 || json_object_size(map) == 0)
		return r;
	if (json_object_size(map) > SPEC_ITEMS_MAX)
		return rl_fail(err, EINVAL, "linux.sysctl: more than %u entries", SPEC_ITEMS_MAX);
	s->sysctls = calloc(json_object_size(map), sizeof(*s->sysctls));
	if (!s->sysctls)
		return rl_oom(err);
	json_object_foreach (map, key, value) {
		r = check_sysctl(s, key, value, err);
		if (r < 0)
			return r;
		s->sysctls[s->n_sysctls++] = (struct spec_sysctl){ key, json_string_value(value) };
	}
	return 0;
}

static int parse_paths(const json_t *o, const char *key, const char ***ret, struct rl_err *err)
{
	size_t n;
	int r = spec_strings(o, key, "linux", SPEC_ITEMS_MAX, SPEC_PATH_MAX, ret, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if ((*ret)[i][0] != '/')
			return rl_fail(err, EINVAL, "linux: '%s' has '%s', not an absolute path",
				       key, (*ret)[i]);
	return 0;
}

static int parse_propagation(const json_t *o, struct spec *s, struct rl_err *err)
{
	const char *word;
	bool rec;
	int r = json_get_str(o, "rootfsPropagation", "linux", &word, err);

	if (r < 0)
		return r;
	s->root_propagation = word ? spec_propagation(word, &rec) : MS_PRIVATE;
	if (!s->root_propagation)
		return rl_fail(err, EINVAL, "linux.rootfsPropagation: unknown word '%.32s'", word);
	return 0;
}

int spec_linux(const json_t *root, struct spec *s, struct rl_err *err)
{
	json_t *o;
	int r = json_get_obj(root, "linux", "spec", &o, err);

	if (r < 0)
		return r;
	if (!o)
		return rl_fail(err, EINVAL, "spec: 'linux' is missing");
	r = parse_namespaces(o, s, err);
	if (r == 0)
		r = parse_time(o, s, err);
	if (r == 0)
		r = parse_devices(o, s, err);
	if (r == 0)
		r = parse_sysctls(o, s, err);
	if (r == 0)
		r = parse_paths(o, "maskedPaths", &s->masked, err);
	if (r == 0)
		r = parse_paths(o, "readonlyPaths", &s->read_only_paths, err);
	if (r == 0)
		r = parse_propagation(o, s, err);
	return r;
}
