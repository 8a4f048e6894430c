/* SPDX-License-Identifier: Apache-2.0 */
/* network_view.h - named networks as JSON in the layout that scripts know, and what filters want */
#pragma once

#include <jansson.h>

#include "cmd/filter.h"
#include "core/base/strv.h"
#include "net/network.h"

/* Names of templates' maps (cmd/template.h). */
extern const char *const network_map_names[];

/* The object of network ls and network inspect. NULL = no memory */
json_t *network_view(const struct rl *rl, const struct network *n);
/*
 * Docker's keys beside those of network_view(), which are Podman's; @words: and the words that Podman's
 * templates have for these. 0, or not: no memory
 */
int network_view_add(json_t *view, const struct rl *rl, const struct network *n, bool whole_id,
		     bool words);
/* "NetworkSettings.Networks" of a container: its networks, with addresses where it runs. NULL = no memory */
json_t *network_view_of(const struct rl *rl, const char *ctr_id, int ctr_fd);
/* The names of a container's networks, appended; none when that cannot be read. */
int network_names_of(int ctr_fd, struct strv *ret) RL_MUST_USE;

/*
 * "KEY=VALUE" with name (regular expression), id (a beginning), label, label!, driver, dangling,
 * until, scope, type. The same key again: either may match (labels: all must); different keys: all must.
 */
int network_filters_new(const struct rl *rl, const struct strv *words, struct filters *ret,
			struct rl_err *err) RL_MUST_USE;

/* Every network that the filters want, in the order of names; as volume_each() has it. */
typedef int (*network_cb)(void *arg, const struct network *n, struct rl_err *err);
int network_each(const struct rl *rl, const struct filters *f, network_cb cb, void *arg,
		 struct rl_err *err) RL_MUST_USE;
