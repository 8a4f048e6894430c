/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_security.c - `rl info --security`: the layers that a container without further flags gets here
 *
 * What depends on the machine is tried (core/kernel.h), what rl decides comes from where it is decided.
 * "none" and "false" are answers as well: a layer that is missing is to be seen.
 */
#include "config.h"

#include "cmd/info_security.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cmd/ctr_inspect.h"
#include "cmd/engine/create.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/base/strv.h"
#include "core/capname.h"
#include "core/cgroup.h"
#include "core/kernel.h"

static json_t *user_namespaces(const struct session *s, const char *why)
{
	struct statvfs fs;
	bool read_only = statvfs("/proc/sys", &fs) == 0 && fs.f_flag & ST_RDONLY;

	if (!s)
		return json_pack("{s:b, s:s}", "available", 0, "why", why);
	return json_pack("{s:b, s:s, s:I, s:I, s:s}", "available", 1, "ids",
			 s->rung == SESSION_FULL ? "full range" : "one id", "uids",
			 (json_int_t)idmap_count(&s->uids), "gids",
			 (json_int_t)idmap_count(&s->gids), "nestedForbiddenBy",
			 read_only ? "seccomp" : "sysctl");
}

static json_t *seccomp(const struct kernel_trial *t)
{
	struct rl_err ignored;
	auto_free char *profile = proc_find_data("seccomp.json", &ignored);
	int outer = kernel_outer_filters();

	return json_pack("{s:b, s:s, s:b, s:i}", "available", t[KERNEL_SECCOMP].code == 0,
			 "profile", profile ? profile : "", "notify", t[KERNEL_NOTIFY].code == 0,
			 "outerFilters", outer > 0 ? outer : 0);
}

/* Landlock is around the processes of ours that read what strangers send. */
static json_t *landlock(const struct kernel_trial *t)
{
	const struct kernel_trial *l = &t[KERNEL_LANDLOCK];
	char why[256] = "";

	if (l->code) {
		kernel_words(KERNEL_LANDLOCK, l, why, sizeof(why));
		return json_pack("{s:i, s:[], s:s}", "abi", 0, "confines", "why", why);
	}
	return json_pack("{s:i, s:[s, s, s, s], s:s}", "abi", l->value, "confines",
			 "registry client", "unpacker", "packet loop", "log pump", "why", why);
}

static char *read_text(const char *path)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return strdup(text);
}

static json_t *modules(void)
{
	auto_free char *list = read_text("/sys/kernel/security/lsm");
	auto_free char *profile = read_text("/proc/self/attr/current");
	auto_free char *enabled = read_text("/sys/module/apparmor/parameters/enabled");

	if (!list || !profile || !enabled)
		return NULL;
	return json_pack("{s:s, s:b, s:b, s:s}", "active", list, "apparmor", *enabled == 'Y',
			 "selinux", io_read_number("/sys/fs/selinux/enforce") >= 0, "label",
			 profile);
}

static json_t *cgroup(void)
{
	static const char *const rungs[] = { "none", "delegated cgroup", "systemd scope" };
	json_t *j, *list = json_array();
	struct cgroup_trial t;

	cgroup_try(&t);
	for (size_t i = 0; list && i < t.controllers.n; i++)
		(void)json_array_append_new(list, json_string(t.controllers.v[i])); /* or not */
	j = json_pack("{s:s, s:o, s:s}", "place", rungs[t.rung], "controllers", list, "why",
		      t.rung == CGROUP_NONE ? t.why.msg : "");
	strv_done(&t.controllers);
	return j;
}

static json_t *masked(void)
{
	json_t *a = json_array();

	for (const char *const *s = spec_masked_always; a && *s; s++)
		(void)json_array_append_new(a, json_string(*s)); /* or not */
	return a;
}

json_t *info_security(const struct rl *rl, const struct session *s, const char *why)
{
	struct kernel_trial t[KERNEL_CALLS];
	const char *outer = kernel_outer_container();

	kernel_try(rl->data_dir, t);
	return json_pack(
		"{s:{s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:b}}", "security",
		"rootless", rl->uid != 0, "outerContainer", outer ? outer : "", "userNamespaces",
		user_namespaces(s, why), "seccomp", seccomp(t), "landlock", landlock(t),
		"capabilities", view_cap_names(capname_default()), "maskedPaths", masked(),
		"securityModules", modules(), "cgroup", cgroup(), "noNewPrivs",
		"off for root in a container, on with --cap-drop all, --hardened and when asked "
		"for",
		"proc", t[KERNEL_NEW_PROC].code ? "the outer one, bound" : "new", "keyring",
		t[KERNEL_KEYCTL].code ? "none can be reached" : "a new one for each start",
		"openat2", t[KERNEL_OPENAT2].code == 0);
}
