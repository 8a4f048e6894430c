/* SPDX-License-Identifier: Apache-2.0 */
/* volume_use.c - engine: removing volumes; the header is the manual */
#include "config.h"

#include "cmd/engine/volume_use.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/life.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/events.h"

/* The containers of @name, with their ids */
static int find_users(const struct rl *rl, const char *name, struct strv *ret, struct rl_err *err)
{
	auto_strv struct strv users = { 0 };
	size_t len = strlen(name);
	int r = volume_users(rl, &users, err);

	for (size_t i = 0; i < users.n && r == 0; i++)
		if (strncmp(users.v[i], name, len) == 0 && users.v[i][len] == ' ' &&
		    strv_add(ret, users.v[i] + len + 1) < 0)
			r = rl_oom(err);
	return r;
}

static int in_use(const struct strv *ids, struct rl_err *err)
{
	auto_buf struct buf list = { 0 };

	for (size_t i = 0; i < ids->n && i < 5; i++)
		if (buf_printf(&list, "%s%.12s", i ? ", " : "", ids->v[i]) < 0)
			return rl_oom(err);
	rl_fail(err, EBUSY, "volume is being used by the following container(s): %s%s", list.data,
		ids->n > 5 ? ", ..." : "");
	err->exit_code = 2;
	return rl_hint(err, "remove them first, or use volume rm -f");
}

static int remove_users(const struct rl *rl, const struct strv *ids, int64_t timeout_s,
			struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; i < ids->n && r == 0; i++) {
		struct ctr c;

		r = ctr_find(rl, ids->v[i], &c, err);
		if (r == -ENOENT) {
			r = 0; /* it went by itself */
			continue;
		}
		if (r < 0)
			break;
		r = life_remove(rl, &c, true, timeout_s, err);
		if (r < 0)
			rl_wrap(err, "container %.12s", ids->v[i]);
		ctr_done(&c);
	}
	return r;
}

int engine_volume_remove(const struct rl *rl, const struct session *s, const char *name, bool force,
			 int64_t timeout_s, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	int r = volume_check_name(name, err);

	if (r == 0)
		r = find_users(rl, name, &ids, err);
	if (r == 0 && ids.n > 0)
		r = force ? remove_users(rl, &ids, timeout_s, err) : in_use(&ids, err);
	if (r == 0)
		r = volume_remove(rl, s, name, err);
	if (r == -ENOENT)
		err->exit_code = 1;
	if (r == 0)
		events_thing(rl, "volume", "remove", NULL, name);
	return r;
}
