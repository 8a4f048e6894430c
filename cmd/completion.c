/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - `rl completion`: the scripts of contrib/completion/, which are part of the program */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/completion_scripts.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

struct completion_opts {
	const char *file;
	bool no_desc;
};

static const struct {
	const char *shell;
	const unsigned char *bytes;
	size_t len;
} scripts[] = {
	{ "bash", completion_bash, sizeof(completion_bash) },
	{ "zsh", completion_zsh, sizeof(completion_zsh) },
	{ "fish", completion_fish, sizeof(completion_fish) },
};

/* What the script calls, with an option put in: "__complete --" to "__complete --no-desc --" */
static int add_script(struct buf *out, const char *text, size_t len, bool no_desc)
{
	static const char call[] = "__complete --";
	const char *at = no_desc ? memmem(text, len, call, sizeof(call) - 1) : NULL;
	size_t before = at ? (size_t)(at - text) + strlen("__complete") : len;
	int r = buf_add(out, text, before);

	if (r == 0 && at)
		r = buf_str(out, " --no-desc");
	return r < 0 ? r : buf_add(out, text + before, len - before);
}

static int write_file(const char *path, const struct buf *b, struct rl_err *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "create '%s'", path);
	r = io_write_all(fd, b->data, b->len);
	return r < 0 ? rl_fail_sys(err, -r, "write '%s'", path) : 0;
}

static int completion_run(struct rl *rl, const struct cmd_args *args, const void *opts,
			  struct rl_err *err)
{
	const struct completion_opts *o = opts;
	auto_buf struct buf out = { 0 };
	size_t i = 0;

	(void)rl;
	while (i < ARRAY_LEN(scripts) && strcmp(scripts[i].shell, args->v[0]) != 0)
		i++;
	if (i == ARRAY_LEN(scripts)) {
		rl_fail(err, EINVAL, "there is no completion for '%s'", args->v[0]);
		return rl_hint(err, "there is one for bash, zsh and fish");
	}
	if (add_script(&out, (const char *)scripts[i].bytes, scripts[i].len, o->no_desc) < 0)
		return rl_oom(err);
	return o->file ? write_file(o->file, &out, err) : format_print(&out, err);
}

static const struct opt completion_options[] = {
	OPT_STR('f', "file", struct completion_opts, file, "FILE",
		"write it to FILE, not to stdout"),
	OPT_BOOL(0, "no-desc", struct completion_opts, no_desc,
		 "offer words without saying what they are"),
	OPT_END,
};

const struct cmd cmd_completion = {
	.name = "completion",
	.args = "bash|zsh|fish",
	.summary = "Print the completion script for a shell",
	.about = "Prints what makes a shell complete rl's commands, options and the names of containers, "
		 "images, volumes and networks. An installed rl has put the scripts where shells find them; "
		 "this is for an rl that runs from elsewhere. The script asks rl itself for what there is to "
		 "offer, so it stays right when rl changes. For the shell at "
		 "hand: source <(rl completion bash), in ~/.bashrc for all.",
	.examples = {
		{ "rl completion bash >~/.local/share/bash-completion/completions/rl", "For bash." },
		{ "rl completion -f ~/.zfunc/_rl zsh", "For zsh, where ~/.zfunc is in $fpath." },
		{ "rl completion fish >~/.config/fish/completions/rl.fish", "For fish." },
	},
	.options = completion_options,
	.opts_size = sizeof(struct completion_opts),
	.min_args = 1,
	.max_args = 1,
	.no_dirs = true,
	.run = completion_run,
};
