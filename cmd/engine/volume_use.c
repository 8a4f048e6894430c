/* SPDX-License-Identifier: Apache-2.0 */
/* volume_use.c - engine: removing volumes; the header is the manual */
#include "config.h"

#include "cmd/engine/volume_use.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/life.h"
#include "core/base/cleanup.h"
#include "core/events.h"

#define REMOVE_TRIES 3 /* somebody may start new ones meanwhile */

static int remove_users(const struct rl *rl, const char *name, int64_t timeout_s,
			struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	int r = volume_users_of(rl, name, &ids, err);

	return r < 0 ? r : life_remove_users(rl, &ids, timeout_s, err);
}

int engine_volume_remove(const struct rl *rl, const struct session *s, const char *name, bool force,
			 int64_t timeout_s, struct rl_err *err)
{
	int r = volume_remove(rl, s, name, err);

	for (int i = 0; i < REMOVE_TRIES && r == -EBUSY && force; i++) {
		r = remove_users(rl, name, timeout_s, err);
		if (r == 0)
			r = volume_remove(rl, s, name, err);
	}
	if (r == 0)
		events_thing(rl, "volume", "remove", NULL, name);
	return r;
}
