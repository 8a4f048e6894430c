/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_profile.c - a profile in the Docker/Podman format to an OCI "linux.seccomp" object
 *
 * A rule of a profile may depend on capabilities, architecture and kernel ("includes": all must
 * hold, "excludes": none may); what is left after that is the OCI object. A plain OCI object is
 * a profile too. Sources: OCI config-linux.md "Seccomp"; docs.docker.com "Seccomp security
 * profiles for Docker".
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/capname.h"
#include "core/seccomp_int.h"

#define WHAT      "seccomp profile"
#define RULES_MAX 4096

static const struct {
	const char *machine, *arch, *scmp;
} arches[] = {
	{ "x86_64", "amd64", "SCMP_ARCH_X86_64" },
	{ "i686", "x86", "SCMP_ARCH_X86" },
	{ "i586", "x86", "SCMP_ARCH_X86" },
	{ "aarch64", "arm64", "SCMP_ARCH_AARCH64" },
	{ "armv7l", "arm", "SCMP_ARCH_ARM" },
	{ "armv8l", "arm", "SCMP_ARCH_ARM" },
	{ "armv6l", "arm", "SCMP_ARCH_ARM" },
	{ "ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE" },
	{ "riscv64", "riscv64", "SCMP_ARCH_RISCV64" },
	{ "s390x", "s390x", "SCMP_ARCH_S390X" },
	{ "loongarch64", "loong64", "SCMP_ARCH_LOONGARCH64" },
};

int seccomp_host_get(struct seccomp_host *ret, struct rl_err *err)
{
	struct utsname u;

	if (uname(&u) < 0)
		return rl_fail_sys(err, errno, "uname");
	/* a 32-bit rl on a 64-bit kernel: what matters is what this program is */
	if (sizeof(void *) == 4 && strcmp(u.machine, "x86_64") == 0)
		memcpy(u.machine, "i686", 5);
	if (sscanf(u.release, "%u.%u", &ret->kernel[0], &ret->kernel[1]) != 2)
		return rl_fail(err, EINVAL, "kernel release '%s' is not a version", u.release);
	for (size_t i = 0; i < ARRAY_LEN(arches); i++) {
		if (strcmp(arches[i].machine, u.machine) == 0) {
			ret->arch = arches[i].arch;
			ret->scmp_arch = arches[i].scmp;
			return 0;
		}
	}
	rl_fail(err, ENOTSUP, "no seccomp profile for the architecture '%s'", u.machine);
	return rl_hint(err, "--security-opt seccomp=unconfined runs without a filter");
}

/* "a.b" or "a" of minKernel. */
static int kernel_is(const struct seccomp_host *h, const char *min, bool *ret, struct rl_err *err)
{
	unsigned major, minor = 0;

	if (sscanf(min, "%u.%u", &major, &minor) < 1)
		return rl_fail(err, EINVAL, WHAT ": minKernel '%.40s' is not a version", min);
	*ret = h->kernel[0] > major || (h->kernel[0] == major && h->kernel[1] >= minor);
	return 0;
}

/* Does @list hold a capability (or, with @arch, the architecture)? Count of entries in @ret_n. */
static int matches(const json_t *cond, const char *key, const struct seccomp_host *h, uint64_t caps,
		   size_t *ret_hits, size_t *ret_n, struct rl_err *err)
{
	bool arch = strcmp(key, "arches") == 0;
	json_t *list = NULL;
	const json_t *v;
	size_t i;
	int r = json_get_arr(cond, key, WHAT, &list, err);

	if (r == 0)
		r = json_check_strings(list, WHAT, err);
	if (r < 0)
		return r;
	*ret_n = json_array_size(list);
	*ret_hits = 0;
	json_array_foreach (list, i, v) {
		const char *s = json_string_value(v);
		int cap = arch ? -1 : capname_parse(s);

		/* a capability that nobody knows is one that nobody has */
		*ret_hits += arch ? strcmp(s, h->arch) == 0 : cap >= 0 && (caps >> cap & 1);
	}
	return 0;
}

/* 1: the rule stands, 0: it does not. */
static int applies(const json_t *rule, const struct seccomp_host *h, uint64_t caps,
		   struct rl_err *err)
{
	static const char *const conds[] = { "includes", "excludes" };

	for (size_t i = 0; i < ARRAY_LEN(conds); i++) {
		size_t cap_hits, cap_n, arch_hits, arch_n;
		json_t *c = NULL;
		const char *min = NULL;
		bool new_enough = false;
		int r = json_get_obj(rule, conds[i], WHAT, &c, err);

		if (r == 0)
			r = matches(c, "caps", h, caps, &cap_hits, &cap_n, err);
		if (r == 0)
			r = matches(c, "arches", h, caps, &arch_hits, &arch_n, err);
		if (r == 0)
			r = json_get_str(c, "minKernel", WHAT, &min, err);
		if (r == 0 && min && *min)
			r = kernel_is(h, min, &new_enough, err);
		if (r < 0)
			return r;
		/* includes: every capability, one of the architectures; excludes: any of all */
		if (i == 0 &&
		    (cap_hits < cap_n || (arch_n && !arch_hits) || (min && *min && !new_enough)))
			return 0;
		if (i == 1 && (cap_hits || arch_hits || new_enough))
			return 0;
	}
	return 1;
}

static const struct {
	const char *name;
	int code;
} error_names[] = {
	{ "EPERM", EPERM },
	{ "ENOENT", ENOENT },
	{ "ESRCH", ESRCH },
	{ "EINTR", EINTR },
	{ "EIO", EIO },
	{ "ENXIO", ENXIO },
	{ "E2BIG", E2BIG },
	{ "ENOEXEC", ENOEXEC },
	{ "EBADF", EBADF },
	{ "ECHILD", ECHILD },
	{ "EAGAIN", EAGAIN },
	{ "ENOMEM", ENOMEM },
	{ "EACCES", EACCES },
	{ "EFAULT", EFAULT },
	{ "ENOTBLK", ENOTBLK },
	{ "EBUSY", EBUSY },
	{ "EEXIST", EEXIST },
	{ "EXDEV", EXDEV },
	{ "ENODEV", ENODEV },
	{ "ENOTDIR", ENOTDIR },
	{ "EISDIR", EISDIR },
	{ "EINVAL", EINVAL },
	{ "ENFILE", ENFILE },
	{ "EMFILE", EMFILE },
	{ "ENOTTY", ENOTTY },
	{ "ETXTBSY", ETXTBSY },
	{ "EFBIG", EFBIG },
	{ "ENOSPC", ENOSPC },
	{ "ESPIPE", ESPIPE },
	{ "EROFS", EROFS },
	{ "EMLINK", EMLINK },
	{ "EPIPE", EPIPE },
	{ "EDOM", EDOM },
	{ "ERANGE", ERANGE },
	{ "EDEADLK", EDEADLK },
	{ "ENAMETOOLONG", ENAMETOOLONG },
	{ "ENOLCK", ENOLCK },
	{ "ENOSYS", ENOSYS },
	{ "ENOTEMPTY", ENOTEMPTY },
	{ "ELOOP", ELOOP },
	{ "EPROTO", EPROTO },
	{ "EBADMSG", EBADMSG },
	{ "EOVERFLOW", EOVERFLOW },
	{ "EUSERS", EUSERS },
	{ "ENOTSOCK", ENOTSOCK },
	{ "EMSGSIZE", EMSGSIZE },
	{ "EPROTOTYPE", EPROTOTYPE },
	{ "ENOPROTOOPT", ENOPROTOOPT },
	{ "EPROTONOSUPPORT", EPROTONOSUPPORT },
	{ "ESOCKTNOSUPPORT", ESOCKTNOSUPPORT },
	{ "EOPNOTSUPP", EOPNOTSUPP },
	{ "ENOTSUP", ENOTSUP },
	{ "EPFNOSUPPORT", EPFNOSUPPORT },
	{ "EAFNOSUPPORT", EAFNOSUPPORT },
	{ "EADDRINUSE", EADDRINUSE },
	{ "EADDRNOTAVAIL", EADDRNOTAVAIL },
	{ "ENETDOWN", ENETDOWN },
	{ "ENETUNREACH", ENETUNREACH },
	{ "ECONNREFUSED", ECONNREFUSED },
	{ "ETIMEDOUT", ETIMEDOUT },
	{ "ECANCELED", ECANCELED },
};

/* Profiles may spell the error instead of numbering it. */
static int error_number(const json_t *o, const char *ret_key, const char *name_key, int64_t *ret,
			bool *ret_given, struct rl_err *err)
{
	const char *name = NULL;
	const json_t *v = json_object_get(o, ret_key);
	int r = json_get_int(o, ret_key, WHAT, ret, err);

	*ret_given = v && !json_is_null(v);
	if (r == 0 && !*ret_given)
		r = json_get_str(o, name_key, WHAT, &name, err);
	if (r < 0)
		return r;
	for (size_t i = 0; name && i < ARRAY_LEN(error_names); i++) {
		if (strcmp(error_names[i].name, name) == 0) {
			*ret = error_names[i].code;
			*ret_given = true;
			return 0;
		}
	}
	if (name && *name)
		return rl_fail(err, EINVAL, WHAT ": unknown error '%.40s', give its number as '%s'",
			       name, ret_key);
	if (*ret_given && (*ret < 0 || *ret > 4095))
		return rl_fail(err, EINVAL, WHAT ": '%s' is not an error number", ret_key);
	return 0;
}

/* "names", or the old "name". New reference. */
static int rule_names(const json_t *rule, json_t **ret, struct rl_err *err)
{
	json_t *names = NULL;
	const char *one = NULL;
	int r = json_get_arr(rule, "names", WHAT, &names, err);

	if (r == 0)
		r = json_check_strings(names, WHAT, err);
	if (r == 0)
		r = json_get_str(rule, "name", WHAT, &one, err);
	if (r < 0)
		return r;
	if (!one && json_array_size(names) == 0)
		return rl_fail(err, EINVAL, WHAT ": a rule names no call");
	*ret = one ? json_pack("[s]", one) : json_incref(names);
	return *ret ? 0 : rl_oom(err);
}

static int add_rule(json_t *to, const json_t *rule, struct rl_err *err)
{
	json_auto_t *names = NULL, *o = json_object();
	json_t *args = NULL;
	const char *action = NULL;
	int64_t code = 0;
	bool given;
	int bad, r = rule_names(rule, &names, err);

	if (r == 0)
		r = json_get_str(rule, "action", WHAT, &action, err);
	if (r == 0)
		r = json_get_arr(rule, "args", WHAT, &args, err);
	if (r == 0)
		r = error_number(rule, "errnoRet", "errno", &code, &given, err);
	if (r < 0)
		return r;
	if (!action)
		return rl_fail(err, EINVAL, WHAT ": a rule has no action");
	bad = json_object_set(o, "names", names) |
	      json_object_set_new(o, "action", json_string(action));
	if (given)
		bad |= json_object_set_new(o, "errnoRet", json_integer(code));
	if (json_array_size(args) > 0)
		bad |= json_object_set(o, "args", args);
	return bad || json_array_append(to, o) < 0 ? rl_oom(err) : 0;
}

static int add_rules(const json_t *profile, const struct seccomp_host *h, uint64_t caps, json_t *to,
		     struct rl_err *err)
{
	json_t *rules = NULL;
	const json_t *v;
	size_t i;
	int r = json_get_arr(profile, "syscalls", WHAT, &rules, err);

	if (r < 0)
		return r;
	if (json_array_size(rules) > RULES_MAX)
		return rl_fail(err, E2BIG, WHAT ": more than %d rules", RULES_MAX);
	json_array_foreach (rules, i, v) {
		if (!json_is_object(v))
			return rl_fail(err, EINVAL, WHAT ": rule %zu is not an object", i);
		r = applies(v, h, caps, err);
		if (r > 0)
			r = add_rule(to, v, err);
		if (r < 0)
			return rl_wrap(err, "rule %zu", i);
	}
	return 0;
}

/* "architectures" as it is, or from "archMap" the line of this machine. */
static int add_arches(const json_t *profile, const struct seccomp_host *h, json_t *to,
		      struct rl_err *err)
{
	json_t *list = NULL, *map = NULL, *sub = NULL;
	const char *arch = NULL;
	const json_t *v;
	size_t i;
	int r = json_get_arr(profile, "architectures", WHAT, &list, err);

	if (r == 0)
		r = json_check_strings(list, WHAT, err);
	if (r == 0)
		r = json_get_arr(profile, "archMap", WHAT, &map, err);
	if (r < 0)
		return r;
	if (list && map)
		return rl_fail(err, EINVAL, WHAT ": both 'architectures' and 'archMap'");
	if (list)
		return json_array_extend(to, list) < 0 ? rl_oom(err) : 0;
	json_array_foreach (map, i, v) {
		r = json_get_str(v, "architecture", WHAT, &arch, err);
		if (r == 0)
			r = json_get_arr(v, "subArchitectures", WHAT, &sub, err);
		if (r == 0)
			r = json_check_strings(sub, WHAT, err);
		if (r < 0)
			return r;
		if (!arch || strcmp(arch, h->scmp_arch) != 0)
			continue;
		if (json_array_append_new(to, json_string(arch)) < 0 ||
		    (sub && json_array_extend(to, sub) < 0))
			return rl_oom(err);
	}
	return 0;
}

static int add_flags(const json_t *profile, json_t *to, struct rl_err *err)
{
	json_t *flags = NULL;
	const char *path = NULL;
	int r = json_get_arr(profile, "flags", WHAT, &flags, err);

	if (r == 0)
		r = json_check_strings(flags, WHAT, err);
	if (r == 0)
		r = json_get_str(profile, "listenerPath", WHAT, &path, err);
	if (r < 0)
		return r;
	if (path && *path)
		return rl_fail(err, ENOTSUP, WHAT ": 'listenerPath' is not supported");
	if (json_array_size(flags) > 0 && json_object_set(to, "flags", flags) < 0)
		return rl_oom(err);
	return 0;
}

int seccomp_profile_eval(const json_t *profile, const struct seccomp_host *host, uint64_t caps,
			 json_t **ret, struct rl_err *err)
{
	json_auto_t *o = json_object(), *rules = json_array(), *list = json_array();
	const char *action = NULL;
	int64_t code = 0;
	bool given;
	int bad, r;

	if (!json_is_object(profile))
		return rl_fail(err, EINVAL, WHAT ": not an object");
	r = json_get_str(profile, "defaultAction", WHAT, &action, err);
	if (r == 0 && !action)
		r = rl_fail(err, EINVAL, WHAT ": 'defaultAction' is missing");
	if (r == 0)
		r = error_number(profile, "defaultErrnoRet", "defaultErrno", &code, &given, err);
	if (r == 0)
		r = add_arches(profile, host, list, err);
	if (r == 0)
		r = add_flags(profile, o, err);
	if (r == 0)
		r = add_rules(profile, host, caps, rules, err);
	if (r < 0)
		return r;
	bad = json_object_set_new(o, "defaultAction", json_string(action));
	if (given)
		bad |= json_object_set_new(o, "defaultErrnoRet", json_integer(code));
	if (json_array_size(list) > 0)
		bad |= json_object_set(o, "architectures", list);
	bad |= json_object_set(o, "syscalls", rules);
	if (bad)
		return rl_oom(err);
	*ret = json_incref(o);
	return 0;
}
