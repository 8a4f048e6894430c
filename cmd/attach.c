/* SPDX-License-Identifier: Apache-2.0 */
/* attach.c - `rl attach`: join the first process of a running container */
#include "config.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "cmd/engine/exec.h"
#include "cmd/select.h"
#include "core/base/cleanup.h"

struct attach_opts {
	struct attach_req req;
	bool latest;
	const char *detach_keys;
};

static const struct opt attach_options[] = {
	OPT_STR(0, "detach-keys", struct attach_opts, detach_keys, "KEYS",
		"leave it running (ctrl-p,ctrl-q)"),
	OPT_BOOL('l', "latest", struct attach_opts, latest, "the newest container"),
	OPT_BOOL(0, "no-stdin", struct attach_opts, req.no_stdin,
		 "show the output only, pass no input"),
	OPT_BOOL(0, "sig-proxy", struct attach_opts, req.sig_proxy,
		 "forward signals to the container (true)"),
	OPT_END,
};

static int run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct attach_opts *o = opts;
	auto_strv struct strv name = { 0 };
	struct attach_req q = o->req;
	size_t own = 0;
	int code = 0;
	int r = select_single(rl, "attach", args, o->latest, NULL, &name, &own, err);

	if (r == 0 && args->n > own)
		r = rl_fail(err, EINVAL, "attach takes one container");
	if (r == 0)
		r = detach_parse(o->detach_keys, &q.keys, err);
	if (r < 0)
		return r;
	q.container = name.v[0];
	r = engine_attach(rl, &q, &code, err);
	return r < 0 ? r : code & 0xff; /* --timeout: -1 */
}

const struct cmd cmd_attach = {
	.name = "attach",
	.args = "CONTAINER",
	.summary = "Join the first process of a running container",
	.about = "Shows what the container writes from now on and passes input (if it was made with "
		 "-i) and signals to it, until it ends; rl ends with its exit status. Several may be "
		 "attached at once. The keys of --detach-keys leave it running, in a container with a "
		 "terminal; 'rl logs' shows what was written before.",
	.examples = {
		{ "rl attach work", "Back into a shell that was left with ctrl-p ctrl-q." },
		{ "rl attach --no-stdin --sig-proxy=false web", "Only look on; Ctrl-C ends that." },
	},
	.exits = {
		{ "N", "the container's exit status; 0 after leaving by the keys" },
	},
	.options = attach_options,
	.defaults = &(const struct attach_opts){ .req.sig_proxy = true,
						 .detach_keys = DETACH_KEYS_DEFAULT },
	.opts_size = sizeof(struct attach_opts),
	.max_args = CMD_ANY,
	.run = run,
	.completes = "running",
};
