/* SPDX-License-Identifier: Apache-2.0 */
/* payload.c - from args[0] to execve; the header is the manual */
#include "config.h"

#include "core/payload.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/init.h"
#include "core/spec.h"
#ifdef HAVE_STUB
#include "core/stub_bytes.h"
#endif

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

/* Debian's and Docker's default for an image that sets none. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *path_of(const struct spec *s)
{
	for (const char **e = s->env; *e; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			return *e + 5;
	return PATH_DEFAULT;
}

static bool payload_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int payload_error(struct rl_err *err, int code, const char *path, bool exists)
{
	const char *why = strerror(code);

	/* small letters, which scripts for the peers look for */
	rl_fail(err, code, "exec '%s': %c%s", path, tolower(*why), why + !!*why);
	err->exit_code = code == ENOENT || code == ENOTDIR || code == ELOOP ? 127 : 126;
	if (code == ENOENT && exists)
		rl_hint(err, "the file is there: its interpreter ('#!' line or ELF loader) is "
			     "missing in the image");
	if (code == ENOEXEC)
		rl_hint(err, "no '#!' line, or a program for another architecture");
	return -code;
}

/* 0: execute it; -EACCES: there, but no; other: look on. */
static int probe(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

static int not_found(struct rl_err *err, const char *name)
{
	rl_fail(err, ENOENT, "exec: '%s': executable file not found in $PATH", name);
	err->exit_code = 127;
	return -ENOENT;
}

/**
 * payload_find() - The path to execute for spec.process.args[0]
 * @path:	A name with a slash is taken as it is; else the first executable regular file in
 *		the folders of the container's PATH
 *
 * To be called as the container's user with its root and working folder.
 */
static int payload_find(const struct spec *s, char path[PATH_MAX], struct rl_err *err)
{
	const char *name = s->args[0], *p = path_of(s);
	bool denied = false;
	char denied_path[PATH_MAX];

	if (!*name)
		return not_found(err, name);
	if (strchr(name, '/')) {
		if (strlen(name) >= PATH_MAX)
			return payload_error(err, ENAMETOOLONG, "(a very long path)", false);
		memcpy(path, name, strlen(name) + 1);
		return 0;
	}
	for (; *p; p += *p == ':') {
		int len = (int)strcspn(p, ":");
		int n = snprintf(path, PATH_MAX, "%.*s/%s", len ? len : 1, len ? p : ".", name);

		p += len;
		if (n < 0 || n >= PATH_MAX)
			continue;
		switch (probe(path)) {
		case 0:
			return 0;
		case -EACCES:
			if (!denied)
				memcpy(denied_path, path, (size_t)n + 1);
			denied = true;
			break;
		default:
			break;
		}
	}
	return denied ? payload_error(err, EACCES, denied_path, true) : not_found(err, name);
}

static int exec_it(const struct spec *s, const char *path, struct rl_err *err)
{
	int code;

	(void)execve(path, (char *const *)(uintptr_t)s->args, (char *const *)(uintptr_t)s->env);
	code = errno;
	return payload_error(err, code, path, payload_exists(path));
}

/*
 * Threat: the payload is a script with the interpreter /proc/self/exe. The kernel resolves that
 * in the process that calls execve, which is us: rl runs in the container, and a hostile library
 * writes to the file it runs from (CVE-2019-5736).
 * Only a user's own copy is in danger: of another's file the container has no write access.
 */
bool payload_exe_is_writable(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) < 0 || st.st_uid == geteuid() ||
	       access("/proc/self/exe", W_OK) == 0;
}

#ifdef HAVE_STUB
int payload_stub(struct rl_err *err)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	auto_fd int fd = (int)syscall(SYS_memfd_create, "rl-stub", flags | MFD_EXEC);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = (int)syscall(SYS_memfd_create, "rl-stub", flags);
	if (fd < 0)
		return rl_fail_sys(err, errno, "memfd_create");
	r = io_write_all(fd, stub_bytes, sizeof(stub_bytes));
	if (r < 0)
		return rl_fail_sys(err, -r, "write the stub");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return rl_fail_sys(err, errno, "seal the stub");
	return TAKE_FD(fd);
}
#else
int payload_stub(struct rl_err *err)
{
	rl_fail(err, ENOTSUP,
		"the program 'rl' can be written by this user, and this machine has "
		"no stub to guard it");
	return rl_hint(err, "install rl as root: its file must belong to root");
}
#endif

/* argv[0] of the stub: the number of the channel, a blank, the path. */
static int exec_stub(const struct spec *s, int sync_fd, int stub_fd, const char *path,
		     struct rl_err *err)
{
	auto_free char *first = str_printf("%d %s", sync_fd, path);
	auto_free const char **argv = NULL;
	size_t n = 0;

	while (s->args[n])
		n++;
	argv = calloc(n + 2, sizeof(*argv));
	if (!argv || !first)
		return rl_oom(err);
	argv[0] = first;
	memcpy(argv + 1, s->args, n * sizeof(*argv));
	/* the channel has to live through the first execve; the stub sees to the second */
	if (fcntl(sync_fd, F_SETFD, 0) < 0)
		return rl_fail_sys(err, errno, "keep the channel open");
	(void)syscall(SYS_execveat, stub_fd, "", argv, s->env, AT_EMPTY_PATH);
	return rl_fail_sys(err, errno, "execute the stub");
}

int payload_run(const struct spec *s, int sync_fd, int stub_fd, struct rl_err *err)
{
	struct rl_err what = { 0 };
	char path[PATH_MAX];
	int r = payload_find(s, path, err);

	if (r < 0)
		return r;
	if (stub_fd < 0)
		return exec_it(s, path, err);
	(void)snprintf(what.msg, sizeof(what.msg), "%.1000s", path);
	r = msg_send(sync_fd, MSG_STUB, payload_exists(path), &what, NULL, 0);
	if (r < 0)
		return rl_fail_sys(err, -r, "report to the monitor");
	return exec_stub(s, sync_fd, stub_fd, path, err);
}
