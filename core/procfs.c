/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs.c - writing sysctls of the container's own namespaces
 *
 * Threat: what looks like /proc/sys/... is something else that a process of the container laid
 * there, and init's write does harm (CVE-2025-52881).
 * Defence: writes go through the descriptor of a procfs that init mounted itself, or through the
 * host's /proc before the pivot; no symlink is followed and no mount is crossed on the way, and
 * what was opened is on procfs.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/init.h"

static int open_strict(int dir_fd, const char *path, uint64_t extra)
{
	const struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | extra,
	};
	int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* 0 or -errno; @key "a.b.c" or "a/b.c/d". */
static int write_sysctl(int proc_fd, bool is_host, const char *key, const char *value)
{
	char path[300];
	auto_fd int fd = FD_NONE;
	struct statfs fs;
	int n = snprintf(path, sizeof(path), "sys/%s", key);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	if (!strchr(key, '/'))
		for (char *p = path; *p; p++)
			if (*p == '.')
				*p = '/';
	fd = open_strict(proc_fd, path, is_host ? 0 : RESOLVE_NO_XDEV);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type != PROC_SUPER_MAGIC)
		return -EXDEV;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/*
 * Nested user namespaces are a large attack surface that few payloads use. Where /proc/sys is
 * read-only already (a container inside another one) a filter has to do (core/nested.h).
 */
static int limit_userns(int proc_fd, bool is_host, bool *ret_open, struct rl_err *err)
{
	int r = write_sysctl(proc_fd, is_host, "user.max_user_namespaces", "0");

	if (r == -EROFS || r == -ENOENT || r == -EACCES) {
		log_debug("user.max_user_namespaces cannot be set: %s", strerror(-r));
		*ret_open = true;
		return 0;
	}
	return r < 0 ? rl_fail_sys(err, -r, "forbid nested user namespaces") : 0;
}

int procfs_sysctls(struct init *in, struct rl_err *err)
{
	const struct spec *s = in->spec;
	auto_fd int host = FD_NONE;
	bool is_host = in->proc_fd < 0;
	int fd = in->proc_fd, r;

	if (s->n_sysctls == 0 && (s->nested || !in->new_userns))
		return 0;
	if (is_host) {
		host = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (host < 0)
			return rl_fail_sys(err, errno, "open '/proc'");
		fd = host;
	}
	if (!s->nested && in->new_userns) {
		r = limit_userns(fd, is_host, &in->userns_open, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < s->n_sysctls; i++) {
		r = write_sysctl(fd, is_host, s->sysctls[i].key, s->sysctls[i].value);
		if (r < 0)
			return rl_fail_sys(err, -r, "set sysctl '%s' to '%s'", s->sysctls[i].key,
					   s->sysctls[i].value);
	}
	return 0;
}
