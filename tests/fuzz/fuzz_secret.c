/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_secret.c - any record of a secret, any words of --secret: no crash; what is accepted is whole */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/secretopt.h"
#include "core/base/cleanup.h"
#include "storage/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_secret struct secret s = { 0 };
	auto_secretopt struct secretopt o = { 0 };
	auto_free char *word = strndup((const char *)data, size);
	struct rl_err err = { 0 };

	if (secret_parse("name", (const char *)data, size, true, &s, &err) == 0) {
		assert(strlen(s.id) == SECRET_ID_LEN && json_is_object(s.labels));
		assert(s.data.len < size);
	}
	if (!word || secretopt_parse(word, &o, &err) < 0)
		return 0;
	assert(o.name && *o.name && !strchr(o.name, '/') && o.mode <= 0777);
	/* a file name, or an absolute path without ".." */
	assert(o.as_env || o.target[0] == '/' || !strchr(o.target, '/'));
	assert(o.as_env || (!strstr(o.target, "/../") && strcmp(o.target, "..") != 0));
	assert((o.source == SECRET_NAMED) == (o.from == NULL));
	return 0;
}
