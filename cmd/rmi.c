/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rmi.c - `rl rmi`: remove names, and images with their last name
 *
 * Theory of operation: each word is one step under the store's lock (storage/image.h), printed as
 * soon as it is done. Layers that no image needs any more are moved away in that step and deleted
 * once, at the end, because that needs the session's user namespace.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "cmd/mounting.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "storage/image.h"
#include "storage/mlist.h"

struct rmi_opts {
	bool all, force, ignore;
};

static const struct opt rmi_options[] = {
	OPT_BOOL('a', "all", struct rmi_opts, all, "all images"),
	OPT_BOOL('f', "force", struct rmi_opts, force,
		 "by id also with several names; remove the containers that use it"),
	OPT_BOOL('i', "ignore", struct rmi_opts, ignore, "an unknown image is no error"),
	OPT_IGNORE_BOOL("no-prune"),
	OPT_END,
};

static int print_removed(const struct image_removed *done, struct rl_err *err)
{
	auto_buf struct buf out = { 0 };
	int r = 0;

	for (size_t i = 0; i < done->untagged.n && r == 0; i++)
		r = buf_printf(&out, "Untagged: %s\n", done->untagged.v[i]);
	if (*done->deleted && r == 0)
		r = buf_printf(&out, "Deleted: %s\n", done->deleted);
	return r < 0 ? rl_oom(err) : format_print(&out, err);
}

/* End and remove the containers of the image that @name stands for. */
static int remove_users(const struct rl *rl, const char *name, struct rl_err *err)
{
	auto_strv struct strv users = { 0 }, ctrs = { 0 };
	auto_free char *canonical = NULL;
	char id[65];
	int r = image_resolve(rl, name, NULL, id, &canonical, err);

	if (r == 0)
		r = image_users(rl, &users, err);
	for (size_t i = 0; i < users.n && r == 0; i++)
		if (strncmp(users.v[i], id, 64) == 0 && strv_add(&ctrs, users.v[i] + 65) < 0)
			r = rl_oom(err);
	if (r == 0)
		r = life_remove_users(rl, &ctrs, LIFE_TIMEOUT_OWN, err);
	return r;
}

static int rmi_one(const struct rl *rl, const char *name, const struct rmi_opts *o,
		   struct rl_err *err)
{
	struct image_removed done = { 0 };
	int r = image_remove(rl, name, o->force || o->all, &done, err);

	if (r == -EBUSY && o->force && remove_users(rl, name, err) == 0)
		r = image_remove(rl, name, true, &done, err);
	if (r == -ENOENT && (o->ignore || o->force))
		return 0;
	mounting_forget(rl, done.deleted);
	if (r == 0)
		r = print_removed(&done, err);
	strv_done(&done.untagged);
	return r;
}

/* Each word, going on after a failure; the last failure decides the status. */
static int rmi_words(const struct rl *rl, const char *const *v, size_t n, const struct rmi_opts *o)
{
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		struct rl_err err = { 0 };

		if (rmi_one(rl, v[i], o, &err) == 0)
			continue;
		cmd_report(rl, &err);
		status = err.exit_code ? err.exit_code : EXIT_RL;
	}
	return status;
}

static int all_ids(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	struct image *v = NULL, *lists = NULL;
	size_t n = 0, n_lists = 0;
	int r = image_list(rl, &v, &n, err);

	if (r == 0)
		r = mlist_all(rl, &lists, &n_lists, err);
	for (size_t i = 0; i < n_lists && r == 0; i++)
		if (strv_add(ret, lists[i].id) < 0)
			r = rl_oom(err);
	for (size_t i = 0; i < n && r == 0; i++)
		if (strv_add(ret, v[i].id) < 0)
			r = rl_oom(err);
	image_list_done(v, n);
	image_list_done(lists, n_lists);
	return r;
}

static int rmi_run(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct rmi_opts *o = opts;
	auto_strv struct strv ids = { 0 };
	struct rl_err why = { 0 };
	int r = 0, status;

	if (o->all && args->n > 0)
		return rl_fail(err, EINVAL, "rmi: '--all' and '%s' exclude each other", args->v[0]);
	if (!o->all && args->n == 0) {
		rl_fail(err, EINVAL, "rmi needs IMAGE... or --all");
		return rl_hint(err, "see 'rl rmi --help'");
	}
	if (o->all)
		r = all_ids(rl, &ids, err);
	if (r < 0)
		return r;
	status = o->all ? rmi_words(rl, (const char *const *)ids.v, ids.n, o)
			: rmi_words(rl, args->v, args->n, o);
	if (image_sweep_layers(rl, &why) < 0)
		log_warn("files of removed layers stay until the next rmi: %s", why.msg);
	return status;
}

const struct cmd cmd_rmi = {
	.name = "rmi",
	.args = "IMAGE [IMAGE...]",
	.summary = "Remove images, or names of images",
	.about = "Removes names of images; with its last name an image goes, and the "
		 "layers that no other image needs. An image that a container uses "
		 "stays, unless --force.\n\n"
		 "'Untagged: NAME' and 'Deleted: ID' are printed.",
	.examples = {
		{ "rl rmi alpine",
		  "Remove the name, and the image when it has no other." },
		{ "rl rmi -f alpine",
		  "The same, and first end and remove the containers that use it." },
		{ "rl rmi -a",
		  "Remove all images that no container uses." },
	},
	.exits = {
		{ "1", "An image is unknown; with --force or --ignore that is fine." },
		{ "2", "A container uses the image." },
	},
	.options = rmi_options,
	.opts_size = sizeof(struct rmi_opts),
	.max_args = CMD_ANY,
	.run = rmi_run,
};
