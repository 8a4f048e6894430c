/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy.c - any bytes as policy.json: no crash; of an accepted one every image has at least
 * one requirement, and a name that a rule takes is one that parses
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "storage/policy.h"
#include "storage/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(json_t *policy, const char *transport, const char *image)
{
	auto_free char *scope = NULL;
	struct rl_err err = { 0 };
	json_t *list = NULL, *q;
	size_t i;

	assert(policy_find(policy, transport, image, &list, &scope, &err) == 0);
	assert(scope && json_array_size(list) > 0);
	json_array_foreach (list, i, q) {
		struct policy_identity id = { 0 };

		if (policy_kind(q) != POLICY_SIGSTORE)
			continue;
		if (policy_identity(q, image, &id, &err) == 0) {
			const char *name = id.exact ? id.exact : id.repo;

			assert(name && ref_check(name, strlen(name), NULL, &err) == 0);
			(void)policy_identity_matches(&id, "docker.io/library/alpine:1");
		}
		policy_identity_done(&id);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *j = NULL;
	struct rl_err err = { 0 };

	if (policy_parse((const char *)data, size, "fuzz", &j, &err) < 0) {
		assert(err.code > 0 && *err.msg);
		return 0;
	}
	one(j, "docker", "docker.io/library/alpine:latest");
	one(j, "docker", "a.b.example.com:5000/team/app:1");
	one(j, "docker",
	    "q.io/a@sha256:"
	    "0000000000000000000000000000000000000000000000000000000000000000");
	one(j, "dir", "/srv/images/one");
	return 0;
}
