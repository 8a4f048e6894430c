/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secopt.c - --security-opt: each one is done or refused, none is passed over (SECURITY S18)
 *
 * Sources: docker-run(1), podman-run(1) "--security-opt".
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

static int add_paths(struct strv *to, const char *list, struct rl_err *err)
{
	auto_strv struct strv l = { 0 };

	if (strv_split(&l, list, ':') < 0)
		return rl_oom(err);
	for (size_t i = 0; i < l.n; i++) {
		char *path = NULL;
		int r = text_clean_path(l.v[i], "path", &path, err);

		if (r < 0)
			return r;
		if (strv_take(to, path) < 0)
			return rl_oom(err);
	}
	return 0;
}

static int unmask(struct secopt *s, const char *v, struct rl_err *err)
{
	if (strcasecmp(v, "all") != 0)
		return add_paths(&s->unmask, v, err);
	s->unmask_all = true;
	return 0;
}

static int no_new_privs(struct secopt *s, const char *v, struct rl_err *err)
{
	if (!v)
		s->no_new_privs = true;
	else if (parse_bool(v, &s->no_new_privs) < 0)
		return rl_fail(err, EINVAL, "expected true or false");
	return 0;
}

/* rl sets no profile of its own, and a user without rights may not choose one. */
static int apparmor(const char *v, struct rl_err *err)
{
	if (strcmp(v, "unconfined") == 0)
		return 0;
	rl_fail(err, ENOTSUP, "an AppArmor profile other than 'unconfined' cannot be set by rl");
	return rl_hint(err, "without this option the container keeps what rl itself runs under");
}

/*
 * Words for SELinux. Where it is not there they mean nothing, as with any other engine; where it is, a
 * label that was asked for and is not set would be a wall that is missing.
 */
static int label(const char *v, struct rl_err *err)
{
	static const char *const words[] = { "user", "role", "type", "level", "filetype" };
	size_t n = strcspn(v, ":=");

	if (strcmp(v, "disable") == 0 || strcmp(v, "nested") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i]) != n || strncmp(words[i], v, n) != 0 || !v[n] || !v[n + 1])
			continue;
		if (access("/sys/fs/selinux/enforce", F_OK) < 0)
			return 0;
		rl_fail(err, ENOTSUP, "a SELinux label other than 'disable' cannot be set by rl");
		return rl_hint(err, "the container keeps the label that rl itself runs under");
	}
	return rl_fail(err, EINVAL, "expected disable, or user:, role:, type:, level: and a word");
}

/* Parameters of procfs (proc(5)); they only take away. */
static int proc_opts(struct secopt *s, const char *v, struct rl_err *err)
{
	static const char *const known[] = { "hidepid=0",
					     "hidepid=1",
					     "hidepid=2",
					     "hidepid=4",
					     "hidepid=off",
					     "hidepid=noaccess",
					     "hidepid=invisible",
					     "hidepid=ptraceable",
					     "subset=pid",
					     "nosuid",
					     "noexec",
					     "nodev",
					     "ro" };
	auto_strv struct strv l = { 0 };

	if (strv_split(&l, v, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; i < l.n; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(known) && strcmp(known[k], l.v[i]) != 0)
			k++;
		if (k == ARRAY_LEN(known))
			return rl_fail(err, EINVAL,
				       "'%s' is not hidepid=, subset=pid, ro, nosuid, noexec or "
				       "nodev",
				       l.v[i]);
		if (strv_add(&s->proc_opts, l.v[i]) < 0)
			return rl_oom(err);
	}
	return 0;
}

static int unknown(struct rl_err *err)
{
	rl_fail(err, EINVAL, "unknown option, or its value is missing");
	return rl_hint(
		err, "seccomp=FILE|unconfined, no-new-privileges, label=disable, apparmor=PROFILE, "
		     "mask=PATH, unmask=PATH|ALL, proc-opts=OPTIONS or systempaths=unconfined");
}

static int parse_one(struct secopt *s, const char *key, const char *v, struct rl_err *err)
{
	if (strcmp(key, "no-new-privileges") == 0)
		return no_new_privs(s, v, err);
	if (!v || !*v)
		return unknown(err);
	if (strcmp(key, "seccomp") == 0) {
		s->seccomp_unconfined = strcmp(v, "unconfined") == 0;
		s->seccomp_profile = s->seccomp_unconfined || strcmp(v, "default") == 0 ||
						     strcmp(v, "builtin") == 0
					     ? NULL
					     : v;
		return 0;
	}
	if (strcmp(key, "label") == 0)
		return label(v, err);
	if (strcmp(key, "apparmor") == 0)
		return apparmor(v, err);
	if (strcmp(key, "proc-opts") == 0)
		return proc_opts(s, v, err);
	if (strcmp(key, "mask") == 0) {
		int r = add_paths(&s->mask, v, err);

		return r == 0 && strv_has(&s->mask, "/")
			       ? rl_fail(err, EINVAL, "'/' cannot be masked")
			       : r;
	}
	if (strcmp(key, "unmask") == 0)
		return unmask(s, v, err);
	if (strcmp(key, "systempaths") == 0 && strcmp(v, "unconfined") == 0) {
		s->unmask_all = true;
		return 0;
	}
	return unknown(err);
}

int secopt_parse(const struct strv *words, struct secopt *ret, struct rl_err *err)
{
	struct secopt s = { 0 };

	for (size_t i = 0; i < words->n; i++) {
		const char *w = words->v[i];
		size_t n = strcspn(w, "=:"); /* "seccomp:FILE" is Docker's old spelling */
		auto_free char *key = strndup(w, n);
		const char *v = w[n] ? w + n + 1 : NULL;
		int r = key ? parse_one(&s, key, v, err) : rl_oom(err);

		if (r < 0) {
			/* the borrowed word must be named whole: the rest was not looked at */
			secopt_done(&s);
			return rl_wrap(err, "--security-opt '%s'", w);
		}
	}
	*ret = s;
	return 0;
}

void secopt_done(struct secopt *s)
{
	strv_done(&s->mask);
	strv_done(&s->unmask);
	strv_done(&s->proc_opts);
	*s = (struct secopt){ 0 };
}
