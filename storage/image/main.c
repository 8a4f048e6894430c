/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - rl-image: registry, archives and layers, in a program of its own
 *
 * Started by rl inside S with a fixed environment. Results are JSON lines on stdout; a failure is
 * a last line { "error", "hint", "code" } and exit status 1 (storage/fetch.h).
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/rl.h"
#include "storage/home.h"
#include "storage/image/cmds.h"

static const struct {
	const char *name;
	int (*run)(const struct rl *rl, int argc, char **argv, struct rl_err *err);
	bool fills; /* brings images: is the store's file system fit for that? */
} cmds[] = {
	{ "add", cmd_add, true },        { "extract", cmd_extract, false },
	{ "fsck", cmd_fsck, false },     { "load", cmd_load, true },
	{ "pull", cmd_pull, true },      { "push", cmd_push, false },
	{ "login", cmd_login, false },   { "rmtree", cmd_rmtree, false },
	{ "save", cmd_save, false },     { "flatten", cmd_flatten, false },
	{ "search", cmd_search, false }, { "shift", cmd_shift, false },
	{ "remote", cmd_remote, false }, { "merge", cmd_merge, false },
};

static int dispatch(const char *root, int argc, char **argv, struct rl_err *err)
{
	struct rl rl;
	int r;

	for (size_t i = 0; argc > 0 && i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		if (strcmp(argv[0], cmds[i].name) != 0)
			continue;
		r = rl_open(&rl, root, err);
		if (r == 0 && cmds[i].fills)
			r = home_check(rl.data_fd, rl.data_dir, err);
		if (r == -ENOSPC || r == -EDQUOT || r == -EROFS)
			rl_hint_full(&rl, err);
		if (r == 0)
			r = cmds[i].run(&rl, argc, argv, err);
		rl_close(&rl);
		return r;
	}
	return rl_fail(err, EINVAL, "'%.100s' is no command of rl-image", argc > 0 ? argv[0] : "");
}

/* JSON holds UTF-8 only, an entry's name may be anything. */
static void only_ascii(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s > 126)
			*s = '?';
}

static json_t *as_json(const struct rl_err *err)
{
	return json_pack("{s:s, s:s, s:i}", "error", err->msg, "hint", err->hint, "code",
			 err->code);
}

static void report(struct rl_err *err)
{
	json_auto_t *j = as_json(err);

	if (!j) {
		only_ascii(err->msg);
		only_ascii(err->hint);
		j = as_json(err);
	}
	if (!j || json_dumpf(j, stdout, JSON_COMPACT) < 0)
		(void)fputs("{\"error\":\"out of memory\",\"hint\":\"\",\"code\":12}", stdout);
	(void)fputc('\n', stdout);
}

int main(int argc, char **argv)
{
	const char *root = NULL;
	struct rl_err err = { 0 };
	int skip = 1;

	if (argc > 2 && strcmp(argv[1], "--root") == 0) {
		root = argv[2];
		skip = 3;
	}
	if (dispatch(root, argc - skip, argv + skip, &err) < 0) {
		report(&err);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
