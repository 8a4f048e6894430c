/* SPDX-License-Identifier: Apache-2.0 */
/* spec_process.c - the "process" object of an OCI runtime spec */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/capname.h"
#include "core/spec_int.h"

#define GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */

/* The highest id is (uid_t)-1, which means "do not change" to the kernel. */
#define ID_MAX INT64_C(4294967294)

static int parse_user(const json_t *process, struct spec *s, struct rl_err *err)
{
	json_t *o, *list, *item;
	int64_t v;
	size_t i;
	int r = json_get_obj(process, "user", "process", &o, err);

	if (r < 0 || !o)
		return r;
	r = spec_int(o, "uid", "process.user", 0, ID_MAX, 0, &v, err);
	if (r < 0)
		return r;
	s->uid = (uid_t)v;
	r = spec_int(o, "gid", "process.user", 0, ID_MAX, 0, &v, err);
	if (r < 0)
		return r;
	s->gid = (gid_t)v;
	r = spec_int(o, "umask", "process.user", 0, 0777, 022, &v, err);
	if (r < 0)
		return r;
	s->umask = (mode_t)v;
	r = spec_list(o, "additionalGids", "process.user", GROUPS_MAX, &list, &s->n_groups, err);
	if (r < 0 || s->n_groups == 0)
		return r;
	s->groups = calloc(s->n_groups, sizeof(*s->groups));
	if (!s->groups)
		return rl_oom(err);
	json_array_foreach (list, i, item) {
		v = json_is_integer(item) ? json_integer_value(item) : -1;
		if (v < 0 || v > ID_MAX)
			return rl_fail(err, EINVAL,
				       "process.user: entry %zu of 'additionalGids' is not a "
				       "group id",
				       i);
		s->groups[i] = (gid_t)v;
	}
	return 0;
}

static int parse_cap_set(const json_t *o, const char *key, uint64_t *ret, struct rl_err *err)
{
	json_t *list, *item;
	size_t n, i;
	int r = spec_list(o, key, "process.capabilities", 256, &list, &n, err);

	if (r < 0)
		return r;
	json_array_foreach (list, i, item) {
		const char *name = json_string_value(item);
		/* a spec must name them in full */
		int cap = name && strncasecmp(name, "cap_", 4) == 0 ? capname_parse(name) : -1;

		if (cap < 0)
			return rl_fail(err, EINVAL,
				       "process.capabilities: '%s' has the unknown entry '%.64s'",
				       key, name ? name : "(no string)");
		*ret |= CAP_BIT(cap);
	}
	return 0;
}

static int parse_caps(const json_t *process, struct spec *s, struct rl_err *err)
{
	const struct {
		const char *key;
		uint64_t *set;
	} sets[] = {
		{ "bounding", &s->caps.bounding },   { "effective", &s->caps.effective },
		{ "permitted", &s->caps.permitted }, { "inheritable", &s->caps.inheritable },
		{ "ambient", &s->caps.ambient },
	};
	uint64_t known;
	json_t *o;
	int r = json_get_obj(process, "capabilities", "process", &o, err);

	if (r < 0)
		return r;
	known = capname_all();
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		r = parse_cap_set(o, sets[i].key, sets[i].set, err);
		if (r < 0)
			return r;
		*sets[i].set &= known; /* of a newer kernel: cannot be granted, nothing is lost */
	}
	if (s->caps.effective & ~s->caps.permitted)
		return rl_fail(err, EINVAL,
			       "process.capabilities: 'effective' has more than 'permitted'");
	if (s->caps.ambient & ~(s->caps.permitted & s->caps.inheritable))
		return rl_fail(err, EINVAL,
			       "process.capabilities: 'ambient' has more than 'permitted' and "
			       "'inheritable'");
	return 0;
}

static int rlimit_by_name(const char *name)
{
	static const struct {
		const char *name;
		int resource;
	} names[] = {
		{ "RLIMIT_AS", RLIMIT_AS },
		{ "RLIMIT_CORE", RLIMIT_CORE },
		{ "RLIMIT_CPU", RLIMIT_CPU },
		{ "RLIMIT_DATA", RLIMIT_DATA },
		{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
		{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
		{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
		{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
		{ "RLIMIT_NICE", RLIMIT_NICE },
		{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
		{ "RLIMIT_NPROC", RLIMIT_NPROC },
		{ "RLIMIT_RSS", RLIMIT_RSS },
		{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
		{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
		{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
		{ "RLIMIT_STACK", RLIMIT_STACK },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].resource;
	return -1;
}

/* JSON integers are 64 bits with a sign; unlimited is written as -1 or as 2^64 - 1 (a real). */
static int parse_limit(const json_t *o, const char *key, uint64_t *ret, struct rl_err *err)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_integer(v) && json_integer_value(v) >= -1) {
		/* the largest number that jansson holds stands for unlimited, see ulimit.c */
		*ret = json_integer_value(v) == INT64_MAX ? RLIM_INFINITY
							  : (uint64_t)json_integer_value(v);
		return 0;
	}
	if (json_is_real(v) && json_real_value(v) >= 9223372036854775807.0) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	return rl_fail(err, EINVAL, "process.rlimits: '%s' is not a limit", key);
}

static int parse_rlimits(const json_t *process, struct spec *s, struct rl_err *err)
{
	json_t *list, *item;
	size_t i, n;
	int r = spec_list(process, "rlimits", "process", RLIM_NLIMITS, &list, &n, err);

	if (r < 0 || n == 0)
		return r;
	s->rlimits = calloc(n, sizeof(*s->rlimits));
	if (!s->rlimits)
		return rl_oom(err);
	json_array_foreach (list, i, item) {
		struct spec_rlimit *l = &s->rlimits[i];
		const char *type;

		r = json_get_str(item, "type", "process.rlimits", &type, err);
		if (r < 0)
			return r;
		l->resource = type ? rlimit_by_name(type) : -1;
		if (l->resource < 0)
			return rl_fail(err, EINVAL, "process.rlimits: unknown type '%.64s'",
				       type ? type : "");
		for (size_t k = 0; k < i; k++)
			if (s->rlimits[k].resource == l->resource)
				return rl_fail(err, EINVAL, "process.rlimits: '%s' comes twice",
					       type);
		r = parse_limit(item, "soft", &l->soft, err);
		if (r == 0)
			r = parse_limit(item, "hard", &l->hard, err);
		if (r < 0)
			return r;
		if (l->soft > l->hard)
			return rl_fail(err, EINVAL, "process.rlimits: '%s' has soft above hard",
				       type);
		s->n_rlimits = i + 1;
	}
	return 0;
}

static int parse_console(const json_t *process, struct spec *s, struct rl_err *err)
{
	int64_t rows, cols;
	json_t *o;
	int r = json_get_bool(process, "terminal", "process", &s->terminal, err);

	if (r == 0)
		r = json_get_obj(process, "consoleSize", "process", &o, err);
	if (r == 0)
		r = spec_int(o, "height", "process.consoleSize", 0, UINT16_MAX, 0, &rows, err);
	if (r == 0)
		r = spec_int(o, "width", "process.consoleSize", 0, UINT16_MAX, 0, &cols, err);
	if (r < 0)
		return r;
	s->rows = (uint16_t)rows;
	s->cols = (uint16_t)cols;
	return 0;
}

/* A security label that was asked for and cannot be had is an error (P6 of SECURITY.md). */
static int refuse_labels(const json_t *process, struct rl_err *err)
{
	static const char *const keys[] = { "apparmorProfile", "selinuxLabel" };
	const char *v;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int r = json_get_str(process, keys[i], "process", &v, err);

		if (r < 0)
			return r;
		if (v && *v && strcmp(v, "unconfined") != 0)
			return rl_fail(err, ENOTSUP,
				       "process: '%s' cannot be applied without root: '%.64s'",
				       keys[i], v);
	}
	return 0;
}

static int parse_rest(const json_t *process, struct spec *s, struct rl_err *err)
{
	const json_t *oom = json_object_get(process, "oomScoreAdj");
	const char *cwd;
	int64_t v;
	int r = spec_path(process, "cwd", "process", &cwd, err);

	if (r < 0)
		return r;
	if (cwd)
		s->cwd = cwd;
	r = json_get_bool(process, "noNewPrivileges", "process", &s->no_new_privs, err);
	if (r < 0)
		return r;
	r = spec_int(process, "oomScoreAdj", "process", -1000, 1000, 0, &v, err);
	if (r < 0)
		return r;
	s->has_oom_score_adj = oom && !json_is_null(oom);
	s->oom_score_adj = (int)v;
	return refuse_labels(process, err);
}

static int parse_command(const json_t *process, struct spec *s, struct rl_err *err)
{
	size_t n;
	int r = spec_strings(process, "args", "process", SPEC_ARGS_MAX, SPEC_STRING_MAX, &s->args,
			     &n, err);

	if (r < 0)
		return r;
	if (n == 0)
		return rl_fail(err, EINVAL, "process: 'args' is empty, there is nothing to run");
	r = spec_strings(process, "env", "process", SPEC_ARGS_MAX, SPEC_STRING_MAX, &s->env, &n,
			 err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!strchr(s->env[i], '=') || s->env[i][0] == '=')
			return rl_fail(err, EINVAL,
				       "process: entry %zu of 'env' is not NAME=VALUE: '%.64s'", i,
				       s->env[i]);
	return 0;
}

int spec_process(const json_t *root, struct spec *s, struct rl_err *err)
{
	json_t *o;
	int r = json_get_obj(root, "process", "spec", &o, err);

	if (r < 0)
		return r;
	if (!o)
		return rl_fail(err, EINVAL, "spec: 'process' is missing");
	r = parse_command(o, s, err);
	if (r == 0)
		r = parse_user(o, s, err);
	if (r == 0)
		r = parse_caps(o, s, err);
	if (r == 0)
		r = parse_rlimits(o, s, err);
	if (r == 0)
		r = parse_console(o, s, err);
	if (r == 0)
		r = parse_rest(o, s, err);
	return r;
}
