/* SPDX-License-Identifier: Apache-2.0 */
/* elsewhere.c - layers with their data in other stores; the header is the manual */
#include "config.h"

#include "storage/elsewhere.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

#define FILE_NAME "elsewhere"
#define ANY       "layers/." FILE_NAME /* there once any layer has had such a file */
#define TEXT_MAX  (1 << 20)

bool elsewhere_any(const struct rl *rl)
{
	return io_exists(rl->data_fd, ANY);
}

int elsewhere_of(const struct rl *rl, const char *key, struct strv *ret, struct rl_err *err)
{
	auto_free char *path = str_printf("layers/%s/" FILE_NAME, key);
	auto_buf struct buf b = { 0 };
	int r;

	if (!path)
		return rl_oom(err);
	r = io_read_file(rl->data_fd, path, TEXT_MAX, &b, err);
	if (r == -ENOENT)
		return 0;
	for (char *s = b.data, *end; r == 0 && s && *s; s = end + (*end == '\n')) {
		end = s + strcspn(s, "\n");
		if (end > s && strv_addn(ret, s, (size_t)(end - s)) < 0)
			r = rl_oom(err);
	}
	return r;
}

int elsewhere_write(const struct rl *rl, const struct layer_stage *st, const struct strv *folders,
		    struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	char path[sizeof(st->name) + sizeof("/" FILE_NAME)];
	int r = 0;

	for (size_t i = 0; r == 0 && i < folders->n; i++)
		r = buf_printf(&text, "%s\n", folders->v[i]);
	if (r < 0)
		return rl_oom(err);
	(void)snprintf(path, sizeof(path), "%s/" FILE_NAME, st->name);
	r = io_replace_file(rl->data_fd, ANY, "", 0, 0600, IO_NOSYNC, err);
	if (r == 0)
		r = io_replace_file(rl->data_fd, path, text.data, text.len, 0600, IO_NOSYNC, err);
	return r;
}

void elsewhere_drop(const struct rl *rl, const char *key)
{
	auto_free char *path = str_printf("layers/%s/" FILE_NAME, key);

	if (path && unlinkat(rl->data_fd, path, 0) < 0 && errno != ENOENT)
		log_debug("'%s': %s", path, strerror(errno)); /* a data layer more does no harm */
}

const char *elsewhere_tail(const char *folder)
{
	const char *slash = strrchr(folder, '/'), *p = slash;

	if (!slash || strcmp(slash, "/diff") != 0)
		return NULL;
	while (p > folder && p[-1] != '/')
		p--;
	return p > folder + 1 && p < slash ? p : NULL;
}

int elsewhere_check(const char *key, const struct strv *folders, struct rl_err *err)
{
	for (size_t i = 0; i < folders->n; i++) {
		const char *path = folders->v[i];
		auto_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			continue;
		rl_fail(err, ESTALE, "the files of layer %.12s are in the store '%.*s': %s", key,
			(int)(elsewhere_tail(path) ? elsewhere_tail(path) - path - 8 : 0), path,
			strerror(errno));
		return rl_hint(err, "'rl pull' of the image brings them into your own store");
	}
	return 0;
}

int elsewhere_roots(const struct strv *folders, struct strv *ret, struct rl_err *err)
{
	for (size_t i = 0; i < folders->n; i++) {
		const char *tail = elsewhere_tail(folders->v[i]);
		auto_free char *root =
			tail ? strndup(folders->v[i], (size_t)(tail - folders->v[i] - 1)) : NULL;

		if (!tail)
			return rl_fail(err, EBADMSG, "'%.300s' is no layer of a store",
				       folders->v[i]);
		if (!root || (!strv_has(ret, root) && strv_add(ret, root) < 0))
			return rl_oom(err);
	}
	return 0;
}
