/* SPDX-License-Identifier: Apache-2.0 */
/* stores.c - other stores to read from; the header is the manual */
#include "config.h"

#include "storage/stores.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/confdir.h"
#include "storage/toml.h"

#define SYSTEM_FILE "/etc/containers/storage.conf"

static int read_file(const char *path, struct strv *ret, struct rl_err *err)
{
	auto_buf struct buf text = { 0 };
	auto_toml struct toml *root = NULL;
	const struct toml *list;
	int r = io_read_named(path, TOML_SIZE_MAX, &text, err);

	if (r == 0)
		r = toml_parse(text.data ? text.data : "", text.len, path, &root, err);
	if (r < 0)
		return r;
	list = toml_get(toml_get(toml_get(root, "storage"), "options"), "additionalimagestores");
	if (!list)
		return 0;
	if (list->type != TOML_ARRAY)
		return rl_fail(err, EINVAL, "%s line %u: 'additionalimagestores' is not a list",
			       path, list->line);
	for (size_t i = 0; i < list->n; i++) {
		const struct toml *v = list->v[i];

		if (v->type != TOML_STRING || v->str[0] != '/')
			return rl_fail(err, EINVAL,
				       "%s line %u: an additional store is not an absolute path",
				       path, v->line);
		if (strv_add(ret, v->str) < 0)
			return rl_oom(err);
	}
	return 0;
}

int stores_more(struct strv *ret, struct rl_err *err)
{
	auto_free char *user = confdir_user("storage.conf");
	int r = user ? read_file(user, ret, err) : -ENOENT;

	if (r == -ENOENT)
		r = read_file(SYSTEM_FILE, ret, err);
	return r == -ENOENT ? 0 : r;
}
