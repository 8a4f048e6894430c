/* SPDX-License-Identifier: Apache-2.0 */
/* secret_create.c - `rl secret create`: keep a secret under a name */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/events.h"
#include "storage/secret.h"

struct create_opts {
	bool env, ignore, replace;
	const char *driver;
	struct strv labels, driver_opts;
};

static const struct opt create_options[] = {
	OPT_STR('d', "driver", struct create_opts, driver, "file", "the only one there is"),
	OPT_LIST(0, "driver-opts", struct create_opts, driver_opts, "KEY=VALUE", NULL),
	OPT_BOOL(0, "env", struct create_opts, env, "the second word is a variable of rl's"),
	OPT_BOOL(0, "ignore", struct create_opts, ignore, "one of that name is fine, and stays"),
	OPT_LIST('l', "label", struct create_opts, labels, "KEY=VALUE", "label of the secret"),
	OPT_BOOL(0, "replace", struct create_opts, replace, "one of that name gets a new content"),
	OPT_END,
};

static int read_input(const char *word, bool env, struct buf *out, struct rl_err *err)
{
	bool is_stdin = !env && strcmp(word, "-") == 0;
	auto_fd int fd = FD_NONE;
	const char *v;
	int r;

	if (env) {
		v = getenv(word);
		if (!v)
			return rl_fail(err, ENOENT, "the variable '%s' is not set", word);
		return buf_str(out, v) < 0 ? rl_oom(err) : 0;
	}
	if (!is_stdin) {
		fd = open(word, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return rl_fail_sys(err, errno, "open '%s'", word);
	}
	r = io_read_all(is_stdin ? STDIN_FILENO : fd, SECRET_MAX, out);
	if (r == -EFBIG)
		return rl_fail(err, EFBIG, "'%s' has more than %d bytes", word, SECRET_MAX);
	return r < 0 ? rl_fail_sys(err, -r, "read '%s'", word) : 0;
}

static int secret_create_cmd(struct rl *rl, const struct cmd_args *args, const void *opts,
			     struct rl_err *err)
{
	const struct create_opts *o = opts;
	struct secret_req q = {
		.name = args->v[0], .labels = &o->labels, .replace = o->replace, .ignore = o->ignore
	};
	auto_secret struct secret s = { 0 };
	struct buf data = { 0 };
	int r;

	if (o->driver && strcmp(o->driver, "file") != 0)
		return rl_fail(err, ENOTSUP, "there is no secret driver '%s', only 'file'",
			       o->driver);
	if (o->driver_opts.n > 0)
		return rl_fail(err, EINVAL, "the driver 'file' has no option '%s'",
			       o->driver_opts.v[0]);
	if (o->replace && o->ignore)
		return rl_fail(err, EINVAL, "'--replace' and '--ignore' exclude each other");
	r = read_input(args->v[1], o->env, &data, err);
	q.data = data.data;
	q.len = data.len;
	if (r == 0)
		r = secret_create(rl, &q, &s, err);
	secret_wipe(&data);
	if (r < 0)
		return r;
	if (r == 0)
		events_thing(rl, "secret", "create", s.id, s.name);
	(void)puts(s.id); /* a closed stdout is seen when it is flushed at exit */
	return 0;
}

const struct cmd cmd_secret_create = {
	.name = "secret create",
	.args = "NAME FILE|-",
	.summary = "Keep a secret under a name",
	.about = "Keeps at most 512000 bytes from a file, standard input (-) or, with --env, a "
		 "variable, and prints an id. 'rl run --secret NAME' gives it to a container. It is "
		 "kept in rl's data folder, which only you can read, and not encrypted.",
	.examples = {
		{ "rl secret create db-password password.txt", "From a file." },
		{ "pass show db | rl secret create db-password -", "From standard input." },
		{ "rl secret create --env --replace token GITHUB_TOKEN", "From a variable." },
	},
	.options = create_options,
	.opts_size = sizeof(struct create_opts),
	.min_args = 2,
	.max_args = 2,
	.run = secret_create_cmd,
};
