/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr.c - a container's folder
 *
 * Theory of operation: the order of steps makes every crash harmless. Creating: .new-<id> is made,
 * the name is linked to the id, the folder is filled and renamed to <id>; a crash before the rename
 * leaves a .new- folder that the sweep removes, and a name that links to nothing, which is free.
 * Removing goes the other way: name, rename to .trash-<id>, delete. The lock file inside .new- and .trash- folders is flocked by
 * the process at work (a different kind of lock from the monitor's record lock), so the sweep can
 * tell garbage from work in progress.
 */
#include "config.h"

#include "core/ctr.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/names.h"

#define NAMES_DIR "container-names"

int ctr_name_check(const char *name, struct rl_err *err)
{
	static const char ok[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(name);

	if (len == 0 || len > 128 || strspn(name, ok) != len || strchr("_.-", name[0])) {
		rl_fail(err, EINVAL, "'%.140s' cannot be a container's name", name);
		return rl_hint(err, "names start with a letter or digit and go on with letters, "
				    "digits, '_', '.' and '-', 128 at most");
	}
	return 0;
}

static int open_folder(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	char rel[CTR_ID_LEN + 32];
	int r;

	(void)snprintf(rel, sizeof(rel), "containers/.new-%s", c->id);
	if (mkdirat(rl->data_fd, rel, 0700) < 0 && errno == ENOENT) {
		r = io_mkdirs(rl->data_fd, "containers", 0700, err);
		if (r < 0)
			return r;
		if (mkdirat(rl->data_fd, rel, 0700) < 0)
			return rl_fail_sys(err, errno, "create folder '%s/%s'", rl->data_dir, rel);
	}
	r = io_open_dir(rl->data_fd, rel, err);
	if (r < 0)
		return r;
	c->dir_fd = r;
	c->lock_fd = openat(c->dir_fd, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (c->lock_fd < 0)
		return rl_fail_sys(err, errno, "create '%s/%s/lock'", rl->data_dir, rel);
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return rl_fail_sys(err, errno, "lock '%s/%s'", rl->data_dir, rel);
	return 0;
}

/* The id that @name links to, or -errno. */
static int read_name(const struct rl *rl, const char *name, char id[CTR_ID_LEN + 1])
{
	char path[160];
	ssize_t n;

	(void)snprintf(path, sizeof(path), NAMES_DIR "/%s", name);
	n = readlinkat(rl->data_fd, path, id, CTR_ID_LEN + 1);
	if (n < 0)
		return -errno;
	if (n != CTR_ID_LEN)
		return -EINVAL;
	id[n] = '\0';
	return strspn(id, "0123456789abcdef") == CTR_ID_LEN ? 0 : -EINVAL;
}

static bool folder_exists(const struct rl *rl, const char *id)
{
	char path[CTR_ID_LEN + 32];

	(void)snprintf(path, sizeof(path), "containers/%s", id);
	if (faccessat(rl->data_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	(void)snprintf(path, sizeof(path), "containers/.new-%s", id);
	return faccessat(rl->data_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A link whose container is gone (crash between two steps of a removal) is free again. */
static int drop_stale_name(const struct rl *rl, const char *name, const char *wanted_by,
			   const char *path, struct rl_err *err)
{
	auto_fd int lock = io_flock(rl->data_fd, NAMES_DIR "/.lock", true, true, err);
	char id[CTR_ID_LEN + 1];
	int r;

	if (lock < 0)
		return lock;
	r = read_name(rl, name, id);
	if (r == -ENOENT)
		return 0;
	/* a link to the very container is left from a rename that was cut off */
	if (r == 0 && strcmp(id, wanted_by) != 0 && folder_exists(rl, id)) {
		rl_fail(err, EEXIST, "the name '%s' is taken by container %.12s", name, id);
		return rl_hint(err, "choose another --name, or remove that one: rl rm -f %s", name);
	}
	if (unlinkat(rl->data_fd, path, 0) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "remove stale name '%s'", name);
	return 0;
}

int ctr_name_claim(const struct rl *rl, const char *name, const char *id, struct rl_err *err)
{
	char path[160];
	int r;

	(void)snprintf(path, sizeof(path), NAMES_DIR "/%s", name);
	for (int attempt = 0;; attempt++) {
		if (symlinkat(id, rl->data_fd, path) == 0)
			return 0;
		if (errno == ENOENT && attempt == 0)
			r = io_mkdirs(rl->data_fd, NAMES_DIR, 0700, err);
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
	rand_hex(c.id, CTR_ID_LEN / 2);
	c.name = name ? strdup(name) : NULL;
	c.dir = str_printf("%s/containers/%s", rl->data_dir, c.id);
	if (!c.dir || (name && !c.name))
		r = rl_oom(err);
	else
		r = open_folder(rl, &c, err);
	if (r == 0)
		r = name ? ctr_name_claim(rl, name, c.id, err) : generate_name(rl, &c, err);
	if (r < 0) {
		struct rl_err ignored;

		if (c.dir_fd >= 0 && ctr_remove(rl, &c, FD_NONE, &ignored) < 0)
			log_debug("%s", ignored.msg); /* the next sweep tries again */
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

int ctr_lock(struct ctr *c, struct rl_err *err)
{
	int r = io_lock_record(c->lock_fd);

	if (r < 0)
		return rl_fail_sys(err, -r, "lock container '%s'", c->name);
	return 0;
}

int ctr_write_run(const struct ctr *c, const struct ctr_run *x, struct rl_err *err)
{
	json_auto_t *j = NULL;
	char started[32], boot[37] = "";

	time_rfc3339(started, x->started_ns);
	(void)proc_boot_id(boot); /* without it the pid is never trusted after a restart of rl */
	j = json_pack("{s:i, s:i, s:I, s:s, s:s, s:I, s:b, s:s*}", "version", CTR_FORMAT, "pid",
		      (int)x->pid, "start_time", (json_int_t)proc_start_time(x->pid), "boot_id",
		      boot, "started", started, "restarts", (json_int_t)x->restarts, "paused",
		      x->paused, "cgroup", x->cgroup);
	return j ? json_write_file(c->dir_fd, "run.json", j, false, err) : rl_oom(err);
}

int ctr_write_exit(const struct ctr *c, const struct ctr_exit *x, bool sync, struct rl_err *err)
{
	json_auto_t *j = NULL;
	char started[32], finished[32];

	time_rfc3339(started, x->started_ns);
	time_rfc3339(finished, x->finished_ns);
	j = json_pack("{s:i, s:i, s:i, s:b, s:b, s:b, s:I, s:I, s:I, s:s, s:s, s:s}", "version",
		      CTR_FORMAT, "code", x->code, "signal", x->signal, "oom", x->oom, "by_user",
		      x->by_user, "restarting", x->restarting, "restarts", (json_int_t)x->restarts,
		      "memory_max", (json_int_t)x->memory_max, "memory_peak",
		      (json_int_t)x->memory_peak, "started", started, "finished", finished, "error",
		      x->error);
	if (!j)
		return rl_oom(err);
	return json_write_file(c->dir_fd, "exit.json", j, sync, err);
}

int ctr_name_free(const struct rl *rl, const char *name, const char *id, struct rl_err *err)
{
	char path[160], whose[CTR_ID_LEN + 1];

	if (read_name(rl, name, whose) < 0 || strcmp(whose, id) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), NAMES_DIR "/%s", name);
	if (unlinkat(rl->data_fd, path, 0) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "free the name '%s'", name);
	return 0;
}

/* The name that we know, and the one it may have got since. */
static int free_names(const struct rl *rl, const struct ctr *c, struct rl_err *err)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;
	const char *now = NULL;
	int r = c->name ? ctr_name_free(rl, c->name, c->id, err) : 0;

	if (r == 0 && json_read_file(c->dir_fd, "state.json", 8U << 20, &j, &ignored) == 0)
		now = json_string_value(json_object_get(j, "name"));
	return now && ctr_name_check(now, &ignored) == 0 ? ctr_name_free(rl, now, c->id, err) : r;
}

int ctr_hide(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	char from[CTR_ID_LEN + 32], to[CTR_ID_LEN + 32];
	int r = free_names(rl, c, err);

	if (r < 0)
		return r;
	(void)snprintf(to, sizeof(to), "containers/.trash-%s", c->id);
	(void)snprintf(from, sizeof(from), "containers/%s", c->id);
	if (renameat(rl->data_fd, from, rl->data_fd, to) == 0)
		return 0;
	if (errno == ENOENT) { /* never published */
		(void)snprintf(from, sizeof(from), "containers/.new-%s", c->id);
		if (renameat(rl->data_fd, from, rl->data_fd, to) == 0 || errno == ENOENT)
			return 0;
	}
	return rl_fail_sys(err, errno, "remove container %.12s", c->id);
}

/* Delete as the user; what belongs to subordinate ids needs uid 0 of S, hence the child. */
static int delete_tree(const struct rl *rl, const char *path, int userns_fd, struct rl_err *err)
{
	int r = io_remove_tree(rl->data_fd, path, err), status = 0;
	pid_t pid;

	if (r == 0 || (r != -EACCES && r != -EPERM && r != -ENOTEMPTY) || userns_fd < 0)
		return r;
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "remove '%s': fork", path);
	if (pid == 0) {
		if (setns(userns_fd, CLONE_NEWUSER) < 0 || setresgid(0, 0, 0) < 0 ||
		    setresuid(0, 0, 0) < 0)
			_exit(1);
		_exit(io_remove_tree(rl->data_fd, path, err) < 0 ? 2 : 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return rl_fail(err, EACCES,
		       "remove '%s/%s': files of subordinate owners could not be removed",
		       rl->data_dir, path);
}

/* Volumes that go with the container whose folder has this name below containers/ */
static void delete_volumes(const struct rl *rl, const char *folder, int userns_fd)
{
	auto_free char *path = str_printf("containers/%s/" CTR_VOLUMES, folder);
	auto_buf struct buf text = { 0 };
	struct rl_err err = { 0 };

	if (!path || io_read_file(rl->data_fd, path, CTR_VOLUMES_MAX, &text, &err) < 0)
		return; /* most have none */
	for (char *line = text.data; line && *line;) {
		char *end = strchrnul(line, '\n'), *next = *end ? end + 1 : end;

		*end = '\0';
		/* names as storage/volume.h knows them: nothing that leads elsewhere */
		if (line[0] == CTR_VOLUME_GOES && line[1] == ' ' && line[2] != '.' &&
		    !strchr(line + 2, '/') && line[2]) {
			auto_free char *volume = str_printf("volumes/%s", line + 2);

			if (volume && delete_tree(rl, volume, userns_fd, &err) < 0)
				log_debug("%s", err.msg);
		}
		line = next;
	}
}

int ctr_delete_hidden(const struct rl *rl, const struct ctr *c, int userns_fd, struct rl_err *err)
{
	char path[CTR_ID_LEN + 32];

	(void)snprintf(path, sizeof(path), "containers/.trash-%s", c->id);
	delete_volumes(rl, path + strlen("containers/"), userns_fd);
	return delete_tree(rl, path, userns_fd, err);
}

int ctr_remove(const struct rl *rl, struct ctr *c, int userns_fd, struct rl_err *err)
{
	int r = ctr_hide(rl, c, err);

	return r < 0 ? r : ctr_delete_hidden(rl, c, userns_fd, err);
}

static bool is_garbage(int dir_fd, const char *name)
{
	auto_free char *path = str_printf("%s/lock", name);
	auto_fd int fd = path ? openat(dir_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : FD_NONE;

	if (fd < 0) {
		struct stat st;

		/* no lock file: a crash between two steps of the creation, or one happening now */
		return path && errno == ENOENT && fstatat(dir_fd, name, &st, 0) == 0 &&
		       st.st_ctime + 60 < time(NULL);
	}
	return flock(fd, LOCK_EX | LOCK_NB) == 0 && io_lock_holder(fd) == 0;
}

void ctr_sweep(const struct rl *rl, int userns_fd)
{
	int fd = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		auto_free char *path = NULL;
		struct rl_err err;

		if (strncmp(e->d_name, ".trash-", 7) != 0 && strncmp(e->d_name, ".new-", 5) != 0)
			continue;
		if (!is_garbage(dirfd(d), e->d_name))
			continue;
		delete_volumes(rl, e->d_name, userns_fd);
		path = str_printf("containers/%s", e->d_name);
		if (path && delete_tree(rl, path, userns_fd, &err) < 0)
			log_debug("sweep: %s", err.msg);
	}
}

void ctr_done(struct ctr *c)
{
	fd_close(c->dir_fd);
	fd_close(c->lock_fd);
	json_decref(c->record);
	free(c->name);
	free(c->dir);
	*c = (struct ctr){ .dir_fd = FD_NONE, .lock_fd = FD_NONE };
}
