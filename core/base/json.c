/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - bounded reading and typed access; the header is the manual */
#include "config.h"

#include "core/base/json.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

/*
 * jansson limits its own recursion at 2048 levels only, so depth is counted first, on the text.
 * Inside strings brackets do not count.
 */
static bool too_deep(const char *p, size_t len)
{
	bool in_str = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = p[i];

		if (in_str) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_str = false;
		} else if (c == '"') {
			in_str = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

int json_read(const char *data, size_t len, size_t max, const char *what, json_t **ret,
	      struct rl_err *err)
{
	json_error_t je;
	json_t *j;

	if (len > max)
		return rl_fail(err, EFBIG, "%s: %zu bytes of JSON, more than the limit of %zu",
			       what, len, max);
	if (too_deep(data, len))
		return rl_fail(err, EINVAL, "%s: JSON nested deeper than %d", what, JSON_DEPTH_MAX);
	j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		return rl_fail(err, EINVAL, "%s: not valid JSON, line %d: %s", what, je.line,
			       je.text);
	*ret = j;
	return 0;
}

int json_read_file(int dir_fd, const char *path, size_t max, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = io_read_file(dir_fd, path, max, &b, err);

	if (r < 0)
		return r;
	return json_read(b.data ? b.data : "", b.len, max, path, ret, err);
}

int json_write_file(int dir_fd, const char *path, const json_t *j, bool sync, struct rl_err *err)
{
	auto_free char *text = json_dumps(j, JSON_COMPACT);

	if (!text)
		return rl_oom(err);
	return io_replace_file(dir_fd, path, text, strlen(text), 0600, sync ? IO_SYNC : IO_NOSYNC,
			       err);
}

static int wrong(struct rl_err *err, const char *what, const char *key, const char *type)
{
	return rl_fail(err, EINVAL, "%s: '%s' is not %s", what, key, type);
}

/* The value, or NULL for missing and null alike. */
static json_t *get(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_null(v) ? NULL : v;
}

int json_get_str(const json_t *o, const char *key, const char *what, const char **ret,
		 struct rl_err *err)
{
	json_t *v = get(o, key);

	if (v && !json_is_string(v))
		return wrong(err, what, key, "a string");
	*ret = v ? json_string_value(v) : NULL;
	return 0;
}

int json_get_int(const json_t *o, const char *key, const char *what, int64_t *ret,
		 struct rl_err *err)
{
	json_t *v = get(o, key);

	if (v && !json_is_integer(v))
		return wrong(err, what, key, "an integer");
	*ret = v ? json_integer_value(v) : 0;
	return 0;
}

int json_get_bool(const json_t *o, const char *key, const char *what, bool *ret, struct rl_err *err)
{
	json_t *v = get(o, key);

	if (v && !json_is_boolean(v))
		return wrong(err, what, key, "true or false");
	*ret = json_is_true(v);
	return 0;
}

int json_get_obj(const json_t *o, const char *key, const char *what, json_t **ret,
		 struct rl_err *err)
{
	json_t *v = get(o, key);

	if (v && !json_is_object(v))
		return wrong(err, what, key, "an object");
	*ret = v;
	return 0;
}

int json_get_arr(const json_t *o, const char *key, const char *what, json_t **ret,
		 struct rl_err *err)
{
	json_t *v = get(o, key);

	if (v && !json_is_array(v))
		return wrong(err, what, key, "an array");
	*ret = v;
	return 0;
}

int json_check_strings(const json_t *arr, const char *what, struct rl_err *err)
{
	size_t i;
	const json_t *v;

	json_array_foreach (arr, i, v) {
		if (!json_is_string(v))
			return rl_fail(err, EINVAL, "%s: entry %zu is not a string", what, i);
	}
	return 0;
}
