/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge.c - `rl purge`: remove all that rl keeps for this user
 *
 * Theory of operation: containers first, in the usual way, so that their monitors leave; then the
 * entries of the data folder by name and look, each as the caller, and inside S where files belong to
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
#include "storage/digest.h"
#include "storage/fetch.h"

struct purge_opts {
	bool force;
};

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

/* --- what is rl's -------------------------------------------------------------------------- */

static bool is_id(int dir_fd, const char *name)
{
	(void)dir_fd;
	return digest_is_hex64(name, strnlen(name, 64));
}

static bool is_host(int dir_fd, const char *name)
{
	(void)dir_fd;
	return strpbrk(name, ".:") || strcmp(name, "localhost") == 0;
}

static bool is_mark(int dir_fd, const char *name)
{
	static const char *const marks[] = { ".lock",       "lock",    "log",   "no-flat",
					     "rootfs-rung", "seccomp", "sha256" };

	(void)dir_fd;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strcmp(marks[i], name) == 0)
			return true;
	return false;
}

static bool has_record(int dir_fd, const char *name)
{
	static const char *const records[] = { "_data", "volume.json", "network.json" };

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		auto_free char *path = str_printf("%s/%s", name, records[i]);

		if (path && io_exists(dir_fd, path))
			return true;
	}
	return is_mark(dir_fd, name);
}

/*
 * All folders that rl makes in its data folder. Others use such words as well, and $RL_ROOT may be a
 * home with pictures in "images": so what is in a folder has to look like rl's, each entry or any.
 */
static const struct {
	const char *name;
	bool (*fits)(int dir_fd, const char *entry); /* NULL: nobody else calls a folder so */
	bool any;
} ours[] = {
	{ "blobs", is_mark, true },     { "cache", is_mark, true },
	{ "containers", is_id, false }, { "container-names", NULL, false },
	{ "events", is_mark, true },    { "images", is_id, false },
	{ "layers", is_id, false },     { "lists", is_id, false },
	{ "names", is_host, false },    { "networks", has_record, false },
	{ "secrets", is_mark, true },   { "volumes", has_record, false },
};

/* Nothing in it at all, or what rl puts there. */
static bool looks_ours(int data_fd, const char *folder, bool (*fits)(int dir_fd, const char *entry),
		       bool any)
{
	auto_fd int fd = openat(data_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_strv struct strv names = { 0 };
	struct rl_err ignored;

	if (fd < 0 || entries(fd, &names, &ignored) < 0)
		return false;
	for (size_t i = 0; fits && i < names.n; i++) {
		const char *name = names.v[i];

		if (any && fits(fd, name))
			return true;
		if (!any && name[0] != '.' && !fits(fd, name))
			return false;
	}
	return !fits || !any || names.n == 0;
}

static bool is_ours(int data_fd, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(ours[i].name, name) == 0)
			return looks_ours(data_fd, name, ours[i].fits, ours[i].any);
	return strcmp(name, "auto-ids.lock") == 0;
}

/* --- containers ---------------------------------------------------------------------------- */

/* Adds the name of one that runs; one whose state cannot be told is not in the way. */
static int add_running(const struct rl *rl, const char *id, struct buf *running, struct rl_err *err)
{
	struct ctr_state s;
	struct ctr c;
	int r = ctr_find(rl, id, &c, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* it went by itself */
	if (life_state(rl, &c, &s, err) == 0 &&
	    (s.status == CTR_RUNNING || s.status == CTR_PAUSED || s.status == CTR_RESTARTING) &&
	    buf_printf(running, "%s%s", running->len ? ", " : "", c.name) < 0)
		r = rl_oom(err);
	ctr_done(&c);
	return r;
}

static int all_containers(const struct rl *rl, bool remove, struct rl_err *err)
{
	auto_buf struct buf running = { 0 };
	auto_strv struct strv ids = { 0 };
	int r = ctr_list(rl, &ids, err);

	if (r == 0 && remove)
		return life_remove_users(rl, &ids, LIFE_TIMEOUT_OWN, err);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		r = add_running(rl, ids.v[i], &running, err);
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
		if (!is_ours(rl->data_fd, names.v[i])) {
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

/* The same where $RL_RUNROOT says, or in the data folder of a session without a runtime folder. */
static int remove_run(int fd, const char *path, struct rl_err *err)
{
	static const char *const files[] = { "session.sock", "session.lock", "one-id.warned" };
	static const char *const folders[] = { "ctr", "mounts" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++)
		r = io_remove_tree(fd, files[i], err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(folders); i++)
		if (looks_ours(fd, folders[i], is_id, false))
			r = io_remove_tree(fd, folders[i], err);
	if (r == 0 && rmdir(path) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EBUSY &&
	    errno != EACCES)
		r = rl_fail_sys(err, errno, "remove '%s'", path);
	return r;
}

static int remove_runs(const struct rl *rl, struct rl_err *err)
{
	auto_free char *path = str_printf("%s/run", rl->data_dir);
	auto_fd int fd =
		openat(rl->data_fd, "run", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = path ? remove_run(rl->run_fd, rl->run_dir, err) : rl_oom(err);

	return r < 0 || fd < 0 ? r : remove_run(fd, path, err);
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
	r = remove_runs(rl, err);
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
