/* SPDX-License-Identifier: Apache-2.0 */
/* imgconf.c - the "config" part of an OCI image config; the header is the manual */
#include "config.h"

#include "cmd/engine/imgconf.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/spec_text.h"
#include "core/base/json.h"

#define WHAT "image config"

static int get_strings(const json_t *c, const char *key, size_t max, json_t **ret,
		       struct rl_err *err)
{
	json_t *a = NULL;
	int r = json_get_arr(c, key, WHAT, &a, err);

	if (r == 0 && json_array_size(a) > max)
		r = rl_fail(err, E2BIG, WHAT ": '%s' has %zu entries, more than the limit of %zu",
			    key, json_array_size(a), max);
	if (r == 0)
		r = json_check_strings(a, WHAT, err);
	if (r < 0)
		return r;
	*ret = a;
	return 0;
}

static int check_env(const json_t *env, struct rl_err *err)
{
	const json_t *v;
	size_t i;

	json_array_foreach (env, i, v) {
		const char *s = json_string_value(v);

		if (s[0] != '=' && strchr(s, '='))
			continue;
		rl_fail(err, EINVAL, WHAT ": 'Env' entry '%.80s' is not NAME=VALUE", s);
		return rl_hint(err, "the image is broken or hostile: such an entry would take its "
				    "value from your own environment");
	}
	return 0;
}

static int get_text(const json_t *c, const char *key, const char **ret, struct rl_err *err)
{
	const char *s = NULL;
	int r = json_get_str(c, key, WHAT, &s, err);

	if (r < 0)
		return r;
	if (s && !text_is_plain(s, TEXT_PATH_MAX))
		return rl_fail(err, EINVAL, WHAT ": '%s' has control bytes or is too long", key);
	*ret = s && *s ? s : NULL;
	return 0;
}

static int get_map(const json_t *c, const char *key, size_t max, json_t **ret, struct rl_err *err)
{
	json_t *o = NULL;
	int r = json_get_obj(c, key, WHAT, &o, err);

	if (r < 0)
		return r;
	if (json_object_size(o) > max)
		return rl_fail(err, E2BIG,
			       WHAT ": '%s' has %zu entries, more than the limit of %zu", key,
			       json_object_size(o), max);
	*ret = o;
	return 0;
}

static int check_labels(json_t *labels, struct rl_err *err)
{
	const char *key;
	json_t *v;

	json_object_foreach (labels, key, v) {
		if (!json_is_string(v))
			return rl_fail(err, EINVAL, WHAT ": label '%.80s' is not a string", key);
	}
	return 0;
}

int imgconf_read(const json_t *config, struct imgconf *ret, struct rl_err *err)
{
	struct imgconf c = { 0 };
	json_t *o = NULL;
	int r = 0;

	if (config && !json_is_object(config))
		return rl_fail(err, EINVAL, WHAT ": not an object");
	if (config)
		r = json_get_obj(config, "config", WHAT, &o, err);
	if (r == 0)
		r = get_strings(o, "Env", IMGCONF_ENV_MAX, &c.env, err);
	if (r == 0)
		r = check_env(c.env, err);
	if (r == 0)
		r = get_strings(o, "Cmd", IMGCONF_ARGS_MAX, &c.cmd, err);
	if (r == 0)
		r = get_strings(o, "Entrypoint", IMGCONF_ARGS_MAX, &c.entrypoint, err);
	if (r == 0)
		r = get_text(o, "User", &c.user, err);
	if (r == 0)
		r = get_text(o, "WorkingDir", &c.workdir, err);
	if (r == 0)
		r = get_text(o, "StopSignal", &c.stop_signal, err);
	if (r == 0)
		r = get_map(o, "Volumes", IMGCONF_VOLUMES_MAX, &c.volumes, err);
	if (r == 0)
		r = get_map(o, "Labels", 65536, &c.labels, err);
	if (r == 0)
		r = check_labels(c.labels, err);
	if (r < 0)
		return r;
	*ret = c;
	return 0;
}
