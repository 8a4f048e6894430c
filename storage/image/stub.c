/* SPDX-License-Identifier: Apache-2.0 */
/* stub.c - files with their data in another store; the header is the manual */
#include "config.h"

#include "storage/image/stub.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/base/cleanup.h"

#define PATH_BYTES_MAX 1024 /* of a redirect: must fit into one block with other attributes */
#define METACOPY       "user.overlay.metacopy"
#define REDIRECT       "user.overlay.redirect"

int stub_find(int dir_fd, const char *path, int64_t size)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	auto_fd int fd = FD_NONE;
	struct stat st;

	if (size < STUB_BYTES_MIN || strlen(path) > PATH_BYTES_MAX || strncmp(path, "etc/", 4) == 0)
		return -EINVAL;
	fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* read by everybody: whoever mounts it has other rights than whoever unpacks */
	if (!S_ISREG(st.st_mode) || st.st_size != size || !(st.st_mode & S_IROTH) ||
	    (st.st_mode & S_IWOTH))
		return -EACCES;
	return TAKE_FD(fd);
}

int stub_make(int fd, const char *folder, const char *path, int64_t size)
{
	char redirect[2 * PATH_BYTES_MAX];
	int n = snprintf(redirect, sizeof(redirect), "/%s/%s", folder, path);

	if (n < 0 || (size_t)n >= sizeof(redirect))
		return -ENAMETOOLONG;
	if (ftruncate(fd, size) < 0 || fsetxattr(fd, METACOPY, "", 0, 0) < 0 ||
	    fsetxattr(fd, REDIRECT, redirect, (size_t)n, 0) < 0)
		return -errno;
	return 0;
}

bool stub_is(int fd)
{
	return fgetxattr(fd, METACOPY, NULL, 0) >= 0;
}
