/* SPDX-License-Identifier: Apache-2.0 */
/* spec_text.c - checks of words and paths; the header is the manual */
#include "config.h"

#include "cmd/engine/spec_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"

bool text_is_plain(const char *s, size_t max)
{
	size_t n = 0;

	for (; *s; s++, n++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || n >= max)
			return false;
	return true;
}

bool text_is_hostname(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n == 0 || n > max || *s == '-' || *s == '.')
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || *s == '-' || *s == '.' || *s == '_'))
			return false;
	return true;
}

bool text_is_ip(const char *s)
{
	unsigned char out[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, s, out) == 1 || inet_pton(AF_INET6, s, out) == 1;
}

/* Drop the last component of "/a/b" in @out of length @n; the new length. */
static size_t parent(const char *out, size_t n)
{
	while (n > 0 && out[n - 1] != '/')
		n--;
	return n > 0 ? n - 1 : 0;
}

int text_clean_path(const char *path, const char *what, char **ret, struct rl_err *err)
{
	auto_free char *out = NULL;
	size_t n = 0;

	if (*path != '/')
		return rl_fail(err, EINVAL, "%s '%.200s' is not an absolute path", what, path);
	if (!text_is_plain(path, TEXT_PATH_MAX))
		return rl_fail(err, EINVAL, "%s '%.200s' has control bytes or is too long", what,
			       path);
	out = malloc(strlen(path) + 2);
	if (!out)
		return rl_oom(err);
	while (*path) {
		size_t len;

		while (*path == '/')
			path++;
		len = strcspn(path, "/");
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			n = parent(out, n);
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path += len;
	}
	if (n == 0)
		out[n++] = '/';
	out[n] = '\0';
	*ret = TAKE_PTR(out);
	return 0;
}

bool text_path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1)
		return true; /* "/" */
	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}
