/* SPDX-License-Identifier: Apache-2.0 */
/* idfile.c - files with a container's id or pids; the header is the manual */
#include "config.h"

#include "core/idfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

char *idfile_path(const char *typed)
{
	auto_free char *here = NULL;

	if (*typed == '/')
		return strdup(typed);
	here = getcwd(NULL, 0);
	return here ? str_printf("%s/%s", here, typed) : strdup(typed);
}

int idfile_create(const char *path, const char *id, struct rl_err *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r;

	if (fd < 0) {
		r = rl_fail_sys(err, errno, "create the cidfile '%s'", path);
		return r == -EEXIST ? rl_hint(err, "remove it, or name another one") : r;
	}
	r = io_write_all(fd, id, strlen(id));
	if (r == 0)
		return 0;
	(void)unlink(path); /* a short one would be taken for an id */
	return rl_fail_sys(err, -r, "write the cidfile '%s'", path);
}

int idfile_write_pid(const char *path, pid_t pid, struct rl_err *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid);

	return path ? io_replace_file(AT_FDCWD, path, text, (size_t)n, 0644, IO_NOSYNC, err) : 0;
}

void idfile_drop(const char *path, const char *id)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;

	if (!path || io_read_file(AT_FDCWD, path, 256, &b, &ignored) < 0)
		return;
	if (b.data && strcmp(b.data, id) == 0)
		(void)unlink(path); /* a folder that is closed to us by now: it stays */
}

void idfile_drop_pid(const char *path, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	idfile_drop(path, text);
}
