/* SPDX-License-Identifier: Apache-2.0 */
/* test_volopt.c - cmd/engine/volopt, ulimit, mntlist: the words of options, taken and refused */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/resource.h>

#include "cmd/engine/mntlist.h"
#include "cmd/engine/ulimit.h"
#include "cmd/engine/volopt.h"
#include "core/base/cleanup.h"

static void test_volume(void **state)
{
	static const struct {
		const char *in;
		enum volopt_kind kind;
		const char *source, *dest;
		bool ro;
	} v[] = {
		{ "/a:/b", VOLOPT_BIND, "/a", "/b", false },
		{ "./a:/b/../c//d/:ro", VOLOPT_BIND, "./a", "/c/d", true },
		{ "data:/b:rw,z", VOLOPT_VOLUME, "data", "/b", false },
		{ "/b", VOLOPT_VOLUME, NULL, "/b", false },
	};
	static const char *const bad[] = {
		"",           ":",
		"a:",         ":/a",
		"/a:b",       "/a:/",
		"/a:/b:what", "/a:/b:O,U",
		"/a:/b:ro:x", "a/b:/c",
		"/a:/..",     "d:/x:shared",
		"/a:/b\n",    "/a:/b:idmap=uids=0-1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		auto_volopt struct volopt o = { 0 };
		struct rl_err err = { 0 };

		if (volopt_volume(v[i].in, &o, &err) < 0)
			fail_msg("%s: %s", v[i].in, err.msg);
		assert_int_equal(o.kind, v[i].kind);
		assert_string_equal(o.dest, v[i].dest);
		assert_int_equal(o.read_only, v[i].ro);
		if (v[i].source)
			assert_string_equal(o.source, v[i].source);
		else
			assert_null(o.source);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volopt o = { 0 };
		struct rl_err err = { 0 };

		if (volopt_volume(bad[i], &o, &err) >= 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_null(o.dest);
		assert_true(err.msg[0]);
	}
}

static void test_mount(void **state)
{
	static const char *const bad[] = {
		"type=bind,dst=/a",
		"type=bind,src=/a",
		"type=tmpfs,src=/a,dst=/b",
		"type=volume,src=a/b,dst=/c",
		"type=bind,src=/a,dst=/b,dst=/c",
		"type=bind,src=/a,dst=/b,ro=maybe",
		"type=bind,src=/a,dst=/b,tmpfs-size=1",
		"type=tmpfs,dst=/a,tmpfs-size=x",
		"type=tmpfs,dst=/a,tmpfs-mode=9",
		"type=devpts,src=/a,dst=/b",
		"dst=/a,what=ever",
	};
	auto_volopt struct volopt o = { 0 };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(
		volopt_mount("type=bind,source=/a,target=/b,readonly,bind-propagation=rslave,"
			     "bind-nonrecursive,noexec",
			     &o, &err),
		0);
	assert_true(o.read_only && o.not_recursive && o.exec < 0);
	assert_string_equal(o.propagation, "rslave");
	volopt_done(&o);
	assert_int_equal(volopt_mount("type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=0700", &o, &err),
			 0);
	assert_int_equal(o.data.n, 2);
	assert_string_equal(o.data.v[0], "size=2097152");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volopt b = { 0 };

		if (volopt_mount(bad[i], &b, &err) >= 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_null(b.dest);
	}
}

/* What a mount option would smuggle into the data of a tmpfs. */
static void test_tmpfs(void **state)
{
	static const char *const bad[] = { "/t:size=",     "/t:size=1 m", "/t:uid=-1",
					   "/t:gid=x",     "/t:mode=8",   "/t:size=1m,lowerdir=/",
					   "/t:context=x", "t",           "/t:bind" };
	struct rl_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volopt b = { 0 };

		if (volopt_tmpfs(bad[i], &b, &err) >= 0)
			fail_msg("'%s' was taken", bad[i]);
	}
}

static void test_ulimit(void **state)
{
	static const char *const bad[] = { "",   "nofile", "nofile=",   "nofile=x",    "nofile=2:1",
					   "=1", "what=1", "nofile=-2", "nofile=1:2:3" };
	struct ulimit u;
	struct rl_err err;

	(void)state;
	assert_int_equal(ulimit_parse("nofile=10:20", &u, &err), 0);
	assert_int_equal(u.resource, RLIMIT_NOFILE);
	assert_true(u.soft == 10 && u.hard == 20);
	assert_int_equal(ulimit_parse("RLIMIT_CORE=-1", &u, &err), 0);
	assert_true(u.soft == UINT64_MAX && u.hard == UINT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (ulimit_parse(bad[i], &u, &err) >= 0)
			fail_msg("'%s' was taken", bad[i]);
}

static void test_mntlist(void **state)
{
	const char *const none[] = { NULL };
	struct mntlist l = { 0 };
	struct rl_err err = { 0 };
	json_auto_t *to = json_array();

	(void)state;
	assert_int_equal(mntlist_add(&l, MNT_USER, "/a/b", "bind", "/x", none, &err), 0);
	assert_int_equal(mntlist_add(&l, MNT_USER, "/a", "tmpfs", "tmpfs", none, &err), 0);
	assert_int_equal(mntlist_add(&l, MNT_USER, "/a", "bind", "/y", none, &err), -EEXIST);
	assert_int_equal(mntlist_add(&l, MNT_DEFAULT, "/a", "proc", "p", none, &err), 1);
	assert_int_equal(mntlist_add(&l, MNT_DEFAULT, "/p", "proc", "p", none, &err), 0);
	assert_true(mntlist_covers(&l, "/a/b/c") && mntlist_covers(&l, "/a"));
	assert_false(mntlist_covers(&l, "/a/c")); /* in the tmpfs things may be made */
	assert_false(mntlist_covers(&l, "/ab") || mntlist_covers(&l, "/p/x"));
	assert_int_equal(mntlist_finish(&l, to, &err), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(to, 0), "destination")), "/p");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(to, 2), "destination")), "/a/b");
	mntlist_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_volume),  cmocka_unit_test(test_mount),
		cmocka_unit_test(test_tmpfs),   cmocka_unit_test(test_ulimit),
		cmocka_unit_test(test_mntlist),
	};

	return cmocka_run_group_tests_name("cmd/engine/volopt", tests, NULL, NULL);
}
