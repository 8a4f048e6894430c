/* SPDX-License-Identifier: Apache-2.0 */
/* test_registries.c - storage/registries: file order, short names, endpoints, refused files */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/registries.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char dir[] = "/tmp/rl-test-registries-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	struct rl_err err = { 0 };

	(void)state;
	return io_remove_tree(AT_FDCWD, dir, &err);
}

static char *put(const char *name, const char *text)
{
	char *path = str_printf("%s/%s", dir, name);
	struct rl_err err = { 0 };

	assert_non_null(path);
	if (strchr(name, '/')) {
		auto_free char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));

		assert_int_equal(io_mkdirs(AT_FDCWD, parent, 0700, &err), 0);
	}
	assert_int_equal(io_replace_file(AT_FDCWD, path, text, strlen(text), 0600, IO_NOSYNC, &err),
			 0);
	return path;
}

static struct registries *load(const char *text)
{
	auto_free char *path = put("one.conf", text);
	struct registries_paths paths = { .file = path };
	struct registries *reg = NULL;
	struct rl_err err = { 0 };

	if (registries_load_paths(&paths, &reg, &err) < 0)
		fail_msg("%s", err.msg);
	return reg;
}

/* All candidates, or the message, in one string. */
static char *candidates(const struct registries *reg, const char *name)
{
	auto_strv struct strv v = { 0 };
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };

	if (registries_candidates(reg, name, &v, &err) < 0)
		return strdup(err.msg);
	for (size_t i = 0; i < v.n; i++)
		assert_int_equal(buf_printf(&b, "%s%s", i ? " " : "", v.v[i]), 0);
	return buf_take(&b);
}

static void expect_candidates(const struct registries *reg, const char *name, const char *want)
{
	auto_free char *got = candidates(reg, name);

	assert_string_equal(got, want);
}

/* "[m:][i:]ref" per endpoint, or the message */
static char *endpoints(const struct registries *reg, const char *name)
{
	struct endpoint ep[ENDPOINTS_MAX];
	auto_ref struct ref ref = { 0 };
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };
	int n;

	assert_int_equal(ref_parse(name, strlen(name), &ref, &err), 0);
	n = registries_endpoints(reg, &ref, ep, &err);
	if (n < 0)
		return strdup(err.msg);
	for (int i = 0; i < n; i++) {
		auto_free char *text = ref_print(&ep[i].ref);

		assert_int_equal(buf_printf(&b, "%s%s%s%s", i ? " " : "",
					    ep[i].is_mirror ? "m:" : "", ep[i].insecure ? "i:" : "",
					    text),
				 0);
		ref_done(&ep[i].ref);
	}
	return buf_take(&b);
}

static void expect_endpoints(const struct registries *reg, const char *name, const char *want)
{
	auto_free char *got = endpoints(reg, name);

	assert_string_equal(got, want);
}

static void test_without_files(void **state)
{
	(void)state;
	expect_candidates(NULL, "alpine", "docker.io/library/alpine:latest");
	expect_candidates(NULL, "quay.io/a/b:c", "quay.io/a/b:c");
	expect_endpoints(NULL, "alpine", "docker.io/library/alpine:latest");
}

static void test_short_names(void **state)
{
	auto_registries struct registries *reg = load(
		"unqualified-search-registries = [\"r.io\", \"docker.io\", \"q.io:5000/sub\"]\n"
		"[aliases]\n\"web\" = \"example.com/team/web\"\n\"me/app\"='localhost/app'\n");
	auto_registries struct registries *none = load("unqualified-search-registries = []\n");
	auto_registries struct registries *unset = load("[aliases]\n");
	auto_registries struct registries *strict =
		load("short-name-mode='enforcing'\nunqualified-search-registries=['a.io','b.io']");
	auto_free char *msg = candidates(none, "x"), *msg2 = candidates(strict, "x");

	(void)state;
	expect_candidates(reg, "a:1", "r.io/a:1 docker.io/library/a:1 q.io:5000/sub/a:1");
	expect_candidates(reg, "web", "example.com/team/web:latest");
	expect_candidates(reg, "web:2", "example.com/team/web:2");
	expect_candidates(reg, "web@sha256:" HEX64, "example.com/team/web@sha256:" HEX64);
	expect_candidates(reg, "me/app", "localhost/app:latest");
	expect_candidates(reg, "quay.io/web", "quay.io/web:latest");
	expect_candidates(unset, "x", "docker.io/library/x:latest");
	assert_non_null(strstr(msg, "list of search registries is empty"));
	assert_non_null(strstr(msg2, "enforcing"));
	expect_candidates(strict, "c.io/x", "c.io/x:latest");
}

static void test_endpoints(void **state)
{
	auto_registries struct registries *reg = load(
		"[[registry]]\nprefix = \"example.com/foo\"\nlocation = \"int.example.com/bar/\"\n"
		"[[registry.mirror]]\nlocation = \"m0.local/mirror-for-foo\"\n"
		"[[registry.mirror]]\nlocation = \"m1.local/foo\"\ninsecure = true\n"
		"[[registry.mirror]]\nlocation = \"m2.local\"\npull-from-mirror = \"digest-only\"\n"
		"[[registry]]\nlocation = \"bad.com\"\nblocked = true\n"
		"[[registry]]\nprefix = \"bad.com/good\"\nlocation = 'bad.com/good'\n"
		"[[registry]]\nprefix = \"*.w.com\"\ninsecure = true\n"
		"[[registry]]\nprefix = \"*.x.w.com\"\nlocation = 'y.com/z'\n"
		"[[registry]]\nlocation = \"docker.io\"\n[[registry.mirror]]\nlocation='h:5000'\n");
	auto_free char *msg = endpoints(reg, "bad.com/a/b");

	(void)state;
	expect_endpoints(reg, "example.com/foo/i",
			 "m:m0.local/mirror-for-foo/i:latest m:i:m1.local/foo/i:latest "
			 "int.example.com/bar/i:latest");
	expect_endpoints(reg, "example.com/foo/i@sha256:" HEX64,
			 "m:m0.local/mirror-for-foo/i@sha256:" HEX64
			 " m:i:m1.local/foo/i@sha256:" HEX64 " m:m2.local/i@sha256:" HEX64
			 " int.example.com/bar/i@sha256:" HEX64);
	expect_endpoints(reg, "example.com/foo:1",
			 "m:m0.local/mirror-for-foo:1 m:i:m1.local/foo:1 int.example.com/bar:1");
	expect_endpoints(reg, "example.com/foobar", "example.com/foobar:latest");
	expect_endpoints(reg, "bad.com/good/x", "bad.com/good/x:latest");
	expect_endpoints(reg, "bad.com:5000/x", "bad.com:5000/x:latest");
	expect_endpoints(reg, "a.b.w.com/x", "i:a.b.w.com/x:latest");
	expect_endpoints(reg, "w.com/x", "w.com/x:latest");
	expect_endpoints(reg, "a.x.w.com/x", "y.com/z/x:latest");
	expect_endpoints(reg, "alpine",
			 "m:h:5000/library/alpine:latest docker.io/library/alpine:latest");
	assert_non_null(strstr(msg, "blocked by"));
	assert_non_null(strstr(msg, "one.conf line 12"));
}

static void test_order_of_files(void **state)
{
	auto_free char *sysfile = put("s.conf", "unqualified-search-registries = ['sys.io']\n");
	auto_free char *user = put("u.conf", "unqualified-search-registries = ['user.io']\n");
	auto_free char *d1 = put("sys.d/10-a.conf", "[aliases]\na='one.io/a'\nb='one.io/b'\n");
	auto_free char *d2 = put("sys.d/20-b.conf", "[aliases]\na='two.io/a'\nb=''\n");
	auto_free char *d3 = put("sys.d/ignored", "not toml");
	auto_free char *d4 = put("user.d/x.conf", "[aliases]\nc='user.io/c'\n");
	auto_free char *sys_d = str_printf("%s/sys.d", dir), *user_d = str_printf("%s/user.d", dir);
	struct registries_paths p = { .user_file = "/nonexistent",
				      .system_file = sysfile,
				      .system_dir = sys_d,
				      .user_dir = user_d };
	auto_registries struct registries *both = NULL, *only_user = NULL;
	struct rl_err err = { 0 };

	(void)state;
	(void)d1, (void)d2, (void)d3, (void)d4; /* only their files matter */
	assert_int_equal(registries_load_paths(&p, &both, &err), 0);
	expect_candidates(both, "a", "two.io/a:latest");
	expect_candidates(both, "b", "sys.io/b:latest");
	expect_candidates(both, "c", "user.io/c:latest");
	p.user_file = user;
	assert_int_equal(registries_load_paths(&p, &only_user, &err), 0);
	expect_candidates(only_user, "a", "user.io/a:latest");
	expect_candidates(only_user, "c", "user.io/c:latest");
}

static void test_refused(void **state)
{
	static const struct {
		const char *in, *why;
	} bad[] = {
		{ "[[registry]\n", "line 1" },
		{ "\n[[registry]]\nblocked = 'true'\nlocation='a.io'", "line 3: 'blocked'" },
		{ "[[registry]]\ninsecure = true\n", "neither a location nor a prefix" },
		{ "[[registry]]\nlocation = 'http://a.io'\n", "has a scheme" },
		{ "[[registry]]\nlocation = 'a'\n", "does not begin with a registry" },
		{ "[[registry]]\nlocation = '/'\n", "is empty" },
		{ "[[registry]]\nprefix = 'a.*.io'\nlocation='a.io'", "not a host name" },
		{ "[[registry]]\nprefix = '*.a.io/x'\nlocation='a.io'", "wildcard" },
		{ "[[registry]]\nlocation = 'a.io/../b'\n", "'..'" },
		{ "[registry]\nlocation = 'a.io'\n", "[[registry]]" },
		{ "[[registry]]\nlocation='a.io'\n[[registry]]\nlocation='a.io'\nblocked=true\n",
		  "defined differently on line 1" },
		{ "[[registry]]\nlocation='a.io'\n[[registry.mirror]]\n", "no location" },
		{ "[[registry]]\nlocation='a.io'\nmirror-by-digest-only=true\n[[registry.mirror]]\n"
		  "location='b.io'\npull-from-mirror='all'\n",
		  "cannot be set together" },
		{ "[[registry]]\nlocation='a.io'\n[[registry.mirror]]\nlocation='b.io'\n"
		  "pull-from-mirror='some'\n",
		  "'some'" },
		{ "short-name-mode = 'loose'", "'loose'" },
		{ "unqualified-search-registries = 'a.io'", "not a list" },
		{ "unqualified-search-registries = [1]", "not a string" },
		{ "[aliases]\n'a.io/b' = 'c.io/d'", "not a short name" },
		{ "[aliases]\n'b:1' = 'c.io/d'", "not a short name" },
		{ "[aliases]\nb = 'd'", "not a full name" },
		{ "[aliases]\nb = 'c.io/d:1'", "not a full name" },
		{ "[registries.search]\nregistries = ['a.io']", "format of version 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *path = put("bad.conf", bad[i].in);
		struct registries_paths paths = { .file = path };
		struct registries *reg = NULL;
		struct rl_err err = { 0 };

		assert_true(registries_load_paths(&paths, &reg, &err) < 0);
		if (!strstr(err.msg, bad[i].why) || !strstr(err.msg, "bad.conf line "))
			fail_msg("case %zu: %s", i, err.msg);
		assert_null(reg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_files), cmocka_unit_test(test_short_names),
		cmocka_unit_test(test_endpoints),     cmocka_unit_test(test_order_of_files),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("storage/registries", tests, make_dir, remove_dir);
}
