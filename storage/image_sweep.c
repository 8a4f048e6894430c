/* SPDX-License-Identifier: Apache-2.0 */
/* image_sweep.c - deleting layers that image_remove.c moved away, inside S where their owners are */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/session.h"
#include "storage/fetch.h"
#include "storage/image.h"

static int find_trash(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_fd int fd =
		openat(rl->data_fd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "read folder 'layers'");
	fd = FD_NONE; /* belongs to @d */
	while ((e = readdir(d)))
		if (strncmp(e->d_name, ".trash-", 7) == 0 &&
		    strv_take(ret, str_printf("layers/%s", e->d_name)) < 0)
			return rl_oom(err);
	return 0;
}

int image_sweep_layers(const struct rl *rl, struct rl_err *err)
{
	auto_strv struct strv trash = { 0 };
	struct session s = { .userns_fd = FD_NONE };
	int r = find_trash(rl, &trash, err);

	if (r < 0 || trash.n == 0)
		return r;
	r = session_open(rl, &s, err);
	if (r == 0)
		r = fetch_remove_trees(rl, &s, &trash, err);
	session_close(&s);
	return r;
}
