/* SPDX-License-Identifier: Apache-2.0 */
/* logout.c - `rl logout`: forget the login of a registry, or of all */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "storage/auth.h"

struct logout_opts {
	bool all;
	const char *authfile, *compat_authfile;
};

static const struct opt logout_options[] = {
	OPT_BOOL('a', "all", struct logout_opts, all, "forget all logins"),
	OPT_STR(0, "authfile", struct logout_opts, authfile, "FILE", "the file they are kept in"),
	OPT_STR(0, "compat-auth-file", struct logout_opts, compat_authfile, "FILE",
		"the same, in the form of docker's config.json"),
	OPT_END,
};

static int logout(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct logout_opts *o = opts;
	const char *word = args->n > 0 ? args->v[0] : "docker.io";
	auto_free char *path = NULL;
	int r;

	(void)rl;
	if (o->all && args->n > 0)
		return rl_fail(err, EINVAL, "--all takes no registry");
	r = auth_write_file(o->authfile ? o->authfile : o->compat_authfile, &path, err);
	if (r == 0)
		r = auth_erase(path, o->all ? NULL : word, err);
	if (r < 0)
		return r;
	if (o->all)
		(void)puts("Removed login credentials for all registries");
	else
		(void)printf("Removed login credentials for %s\n", word);
	return 0;
}

const struct cmd cmd_logout = {
	.name = "logout",
	.args = "[REGISTRY]",
	.summary = "Forget the login of a registry",
	.about = "Forgets the login of REGISTRY (docker.io when none is named) that 'rl "
		 "login' remembered, also in a credential helper; with -a all of them.",
	.examples = {
		{ "rl logout quay.io", "Forget the login of quay.io." },
		{ "rl logout -a", "Forget all." },
	},
	.options = logout_options,
	.opts_size = sizeof(struct logout_opts),
	.max_args = 1,
	.run = logout,
};
