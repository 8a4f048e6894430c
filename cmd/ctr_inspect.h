/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_inspect.h - containers as JSON in the layout of CLI.md "Inspect layout"
 *
 * Keys, types and letter case are Podman's (and Docker's where both have a key). Values come from
 * the records of the container (config.json, state.json, run.json, exit.json) and its image; what
 * rl does not have is empty, never made up.
 */
#pragma once

#include "core/ctr_state.h"
#include "core/spec.h"
#include "storage/image.h"

struct ctr_inspect_how {
	bool size; /* SizeRw and SizeRootFs */
	bool full; /* for templates: also the keys that are left out of JSON when they are empty */
};

/**
 * ctr_inspect_json() - All that is known about one container
 * @c:	Open; healed when it lost its monitor
 */
int ctr_inspect_json(const struct rl *rl, struct ctr *c, const struct ctr_inspect_how *how,
		     json_t **ret, struct rl_err *err) RL_MUST_USE;

/* --- between the files of it ---------------------------------------------------------------- */

struct ctr_view {
	const struct rl *rl;
	struct ctr *c;
	struct ctr_state state;
	const json_t *rec, *asked; /* state.json; borrowed from @c */
	json_t *config;            /* config.json; owned */
	const json_t *process, *linux_part;
	struct image image; /* zeroed when it is gone, or with --rootfs */
	struct ctr_inspect_how how;
	json_t *exec_ids; /* array */
	unsigned clients; /* MONITOR_CLIENTS_* of core/monitor.h */
};

const char *view_text(const json_t *o, const char *key); /* "" when it is not there */
json_t *view_list(const json_t *o, const char *key);     /* new reference; [] */
json_t *view_object(const json_t *o, const char *key);   /* new reference; {} */
/* The mount of the spec at @dest, or NULL. */
const json_t *view_mount(const struct ctr_view *v, const char *dest);
/* Does the container have a namespace of that type of its own? */
bool view_has_ns(const struct ctr_view *v, const char *type);

/* Ours start with "rl."; the others were asked for. */
json_t *view_annotations(const struct ctr_view *v);
json_t *view_log_path(const struct ctr_view *v);
json_t *view_cap_names(uint64_t set); /* "CAP_CHOWN" and on, sorted */

json_t *ctr_inspect_config(const struct ctr_view *v); /* "Config" */
json_t *ctr_inspect_host(const struct ctr_view *v);   /* "HostConfig" */
/* What keeps it apart from the host, and which limits hold: "Isolation", of rl alone. */
json_t *ctr_inspect_isolation(const struct ctr_view *v);
