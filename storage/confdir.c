/* SPDX-License-Identifier: Apache-2.0 */
/* confdir.c - the user's folder of shared files; the header is the manual */
#include "config.h"

#include "storage/confdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/waiting.h"

char *confdir_user(const char *name)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *sub = "";

	if (!base || *base != '/') {
		base = getenv("HOME");
		sub = "/.config";
	}
	return base && *base == '/' ? str_printf("%s%s/containers/%s", base, sub, name) : NULL;
}

int confdir_lock(const char *path, struct rl_err *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *dir =
		slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");
	auto_fd int fd = FD_NONE;
	auto_waiting struct waiting w = { 0 };

	if (!dir)
		return rl_oom(err);
	if (io_mkdirs(AT_FDCWD, dir, 0700, err) < 0)
		return -err->code;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		io_flock_name(&w, fd, dir);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return rl_fail_sys(err, errno, "lock folder '%s'", dir);
	return TAKE_FD(fd);
}
