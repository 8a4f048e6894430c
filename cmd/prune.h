/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune.h - removing what nobody uses, for the prune commands of containers, images, volumes and all
 *
 * What is in use at the moment of its removal is skipped in silence. What cannot be removed for another
 * reason is told as a warning; the others get their turn.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/rl.h"

struct pruned {
	struct strv names; /* ids of containers and images, names of volumes and networks */
	int64_t bytes;     /* with @count */
	bool count;        /* sum up what is freed (takes a look at each file) */
};

/* Show @warning and ask on stdout, unless @force; the answer is a line of stdin. 1: yes, 0: no,
 * -ENODATA: nobody is there */
int prune_ask(bool force, const char *warning, struct rl_err *err) RL_MUST_USE;

/* Are the filters good ones for containers, or @images? To be asked before the user is. */
int prune_check(const struct rl *rl, bool images, const struct strv *filters,
		struct rl_err *err) RL_MUST_USE;
/* Those that do not run. @filters: "label[!]=", "until=" */
int prune_containers(const struct rl *rl, const struct strv *filters, struct pruned *ret,
		     struct rl_err *err) RL_MUST_USE;
/* Those without a name, with @all those without a container. @filters: as images have them */
int prune_images(const struct rl *rl, bool all, const struct strv *filters, struct pruned *ret,
		 struct rl_err *err) RL_MUST_USE;
/* Anonymous ones, with @all (or the filter all=true) named ones too, that no container mounts. */
int prune_volumes(const struct rl *rl, bool all, const struct strv *filters, struct pruned *ret,
		  struct rl_err *err) RL_MUST_USE;
/* Named networks that no container belongs to. @filters: "label[!]=", "until=" */
int prune_networks(const struct rl *rl, const struct strv *filters, struct pruned *ret,
		   struct rl_err *err) RL_MUST_USE;
/* The names of the volumes that it would remove; appended. */
int prune_volumes_list(const struct rl *rl, bool all, const struct strv *filters, struct strv *ret,
		       struct rl_err *err) RL_MUST_USE;
