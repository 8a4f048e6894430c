/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_remove.c - a container's folder goes: hidden, its name freed, deleted; what a crash left swept
 *
 * Theory of operation: renaming the folder to .trash-<id> is the moment of removal; a name whose
 * container is not there is free, so the order of the rest does not matter to others. The lock
 * file is deleted last: a folder without it is empty, or nobody's. The sweep holds the flock of what it
 * deletes. Nothing here writes, so all of it works on a full disk.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/ctr_int.h"
#include "core/session.h"

#define STATE_MAX (8U << 20)
#define PATH_ROOM (CTR_ID_LEN + 32)

/* --- names ------------------------------------------------------------------------------------ */

int ctr_name_free(const struct rl *rl, const char *name, const char *id, struct rl_err *err)
{
	char path[160], now[CTR_ID_LEN + 1];
	auto_fd int lock = FD_NONE;

	if (ctr_name_read(rl, name, now) < 0 || strcmp(now, id) != 0)
		return 0;
	/* without the lock (a full disk) a claim of this very moment might be lost: rather that */
	lock = ctr_names_lock(rl, err);
	if (ctr_name_read(rl, name, now) < 0 || strcmp(now, id) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), CTR_NAMES_DIR "/%s", name);
	if (unlinkat(rl->data_fd, path, 0) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "free the name '%s'", name);
	return 0;
}

/* Names of containers that are not there. */
static void sweep_names(const struct rl *rl)
{
	int fd = openat(rl->data_fd, CTR_NAMES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char id[CTR_ID_LEN + 1];
		struct rl_err err;

		if (ctr_name_check(e->d_name, &err) < 0 || ctr_name_read(rl, e->d_name, id) < 0 ||
		    !ctr_name_is_stale(rl, e->d_name, id))
			continue;
		if (ctr_name_free(rl, e->d_name, id, &err) < 0)
			log_debug("sweep: %s", err.msg);
	}
}

/* --- trees ------------------------------------------------------------------------------------ */

/* Everything in the folder, its lock file last, then the folder. */
static int remove_folder(int data_fd, const char *path, struct rl_err *err)
{
	int fd = openat(data_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	int r = 0;

	while (d && r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, "lock") != 0)
			r = io_remove_tree(fd, e->d_name, err);
	return r < 0 ? r : io_remove_tree(data_fd, path, err);
}

/* Delete as the user; what belongs to subordinate ids needs uid 0 of S, hence the child. */
static int delete_tree(const struct rl *rl, const char *path, int userns_fd, struct rl_err *err)
{
	int r = remove_folder(rl->data_fd, path, err), status = 0;
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
		_exit(remove_folder(rl->data_fd, path, err) < 0 ? 2 : 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return rl_fail(err, EACCES,
		       "remove '%s/%s': files of subordinate owners could not be removed",
		       rl->data_dir, path);
}

/* --- volumes ---------------------------------------------------------------------------------- */

int ctr_note_volume(int dir_fd, const char *name, struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, CTR_VOLUMES,
				O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	auto_free char *line = str_printf("%c %s\n", CTR_VOLUME_NEW, name);
	int r;

	if (!line)
		return rl_oom(err);
	r = fd < 0 ? -errno : io_write_all(fd, line, strlen(line));
	return r < 0 ? rl_fail_sys(err, -r, "note volume '%s'", name) : 0;
}

int ctr_take_volumes(const struct ctr *c, struct rl_err *err)
{
	auto_fd int fd =
		openat(c->dir_fd, CTR_VOLUMES, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_buf struct buf text = { 0 };
	const char goes = CTR_VOLUME_GOES;
	int r = fd < 0 ? -errno : io_read_all(fd, CTR_VOLUMES_MAX, &text);

	if (r == -ENOENT)
		return 0;
	for (const char *line = text.data; r == 0 && line && *line;) {
		const char *end = strchrnul(line, '\n');

		/* a byte in place: that works on a full disk, and there is no half of it */
		if (line[0] == CTR_VOLUME_NEW && pwrite(fd, &goes, 1, line - text.data) != 1)
			r = -errno;
		line = *end ? end + 1 : end;
	}
	return r < 0 ? rl_fail_sys(err, -r, "mark the volumes of container '%s'", c->name) : 0;
}

/* "<fate> @volume\n" in the file of the container in folder @path */
static bool names_volume(int containers_fd, const char *path, const char *volume)
{
	auto_free char *file = str_printf("%s/" CTR_VOLUMES, path);
	auto_buf struct buf text = { 0 };
	size_t len = strlen(volume);
	struct rl_err none;

	if (!file || io_read_file(containers_fd, file, CTR_VOLUMES_MAX, &text, &none) < 0)
		return false;
	for (const char *line = text.data; line && *line;) {
		const char *end = strchrnul(line, '\n');

		if ((size_t)(end - line) == len + 2 && memcmp(line + 2, volume, len) == 0)
			return true;
		line = *end ? end + 1 : end;
	}
	return false;
}

/* By another container than @id (--volumes-from), also one that is just being made */
static bool is_used_elsewhere(const struct rl *rl, const char *volume, const char *id)
{
	int fd = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, ".trash-", 7) != 0 && !strstr(e->d_name, id) &&
		    names_volume(fd, e->d_name, volume))
			return true;
	return false;
}

/* Out of sight at once; what a crash leaves of it is swept (storage/volume.h). */
static void delete_volume(const struct rl *rl, const char *name, int userns_fd)
{
	auto_free char *from = str_printf("volumes/%s", name);
	struct rl_err err = { 0 };
	char tag[17], to[40];

	rand_hex(tag, 8);
	(void)snprintf(to, sizeof(to), "volumes/.trash-%s", tag);
	if (!from || renameat(rl->data_fd, from, rl->data_fd, to) < 0)
		return; /* it has been removed */
	if (delete_tree(rl, to, userns_fd, &err) < 0)
		log_debug("%s", err.msg);
}

/* Volumes that go with container @id; @never_ran: those that were made for it as well. */
static void delete_volumes(const struct rl *rl, int dir_fd, const char *id, int userns_fd,
			   bool never_ran)
{
	auto_buf struct buf text = { 0 };
	struct rl_err err = { 0 };

	if (io_read_file(dir_fd, CTR_VOLUMES, CTR_VOLUMES_MAX, &text, &err) < 0)
		return; /* most have none */
	for (char *line = text.data; line && *line;) {
		char *end = strchrnul(line, '\n'), *next = *end ? end + 1 : end;
		bool goes = line[0] == CTR_VOLUME_GOES || (never_ran && line[0] == CTR_VOLUME_NEW);

		*end = '\0';
		/* names as storage/volume.h knows them: nothing that leads elsewhere */
		if (goes && line[1] == ' ' && line[2] && line[2] != '.' && !strchr(line + 2, '/') &&
		    !is_used_elsewhere(rl, line + 2, id))
			delete_volume(rl, line + 2, userns_fd);
		line = next;
	}
}

/* --- removal ---------------------------------------------------------------------------------- */

void ctr_drop_socket(const struct rl *rl, const char *id)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof(path), "ctr/%s/monitor.sock", id);
	(void)unlinkat(rl->run_fd, path, 0);
	*strrchr(path, '/') = '\0';
	(void)unlinkat(rl->run_fd, path, AT_REMOVEDIR);
}

/* The name that we know, and the one it may have got since. */
static int free_names(const struct rl *rl, const struct ctr *c, struct rl_err *err)
{
	json_auto_t *j = NULL;
	struct rl_err ignored;
	const char *now = NULL;
	int r = c->name && c->name[0] ? ctr_name_free(rl, c->name, c->id, err) : 0;

	if (r == 0 && json_read_file(c->dir_fd, "state.json", STATE_MAX, &j, &ignored) == 0)
		now = json_string_value(json_object_get(j, "name"));
	return now && ctr_name_check(now, &ignored) == 0 ? ctr_name_free(rl, now, c->id, err) : r;
}

int ctr_hide(const struct rl *rl, struct ctr *c, struct rl_err *err)
{
	char from[PATH_ROOM], to[PATH_ROOM];

	(void)snprintf(to, sizeof(to), "containers/.trash-%s", c->id);
	(void)snprintf(from, sizeof(from), "containers/%s%s", c->is_new ? ".new-" : "", c->id);
	/* missing: somebody else was faster */
	if (renameat(rl->data_fd, from, rl->data_fd, to) < 0 && errno != ENOENT)
		return rl_fail_sys(err, errno, "remove container %.12s", c->id);
	return free_names(rl, c, err);
}

int ctr_delete_hidden(const struct rl *rl, const struct ctr *c, int userns_fd, bool never_ran,
		      struct rl_err *err)
{
	char path[PATH_ROOM];

	delete_volumes(rl, c->dir_fd, c->id, userns_fd, never_ran);
	ctr_drop_socket(rl, c->id); /* of a monitor that died */
	(void)snprintf(path, sizeof(path), "containers/.trash-%s", c->id);
	return delete_tree(rl, path, userns_fd, err);
}

int ctr_remove(const struct rl *rl, struct ctr *c, int userns_fd, struct rl_err *err)
{
	int r = ctr_hide(rl, c, err);

	return r < 0 ? r : ctr_delete_hidden(rl, c, userns_fd, c->is_new, err);
}

/* --- sweeping --------------------------------------------------------------------------------- */

bool ctr_is_garbage(int dir_fd, const char *name, int *ret_lock)
{
	auto_free char *path = str_printf("%s/lock", name);
	auto_fd int fd = path ? openat(dir_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : FD_NONE;

	*ret_lock = FD_NONE;
	if (fd < 0) /* being made: then who makes it finds it gone and makes another one */
		return path && errno == ENOENT;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || io_lock_holder(fd) != 0)
		return false;
	*ret_lock = TAKE_FD(fd);
	return true;
}

static void need_session(const struct rl *rl, struct session *s)
{
	struct rl_err err;

	if (s->userns_fd < 0 && session_open(rl, s, &err) < 0)
		log_debug("sweep: %s", err.msg); /* then the user's own files go */
}

static void sweep_one(const struct rl *rl, const char *name, struct session *s)
{
	auto_free char *path = str_printf("containers/%s", name);
	auto_fd int dir = FD_NONE, lock = FD_NONE;
	struct rl_err err;
	int r;

	if (!path || !ctr_is_garbage(rl->data_fd, path, &lock))
		return;
	if (lock < 0) { /* empty, or nobody knows what it is: never one that is just being filled */
		(void)unlinkat(rl->data_fd, path, AT_REMOVEDIR);
		if (strncmp(name, ".trash-", 7) != 0)
			return;
	}
	dir = openat(rl->data_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir >= 0 && io_exists(dir, CTR_VOLUMES)) {
		need_session(rl, s);
		delete_volumes(rl, dir, strchr(name, '-') + 1, s->userns_fd, name[1] == 'n');
	}
	if (name[1] == 't')
		ctr_drop_socket(rl, name + strlen(".trash-"));
	r = delete_tree(rl, path, s->userns_fd, &err);
	if (r < 0 && s->userns_fd < 0) {
		need_session(rl, s);
		r = delete_tree(rl, path, s->userns_fd, &err);
	}
	if (r < 0)
		log_debug("sweep: %s", err.msg);
}

void ctr_sweep(const struct rl *rl, bool with_names)
{
	int fd = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct session s = { .userns_fd = FD_NONE };
	bool named = with_names;
	struct dirent *e;

	if (with_names)
		sweep_names(rl);
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, ".trash-", 7) != 0 && strncmp(e->d_name, ".new-", 5) != 0)
			continue;
		if (!named) /* first, so that a crash of ours leaves the folder that tells of it */
			sweep_names(rl);
		named = true;
		sweep_one(rl, e->d_name, &s);
	}
	session_close(&s);
}
