/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge.c - `rl purge`: remove all that rl keeps for this user
 *
 * Theory of operation: containers first, in the usual way, so that their monitors leave; then the
 * entries of the data folder by name, each as the caller, and inside S where files belong to
 * subordinate ids; then the runtime folder. Nothing is followed that is a link, and what rl has not
 * made is left and named: $RL_ROOT may be a folder with other things in it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/prune.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/session.h"
#include "storage/fetch.h"

struct purge_opts {
	bool force;
};

/* All that rl makes in its data folder; names that start with ".tmp-" are its own as well. */
static const char *const ours[] = {
	"auto-ids.lock", "blobs",   "cache",     "container-names", "containers", "events",
	"images",        "layers",  "manifests", "names",           "networks",   "run",
	"secrets",       "shifted", "subnets",   "trust",           "volumes",
};

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(ours[i], name) == 0)
			return true;
	return strncmp(name, ".tmp-", 5) == 0;
}

/* Names of a folder, "." and ".." left out. */
static int entries(int dir_fd, struct strv *ret, struct rl_err *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (!d)
		return rl_fail_sys(err, errno, "read the data folder");
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strv_add(ret, e->d_name) < 0)
			return rl_oom(err);
	return 0;
}

/* --- containers ---------------------------------------------------------------------------- */

static int one_container(const struct rl *rl, const char *id, bool remove, struct buf *running,
			 struct rl_err *err)
{
	struct ctr_state s;
	struct ctr c;
	int r = ctr_find(rl, id, &c, err);

	if (r == -ENOENT)
		return 0; /* it went by itself */
	if (r < 0)
		return r;
	if (remove) {
		r = life_remove(rl, &c, true, LIFE_TIMEOUT_OWN, err);
	} else {
		/* one whose state cannot be told is not in the way */
		if (life_state(rl, &c, &s, err) == 0 &&
		    (s.status == CTR_RUNNING || s.status == CTR_PAUSED ||
		     s.status == CTR_RESTARTING) &&
		    buf_printf(running, "%s%s", running->len ? ", " : "", c.name) < 0)
			r = rl_oom(err);
	}
	ctr_done(&c);
	return r;
}

static int all_containers(const struct rl *rl, bool remove, struct rl_err *err)
{
	auto_buf struct buf running = { 0 };
	auto_strv struct strv ids = { 0 };
	int r = ctr_list(rl, &ids, err);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		r = one_container(rl, ids.v[i], remove, &running, err);
		if (r < 0)
			rl_wrap(err, "container %.12s", ids.v[i]);
	}
	if (r == 0 && running.len) {
		r = rl_fail(err, EBUSY, "containers are running: %s", running.data);
		rl_hint(err, "stop them first, or: rl purge -f");
	}
	return r;
}

/* --- files --------------------------------------------------------------------------------- */

static int remove_entry(const struct rl *rl, const struct session *s, const char *name,
			struct rl_err *err)
{
	int r = io_remove_tree(rl->data_fd, name, err);

	if ((r == -EACCES || r == -EPERM || r == -ENOTEMPTY) && s->userns_fd >= 0)
		r = fetch_remove_tree(rl, s, name, err);
	return r == -ENOENT ? 0 : r;
}

static int remove_data(const struct rl *rl, struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	auto_strv struct strv names = { 0 };
	struct rl_err why = { 0 };
	int r = entries(rl->data_fd, &names, err), last = 0;
	size_t left = 0;

	if (r == 0 && session_open(rl, &s, &why) < 0)
		log_debug("%s", why.msg); /* then only what is the caller's own can go */
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (strcmp(names.v[i], "run") == 0)
			continue; /* the session's socket may be there: last */
		if (!is_ours(names.v[i])) {
			log_warn("'%s/%s' is not rl's, it stays", rl->data_dir, names.v[i]);
			left++;
			continue;
		}
		if (remove_entry(rl, &s, names.v[i], err) < 0)
			last = rl_wrap(err, "remove '%s/%s'", rl->data_dir, names.v[i]);
	}
	session_close(&s);
	if (r < 0 || last < 0)
		return r < 0 ? r : last;
	return left > 0;
}

/* What is in the runtime folder is all rl's: the folder is. */
static int remove_run(const struct rl *rl, struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	int r = entries(rl->run_fd, &names, err);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = io_remove_tree(rl->run_fd, names.v[i], err);
	if (r == 0 && rmdir(rl->run_dir) < 0 && errno != ENOENT && errno != ENOTEMPTY)
		r = rl_fail_sys(err, errno, "remove '%s'", rl->run_dir);
	return r;
}

static int purge(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct purge_opts *o = opts;
	auto_free char *warning =
		str_printf("WARNING! This will remove all containers, images, volumes, networks "
			   "and secrets of yours:\n  %s\n  %s\n",
			   rl->data_dir, rl->run_dir);
	int r, left;

	(void)args;
	if (!warning)
		return rl_oom(err);
	r = o->force ? 0 : all_containers(rl, false, err);
	if (r < 0)
		return r;
	r = prune_ask(o->force, warning, err);
	if (r <= 0)
		return r;
	r = all_containers(rl, true, err);
	if (r < 0)
		return r;
	left = remove_data(rl, err);
	if (left < 0)
		return left;
	r = remove_run(rl, err);
	if (r == 0)
		r = io_remove_tree(rl->data_fd, "run", err);
	if (r == -ENOENT)
		r = 0;
	if (r == 0 && left == 0 && rmdir(rl->data_dir) < 0 && errno != ENOENT &&
	    errno != ENOTEMPTY && errno != EBUSY && errno != EACCES)
		r = rl_fail_sys(err, errno, "remove '%s'", rl->data_dir);
	if (r == 0)
		(void)puts(rl->data_dir); /* a closed stdout is seen when it is flushed at exit */
	return r;
}

static const struct opt purge_options[] = {
	OPT_BOOL('f', "force", struct purge_opts, force, "do not ask, and end what runs"),
	OPT_END,
};

const struct cmd cmd_purge = {
	.name = "purge",
	.args = "",
	.summary = "Remove everything that rl keeps for you",
	.about = "Removes all containers, images, volumes, networks, secrets and caches, also the "
		 "files in them that belong to subordinate ids, which 'rm -rf' cannot remove. "
		 "Folders that containers had mounted from elsewhere stay as they are, and so does "
		 "anything in the data folder that rl has not made. It asks first, and refuses "
		 "while containers run, unless --force.",
	.examples = {
		{ "rl purge", "Ask, then remove it all." },
		{ "rl purge -f", "End what runs, and remove it all." },
	},
	.options = purge_options,
	.opts_size = sizeof(struct purge_opts),
	.run = purge,
};
