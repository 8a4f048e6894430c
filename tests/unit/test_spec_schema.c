/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_spec_schema.c - the written config.json has the shape that the OCI JSON schema asks for
 *
 * The table is taken from the schema of opencontainers/runtime-spec 1.2 (config-schema.json,
 * config-linux.json, defs.json) for the members that rl writes. A member that is not listed is an
 * error here, so that nobody adds one without looking it up. tests/integration/spec_schema.sh
 * asks the real schema where it is installed.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include "spec_rig.h"

#include "core/base/json.h"

/* type: s string, i unsigned integer, I integer, b boolean, S strings, M map of strings,
 * o object of the kind @of, a array of objects of the kind @of */
static const struct member {
	const char *kind, *key;
	char type;
	bool required;
	const char *of;
} members[] = {
	{ "spec", "ociVersion", 's', true, NULL },
	{ "spec", "process", 'o', false, "process" },
	{ "spec", "root", 'o', false, "root" },
	{ "spec", "hostname", 's', false, NULL },
	{ "spec", "mounts", 'a', false, "mount" },
	{ "spec", "linux", 'o', false, "linux" },
	{ "spec", "annotations", 'M', false, NULL },
	{ "process", "args", 'S', false, NULL },
	{ "process", "cwd", 's', true, NULL },
	{ "process", "env", 'S', false, NULL },
	{ "process", "terminal", 'b', false, NULL },
	{ "process", "user", 'o', false, "user" },
	{ "process", "capabilities", 'o', false, "capabilities" },
	{ "process", "noNewPrivileges", 'b', false, NULL },
	{ "process", "oomScoreAdj", 'I', false, NULL },
	{ "process", "rlimits", 'a', false, "rlimit" },
	{ "user", "uid", 'i', false, NULL },
	{ "user", "gid", 'i', false, NULL },
	{ "user", "umask", 'i', false, NULL },
	{ "user", "additionalGids", 'n', false, NULL },
	{ "capabilities", "bounding", 'S', false, NULL },
	{ "capabilities", "effective", 'S', false, NULL },
	{ "capabilities", "permitted", 'S', false, NULL },
	{ "capabilities", "inheritable", 'S', false, NULL },
	{ "capabilities", "ambient", 'S', false, NULL },
	{ "rlimit", "type", 's', true, NULL },
	{ "rlimit", "soft", 'i', true, NULL },
	{ "rlimit", "hard", 'i', true, NULL },
	{ "root", "path", 's', true, NULL },
	{ "root", "readonly", 'b', false, NULL },
	{ "mount", "destination", 's', true, NULL },
	{ "mount", "type", 's', false, NULL },
	{ "mount", "source", 's', false, NULL },
	{ "mount", "options", 'S', false, NULL },
	{ "linux", "namespaces", 'a', false, "namespace" },
	{ "linux", "uidMappings", 'a', false, "mapping" },
	{ "linux", "gidMappings", 'a', false, "mapping" },
	{ "linux", "sysctl", 'M', false, NULL },
	{ "linux", "maskedPaths", 'S', false, NULL },
	{ "linux", "readonlyPaths", 'S', false, NULL },
	{ "linux", "resources", 'o', false, "resources" },
	{ "linux", "seccomp", 'o', false, "seccomp" },
	{ "namespace", "type", 's', true, NULL },
	{ "mapping", "containerID", 'i', true, NULL },
	{ "mapping", "hostID", 'i', true, NULL },
	{ "mapping", "size", 'i', true, NULL },
	{ "resources", "cpu", 'o', false, "cpu" },
	{ "resources", "memory", 'o', false, "memory" },
	{ "resources", "pids", 'o', false, "pids" },
	{ "cpu", "quota", 'I', false, NULL },
	{ "cpu", "period", 'i', false, NULL },
	{ "cpu", "shares", 'i', false, NULL },
	{ "cpu", "cpus", 's', false, NULL },
	{ "cpu", "mems", 's', false, NULL },
	{ "memory", "limit", 'I', false, NULL },
	{ "memory", "swap", 'I', false, NULL },
	{ "memory", "reservation", 'I', false, NULL },
	{ "pids", "limit", 'I', true, NULL },
	{ "seccomp", "defaultAction", 's', true, NULL },
	{ "seccomp", "defaultErrnoRet", 'i', false, NULL },
	{ "seccomp", "architectures", 'S', false, NULL },
	{ "seccomp", "syscalls", 'a', false, "syscall" },
	{ "syscall", "names", 'S', true, NULL },
	{ "syscall", "action", 's', true, NULL },
	{ "syscall", "errnoRet", 'i', false, NULL },
	{ "syscall", "args", 'a', false, "arg" },
	{ "arg", "index", 'i', true, NULL },
	{ "arg", "value", 'i', true, NULL },
	{ "arg", "valueTwo", 'i', false, NULL },
	{ "arg", "op", 's', true, NULL },
};

static void check(const char *kind, json_t *o);

static bool all(const json_t *list, bool (*is)(const json_t *))
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (!is(v))
			return false;
	return json_is_array(list);
}

static bool is_string(const json_t *v)
{
	return json_is_string(v);
}

static bool is_unsigned(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) >= 0;
}

static bool is_map(json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v)
		if (!*key || !json_is_string(v))
			return false;
	return json_is_object(o);
}

static bool has_type(const struct member *m, json_t *v)
{
	json_t *e;
	size_t i;

	switch (m->type) {
	case 's':
		return json_is_string(v);
	case 'i':
		return is_unsigned(v);
	case 'I':
		return json_is_integer(v);
	case 'b':
		return json_is_boolean(v);
	case 'S':
		return all(v, is_string);
	case 'n':
		return all(v, is_unsigned);
	case 'M':
		return is_map(v);
	case 'o':
		check(m->of, v);
		return true;
	default:
		json_array_foreach (v, i, e)
			check(m->of, e);
		return json_is_array(v);
	}
}

static const struct member *find(const char *kind, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(members[i].kind, kind) == 0 && strcmp(members[i].key, key) == 0)
			return &members[i];
	return NULL;
}

static void check(const char *kind, json_t *o)
{
	const char *key;
	json_t *v;

	if (!json_is_object(o))
		fail_msg("%s is not an object", kind);
	json_object_foreach (o, key, v) {
		const struct member *m = find(kind, key);

		if (!m)
			fail_msg("%s has the unknown member '%s'", kind, key);
		else if (!has_type(m, v))
			fail_msg("%s: '%s' has the wrong type", kind, key);
	}
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (members[i].required && strcmp(members[i].kind, kind) == 0 &&
		    !json_object_get(o, members[i].key))
			fail_msg("%s lacks '%s'", kind, members[i].key);
}

static void test_shape(void **state)
{
	static const char *const words[] = {
		"i",
		"-it --privileged --cpus 1 -m 64m --memory-swap -1 --memory-reservation 1m -c 5 "
		"--cpuset-cpus 0 --cpuset-mems 0 i",
		"--net host --pid host --ipc host --uts host --cgroupns host --cap-add all i",
		"--userns keep-id --read-only -v /usr:/a:ro --tmpfs /t:size=1m -v d:/d "
		"--device /dev/null:/dev/q --sysctl net.ipv4.ip_forward=1 --annotation a=b "
		"--oom-score-adj 5 --ulimit host --group-add 4 i",
	};
	json_auto_t *config = json_pack("{s:{s:[s], s:s, s:{s:{}}}}", "config", "Cmd", "sh", "User",
					"web", "Volumes", "/v");
	struct spec_rig rig;

	(void)state;
	assert_int_equal(rig_open(&rig), 0);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		auto_buf struct buf text = { 0 };
		json_auto_t *spec = NULL;
		struct spec_out out;
		struct rl_err err = { 0 };

		if (rig_build(&rig, words[i], config, &out, &err) < 0)
			fail_msg("%s: %s", words[i], err.msg);
		assert_int_equal(spec_write(&out, rig.ctr_fd, false, &err), 0);
		assert_int_equal(io_read_file(rig.ctr_fd, "config.json", 1 << 20, &text, &err), 0);
		/* the text is put together from two: it must be one JSON again */
		assert_int_equal(json_read(text.data, text.len, 1 << 20, "config", &spec, &err), 0);
		check("spec", spec);
		assert_string_equal(json_string_value(json_object_get(spec, "ociVersion")),
				    "1.2.0");
		spec_out_done(&out);
	}
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
	};

	return cmocka_run_group_tests_name("runtime spec schema", tests, NULL, NULL);
}
