/* SPDX-License-Identifier: Apache-2.0 */
/* test_spec.c - core/spec: what is taken, what is left out, and what must be refused by name */
#include "config.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/resource.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/mnt.h"
#include "core/spec.h"
#include "tests/unit/unit.h"

/* 'text' with single quotes as JSON, merged into a minimal spec at the top level. */
static int parse(const char *text, struct spec *s, struct rl_err *err)
{
	static const char base[] = "{\"ociVersion\":\"1.2.0\",\"process\":{\"args\":[\"sh\"]},"
				   "\"linux\":{\"namespaces\":[{\"type\":\"mount\"}]}}";
	json_auto_t *spec = json_loads(base, 0, NULL), *add = NULL;
	auto_free char *json = strdup(text);

	assert_non_null(json);
	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	add = json_loads(json, 0, NULL);
	assert_non_null(add);
	assert_int_equal(json_object_update(spec, add), 0);
	return spec_parse(spec, s, err);
}

static void test_defaults(void **state)
{
	auto_spec struct spec s = { 0 };
	struct rl_err err;

	(void)state;
	assert_int_equal(parse("{}", &s, &err), 0);
	assert_string_equal(s.cwd, "/");
	assert_string_equal(s.args[0], "sh");
	assert_null(s.args[1]);
	assert_null(s.env[0]);
	assert_int_equal(s.umask, 022);
	assert_int_equal(s.caps.bounding | s.caps.effective | s.caps.permitted, 0);
	assert_false(s.nested || s.terminal || s.no_new_privs || s.has_oom_score_adj);
	assert_true(spec_ns_is_new(&s, SPEC_NS_MOUNT));
	assert_false(spec_ns_is_new(&s, SPEC_NS_PID));
}

static void test_process(void **state)
{
	auto_spec struct spec s = { 0 };
	struct rl_err err;

	(void)state;
	assert_int_equal(
		parse("{'process':{'args':['a','b c',''],'env':['A=1','B='],'cwd':'/w',"
		      "'terminal':true,'consoleSize':{'height':24,'width':80},"
		      "'user':{'uid':1000,'gid':1001,'umask':63,'additionalGids':[5,4294967294]},"
		      "'capabilities':{'bounding':['CAP_CHOWN','cap_kill'],"
		      "'permitted':['CAP_CHOWN'],'effective':['CAP_CHOWN'],"
		      "'inheritable':['CAP_CHOWN'],'ambient':['CAP_CHOWN']},"
		      "'rlimits':[{'type':'RLIMIT_NOFILE','soft':10,'hard':-1}],"
		      "'noNewPrivileges':true,'oomScoreAdj':-5,'surprise':[1,2]},"
		      "'annotations':{'rl.nested':'1','x':'y'}}",
		      &s, &err),
		0);
	assert_string_equal(s.args[1], "b c");
	assert_string_equal(s.env[1], "B=");
	assert_int_equal(s.rows, 24);
	assert_int_equal(s.cols, 80);
	assert_int_equal(s.uid, 1000);
	assert_int_equal(s.gid, 1001);
	assert_int_equal(s.umask, 077);
	assert_int_equal(s.n_groups, 2);
	assert_int_equal(s.groups[1], 4294967294U);
	assert_int_equal(s.caps.bounding, CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_KILL));
	assert_int_equal(s.caps.ambient, CAP_BIT(CAP_CHOWN));
	assert_int_equal(s.rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(s.rlimits[0].hard == UINT64_MAX);
	assert_true(s.no_new_privs && s.nested && s.terminal && s.has_oom_score_adj);
	assert_int_equal(s.oom_score_adj, -5);
}

static void test_mounts(void **state)
{
	auto_spec struct spec s = { 0 };
	struct rl_err err;
	const struct spec_mount *m;

	(void)state;
	assert_int_equal(
		parse("{'mounts':["
		      "{'destination':'/t','type':'tmpfs','source':'tmpfs',"
		      "'options':['nosuid','size=64m','mode=1777','ro','rw','noswap']},"
		      "{'destination':'/b','source':'/x','options':['bind','ro','rslave']},"
		      "{'destination':'/r','type':'bind','source':'/"
		      "x','options':['rbind','rro']}]}",
		      &s, &err),
		0);
	m = s.mounts;
	assert_int_equal(m->set, MOUNT_ATTR_NOSUID);
	assert_int_equal(m->n_opts, 3);
	assert_string_equal(m->opts[0].key, "size");
	assert_string_equal(m->opts[0].val, "64m");
	assert_string_equal(m->opts[2].key, "noswap");
	assert_null(m->opts[2].val);
	m++;
	assert_true(m->is_bind && !m->recursive && m->read_only);
	assert_string_equal(m->type, "bind");
	assert_int_equal(m->propagation, MS_SLAVE);
	assert_true(m->propagation_rec);
	m++;
	assert_true(m->is_bind && m->recursive && !m->read_only);
	assert_int_equal(m->set_rec, MOUNT_ATTR_RDONLY);
}

#define LINUX(more)   "{'linux':{'namespaces':[{'type':'mount'},{'type':'network'}]," more "}}"
#define PROCESS(more) "{'process':{'args':['x']," more "}}"
#define MOUNT(more)   "{'mounts':[{" more "}]}"

static const struct {
	const char *in, *why;
} bad[] = {
	{ "{'ociVersion':'2.0.0'}", "rl reads 1.x" },
	{ "{'ociVersion':null}", "'ociVersion' is missing" },
	{ "{'process':null}", "'process' is missing" },
	{ "{'process':{'args':[]}}", "nothing to run" },
	{ "{'process':{'args':'sh'}}", "not an array" },
	{ "{'process':{'args':['sh',1]}}", "entry 1 of 'args'" },
	{ PROCESS("'env':['A']"), "NAME=VALUE" },
	{ PROCESS("'env':['=A']"), "NAME=VALUE" },
	{ PROCESS("'cwd':'tmp'"), "not an absolute path" },
	{ PROCESS("'user':{'uid':-1}"), "'uid' is -1" },
	{ PROCESS("'user':{'uid':4294967295}"), "'uid' is 4294967295" },
	{ PROCESS("'user':{'uid':4294967296}"), "'uid' is 4294967296" },
	{ PROCESS("'user':{'uid':'0'}"), "'uid' is not an integer" },
	{ PROCESS("'user':{'gid':1e3}"), "'gid' is not an integer" },
	{ PROCESS("'user':{'additionalGids':[-1]}"), "not a group id" },
	{ PROCESS("'capabilities':{'bounding':['CAP_NOPE']}"), "CAP_NOPE" },
	{ PROCESS("'capabilities':{'bounding':['CAP_7']}"), "CAP_7" },
	{ PROCESS("'capabilities':{'effective':['CAP_KILL']}"), "more than 'permitted'" },
	{ PROCESS("'capabilities':{'permitted':['CAP_KILL'],'ambient':['CAP_KILL']}"),
	  "'ambient'" },
	{ PROCESS("'rlimits':[{'type':'RLIMIT_X','soft':1,'hard':1}]"), "RLIMIT_X" },
	{ PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':2,'hard':1}]"), "soft above" },
	{ PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':1}]"), "'hard'" },
	{ PROCESS("'oomScoreAdj':2000"), "oomScoreAdj" },
	{ PROCESS("'apparmorProfile':'strict'"), "apparmorProfile" },
	{ PROCESS("'consoleSize':{'height':70000}"), "height" },
	{ "{'linux':null}", "'linux' is missing" },
	{ "{'linux':{}}", "mount namespace" },
	{ "{'linux':{'namespaces':[{'type':'mount','path':'/x'}]}}", "mount namespace" },
	{ "{'linux':{'namespaces':[{'type':'mount'},{'type':'mount'}]}}", "twice" },
	{ "{'linux':{'namespaces':[{'type':'moon'}]}}", "moon" },
	{ "{'hostname':'h'}", "uts namespace" },
	{ LINUX("'sysctl':{'kernel.core_pattern':'x'}"), "belongs to the host" },
	{ LINUX("'sysctl':{'net.a\\n':'x'}"), "not a sysctl name" },
	{ LINUX("'sysctl':{'net.../../kernel':'x'}"), "not a sysctl name" },
	{ LINUX("'sysctl':{'net.ipv4.x':'1\\n2'}"), "control byte" },
	{ LINUX("'sysctl':{'kernel.sem':'1'}"), "ipc namespace" },
	{ LINUX("'sysctl':{'net.x':1}"), "not a short string" },
	{ LINUX("'devices':[{'path':'/etc/x','type':'c'}]"), "not below /dev" },
	{ LINUX("'devices':[{'path':'/dev/x','type':'p'}]"), "type 'p'" },
	{ LINUX("'maskedPaths':['x']"), "not an absolute path" },
	{ LINUX("'timeOffsets':{'monotonic':{'secs':1}}"), "time namespace" },
	{ LINUX("'rootfsPropagation':'wild'"), "wild" },
	{ MOUNT("'type':'tmpfs'"), "'destination' is missing" },
	{ MOUNT("'destination':'x','type':'tmpfs'"), "not an absolute path" },
	{ MOUNT("'destination':'/x'"), "type is missing" },
	{ MOUNT("'destination':'/x','type':'bind'"), "needs a source" },
	{ MOUNT("'destination':'/x','type':'bind','source':'a'"), "not an absolute path" },
	{ MOUNT("'destination':'/x','type':'bind','source':'/a','options':['size=1']"),
	  "unknown option 'size'" },
	{ MOUNT("'destination':'/x','type':'bind','source':'/a','options':['remount']"),
	  "'remount' is not supported" },
	{ MOUNT("'destination':'/x','type':'tmpfs','uidMappings':[{}]"), "id-mapped" },
	{ "{'mounts':[1]}", "not an object" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct spec s = { .rows = 77 };
		struct rl_err err = { 0 };
		int r = parse(bad[i].in, &s, &err);

		if (r >= 0 || !strstr(err.msg, bad[i].why))
			fail_msg("%s: %d, '%s'", bad[i].in, r, err.msg);
		assert_int_equal(s.rows, 77); /* nothing written on failure */
	}
}

static void test_too_many(void **state)
{
	json_auto_t *spec = json_pack("{s:s,s:{s:[]},s:{s:[{s:s}]}}", "ociVersion", "1.0.0",
				      "process", "args", "linux", "namespaces", "type", "mount");
	json_t *args = json_object_get(json_object_get(spec, "process"), "args");
	struct rl_err err;
	struct spec s;

	(void)state;
	for (size_t i = 0; i <= SPEC_ARGS_MAX; i++)
		assert_int_equal(json_array_append_new(args, json_string("x")), 0);
	assert_int_equal(spec_parse(spec, &s, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "the limit is"));
	assert_int_equal(json_array_clear(args), 0);
	{
		auto_free char *big = malloc(SPEC_STRING_MAX + 2);

		assert_non_null(big);
		memset(big, 'x', SPEC_STRING_MAX + 1);
		big[SPEC_STRING_MAX + 1] = '\0';
		assert_int_equal(json_array_append_new(args, json_string(big)), 0);
	}
	assert_int_equal(spec_parse(spec, &s, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "longer than"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_process),
		cmocka_unit_test(test_mounts),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests_name("core/spec", tests, NULL, NULL);
}
