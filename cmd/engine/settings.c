/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - engine: rl.conf; the header is the manual */
#include "config.h"

#include "cmd/engine/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/toml.h"

#define SYSTEM_FILE "/etc/rl/rl.conf"

/* The user's file; NULL without a home, or when out of memory */
static char *user_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config == '/')
		return str_printf("%s/rl/rl.conf", config);
	return home && *home == '/' ? str_printf("%s/.config/rl/rl.conf", home) : NULL;
}

static int get_strict(const struct toml *root, const char *file, bool *ret, struct rl_err *err)
{
	for (size_t i = 0; i < root->n; i++) {
		const struct toml *t = root->v[i];

		if (strcmp(t->key, "limits") != 0 || t->type != TOML_TABLE)
			return rl_fail(err, EINVAL, "%s line %u: there is no setting '%.60s'", file,
				       t->line, t->key);
		for (size_t k = 0; k < t->n; k++) {
			const struct toml *v = t->v[k];

			if (strcmp(v->key, "strict") != 0 || v->type != TOML_BOOL)
				return rl_fail(err, EINVAL,
					       "%s line %u: only 'strict = true' or false belongs "
					       "into [limits], not '%.60s'",
					       file, v->line, v->key);
			*ret = v->b;
		}
	}
	return 0;
}

int settings_strict_limits(bool *ret, struct rl_err *err)
{
	auto_free char *user = user_file();
	const char *files[] = { user, SYSTEM_FILE };

	*ret = false;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_toml struct toml *root = NULL;
		auto_buf struct buf text = { 0 };
		int r = files[i] ? io_read_named(files[i], TOML_SIZE_MAX, &text, err) : -ENOENT;

		if (r == -ENOENT || r == -ENOTDIR)
			continue;
		if (r == 0)
			r = toml_parse(text.data ? text.data : "", text.len, files[i], &root, err);
		return r < 0 ? r : get_strict(root, files[i], ret, err);
	}
	return 0;
}
