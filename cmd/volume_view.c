/* SPDX-License-Identifier: Apache-2.0 */
/* volume_view.c - volumes as JSON, and their filters; the header is the manual */
#include "config.h"

#include "cmd/volume_view.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/filter.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/base/when.h"

const char *const volume_map_names[] = { "Labels", "Options", "Status", NULL };

json_t *volume_view(const struct rl *rl, const struct volume *v, size_t users)
{
	char created[32];
	json_t *j;
	struct stat st;

	time_rfc3339(created, v->created_ns);
	j = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:I, s:b, s:b, s:i}", "Name", v->name,
		      "Driver", "local", "Mountpoint", v->path, "CreatedAt", created, "Labels",
		      v->labels ? json_incref(v->labels) : json_object(), "Scope", "local",
		      "Options", v->options ? json_incref(v->options) : json_object(), "MountCount",
		      (json_int_t)users, "NeedsCopyUp", v->copy_up, "NeedsChown", 0, "LockNumber",
		      0);
	if (j && v->anonymous)
		(void)json_object_set_new(j, "Anonymous", json_true());
	/* as the caller sees it; what S makes of it is the container's business */
	if (j && stat(v->path, &st) == 0 && (st.st_uid != rl->uid || st.st_gid != rl->gid)) {
		(void)json_object_set_new(j, "UID", json_integer(st.st_uid));
		(void)json_object_set_new(j, "GID", json_integer(st.st_gid));
	}
	return j;
}

int volume_view_add(json_t *v)
{
	json_auto_t *more = json_pack(
		"{s:b, s:i, s:i, s:{}, s:i, s:s, s:s, s:s, s:s, s:s, s:n, s:n}", "Anonymous", 0,
		"UID", 0, "GID", 0, "Status", "Timeout", 0, "StorageID", "", "Links", "N/A", "Size",
		"N/A", "Group", "N/A", "Availability", "N/A", "UsageData", "ClusterVolume");

	return more && json_object_update_missing(v, more) == 0 ? 0 : -ENOMEM;
}

size_t volume_count_users(const struct strv *users, const char *name)
{
	size_t len = strlen(name), n = 0;

	for (size_t i = 0; i < users->n; i++)
		n += strncmp(users->v[i], name, len) == 0 && users->v[i][len] == ' ';
	return n;
}

/* --- filters ----------------------------------------------------------------------------- */

enum key {
	K_NAME,
	K_LABEL,
	K_NOT_LABEL,
	K_DRIVER,
	K_DANGLING,
	K_ANONYMOUS,
	K_ALL,
	K_OPT,
	K_SCOPE,
	K_SINCE,
	K_AFTER,
	K_UNTIL,
	KEYS
};

static const char *const key_names[KEYS + 1] = {
	"name", "label", "label!", "driver", "dangling", "anonymous",
	"all",  "opt",   "scope",  "since",  "after",    "until",
};

static int check_value(const struct filter_kind *k, const struct rl *rl, struct filter *f,
		       struct rl_err *err)
{
	auto_volume struct volume v = { 0 };
	int r;

	switch ((enum key)f->key) {
	case K_NAME:
		return filter_regex(k, f, err);
	case K_DANGLING:
	case K_ANONYMOUS:
	case K_ALL:
		return filter_bool(k, f, err);
	case K_UNTIL:
		return when_parse(f->value, wall_ns(), &f->ns, err);
	case K_SINCE:
	case K_AFTER:
		r = volume_load(rl, f->value, &v, err);
		f->ns = v.created_ns;
		return r < 0 ? rl_wrap(err, "filter %s: '%s'", key_names[f->key], f->value) : 0;
	case K_LABEL:
	case K_NOT_LABEL:
	case K_DRIVER:
	case K_OPT:
	case K_SCOPE:
	case KEYS:
		break;
	}
	return 0;
}

static const struct filter_kind kind = { "volumes", key_names, 1U << K_LABEL | 1U << K_NOT_LABEL,
					 check_value };

int volume_filters_new(const struct rl *rl, const struct strv *words, struct filters *ret,
		       struct rl_err *err)
{
	return filters_new(&kind, rl, words, ret, err);
}

struct candidate {
	const struct volume *v;
	size_t users;
};

static bool match(const struct filter *f, const void *arg)
{
	const struct candidate *c = arg;
	const struct volume *v = c->v;

	switch ((enum key)f->key) {
	case K_NAME:
		return regexec(&f->re, v->name, 0, NULL, 0) == 0;
	case K_LABEL:
		return filter_has_pair(v->labels, f->value);
	case K_NOT_LABEL:
		return !filter_has_pair(v->labels, f->value);
	case K_DRIVER:
	case K_SCOPE: /* the only one of either */
		return strcmp(f->value, "local") == 0;
	case K_DANGLING:
		return f->yes == (c->users == 0);
	case K_ANONYMOUS:
		return f->yes == v->anonymous;
	case K_OPT:
		return filter_has_pair(v->options, f->value);
	case K_SINCE:
	case K_AFTER:
		return v->created_ns > f->ns;
	case K_UNTIL:
		return v->created_ns < f->ns;
	case K_ALL:
	case KEYS:
		break;
	}
	return true;
}

static bool volume_filters_match(const struct filters *f, const struct volume *v, size_t users)
{
	return filters_match(&kind, f, match, &(const struct candidate){ v, users });
}

bool volume_filters_all(const struct filters *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].key == K_ALL && f->v[i].yes)
			return true;
	return false;
}

int volume_each(const struct rl *rl, const struct filters *f, volume_cb cb, void *arg,
		struct rl_err *err)
{
	auto_strv struct strv names = { 0 }, users = { 0 };
	int r = volume_list(rl, &names, err);

	if (r == 0)
		r = volume_users(rl, &users, err);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		auto_volume struct volume v = { 0 };
		size_t n = volume_count_users(&users, names.v[i]);
		struct rl_err why = { 0 };

		if (volume_load(rl, names.v[i], &v, &why) < 0) {
			if (why.code != ENOENT) /* else it went just now */
				log_warn("volume '%s' is left out: %s", names.v[i], why.msg);
		} else if (!f || volume_filters_match(f, &v, n)) {
			r = cb(arg, &v, n, err);
		}
	}
	return r;
}
