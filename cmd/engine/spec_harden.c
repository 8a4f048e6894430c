/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_harden.c - --hardened: less than the default profile, for what can live with it
 *
 * What it takes away is the table in SECURITY.md. The parts of the spec ask for it where they decide
 * (capabilities, masks, no_new_privs, mounts); here is what concerns the request as a whole. A wish that
 * would undo it is an error, not a compromise: who reads the command line must be able to rely on it.
 */
#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "cmd/engine/spec_parts.h"
#include "core/base/cleanup.h"
#include "core/caps.h"

uint64_t spec_hardened_caps(void)
{
	return CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_KILL) |
	       CAP_BIT(CAP_NET_BIND_SERVICE);
}

static int exclusive(const char *flag, struct rl_err *err)
{
	return rl_fail(err, EINVAL, "'--hardened' and '%s' exclude each other", flag);
}

int spec_check_hardened(struct spec_ctx *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	const char *pids = q->pids_limit;

	if (!q->hardened)
		return 0;
	if (q->privileged)
		return exclusive("--privileged", err);
	if (q->nested)
		return exclusive("--nested", err);
	if (x->sec.seccomp_unconfined)
		return exclusive("--security-opt seccomp=unconfined", err);
	if (x->sec.unmask_all)
		return exclusive("--security-opt unmask=all", err);
	if (q->memory <= 0) {
		rl_fail(err, EINVAL, "'--hardened' needs a limit of memory");
		return rl_hint(err, "add --memory SIZE, such as --memory 512m");
	}
	if (pids && (strcmp(pids, "-1") == 0 || strcmp(pids, "0") == 0)) {
		rl_fail(err, EINVAL, "'--hardened' needs a limit of processes");
		return rl_hint(err, "leave '--pids-limit' out for the usual 2048");
	}
	x->sec.no_new_privs = true;
	return 0;
}

int spec_mounts_nosuid(json_t *mounts, struct rl_err *err)
{
	json_t *m, *options;
	const json_t *o;
	size_t i, k;

	json_array_foreach (mounts, i, m) {
		bool has = false;

		options = json_object_get(m, "options");
		json_array_foreach (options, k, o)
			has |= strcmp(json_string_value(o), "nosuid") == 0;
		if (!has && json_array_append_new(options, json_string("nosuid")) < 0)
			return rl_oom(err);
	}
	return 0;
}
