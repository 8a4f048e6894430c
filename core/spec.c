/* SPDX-License-Identifier: Apache-2.0 */
/* spec.c - the top of an OCI runtime spec, and the helpers its parts share */
#include "config.h"

#include "core/spec.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/spec_int.h"

int spec_list(const json_t *o, const char *key, const char *what, size_t max, json_t **ret,
	      size_t *ret_n, struct rl_err *err)
{
	int r = json_get_arr(o, key, what, ret, err);

	if (r < 0)
		return r;
	*ret_n = json_array_size(*ret);
	if (*ret_n > max)
		return rl_fail(err, EINVAL, "%s: '%s' has %zu entries, the limit is %zu", what, key,
			       *ret_n, max);
	return 0;
}

int spec_strings(const json_t *o, const char *key, const char *what, size_t max, size_t len_max,
		 const char ***ret, size_t *ret_n, struct rl_err *err)
{
	auto_free const char **v = NULL;
	json_t *list, *item;
	size_t n, i;
	int r = spec_list(o, key, what, max, &list, &n, err);

	if (r < 0)
		return r;
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return rl_oom(err);
	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return rl_fail(err, EINVAL, "%s: entry %zu of '%s' is not a string", what,
				       i, key);
		if (json_string_length(item) > len_max)
			return rl_fail(err, EINVAL,
				       "%s: entry %zu of '%s' is longer than %zu bytes", what, i,
				       key, len_max);
		v[i] = json_string_value(item);
	}
	free(*ret);
	*ret = TAKE_PTR(v);
	if (ret_n)
		*ret_n = n;
	return 0;
}

int spec_str(const json_t *o, const char *key, const char *what, size_t max, const char **ret,
	     struct rl_err *err)
{
	int r = json_get_str(o, key, what, ret, err);

	if (r == 0 && *ret && strlen(*ret) > max)
		return rl_fail(err, EINVAL, "%s: '%s' is longer than %zu bytes", what, key, max);
	return r;
}

int spec_path(const json_t *o, const char *key, const char *what, const char **ret,
	      struct rl_err *err)
{
	int r = spec_str(o, key, what, SPEC_PATH_MAX, ret, err);

	if (r == 0 && *ret && **ret != '/')
		return rl_fail(err, EINVAL, "%s: '%s' is not an absolute path: '%s'", what, key,
			       *ret);
	return r;
}

int spec_int(const json_t *o, const char *key, const char *what, int64_t min, int64_t max,
	     int64_t otherwise, int64_t *ret, struct rl_err *err)
{
	const json_t *v = json_object_get(o, key);
	int r;

	if (!v || json_is_null(v)) {
		*ret = otherwise;
		return 0;
	}
	r = json_get_int(o, key, what, ret, err);
	if (r < 0)
		return r;
	if (*ret < min || *ret > max)
		return rl_fail(err, EINVAL, "%s: '%s' is %lld, not in %lld to %lld", what, key,
			       (long long)*ret, (long long)min, (long long)max);
	return 0;
}

static int parse_version(const json_t *root, struct rl_err *err)
{
	const char *v;
	int r = json_get_str(root, "ociVersion", "spec", &v, err);

	if (r < 0)
		return r;
	if (!v)
		return rl_fail(err, EINVAL, "spec: 'ociVersion' is missing");
	if (strncmp(v, "1.", 2) != 0)
		return rl_fail(err, EINVAL, "spec: 'ociVersion' is '%.32s', rl reads 1.x", v);
	return 0;
}

static int parse_root(const json_t *root, struct spec *s, struct rl_err *err)
{
	json_t *o;
	int r = json_get_obj(root, "root", "spec", &o, err);

	if (r < 0 || !o)
		return r;
	r = spec_str(o, "path", "root", SPEC_PATH_MAX, &s->root_path, err);
	if (r < 0)
		return r;
	return json_get_bool(o, "readonly", "root", &s->root_read_only, err);
}

static int parse_names(const json_t *root, struct spec *s, struct rl_err *err)
{
	int r = spec_str(root, "hostname", "spec", 64, &s->hostname, err);

	if (r == 0)
		r = spec_str(root, "domainname", "spec", 64, &s->domainname, err);
	if (r < 0)
		return r;
	if ((s->hostname || s->domainname) && !spec_ns_is_new(s, SPEC_NS_UTS))
		return rl_fail(err, EINVAL, "spec: a host name needs a uts namespace of its own");
	return 0;
}

static int parse_annotations(const json_t *root, struct spec *s, struct rl_err *err)
{
	const char *nested, *groups;
	json_t *o;
	int r = json_get_obj(root, "annotations", "spec", &o, err);

	if (r == 0)
		r = json_get_str(o, "rl.nested", "annotations", &nested, err);
	if (r == 0)
		r = json_get_str(o, "run.oci.keep_original_groups", "annotations", &groups, err);
	if (r < 0)
		return r;
	s->keep_groups = groups && strcmp(groups, "1") == 0;
	s->nested = nested && strcmp(nested, "1") == 0;
	return 0;
}

static int parse_all(json_t *json, struct spec *s, struct rl_err *err)
{
	int r = parse_version(json, err);

	if (r == 0)
		r = parse_root(json, s, err);
	if (r == 0)
		r = spec_process(json, s, err);
	if (r == 0)
		r = spec_linux(json, s, err);
	if (r == 0)
		r = parse_names(json, s, err);
	if (r == 0)
		r = spec_mounts(json, s, err);
	if (r == 0)
		r = parse_annotations(json, s, err);
	return r;
}

static void each_of_list(const char **v, void (*each)(const char **, void *), void *arg)
{
	for (; v && *v; v++)
		each(v, arg);
}

/* Every string there is, NULL or not */
static void each_string(struct spec *s, void (*each)(const char **, void *), void *arg)
{
	each(&s->root_path, arg);
	each(&s->cwd, arg);
	each(&s->hostname, arg);
	each(&s->domainname, arg);
	each_of_list(s->args, each, arg);
	each_of_list(s->env, each, arg);
	each_of_list(s->masked, each, arg);
	each_of_list(s->read_only_paths, each, arg);
	for (int kind = 0; kind < SPEC_NS_KINDS; kind++)
		each(&s->ns[kind].path, arg);
	for (size_t i = 0; i < s->n_mounts; i++) {
		each(&s->mounts[i].dest, arg);
		each(&s->mounts[i].type, arg);
		each(&s->mounts[i].source, arg);
		each(&s->mounts[i].subpath, arg);
		each(&s->mounts[i].idmap_map, arg);
	}
	for (size_t i = 0; i < s->n_devices; i++)
		each(&s->devices[i].path, arg);
	for (size_t i = 0; i < s->n_sysctls; i++) {
		each(&s->sysctls[i].key, arg);
		each(&s->sysctls[i].value, arg);
	}
}

static void add_length(const char **s, void *sum)
{
	*(size_t *)sum += *s ? strlen(*s) + 1 : 0;
}

static void move_string(const char **s, void *end)
{
	char **to = end;
	size_t n = *s ? strlen(*s) + 1 : 0;

	if (!*s)
		return;
	memcpy(*to, *s, n);
	*s = *to;
	*to += n;
}

/* The parts left strings of the JSON, and constants. */
static int own_strings(struct spec *s, struct rl_err *err)
{
	size_t len = 1;
	char *end;

	each_string(s, add_length, &len);
	s->text = end = malloc(len);
	if (!s->text)
		return rl_oom(err);
	each_string(s, move_string, &end);
	return 0;
}

int spec_parse(json_t *json, struct spec *ret, struct rl_err *err)
{
	struct spec s = { .umask = 022, .cwd = "/" };
	int r;

	if (!json_is_object(json))
		return rl_fail(err, EINVAL, "spec: not a JSON object");
	r = parse_all(json, &s, err);
	if (r == 0)
		r = own_strings(&s, err);
	if (r < 0) {
		spec_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void spec_done(struct spec *s)
{
	for (size_t i = 0; i < s->n_mounts; i++) {
		free(s->mounts[i].opts);
		free(s->mounts[i].opt_text);
	}
	free(s->mounts);
	free(s->args);
	free(s->env);
	free(s->groups);
	free(s->rlimits);
	free(s->devices);
	free(s->sysctls);
	free(s->masked);
	free(s->read_only_paths);
	free(s->text);
	*s = (struct spec){ 0 };
}

bool spec_ns_is_new(const struct spec *s, enum spec_ns_kind kind)
{
	return s->ns[kind].is_listed && !s->ns[kind].path;
}
