/* SPDX-License-Identifier: Apache-2.0 */
/* payload.c - from args[0] to execve; the header is the manual */
#include "config.h"

#include "core/payload.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/spec.h"

/* Debian's and Docker's default for an image that sets none. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *path_of(const struct spec *s)
{
	for (const char **e = s->env; *e; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			return *e + 5;
	return PATH_DEFAULT;
}

int payload_error(struct rl_err *err, int code, const char *path)
{
	struct stat st;

	rl_fail_sys(err, code, "exec '%s'", path);
	err->exit_code = code == ENOENT || code == ENOTDIR || code == ELOOP ? 127 : 126;
	if (code == ENOENT && stat(path, &st) == 0)
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

int payload_find(const struct spec *s, char path[PATH_MAX], struct rl_err *err)
{
	const char *name = s->args[0], *p = path_of(s);
	bool denied = false;
	char denied_path[PATH_MAX];

	if (!*name)
		return not_found(err, name);
	if (strchr(name, '/')) {
		if (strlen(name) >= PATH_MAX)
			return payload_error(err, ENAMETOOLONG, "(a very long path)");
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
	return denied ? payload_error(err, EACCES, denied_path) : not_found(err, name);
}

int payload_exec(const struct spec *s, const char *path, struct rl_err *err)
{
	(void)execve(path, (char *const *)(uintptr_t)s->args, (char *const *)(uintptr_t)s->env);
	return payload_error(err, errno, path);
}
