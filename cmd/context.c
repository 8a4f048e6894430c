/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.c - `rl context ls`, `show`, `use` and `inspect`: one context, for scripts of docker
 *
 * A context of Docker's says which daemon to talk to. There is none here, so the only context is
 * "default", it has no endpoint, and using it changes nothing.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"

#define ONLY "default"

struct context_opts {
	bool quiet;
	const char *format;
};

static int check_name(const char *name, struct rl_err *err)
{
	if (strcmp(name, ONLY) == 0)
		return 0;
	rl_fail(err, ENOENT, "context '%s' not found", name);
	return rl_hint(err, "there is no daemon to choose: the only context is '" ONLY "'");
}

static int print(const char *format, json_t *rows, const char *fallback, struct rl_err *err)
{
	json_auto_t *heads =
		json_pack("{s:s, s:s}", "DockerEndpoint", "DOCKER ENDPOINT", "Error", "ERROR");
	const struct format f = { .text = format ? format : fallback, .headers = heads };
	auto_buf struct buf out = { 0 };
	int r = rows && heads ? 0 : rl_oom(err);

	if (r == 0)
		r = f.text ? format_rows(&f, rows, &out, err) : format_json(rows, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

static int context_ls(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	const struct context_opts *o = opts;
	const bool table = !o->format || strncmp(o->format, "table", 5) == 0;
	json_auto_t *rows =
		json_pack("[{s:b, s:s, s:s, s:s, s:s}]", "Current", 1, "Description",
			  "Containers of this user, without a daemon", "DockerEndpoint", "",
			  "Error", "", "Name", table && !o->quiet ? ONLY " *" : ONLY);

	(void)rl;
	(void)args;
	if (o->quiet && o->format)
		return rl_fail(err, EINVAL, "'--quiet' and '--format' exclude each other");
	return print(o->quiet ? "{{.Name}}" : o->format, rows,
		     "table {{.Name}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}", err);
}

static int context_show(struct rl *rl, const struct cmd_args *args, const void *opts,
			struct rl_err *err)
{
	(void)rl;
	(void)args;
	(void)opts;
	(void)err;
	(void)puts(ONLY); /* a closed stdout is seen when it is flushed at exit */
	return 0;
}

static int context_use(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	int r = check_name(args->v[0], err);

	(void)rl;
	(void)opts;
	if (r == 0)
		(void)puts(ONLY); /* as above */
	return r;
}

static int context_inspect(struct rl *rl, const struct cmd_args *args, const void *opts,
			   struct rl_err *err)
{
	const struct context_opts *o = opts;
	json_auto_t *rows = json_array();
	int r = 0;

	(void)rl;
	for (size_t i = 0; r == 0 && i < (args->n ? args->n : 1); i++) {
		json_t *one = json_pack("{s:s, s:{}, s:{s:{s:s, s:b}}, s:{}, s:{}}", "Name", ONLY,
					"Metadata", "Endpoints", "docker", "Host", "",
					"SkipTLSVerify", 0, "TLSMaterial", "Storage");

		r = args->n ? check_name(args->v[i], err) : 0;
		if (json_array_append_new(rows, one) < 0)
			r = rl_oom(err);
	}
	return r < 0 ? r : print(o->format, rows, NULL, err);
}

static const struct opt ls_options[] = {
	OPT_STR(0, "format", struct context_opts, format, "FORMAT",
		"json, or a Go template for the line"),
	OPT_BOOL('q', "quiet", struct context_opts, quiet, "only the name"),
	OPT_END,
};

const struct cmd cmd_context_ls = {
	.name = "context ls",
	.args = "",
	.summary = "List the one context that there is",
	.about = "For scripts made for docker, where a context says which daemon to talk to. rl has no daemon: the "
		 "only context is 'default', and it has no endpoint.",
	.examples = {
		{ "rl context ls", "One line." },
		{ "rl context ls -q", "Only its name." },
	},
	.options = ls_options,
	.opts_size = sizeof(struct context_opts),
	.no_dirs = true,
	.run = context_ls,
};

const struct cmd cmd_context_show = {
	.name = "context show",
	.args = "",
	.summary = "Print the name of the context: default",
	.about = "For scripts made for docker: prints 'default', the only context. See rl-context-ls(1).",
	.examples = {
		{ "rl context show", "Prints 'default'." },
		{ "[ \"$(rl context show)\" = default ]", "What a script may ask." },
	},
	.no_dirs = true,
	.run = context_show,
};

const struct cmd cmd_context_use = {
	.name = "context use",
	.args = "CONTEXT",
	.summary = "Nothing: for scripts that choose a docker context",
	.about = "Prints the name. The only context is 'default', any other is an error. See rl-context-ls(1).",
	.examples = {
		{ "rl context use default", "What scripts mostly do." },
		{ "rl context use default && rl ps", "The same containers as before." },
	},
	.min_args = 1,
	.max_args = 1,
	.no_dirs = true,
	.run = context_use,
};

static const struct opt inspect_options[] = {
	OPT_STR('f', "format", struct context_opts, format, "FORMAT", "json, or a Go template"),
	OPT_END,
};

const struct cmd cmd_context_inspect = {
	.name = "context inspect",
	.args = "[CONTEXT...]",
	.summary = "Describe the one context that there is",
	.about = "Prints a JSON array as docker does; the endpoint's host is empty, since there is no daemon. See "
		 "rl-context-ls(1).",
	.examples = {
		{ "rl context inspect", "All there is." },
		{ "rl context inspect -f '{{.Name}}' default", "Its name." },
	},
	.options = inspect_options,
	.opts_size = sizeof(struct context_opts),
	.max_args = CMD_ANY,
	.no_dirs = true,
	.run = context_inspect,
};
