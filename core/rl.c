/* SPDX-License-Identifier: Apache-2.0 */
/* rl.c - the user's folders; the header is the manual */
#include "config.h"

#include "core/rl.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

/* Environment value if it is an absolute path, as the XDG base directory specification asks. */
static const char *env_path(const char *name)
{
	const char *s = getenv(name);

	return s && *s == '/' ? s : NULL;
}

static char *find_data_dir(const char *root)
{
	const char *s = root && *root ? root : getenv("RL_ROOT");
	const struct passwd *pw;

	if (s && *s == '/')
		return strdup(s);
	if (s && *s) {
		auto_free char *cwd = getcwd(NULL, 0);

		return cwd ? str_printf("%s/%s", cwd, s) : NULL;
	}
	s = env_path("XDG_DATA_HOME");
	if (s)
		return str_printf("%s/rl", s);
	s = env_path("HOME");
	if (!s) {
		pw = getpwuid(getuid());
		s = pw && pw->pw_dir && *pw->pw_dir == '/' ? pw->pw_dir : NULL;
	}
	return s ? str_printf("%s/.local/share/rl", s) : NULL;
}

const char *rl_no_runtime_dir(uid_t uid, char *room, size_t size)
{
	const char *s = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (!s || !*s)
		return "is not set";
	if (*s != '/')
		return "is not an absolute path";
	if (stat(s, &st) < 0 || !S_ISDIR(st.st_mode))
		(void)snprintf(room, size, "('%.200s') is not there", s);
	else if (st.st_uid != uid)
		(void)snprintf(room, size, "('%.200s') belongs to uid %u", s, (unsigned)st.st_uid);
	else if (st.st_mode & 022)
		(void)snprintf(room, size, "('%.200s') may be written by others", s);
	else
		return NULL;
	return room;
}

/* A runtime folder that is missing, foreign or open to others is not used (su, sudo, cron). */
static char *find_run_dir(const char *data_dir, uid_t uid)
{
	const char *s = env_path("RL_RUNROOT");
	char why[300];

	if (s)
		return strdup(s);
	if (!rl_no_runtime_dir(uid, why, sizeof(why)))
		return str_printf("%s/rl", getenv("XDG_RUNTIME_DIR"));
	return str_printf("%s/run", data_dir);
}

/* @ret_st: what it is like, for the caller to mend */
static int check_folder(const char *path, uid_t uid, struct stat *ret_st, struct rl_err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret_st) < 0)
		return rl_fail_sys(err, errno, "open folder '%s'", path);
	if (ret_st->st_uid != uid) {
		rl_fail(err, EPERM, "folder '%s' belongs to uid %u, not to you (uid %u)", path,
			(unsigned)ret_st->st_uid, (unsigned)uid);
		return rl_hint(err, "set RL_ROOT (or --root) to a folder of your own");
	}
	if (ret_st->st_mode & 022) {
		rl_fail(err, EPERM, "others may write into folder '%s' (mode %04o)", path,
			(unsigned)ret_st->st_mode & 07777);
		return rl_hint(err, "'chmod 700 %s' if you trust what is in it", path);
	}
	return TAKE_FD(fd);
}

int rl_hint_full(const struct rl *rl, struct rl_err *err)
{
	struct statvfs fs = { 0 };

	if (err->code != ENOSPC && err->code != EDQUOT && err->code != EROFS)
		return -err->code;
	(void)fstatvfs(rl->data_fd, &fs);
	if (fs.f_flag & ST_RDONLY)
		return rl_hint(err, "'%s' is mounted read-only: set RL_ROOT to a folder elsewhere",
			       rl->data_dir);
	if (err->code == EROFS)
		return -err->code; /* something else is */
	if (fs.f_files > 0 && fs.f_favail == 0)
		return rl_hint(err,
			       "the file system of '%s' has no inodes left: remove files, or keep "
			       "images elsewhere with RL_ROOT",
			       rl->data_dir);
	return rl_hint(err, "free some space, or keep images elsewhere with RL_ROOT");
}

int rl_check_folder(const char *path, uid_t uid, struct rl_err *err)
{
	struct stat st;

	return check_folder(path, uid, &st, err);
}

static int open_private(const char *path, uid_t uid, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	struct stat st;
	int r;

	r = io_mkdirs(AT_FDCWD, path, 0700, err);
	if (r < 0) {
		rl_hint(err, "set RL_ROOT (or --root) to a folder that you may write");
		return r;
	}
	fd = check_folder(path, uid, &st, err);
	/* 0711 is what somebody gave it who shares what he opens below it, and nobody gets by chance */
	if (fd >= 0 && st.st_mode & 077 && (st.st_mode & 077) != 011 && fchmod(fd, 0700) < 0)
		return rl_fail_sys(err, errno, "make folder '%s' private", path);
	return TAKE_FD(fd);
}

int rl_find(struct rl *rl, const char *root, struct rl_err *err)
{
	*rl = (struct rl){
		.uid = getuid(), .gid = getgid(), .data_fd = FD_NONE, .run_fd = FD_NONE
	};
	rl->data_dir = find_data_dir(root);
	if (!rl->data_dir) {
		rl_fail(err, ENOENT, "no home folder: HOME is unset and uid %u has no passwd entry",
			(unsigned)rl->uid);
		return rl_hint(err, "set HOME or RL_ROOT to a folder that you may write");
	}
	rl->run_dir = find_run_dir(rl->data_dir, rl->uid);
	return rl->run_dir ? 0 : rl_oom(err);
}

int rl_open(struct rl *rl, const char *root, struct rl_err *err)
{
	int r = rl_find(rl, root, err);

	if (r < 0)
		return r;
	r = open_private(rl->data_dir, rl->uid, err);
	if (r < 0)
		return rl_wrap(err, "data folder");
	rl->data_fd = r;
	r = open_private(rl->run_dir, rl->uid, err);
	if (r < 0)
		return rl_wrap(err, "runtime folder");
	rl->run_fd = r;
	return 0;
}

void rl_close(struct rl *rl)
{
	fd_close(rl->data_fd);
	fd_close(rl->run_fd);
	free(rl->data_dir);
	free(rl->run_dir);
	*rl = (struct rl){ .data_fd = FD_NONE, .run_fd = FD_NONE };
}
