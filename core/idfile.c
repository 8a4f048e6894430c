/* SPDX-License-Identifier: Apache-2.0 */
/* idfile.c - files with a container's id or pids; the header is the manual */
#include "config.h"

#include "core/idfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/ctr_state.h"

char *idfile_path(const char *typed)
{
	auto_free char *here = NULL;

	if (*typed == '/')
		return strdup(typed);
	here = getcwd(NULL, 0);
	return here ? str_printf("%s/%s", here, typed) : strdup(typed);
}

int idfile_check(const struct rl *rl, const char *path, const char *replaced, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;
	struct stat st;
	struct ctr c;
	bool taken;

	if (stat(path, &st) < 0)
		return 0;
	if (!S_ISREG(st.st_mode))
		return rl_fail(err, EINVAL, "the cidfile '%s' is no regular file", path);
	if (io_read_file(AT_FDCWD, path, 256, &b, &ignored) < 0 || !b.data)
		return 0;
	b.data[strcspn(b.data, "\r\n")] = '\0';
	if (strlen(b.data) != CTR_ID_LEN || ctr_find(rl, b.data, &c, &ignored) < 0)
		return 0;
	taken = !replaced || strcmp(c.name, replaced) != 0;
	if (taken)
		rl_fail(err, EEXIST, "the cidfile '%s' is that of container '%s'", path, c.name);
	ctr_done(&c);
	return taken ? rl_hint(err, "remove one of them, or name another file") : 0;
}

int idfile_create(const char *path, const char *id, struct rl_err *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "create the cidfile '%s'", path);
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
