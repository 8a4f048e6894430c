/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.c - JSON data as YAML
 *
 * A string goes without quotes only when no reader could take it for something else; the quoted form is
 * JSON's, which YAML understands.
 */
#include "config.h"

#include "cmd/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/cleanup.h"

/* Letters first, then nothing that has a meaning in YAML; not one of its words */
static bool is_plain(const char *s)
{
	static const char *const words[] = { "true", "false", "null", "yes",  "no",   "on",
					     "off",  "y",     "n",    "True", "False" };
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "_./-+,()";

	if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '/'))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(s, words[i]) == 0)
			return false;
	for (const char *p = s; *p; p++)
		if (!strchr(ok, *p) && !(*p == ' ' && p[1] && p[1] != ' '))
			return false;
	return true;
}

static int scalar(json_t *j, struct buf *out)
{
	auto_free char *text = NULL;

	if (json_is_string(j) && is_plain(json_string_value(j)))
		return buf_str(out, json_string_value(j));
	text = json_dumps(j, JSON_ENCODE_ANY);
	return text ? buf_str(out, text) : -ENOMEM;
}

static bool is_block(json_t *j)
{
	return (json_is_object(j) && json_object_size(j) > 0) ||
	       (json_is_array(j) && json_array_size(j) > 0);
}

static int block(json_t *j, int indent, bool goes_on, struct buf *out);

static int value(json_t *j, int indent, struct buf *out)
{
	int r;

	if (!is_block(j)) {
		r = buf_str(out, " ");
		r = r < 0 ? r : scalar(j, out);
		return r < 0 ? r : buf_str(out, "\n");
	}
	r = buf_str(out, "\n");
	/* a list stands below its key, an object is indented */
	return r < 0 ? r : block(j, json_is_array(j) ? indent : indent + 2, false, out);
}

static int item(json_t *j, int indent, struct buf *out)
{
	int r = buf_printf(out, "%*s-", indent, "");

	if (r < 0 || !json_is_object(j) || !is_block(j))
		return r < 0 ? r : value(j, indent + 2, out);
	r = buf_str(out, " ");
	return r < 0 ? r : block(j, indent + 2, true, out);
}

/* @goes_on: the first line has its indent already. Depth is that of our own data. */
static int block(json_t *j, int indent, bool goes_on, struct buf *out)
{
	const char *key;
	json_t *v;
	size_t i;
	int r = 0;

	if (json_is_array(j)) {
		json_array_foreach (j, i, v)
			if (r == 0)
				r = item(v, indent, out);
		return r;
	}
	json_object_foreach (j, key, v) {
		if (r == 0)
			r = buf_printf(out, "%*s%s:", goes_on ? 0 : indent, "", key);
		if (r == 0)
			r = value(v, indent, out);
		goes_on = false;
	}
	return r;
}

int yaml_print(json_t *j, struct buf *out)
{
	int r;

	if (is_block(j))
		return block(j, 0, false, out);
	r = scalar(j, out);
	return r < 0 ? r : buf_str(out, "\n");
}
