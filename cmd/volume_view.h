/* SPDX-License-Identifier: Apache-2.0 */
/* volume_view.h - volumes as JSON in the layout that scripts know, and which of them a filter wants */
#pragma once

#include <jansson.h>

#include "cmd/filter.h"
#include "storage/volume.h"

/* Names of templates' maps (cmd/template.h). */
extern const char *const volume_map_names[];

/* The object of volume ls and volume inspect; @users: containers that mount it. NULL = no memory */
json_t *volume_view(const struct rl *rl, const struct volume *v, size_t users);
/* What templates ask for beside: keys that the JSON leaves out, and Docker's. 0 or -ENOMEM */
int volume_view_add(json_t *v) RL_MUST_USE;
/* How many entries of volume_users() are about @name */
size_t volume_count_users(const struct strv *users, const char *name);

/*
 * "KEY=VALUE" with name (regular expression), label, label!, driver, dangling, anonymous, all, opt,
 * scope, since, after, until. The same key again: either may match (labels: all must); different keys:
 * all must. -EINVAL names the bad one.
 */
int volume_filters_new(const struct rl *rl, const struct strv *words, struct filters *ret,
		       struct rl_err *err) RL_MUST_USE;
/* Is "all=true" among them? (volume prune) */
bool volume_filters_all(const struct filters *f);

/*
 * Every volume that the filters want, in the order of names. A damaged record is told as a warning
 * and left out. A negative result of @cb ends the walk.
 */
typedef int (*volume_cb)(void *arg, const struct volume *v, size_t users, struct rl_err *err);
int volume_each(const struct rl *rl, const struct filters *f, volume_cb cb, void *arg,
		struct rl_err *err) RL_MUST_USE;
