/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_imgconfig.c - any image config: what it changes in the runtime spec is what is documented
 *
 * The spec of the fuzzed image is compared with that of a plain one (SECURITY S36, S37): besides
 * args, env, cwd, user and mounts of its VOLUMEs the two must be equal.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>

#include "tests/unit/spec_rig.h"

#include "core/base/json.h"
#include "core/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS "--security-opt seccomp=unconfined --image-volume tmpfs i"

static struct spec_rig rig;
static struct spec_out plain;

static void close_rig(void)
{
	spec_out_done(&plain);
	rig_close(&rig);
}

static void start(void)
{
	json_auto_t *config = json_pack("{s:{s:[s]}}", "config", "Cmd", "x");
	struct rl_err err;

	log_set_level(LOG_ERROR);
	assert(config && rig_open(&rig) == 0);
	assert(rig_build(&rig, WORDS, config, &plain, &err) == 0);
	(void)atexit(close_rig); /* the scratch folder goes with the process */
}

static void assert_same(const json_t *a, const json_t *b, const char *key)
{
	assert(json_equal(json_object_get(a, key), json_object_get(b, key)));
}

/* Every mount of the plain image is there, and what is new is a tmpfs in a harmless place. */
static void check_mounts(const json_t *got, const json_t *want)
{
	const json_t *g, *w;
	size_t i, k, found = 0;

	json_array_foreach (got, i, g) {
		const char *dest = json_string_value(json_object_get(g, "destination"));
		bool known = false;

		json_array_foreach (want, k, w)
			known |= json_equal(g, w);
		found += known;
		if (known)
			continue;
		assert(*dest == '/' && dest[1] && !strstr(dest, "/../"));
		assert(strcmp(json_string_value(json_object_get(g, "type")), "tmpfs") == 0);
		assert(strncmp(dest, "/proc", 5) != 0 || (dest[5] && dest[5] != '/'));
		assert(strncmp(dest, "/sys", 4) != 0 || (dest[4] && dest[4] != '/'));
		assert(strncmp(dest, "/dev", 4) != 0 || (dest[4] && dest[4] != '/'));
	}
	assert(found + 5 >= json_array_size(want)); /* VOLUME /etc/hosts replaces ours */
}

static void check(const json_t *got, const json_t *want)
{
	const json_t *p = json_object_get(got, "process"), *q = json_object_get(want, "process");
	const char *cwd = json_string_value(json_object_get(p, "cwd"));

	assert_same(got, want, "linux");
	assert_same(got, want, "root");
	assert_same(got, want, "hostname");
	assert_same(got, want, "ociVersion");
	assert(!json_object_get(got, "annotations") && !json_object_get(got, "hooks"));
	assert_same(p, q, "rlimits");
	assert_same(p, q, "noNewPrivileges");
	assert_same(p, q, "terminal");
	assert(json_array_size(json_object_get(p, "args")) > 0);
	assert(cwd && *cwd == '/' && !strchr(cwd, '\n'));
	if (json_integer_value(json_object_get(json_object_get(p, "user"), "uid")) == 0)
		assert_same(p, q, "capabilities");
	check_mounts(json_object_get(got, "mounts"), json_object_get(want, "mounts"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *config = NULL;
	struct spec_out out = { 0 };
	struct rl_err err = { 0 };

	if (!plain.spec)
		start();
	if (json_read((const char *)data, size, 1 << 20, "config", &config, &err) < 0)
		return 0;
	if (rig_build(&rig, WORDS, config, &out, &err) < 0) {
		assert(err.code > 0 && err.msg[0] && !out.spec);
		return 0;
	}
	check(out.spec, plain.spec);
	spec_out_done(&out);
	return 0;
}
