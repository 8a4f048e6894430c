/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr.c - a container's folder: made, claimed, published, locked
 *
 * Theory of operation: the order of steps makes every crash harmless. Creating: .new-<id> is made,
 * the name is linked to the id, the folder is filled and renamed to <id>; a crash before the rename
 * leaves a .new- folder that the sweep removes (core/ctr_remove.c), and a name whose container is
 * not there, which is free. `rl run` leaves the renaming to the monitor, which has the record lock
 * by then: a container of it is there and watched over, or not there.
 *
 * Two kinds of locks on the lock file: the monitor's record lock says "it runs" and is held as long
 * as the monitor lives; the flock is held by whoever makes, starts, heals or removes the container,
 * for that step only, so that two of these never mix and garbage can be told from work in progress.
 */
#include "config.h"

#include "core/ctr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/waiting.h"
#include "core/ctr_int.h"
#include "core/names.h"

#define ENTER_LOOK_MS    2    /* how often a busy container is looked at */
#define ENTER_AT_ONCE_MS 50   /* one that is free within that time is not waited for */
#define NAMES_LOCK_MS    5000 /* held for microseconds, unless its holder is stopped */
#define STATE_MAX        (8U << 20)
#define NEW_TRIES        5 /* a sweep that meets us half made takes the folder away */

const char *ctr_name_bare(const char *name)
{
	return name[0] == '/' && name[1] ? name + 1 : name;
}

int ctr_name_check(const char *name, struct rl_err *err)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(name);

	if (len == 0 || len > CTR_NAME_MAX || strspn(name, ok) != len || strchr("_.-", name[0])) {
		rl_fail(err, EINVAL, "'%.140s' cannot be a container's name", name);
		return rl_hint(err, "names start with a letter or digit and go on with letters, "
				    "digits, '_', '.' and '-', 128 at most");
	}
	return 0;
}

/* One try: -EAGAIN when a sweep took the folder for garbage before it was locked. */
static int open_folder(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	auto_fd int dir = FD_NONE, lock = FD_NONE;
	char rel[CTR_ID_LEN + 32];
	struct stat st;
	int r;

	(void)snprintf(rel, sizeof(rel), "containers/.new-%s", c->id);
	r = mkdirat(rl->data_fd, rel, 0700) < 0 ? -errno : 0;
	if (r == -ENOENT) {
		r = io_mkdirs(rl->data_fd, "containers", 0700, err);
		if (r < 0)
			return r;
		r = mkdirat(rl->data_fd, rel, 0700) < 0 ? -errno : 0;
	}
	if (r < 0 && r != -EEXIST)
		return rl_fail_sys(err, -r, "create folder '%s/%s'", rl->data_dir, rel);
	dir = io_open_dir(rl->data_fd, rel, err);
	if (dir < 0)
		return dir == -ENOENT ? -EAGAIN : dir;
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (lock < 0 && errno == ENOENT)
		return -EAGAIN;
	if (lock < 0)
		return rl_fail_sys(err, errno, "create '%s/%s/lock'", rl->data_dir, rel);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0 && errno != EWOULDBLOCK)
		return rl_fail_sys(err, errno, "lock '%s/%s'", rl->data_dir, rel);
	/* locked by another, or unlinked: the sweep was here */
	if (fstat(lock, &st) < 0 || st.st_nlink == 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return -EAGAIN;
	c->dir_fd = TAKE_FD(dir);
	c->lock_fd = TAKE_FD(lock);
	c->is_new = true;
	return 0;
}

/* A fresh id and its folder, locked. */
static int make_folder(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	int r = -EAGAIN;

	for (int i = 0; i < NEW_TRIES && r == -EAGAIN; i++) {
		rand_hex(c->id, CTR_ID_LEN / 2);
		r = open_folder(rl, c, err);
	}
	if (r == -EAGAIN)
		return rl_fail_sys(err, EAGAIN, "create a folder in '%s/containers'", rl->data_dir);
	if (r == 0)
		c->dir = str_printf("%s/containers/%s", rl->data_dir, c->id);
	return r == 0 && !c->dir ? rl_oom(err) : r;
}

int ctr_name_read(const struct rl *rl, const char *name, char id[CTR_ID_LEN + 1])
{
	char path[160];
	ssize_t n;

	(void)snprintf(path, sizeof(path), CTR_NAMES_DIR "/%s", name);
	n = readlinkat(rl->data_fd, path, id, CTR_ID_LEN + 1);
	if (n < 0)
		return -errno;
	if (n != CTR_ID_LEN)
		return -EINVAL;
	id[n] = '\0';
	return strspn(id, "0123456789abcdef") == CTR_ID_LEN ? 0 : -EINVAL;
}

/* Whether a container of this id is there or is being made by a live process. */
static bool ctr_id_is_used(const struct rl *rl, const char *id)
{
	char path[CTR_ID_LEN + 32];
	int lock = FD_NONE;
	bool dead;

	(void)snprintf(path, sizeof(path), "containers/%s", id);
	if (io_exists(rl->data_fd, path))
		return true;
	(void)snprintf(path, sizeof(path), "containers/.new-%s", id);
	dead = !io_exists(rl->data_fd, path) || ctr_is_garbage(rl->data_fd, path, &lock);
	fd_close(lock);
	if (!dead)
		return true;
	/* between the two looks it may have been published */
	(void)snprintf(path, sizeof(path), "containers/%s", id);
	return io_exists(rl->data_fd, path);
}

/* The name in the record of container @id is another one. */
static bool has_other_name(int dir_fd, const char *name)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;
	const char *now;

	if (json_read_file(dir_fd, "state.json", STATE_MAX, &j, &ignored) < 0)
		return false; /* damaged, or just being made: the link is all there is */
	now = json_string_value(json_object_get(j, "name"));
	return now && strcmp(now, name) != 0;
}

bool ctr_name_is_stale(const struct rl *rl, const char *name, const char *id)
{
	char path[CTR_ID_LEN + 16];
	auto_fd int dir = FD_NONE, lock = FD_NONE;
	struct rl_err ignored;

	if (!ctr_id_is_used(rl, id))
		return true;
	(void)snprintf(path, sizeof(path), "containers/%s", id);
	dir = openat(rl->data_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || !has_other_name(dir, name))
		return false;
	/* a rename holds this lock (core/ctr_edit.c): it is not under way, so it was cut off */
	lock = io_flock(dir, CTR_EDIT_LOCK, true, false, &ignored);
	return lock >= 0 && has_other_name(dir, name);
}

int ctr_names_lock(const struct rl *rl, struct rl_err *err)
{
	return io_flock_wait(rl->data_fd, CTR_NAMES_DIR "/.lock", NAMES_LOCK_MS, err);
}

/* A link whose container is gone (crash between two steps) is free again. */
static int drop_stale_name(const struct rl *rl, const char *name, const char *wanted_by,
			   const char *path, struct rl_err *err)
{
	auto_fd int lock = ctr_names_lock(rl, err);
	char id[CTR_ID_LEN + 1];
	int r;

	if (lock < 0)
		return lock;
	r = ctr_name_read(rl, name, id);
	if (r == -ENOENT)
		return 0;
	/* a link to the very container is left from a rename that was cut off */
	if (r == 0 && strcmp(id, wanted_by) != 0 && !ctr_name_is_stale(rl, name, id)) {
		rl_fail(err, EEXIST, "the name '%s' is already in use by container %.12s", name,
			id);
		return rl_hint(err, "choose another name, or remove that one: rl rm -f %s", name);
	}
	if (unlinkat(rl->data_fd, path, 0) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "remove stale name '%s'", name);
	return 0;
}

int ctr_name_claim(const struct rl *rl, const char *name, const char *id, struct rl_err *err)
{
	char path[160];
	int r;

	(void)snprintf(path, sizeof(path), CTR_NAMES_DIR "/%s", name);
	for (int attempt = 0;; attempt++) {
		if (symlinkat(id, rl->data_fd, path) == 0)
			return 0;
		if (errno == ENOENT && attempt == 0)
			r = io_mkdirs(rl->data_fd, CTR_NAMES_DIR, 0700, err);
		else if (errno == EEXIST && attempt < 3)
			r = drop_stale_name(rl, name, id, path, err);
		else
			r = rl_fail_sys(err, errno, "claim the name '%s'", name);
		if (r < 0)
			return r;
	}
}

static int generate_name(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	int r = -EEXIST;

	for (unsigned i = 0; i < 50 && r == -EEXIST; i++) {
		auto_free char *name = names_generate(i);

		if (!name)
			return rl_oom(err);
		r = ctr_name_claim(rl, name, c->id, err);
		if (r == 0)
			c->name = TAKE_PTR(name);
	}
	return r;
}

int ctr_create(const struct rl *rl, const char *name, struct ctr *ret, struct rl_err *err)
{
	struct ctr c = { .dir_fd = FD_NONE, .lock_fd = FD_NONE };
	int r = name ? ctr_name_check(name, err) : 0;

	if (r < 0)
		return r;
	c.name = name ? strdup(name) : NULL;
	r = name && !c.name ? rl_oom(err) : make_folder(rl, &c, err);
	if (r == 0)
		r = name ? ctr_name_claim(rl, name, c.id, err) : generate_name(rl, &c, err);
	if (r < 0) {
		struct rl_err ignored;

		if (c.dir_fd >= 0)
			RL_IGNORE(ctr_remove(rl, &c, FD_NONE, &ignored)); /* else the sweep */
		ctr_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int ctr_publish(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	char from[CTR_ID_LEN + 32], to[CTR_ID_LEN + 32];

	(void)snprintf(from, sizeof(from), "containers/.new-%s", c->id);
	(void)snprintf(to, sizeof(to), "containers/%s", c->id);
	if (renameat(rl->data_fd, from, rl->data_fd, to) < 0)
		return rl_fail_sys(err, errno, "publish container %.12s", c->id);
	c->is_new = false;
	ctr_leave(c);
	return 0;
}

#define SYNC_FILES_MAX 32 /* a new container has seven */

/* Send all of them on their way first: one commit of a journal is enough for all then. */
static int sync_files(DIR *d, int dir_fd, struct rl_err *err)
{
	int fds[SYNC_FILES_MAX], n = 0, r = 0;
	struct dirent *e;

	while (n < SYNC_FILES_MAX && (e = readdir(d))) {
		if (e->d_type != DT_REG || strcmp(e->d_name, "lock") == 0)
			continue; /* closing the lock file here would let the monitor's lock go */
		fds[n] = openat(dir_fd, e->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fds[n] < 0)
			continue; /* replaced or removed just now: its writer's business */
		(void)sync_file_range(fds[n++], 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	for (int i = 0; i < n; i++) {
		if (r == 0 && fdatasync(fds[i]) < 0)
			r = rl_fail_sys(err, errno, "sync the files");
		fd_close(fds[i]);
	}
	return r;
}

int ctr_sync(const struct rl *rl, const struct ctr *c, struct rl_err *err)
{
	auto_fd int above = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(c->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (above < 0 || !d) {
		r = rl_fail_sys(err, errno, "open the folder of container '%s'", c->name);
		if (!d)
			fd_close(fd);
		return r;
	}
	r = sync_files(d, fd, err);
	if (r == 0 && (fsync(fd) < 0 || fsync(above) < 0))
		r = rl_fail_sys(err, errno, "sync the folder");
	return r < 0 ? rl_wrap(err, "container '%s'", c->name) : 0;
}

bool ctr_is_published(const struct rl *rl, const struct ctr *c)
{
	char path[CTR_ID_LEN + 16];
	struct stat here, there;

	(void)snprintf(path, sizeof(path), "containers/%s", c->id);
	return fstat(c->dir_fd, &here) == 0 &&
	       fstatat(rl->data_fd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static int is_busy(const struct ctr *c, struct rl_err *err)
{
	pid_t pid = io_flock_holder(c->lock_fd);

	if (pid <= 0)
		return rl_fail(err, EBUSY, "another command starts or removes container '%s'",
			       c->name);
	rl_fail(err, EBUSY, "another command (process %d) starts or removes container '%s'",
		(int)pid, c->name);
	return rl_hint(err, "'kill -CONT %d' if it was stopped (ctrl-z)", (int)pid);
}

static void name_wait(struct waiting *w, const struct ctr *c)
{
	pid_t pid = io_flock_holder(c->lock_fd);

	if (pid > 0)
		waiting_begin(w, "process %d, which starts or removes container '%s'", (int)pid,
			      c->name);
	else
		waiting_begin(w, "another command, which starts or removes container '%s'",
			      c->name);
}

int ctr_enter(const struct ctr *c, int timeout_ms, struct rl_err *err)
{
	const int64_t start = now_ms();
	auto_waiting struct waiting w = { 0 };
	bool is_named = false; /* not by @w, which stays off where SIGQUIT is ignored */

	if (c->lock_fd < 0)
		return rl_fail(err, ENOENT, "container %.12s has lost its lock file", c->id);
	while (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return rl_fail_sys(err, errno, "lock container '%s'", c->name);
		if (now_ms() >= start + timeout_ms)
			return is_busy(c, err);
		if (!is_named && now_ms() >= start + ENTER_AT_ONCE_MS) {
			name_wait(&w, c);
			is_named = true;
		}
		(void)poll(NULL, 0, ENTER_LOOK_MS);
	}
	return 0;
}

void ctr_leave(const struct ctr *c)
{
	if (c->lock_fd >= 0)
		(void)flock(c->lock_fd, LOCK_UN); /* cannot fail on an open file */
}

/* Under the flock. */
static int take_over(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	int r;

	if (!c->is_new && !ctr_is_published(rl, c))
		return rl_fail(err, ENOENT, "container '%s' has just been removed", c->name);
	r = io_lock_record(c->lock_fd);
	if (r == -EAGAIN)
		return rl_fail(err, EALREADY, "container '%s' runs already", c->name);
	if (r < 0)
		return rl_fail_sys(err, -r, "lock container '%s'", c->name);
	return c->is_new ? ctr_publish(rl, c, err) : 0;
}

int ctr_lock(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	int r = c->is_new ? 0 : ctr_enter(c, CTR_ENTER_MS, err); /* a new one is held already */

	if (r == 0)
		r = take_over(rl, c, err);
	if (r == 0 || !c->is_new)
		ctr_leave(c);
	return r;
}

void ctr_start_begin(const struct ctr *c)
{
	/* missing is fine: the first start */
	(void)unlinkat(c->dir_fd, "run.json", 0);
	(void)renameat(c->dir_fd, "exit.json", c->dir_fd, "exit.old");
}

void ctr_start_failed(const struct ctr *c, const char *why)
{
	struct rl_err lost;

	RL_IGNORE(io_replace_file(c->dir_fd, "start.error", why, strlen(why), 0600, IO_NOSYNC,
				  &lost)); /* only to be read by rl why */
	(void)unlinkat(c->dir_fd, "run.json", 0);
	(void)renameat(c->dir_fd, "exit.old", c->dir_fd, "exit.json");
}

void ctr_start_done(const struct ctr *c)
{
	(void)unlinkat(c->dir_fd, "exit.old", 0);
}

int ctr_write_run(const struct ctr *c, const struct ctr_run *x, struct rl_err *err)
{
	json_auto_t *j = NULL;
	char started[32], boot[37] = "";

	time_rfc3339(started, x->started_ns);
	(void)proc_boot_id(boot); /* without it the pid is never trusted after a restart of rl */
	j = json_pack("{s:i, s:i, s:I, s:s, s:s, s:I, s:b, s:s*, s:s*, s:b}", "version", CTR_FORMAT,
		      "pid", (int)x->pid, "start_time", (json_int_t)proc_start_time(x->pid),
		      "boot_id", boot, "started", started, "restarts", (json_int_t)x->restarts,
		      "paused", x->paused, "cgroup", x->cgroup, "network", x->network,
		      "network_down", x->network_down);
	return j ? json_write_file(c->dir_fd, "run.json", j, false, err) : rl_oom(err);
}

/* No room for another file: the blocks of run.json have been written to, so they can be again. */
static int reuse_run(const struct ctr *c, const json_t *j, struct rl_err *err)
{
	auto_fd int fd = openat(c->dir_fd, "run.json", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *text = json_dumps(j, JSON_COMPACT);
	size_t n = text ? strlen(text) : 0;
	int r;

	if (!text || fd < 0)
		return -err->code; /* the first failure stands */
	r = io_write_all(fd, text, n);
	if (r == 0 && ftruncate(fd, (off_t)n) == 0 && fdatasync(fd) == 0 &&
	    renameat(c->dir_fd, "run.json", c->dir_fd, "exit.json") == 0)
		return 0;
	return -err->code;
}

int ctr_write_exit(const struct ctr *c, const struct ctr_exit *x, bool sync, struct rl_err *err)
{
	json_auto_t *j = NULL;
	char started[32], finished[32], error[sizeof(x->error)];
	int r;

	/* names of files in any bytes, cut anywhere: no reason to have no record */
	memcpy(error, x->error, sizeof(error));
	log_clean(error);
	time_rfc3339(started, x->started_ns);
	time_rfc3339(finished, x->finished_ns);
	j = json_pack("{s:i, s:i, s:i, s:b, s:b, s:b, s:I, s:I, s:I, s:s, s:s, s:s, s:i, s:s}",
		      "version", CTR_FORMAT, "code", x->code, "signal", x->signal, "oom", x->oom,
		      "by_user", x->by_user, "restarting", x->restarting, "restarts",
		      (json_int_t)x->restarts, "memory_max", (json_int_t)x->memory_max,
		      "memory_peak", (json_int_t)x->memory_peak, "started", started, "finished",
		      finished, "error", error, "cause", (int)x->cause, "biggest", x->biggest);
	if (!j)
		return rl_oom(err);
	r = json_write_file(c->dir_fd, "exit.json", j, sync, err);
	if (r == -ENOSPC || r == -EDQUOT)
		r = reuse_run(c, j, err);
	ctr_start_done(c);
	return r;
}

void ctr_done(struct ctr *c)
{
	fd_close(c->dir_fd);
	fd_close(c->lock_fd);
	buf_done(&c->text);
	json_decref(c->record);
	free(c->name);
	free(c->dir);
	*c = (struct ctr){ .dir_fd = FD_NONE, .lock_fd = FD_NONE };
}
