/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_toml.c - any bytes as registries.conf: no crash, every string of an accepted tree is clean,
 * lines stay inside the text
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "storage/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct toml *t, unsigned lines, int depth)
{
	assert(t->line >= 1 && t->line <= lines);
	assert(depth < 8 * TOML_DEPTH_MAX * TOML_DEPTH_MAX);
	assert(t->type != TOML_STRING || t->str);
	assert(t->n == 0 || t->type == TOML_TABLE || t->type == TOML_ARRAY);
	for (size_t i = 0; i < t->n; i++) {
		assert((t->type == TOML_TABLE) == (t->v[i]->key != NULL));
		if (t->v[i]->key)
			assert(toml_get(t, t->v[i]->key) == t->v[i]); /* no key twice */
		check(t->v[i], lines, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_toml struct toml *t = NULL;
	struct rl_err err = { 0 };
	unsigned lines = 1;

	if (toml_parse((const char *)data, size, "fuzz", &t, &err) < 0) {
		assert(err.code > 0 && *err.msg);
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	check(t, lines, 0);
	return 0;
}
