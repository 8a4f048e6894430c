/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_probe.c - what cgroups a container would get, found out without making one (rl info) */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/cgroup.h"
#include "core/cgroup_fs.h"

static bool is_socket(const char *dir, const char *name)
{
	auto_free char *path = str_printf("%s/%s", dir, name);
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Is there a manager to ask for a scope? The places where core/cgroup_systemd.c goes. */
static bool has_manager(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	auto_free char *own = str_printf("/run/user/%u", (unsigned)getuid());

	if (getuid() == 0)
		return is_socket("/run/systemd", "private");
	return (dir && is_socket(dir, "systemd/private")) ||
	       (own && is_socket(own, "systemd/private"));
}

static int read_controllers(const char *folder, struct strv *ret)
{
	auto_free char *path = str_printf("%s/cgroup.controllers", folder);
	auto_buf struct buf text = { 0 };
	struct rl_err ignored;

	if (!path)
		return -ENOMEM;
	if (io_read_file(AT_FDCWD, path, 4096, &text, &ignored) < 0 || !text.data)
		return 0;
	for (char *p = text.data; *p;) {
		size_t n = strcspn(p, " \n");

		if (n > 0 && strv_addn(ret, p, n) < 0)
			return -ENOMEM;
		p += n + strspn(p + n, " \n");
	}
	return 0;
}

int cgroup_probe(struct cgroup_probe *ret, struct rl_err *err)
{
	struct cgroup_probe p = { .rung = CGROUP_NONE };
	auto_free char *folder = NULL;
	struct rl_err ignored;
	struct statfs fs;

	p.is_v2 = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
	if (p.is_v2 && cgfs_find(getpid(), &folder, &ignored) == 0) {
		if (has_manager())
			p.rung = CGROUP_SCOPE;
		else if (access(folder, W_OK) == 0)
			p.rung = CGROUP_DELEGATED;
		if (read_controllers(folder, &p.controllers) < 0) {
			strv_done(&p.controllers);
			return rl_oom(err);
		}
	}
	*ret = p;
	return 0;
}
