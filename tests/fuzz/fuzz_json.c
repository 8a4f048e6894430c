/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_json.c - any bytes: no crash, and what json_read() accepts is inside its own limits;
 * json_pick() finds in it what the tree has, and takes nothing that jansson does not
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/jsonpick.h"

#define SIZE_LIMIT 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int depth(const json_t *j)
{
	const char *key;
	json_t *v;
	size_t i;
	int most = 0;

	if (!json_is_array(j) && !json_is_object(j))
		return 0;
	json_array_foreach (j, i, v) {
		int d = depth(v);

		most = d > most ? d : most;
	}
	json_object_foreach ((json_t *)(uintptr_t)j, key, v) {
		int d = depth(v);

		most = d > most ? d : most;
	}
	return most + 1;
}

/* @strict: no key is there twice, so jansson makes a tree of each part. */
static void check_value(struct json_text v, const json_t *want, bool strict)
{
	json_auto_t *tree = json_text_tree(v);
	struct json_text item;
	char text[64], whole[64];
	size_t n = 0;

	assert(v.p && (tree ? json_equal(tree, want) : !strict));
	assert(json_text_int(v) == json_integer_value(want));
	assert(json_text_is_true(v) == json_is_true(want));
	(void)snprintf(whole, sizeof(whole), "%s",
		       json_is_string(want) ? json_string_value(want) : "");
	assert(strcmp(json_text_copy(v, text, sizeof(text)), whole) == 0);
	while (json_text_next(&v, &item)) {
		json_auto_t *one = json_text_tree(item);

		assert(one ? json_equal(one, json_array_get(want, n)) : !strict);
		n++;
	}
	assert(n == json_array_size(want));
}

/* @tree: what json_read() made of it, or NULL */
static void check_pick(const char *data, size_t size, const json_t *tree)
{
	struct json_pick p[] = { { .key = "a" }, { .key = "name" }, { .key = "list" } };
	json_auto_t *loose = NULL;
	json_error_t ignored;
	struct rl_err err = { 0 };

	if (json_pick((struct json_text){ data, size }, "input", p, 3, &err) < 0) {
		/* jansson overlooks a NUL after a number */
		assert(!json_is_object(tree) || memchr(data, 0, size));
		assert(err.code > 0 && err.msg[0]);
		return;
	}
	loose = json_loadb(data, size, 0,
			   &ignored); /* a key that is not picked may be there twice */
	assert(json_is_object(loose));
	for (size_t i = 0; i < 3; i++) {
		const json_t *want = json_object_get(loose, p[i].key);
		bool escapes = memchr(data, '\\', size); /* a key may be written with them */

		if (p[i].v.p && (tree || !escapes))
			check_value(p[i].v, want, tree);
		else
			assert(p[i].v.p || !want || escapes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *a = NULL, *b = NULL;
	struct rl_err err = { 0 };
	char *text;

	if (json_read((const char *)data, size, SIZE_LIMIT, "input", &a, &err) < 0) {
		assert(!a && err.code > 0 && err.msg[0]);
		check_pick((const char *)data, size, NULL);
		return 0;
	}
	check_pick((const char *)data, size, a);
	assert(size <= SIZE_LIMIT);
	assert(depth(a) <= JSON_DEPTH_MAX);
	text = json_dumps(a, JSON_COMPACT | JSON_ENCODE_ANY);
	assert(text);
	/* escapes may make the text longer than what was read */
	assert(json_read(text, strlen(text), SIZE_MAX, "dump", &b, &err) == 0);
	assert(json_equal(a, b));
	free(text);
	return 0;
}
