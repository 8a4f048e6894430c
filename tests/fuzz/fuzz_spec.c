/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_spec.c - any bytes as config.json: no crash, and what is accepted keeps the promises that
 * init relies on without looking again
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "core/base/json.h"
#include "core/mnt.h"
#include "core/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mount(const struct spec_mount *m)
{
	assert(m->dest && *m->dest == '/' && strlen(m->dest) <= SPEC_PATH_MAX);
	assert(m->type);
	assert(!m->is_bind || (*m->source == '/' && m->n_opts == 0));
	for (size_t i = 0; i < m->n_opts; i++)
		assert(m->opts[i].key && !strchr(m->opts[i].key, '='));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_spec struct spec s = { 0 };
	struct rl_err err;
	json_t *json;
	int r;

	if (json_read((const char *)data, size, SPEC_JSON_MAX, "spec", &json, &err) < 0)
		return 0;
	r = spec_parse(json, &s, &err);
	json_decref(json);
	if (r < 0) {
		assert(err.code > 0 && err.msg[0]);
		return 0;
	}
	assert(s.args[0] && *s.cwd == '/' && s.env);
	assert(s.uid != (uid_t)-1 && s.gid != (gid_t)-1);
	assert((s.caps.effective & ~s.caps.permitted) == 0);
	assert((s.caps.ambient & ~s.caps.permitted) == 0);
	assert(spec_ns_is_new(&s, SPEC_NS_MOUNT));
	for (size_t i = 0; i < s.n_mounts; i++)
		check_mount(&s.mounts[i]);
	for (size_t i = 0; i < s.n_sysctls; i++) {
		assert(!strstr(s.sysctls[i].key, "..") && !strchr(s.sysctls[i].value, '\n'));
		assert(strncmp(s.sysctls[i].key, "kernel.core", 11) != 0);
	}
	for (const char **p = s.masked; *p; p++)
		assert(**p == '/');
	return 0;
}
