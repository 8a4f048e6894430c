/* SPDX-License-Identifier: Apache-2.0 */
/* ulimit.c - resource limits of a process; the header is the manual */
#include "config.h"

#include "cmd/engine/ulimit.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/base/parse.h"

#define NOFILE_SOFT_MAX 1048576

static const struct {
	const char *name, *oci;
	int resource;
} limits[] = {
	{ "as", "RLIMIT_AS", RLIMIT_AS },
	{ "core", "RLIMIT_CORE", RLIMIT_CORE },
	{ "cpu", "RLIMIT_CPU", RLIMIT_CPU },
	{ "data", "RLIMIT_DATA", RLIMIT_DATA },
	{ "fsize", "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "locks", "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "memlock", "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "msgqueue", "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "nice", "RLIMIT_NICE", RLIMIT_NICE },
	{ "nofile", "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "nproc", "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "rss", "RLIMIT_RSS", RLIMIT_RSS },
	{ "rtprio", "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "rttime", "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "sigpending", "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "stack", "RLIMIT_STACK", RLIMIT_STACK },
};

static int parse_value(const char *s, uint64_t *ret)
{
	if (strcmp(s, "-1") == 0 || strcmp(s, "unlimited") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_uint(s, INT64_MAX, ret);
}

static int find(const char *name)
{
	if (strncasecmp(name, "RLIMIT_", 7) == 0)
		name += 7;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (strcasecmp(limits[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

static int unknown(const char *s, const char *name, struct rl_err *err)
{
	rl_fail(err, EINVAL, "ulimit '%s': unknown limit '%s'", s, name);
	return rl_hint(
		err,
		"as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, "
		"rtprio, rttime, sigpending or stack");
}

int ulimit_parse(const char *s, struct ulimit *ret, struct rl_err *err)
{
	const char *eq = strchr(s, '='), *colon;
	auto_free char *name = eq ? strndup(s, (size_t)(eq - s)) : NULL, *soft = NULL;
	struct ulimit u;
	int i;

	if (!eq)
		return rl_fail(err, EINVAL, "ulimit '%s' is not name=soft[:hard]", s);
	colon = strchr(eq, ':');
	soft = colon ? strndup(eq + 1, (size_t)(colon - eq - 1)) : strdup(eq + 1);
	if (!name || !soft)
		return rl_oom(err);
	i = find(name);
	if (i < 0)
		return unknown(s, name, err);
	if (parse_value(soft, &u.soft) < 0 || parse_value(colon ? colon + 1 : soft, &u.hard) < 0)
		return rl_fail(err, EINVAL, "ulimit '%s': expected numbers or -1", s);
	if (u.soft > u.hard)
		return rl_fail(err, EINVAL, "ulimit '%s': the soft limit is above the hard limit",
			       s);
	u.resource = limits[i].resource;
	*ret = u;
	return 0;
}

static uint64_t from_rlim(rlim_t v)
{
	return v == RLIM_INFINITY ? UINT64_MAX : v;
}

static json_t *number(uint64_t v)
{
	/* unlimited is 2^64-1 in the runtime spec, which jansson cannot hold: the largest number
	 * that it can hold stands for it, core/spec_process.c reads it so */
	return json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v);
}

static int add(json_t *arr, const struct ulimit *u, struct rl_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		json_t *o;

		if (limits[i].resource != u->resource)
			continue;
		o = json_pack("{s:s,s:o,s:o}", "type", limits[i].oci, "hard", number(u->hard),
			      "soft", number(u->soft));
		return !o || json_array_append_new(arr, o) < 0 ? rl_oom(err) : 0;
	}
	return 0;
}

/* A rootless process may lower its hard limits only. */
static void clamp(struct ulimit *u, const char *word)
{
	struct rlimit host;
	uint64_t max;

	if (getrlimit((__rlimit_resource_t)u->resource, &host) < 0)
		return;
	max = from_rlim(host.rlim_max);
	if (u->hard <= max)
		return;
	if (word)
		log_warn("ulimit '%s' is above your own hard limit, using %llu", word,
			 (unsigned long long)max);
	u->hard = max;
	if (u->soft > max)
		u->soft = max;
}

int ulimit_change(const struct strv *words, json_t *arr, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < words->n; i++) {
		struct ulimit u;

		r = ulimit_parse(words->v[i], &u, err);
		if (r < 0)
			break;
		clamp(&u, words->v[i]);
		for (size_t k = 0; k < json_array_size(arr); k++) {
			const char *type =
				json_string_value(json_object_get(json_array_get(arr, k), "type"));
			int is = type ? find(type) : -ENOENT;

			if (is >= 0 && limits[is].resource == u.resource)
				(void)json_array_remove(arr, k--); /* it is there */
		}
		r = add(arr, &u, err);
	}
	return r;
}

int ulimit_set(const struct strv *words, pid_t pid, bool only_try, struct rl_err *err)
{
	for (size_t i = 0; i < words->n; i++) {
		struct rlimit old, want;
		struct ulimit u;
		int r = ulimit_parse(words->v[i], &u, err);

		if (r < 0)
			return r;
		clamp(&u, NULL);
		if (prlimit(pid, (__rlimit_resource_t)u.resource, NULL, &old) < 0)
			return rl_fail_sys(err, errno, "read the limits of process %d", (int)pid);
		if (u.hard > from_rlim(old.rlim_max)) {
			rl_fail(err, EPERM,
				"'--ulimit %s' is above the hard limit of what runs, %llu, which "
				"nobody "
				"can raise",
				words->v[i], (unsigned long long)old.rlim_max);
			return rl_hint(err, "stop it, update it, and start it again");
		}
		want = (struct rlimit){ u.soft == UINT64_MAX ? RLIM_INFINITY : (rlim_t)u.soft,
					u.hard == UINT64_MAX ? RLIM_INFINITY : (rlim_t)u.hard };
		if (!only_try && prlimit(pid, (__rlimit_resource_t)u.resource, &want, NULL) < 0)
			return rl_fail_sys(err, errno, "set '--ulimit %s' for process %d",
					   words->v[i], (int)pid);
	}
	return 0;
}

static void defaults(struct ulimit v[2])
{
	static const int which[2] = { RLIMIT_NOFILE, RLIMIT_CORE };

	for (size_t i = 0; i < 2; i++) {
		struct rlimit host = { 0 };

		(void)getrlimit((__rlimit_resource_t)which[i], &host); /* cannot fail for these */
		v[i] = (struct ulimit){ which[i], from_rlim(host.rlim_cur),
					from_rlim(host.rlim_max) };
	}
	v[0].soft = v[0].hard < NOFILE_SOFT_MAX ? v[0].hard : NOFILE_SOFT_MAX;
	v[1].soft = 0;
}

int ulimit_json(const struct strv *words, json_t **ret, struct rl_err *err)
{
	struct ulimit v[ARRAY_LEN(limits) + 2];
	size_t n = 2;
	json_t *arr;
	int r = 0;

	if (strv_has(words, "host"))
		n = 0; /* inherited as they are */
	else
		defaults(v);
	for (size_t i = 0; i < words->n; i++) {
		struct ulimit u;
		size_t k = 0;

		if (strcmp(words->v[i], "host") == 0)
			continue;
		r = ulimit_parse(words->v[i], &u, err);
		if (r < 0)
			return r;
		clamp(&u, words->v[i]);
		while (k < n && v[k].resource != u.resource)
			k++;
		v[k] = u;
		n += k == n;
	}
	arr = json_array();
	if (!arr)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add(arr, &v[i], err);
	if (r < 0) {
		json_decref(arr);
		return r;
	}
	*ret = arr;
	return 0;
}
