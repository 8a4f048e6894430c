/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_linux.c - the "linux" object: namespaces, maps, sysctls, masked paths, seccomp, resources
 *
 * The tables are SECURITY section 4.
 */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/seccomp.h"

#define SYSCTL_VALUE_MAX 256
#define TIME_OFFSET_MAX  INT64_C(9000000000) /* seconds, as core/spec_linux.c has it */

static json_t *namespaces(const struct spec_ctx *x)
{
	const struct {
		const char *type;
		enum spec_ns_kind kind;
		bool shared;
	} all[] = {
		{ "user", SPEC_NS_USER, false },
		{ "mount", SPEC_NS_MOUNT, false },
		{ "pid", SPEC_NS_PID, x->host_pid },
		{ "network", SPEC_NS_NET, x->out->netmode == NETMODE_HOST },
		{ "ipc", SPEC_NS_IPC, x->host_ipc },
		{ "uts", SPEC_NS_UTS, x->host_uts },
		{ "cgroup", SPEC_NS_CGROUP, x->host_cgroupns },
		{ "time", SPEC_NS_TIME, x->req->time_offset.n == 0 },
	};
	json_t *a = json_array();

	for (size_t i = 0; a && i < ARRAY_LEN(all); i++) {
		if (!all[i].shared &&
		    json_array_append_new(a, json_pack("{s:s, s:s*}", "type", all[i].type, "path",
						       x->ns_path[all[i].kind])) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

static json_t *mappings(const struct idmap *m)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < m->n; i++) {
		json_t *o = json_pack("{s:I, s:I, s:I}", "containerID", (json_int_t)m->v[i].inside,
				      "hostID", (json_int_t)m->v[i].outside, "size",
				      (json_int_t)m->v[i].count);

		if (json_array_append_new(a, o) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

/* The run of mapped ids that starts at the lowest one: "first last". */
static void lowest_run(const struct idmap *m, char out[32])
{
	uint32_t first = UINT32_MAX;
	uint64_t next;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].inside < first)
			first = m->v[i].inside;
	next = first;
	for (bool grown = true; grown;) {
		grown = false;
		for (size_t i = 0; i < m->n; i++)
			if (m->v[i].inside == next && m->v[i].count > 0) {
				next += m->v[i].count;
				grown = true;
			}
	}
	(void)snprintf(out, 32, "%u %u", first, (uint32_t)(next - 1));
}

/*
 * Threat: a value or key that smuggles a second setting ("x+kernel.core_pattern=..."), or one that
 * is not confined to a namespace of the container (SECURITY S16).
 * Defence: exact names of namespaced settings, dots only, printable values.
 */
static bool sysctl_allowed(const struct spec_ctx *x, const char *key)
{
	static const char *const ipc[] = {
		"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
	};

	for (size_t i = 0; i < ARRAY_LEN(ipc); i++)
		if (strcmp(key, ipc[i]) == 0)
			return !x->host_ipc;
	if (strncmp(key, "fs.mqueue.", 10) == 0)
		return !x->host_ipc;
	return strncmp(key, "net.", 4) == 0 && x->out->netmode != NETMODE_HOST &&
	       !x->ns_path[SPEC_NS_NET];
}

static int check_sysctl(const struct spec_ctx *x, const char *key, const char *value,
			struct rl_err *err)
{
	size_t n = strlen(key);

	if (n == 0 || n > 128 ||
	    strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != n ||
	    strstr(key, "..") || *key == '.' || key[n - 1] == '.')
		return rl_fail(err, EINVAL, "malformed name '%.128s'", key);
	if (!*value || !text_is_plain(value, SYSCTL_VALUE_MAX))
		return rl_fail(err, EINVAL, "the value is empty, too long or has control bytes");
	if (sysctl_allowed(x, key))
		return 0;
	rl_fail(err, EPERM, "'%s' does not belong to a namespace of this container", key);
	return rl_hint(err, "allowed are net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm*, "
			    "where the namespace is the container's own");
}

static int user_sysctls(const struct spec_ctx *x, json_t *o, struct rl_err *err)
{
	for (size_t i = 0; i < x->req->sysctl.n; i++) {
		const char *w = x->req->sysctl.v[i], *eq = strchr(w, '=');
		auto_free char *key = eq ? strndup(w, (size_t)(eq - w)) : NULL;
		int r;

		if (!eq)
			return rl_fail(err, EINVAL, "--sysctl '%s' is not NAME=VALUE", w);
		r = key ? check_sysctl(x, key, eq + 1, err) : rl_oom(err);
		if (r == 0 && json_object_set_new(o, key, json_string(eq + 1)) < 0)
			r = rl_fail(err, EINVAL, "not valid UTF-8");
		if (r < 0)
			return rl_wrap(err, "--sysctl '%.160s'", w);
	}
	return 0;
}

static int sysctls(const struct spec_ctx *x, json_t **ret, struct rl_err *err)
{
	json_auto_t *o = json_object();
	struct statvfs fs;
	int bad = 0, r;

	/* nobody asked for these: inside an outer container, where nothing is writable, they stay */
	if (x->out->netmode != NETMODE_HOST && !x->ns_path[SPEC_NS_NET] &&
	    !(statvfs("/proc/sys", &fs) == 0 && fs.f_flag & ST_RDONLY)) {
		char range[32];

		/* ping and low ports without capabilities, for images that do not run as root */
		lowest_run(&x->out->gids, range);
		bad |= json_object_set_new(o, "net.ipv4.ping_group_range", json_string(range));
		bad |= json_object_set_new(o, "net.ipv4.ip_unprivileged_port_start",
					   json_string("0"));
		/* a new namespace takes over what the host has: who is on two networks is no way
		 * from one to the other, nor from an internal one to the outside */
		if (x->out->netmode == NETMODE_PRIVATE)
			bad |= json_object_set_new(o, "net.ipv4.ip_forward", json_string("0"));
	}
	if (bad)
		return rl_oom(err);
	r = user_sysctls(x, o, err);
	if (r == 0)
		*ret = json_incref(o);
	return r;
}

static bool is_unmasked(const struct spec_ctx *x, const char *path)
{
	if (x->req->privileged || x->sec.unmask_all)
		return true;
	for (size_t i = 0; i < x->sec.unmask.n; i++)
		if (fnmatch(x->sec.unmask.v[i], path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static int add_path(const struct spec_ctx *x, json_t *a, const char *path)
{
	return is_unmasked(x, path) ? 0 : json_array_append_new(a, json_string(path));
}

/* Present where the processor reports throttling; holds one folder per CPU. */
static int add_throttle(const struct spec_ctx *x, json_t *a)
{
	int bad = 0;

	for (unsigned i = 0; !bad && i < 4096; i++) {
		char path[80];

		(void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/thermal_throttle",
			       i);
		if (access(path, F_OK) < 0)
			break;
		bad = add_path(x, a, path);
	}
	return bad;
}

const char *const spec_masked_always[] = {
	"/proc/acpi",        "/proc/asound",
	"/proc/interrupts",  "/proc/kcore",
	"/proc/keys",        "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi",
	"/proc/timer_list",  "/proc/timer_stats",
	"/sys/firmware",     "/sys/devices/virtual/powercap",
	"/sys/fs/selinux",   NULL,
};

static json_t *masked(const struct spec_ctx *x)
{
	/* a sysfs of our own shows these empty; the host's does not */
	static const char *const bound[] = { "/sys/kernel/debug", "/sys/kernel/tracing",
					     "/sys/kernel/security" };
	json_t *a = json_array();
	int bad = !a;

	for (size_t i = 0; !bad && spec_masked_always[i]; i++)
		bad = add_path(x, a, spec_masked_always[i]);
	for (size_t i = 0; !bad && spec_foreign_net(x) && i < ARRAY_LEN(bound); i++)
		bad = add_path(x, a, bound[i]);
	if (!bad && x->req->hardened)
		bad = add_path(x, a, "/proc/kallsyms");
	if (!bad)
		bad = add_throttle(x, a);
	for (size_t i = 0; !bad && i < x->sec.mask.n; i++)
		bad = json_array_append_new(a, json_string(x->sec.mask.v[i]));
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *read_only(const struct spec_ctx *x)
{
	static const char *const paths[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					     "/proc/sysrq-trigger" };
	json_t *a = json_array();
	int bad = !a;

	for (size_t i = 0; !bad && i < ARRAY_LEN(paths); i++)
		bad = add_path(x, a, paths[i]);
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

/*
 * The text of the object comes from the cache and is put into config.json by spec_write(): taking
 * it apart and writing it again would be the largest part of composing a spec.
 */
static int add_seccomp(struct spec_ctx *x, struct rl_err *err)
{
	const char *profile = x->sec.seccomp_profile;
	int r;

	if (x->sec.seccomp_unconfined || (x->req->privileged && !profile))
		return 0;
	r = seccomp_prepare(x->in->rl, profile ? profile : x->in->seccomp_profile, x->caps,
			    &x->out->seccomp_text, &x->out->filter, err);
	if (r < 0)
		return r;
	return json_object_set_new(x->linux_part, "seccomp", json_null()) < 0 ? rl_oom(err) : 0;
}

/* "boottime=3600": seconds, also less than 0. The kernel refuses what would be before the boot. */
static int time_offset(json_t *o, const char *word, struct rl_err *err)
{
	const char *eq = strchr(word, '=');
	auto_free char *clock = eq ? strndup(word, (size_t)(eq - word)) : NULL;
	int64_t secs;

	if (!eq)
		return rl_fail(err, EINVAL, "not CLOCK=SECONDS");
	if (!clock)
		return rl_oom(err);
	if (strcmp(clock, "monotonic") != 0 && strcmp(clock, "boottime") != 0)
		return rl_fail(err, EINVAL, "the clocks are monotonic and boottime");
	if (parse_int(eq[1] == '+' ? eq + 2 : eq + 1, -TIME_OFFSET_MAX, TIME_OFFSET_MAX, &secs) < 0)
		return rl_fail(err, EINVAL, "not a number of seconds");
	if (json_object_get(o, clock))
		return rl_fail(err, EINVAL, "'%s' comes twice", clock);
	return json_object_set_new(o, clock, json_pack("{s:I}", "secs", (json_int_t)secs)) < 0
		       ? rl_oom(err)
		       : 0;
}

static int time_offsets(const struct spec_ctx *x, struct rl_err *err)
{
	const struct strv *words = &x->req->time_offset;
	json_auto_t *o = json_object();
	int r = o ? 0 : rl_oom(err);

	for (size_t i = 0; r == 0 && i < words->n; i++) {
		r = time_offset(o, words->v[i], err);
		if (r < 0)
			return rl_wrap(err, "--time-offset '%.80s'", words->v[i]);
	}
	if (r == 0 && words->n > 0 && json_object_set(x->linux_part, "timeOffsets", o) < 0)
		return rl_oom(err);
	return r;
}

/* Which devices a container may make is a matter of cgroups that only root has. */
static int check_device_rules(const struct create_req *q, struct rl_err *err)
{
	if (q->device_cgroup_rule.n == 0)
		return 0;
	rl_fail(err, ENOTSUP, "--device-cgroup-rule '%.80s': device rules need root",
		q->device_cgroup_rule.v[0]);
	return rl_hint(err, "name the devices, or the folder they are in, with --device");
}

int spec_make_linux(struct spec_ctx *x, struct rl_err *err)
{
	json_t *l = x->linux_part, *res = NULL, *sys = NULL;
	int bad, r = spec_make_limits(x, &res, err);

	if (r < 0)
		return r;
	if (json_object_set_new(l, "resources", res) < 0)
		return rl_oom(err);
	r = sysctls(x, &sys, err);
	if (r == 0)
		r = time_offsets(x, err);
	if (r == 0)
		r = check_device_rules(x->req, err);
	if (r < 0)
		return r;
	bad = json_object_set_new(l, "sysctl", sys);
	bad |= json_object_set_new(l, "namespaces", namespaces(x));
	bad |= json_object_set_new(l, "uidMappings", mappings(&x->out->uids));
	bad |= json_object_set_new(l, "gidMappings", mappings(&x->out->gids));
	bad |= json_object_set_new(l, "maskedPaths", masked(x));
	bad |= json_object_set_new(l, "readonlyPaths", read_only(x));
	return bad ? rl_oom(err) : add_seccomp(x, err);
}
