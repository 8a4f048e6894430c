/* SPDX-License-Identifier: Apache-2.0 */
/* test_image.c - storage/image: record, find, list, tag, remove; damage stays where it is */
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
#include "core/base/log.h"
#include "storage/image.h"

static char dir[] = "/tmp/rl-test-image-XXXXXX";
static struct rl rl = { .data_fd = FD_NONE };
static struct rl_err err;

static int open_store(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	/* no configuration files of the machine or the user */
	if (!mkdtemp(dir) || setenv("HOME", dir, 1) < 0 || unsetenv("XDG_CONFIG_HOME") < 0)
		return -1;
	rl.data_dir = dir;
	rl.data_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return rl.data_fd < 0;
}

static int empty_store(void **state)
{
	static const char *const all[] = { "images", "names", "layers", "containers" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (io_remove_tree(rl.data_fd, all[i], &err) < 0)
			return -1;
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	fd_close(rl.data_fd);
	return io_remove_tree(AT_FDCWD, dir, &err);
}

/* 64 times the same hex digit */
static const char *hex(char c)
{
	static char v[16][65];
	char *s = v[(c >= 'a' ? c - 'a' + 10 : c - '0') & 15];

	memset(s, c, 64);
	return s;
}

static const char *sha(char c)
{
	static char v[16][72];
	char *s = v[(c >= 'a' ? c - 'a' + 10 : c - '0') & 15];

	(void)snprintf(s, 72, "sha256:%s", hex(c));
	return s;
}

/* An image with id cc..., manifest dd..., and the layers named by digits in @layers. */
static void record(char id, char digest, const char *layers, const char *platform, const char *name)
{
	auto_strv struct strv diff_ids = { 0 }, names = { 0 };
	auto_buf struct buf b = { 0 };
	struct platform p;
	struct image_new n = { .id = hex(id),
			       .manifest = "{}",
			       .manifest_len = 2,
			       .digest = sha(digest),
			       .index_digest = sha('f'),
			       .diff_ids = &diff_ids,
			       .names = &names,
			       .size = 1000 };

	assert_int_equal(platform_parse(platform, &p, &err), 0);
	assert_int_equal(buf_printf(&b,
				    "{\"os\":\"%s\",\"architecture\":\"%s\",\"variant\":\"%s\","
				    "\"created\":\"202%c-01-02T03:04:05Z\",\"rootfs\":{\"type\":"
				    "\"layers\",\"diff_ids\":[",
				    p.os, p.arch, p.variant, id >= 'a' ? '9' : id),
			 0);
	for (const char *l = layers; *l; l++) {
		assert_int_equal(strv_add(&diff_ids, sha(*l)), 0);
		assert_int_equal(buf_printf(&b, "%s\"%s\"", l == layers ? "" : ",", sha(*l)), 0);
	}
	assert_int_equal(buf_str(&b, "]}}"), 0);
	n.config = b.data;
	n.config_len = b.len;
	if (name)
		assert_int_equal(strv_add(&names, name), 0);
	if (image_record(&rl, &n, &err) < 0)
		fail_msg("%s", err.msg);
}

static void put(const char *path, const char *text)
{
	auto_free char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(io_mkdirs(rl.data_fd, parent, 0700, &err), 0);
	assert_int_equal(
		io_replace_file(rl.data_fd, path, text, strlen(text), 0600, IO_NOSYNC, &err), 0);
}

static bool exists(const char *path)
{
	return faccessat(rl.data_fd, path, F_OK, 0) == 0;
}

static void expect_found(const char *word, char id, const char *name)
{
	auto_image struct image img = { 0 };

	if (image_find(&rl, word, NULL, &img, &err) < 0)
		fail_msg("'%s': %s", word, err.msg);
	assert_string_equal(img.id, hex(id));
	assert_non_null(img.config);
	if (name)
		assert_string_equal(img.name, name);
	else
		assert_null(img.name);
}

static void test_find(void **state)
{
	auto_image struct image img = { 0 };

	(void)state;
	record('1', 'a', "12", "linux/amd64", "docker.io/library/alpine:latest");
	record('2', 'b', "13", "linux/amd64", "quay.io/x/y:v1");
	expect_found("alpine", '1', "docker.io/library/alpine:latest");
	expect_found("docker.io/alpine", '1', "docker.io/library/alpine:latest");
	expect_found("quay.io/x/y:v1", '2', "quay.io/x/y:v1");
	expect_found(hex('2'), '2', NULL);
	expect_found(sha('2'), '2', NULL);
	expect_found("11", '1', NULL);
	/* by the digest of the manifest, and of the index it came through */
	assert_int_equal(image_find(&rl, "alpine:other", NULL, &img, &err), -ENOENT);
	assert_string_equal(err.msg, "alpine:other: image not known");
	{
		auto_free char *m = str_printf("alpine@%s", sha('a')),
			       *i = str_printf("alpine@%s", sha('f')),
			       *none = str_printf("alpine@%s", sha('b'));

		auto_free char *canonical = str_printf("docker.io/library/%s", m);

		expect_found(m, '1', canonical);
		assert_int_equal(image_find(&rl, i, NULL, &img, &err), 0);
		image_done(&img);
		assert_int_equal(image_find(&rl, none, NULL, &img, &err), -ENOENT);
	}
	assert_int_equal(image_find(&rl, "../../etc", NULL, &img, &err), -EINVAL);
	assert_int_equal(image_find(&rl, "33", NULL, &img, &err), -ENOENT);
}

static void test_localhost_comes_first(void **state)
{
	(void)state;
	record('1', 'a', "1", "linux/amd64", "docker.io/library/web:latest");
	record('2', 'b', "1", "linux/amd64", "localhost/web:latest");
	expect_found("web", '2', "localhost/web:latest");
	expect_found("docker.io/web", '1', "docker.io/library/web:latest");
}

static void test_ambiguous_prefix(void **state)
{
	auto_image struct image img = { 0 };

	(void)state;
	record('a', 'a', "1", "linux/amd64", NULL);
	put("images/abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/image.json",
	    "{}");
	assert_int_equal(image_find(&rl, "a", NULL, &img, &err), -EEXIST);
	expect_found("aa", 'a', NULL);
}

static void test_platforms_share_a_name(void **state)
{
	auto_image struct image img = { 0 };
	struct platform arm, s390, host;
	char text[PLATFORM_TEXT_MAX];

	(void)state;
	platform_host(&host);
	platform_print(&host, text);
	record('1', 'a', "1", "linux/s390x", "docker.io/library/alpine:latest");
	expect_found("alpine", '1', "docker.io/library/alpine:latest");
	record('2', 'b', "2", text, "docker.io/library/alpine:latest");
	expect_found("alpine", '2', "docker.io/library/alpine:latest");
	assert_int_equal(platform_parse("linux/s390x", &s390, &err), 0);
	assert_int_equal(platform_parse("linux/mips", &arm, &err), 0);
	assert_int_equal(image_find(&rl, "alpine", &s390, &img, &err), 0);
	assert_string_equal(img.id, hex('1'));
	image_done(&img);
	assert_int_equal(image_find(&rl, "alpine", &arm, &img, &err), -ENOENT);
}

static void test_list(void **state)
{
	struct image *v = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(image_list(&rl, &v, &n, &err), 0);
	assert_int_equal(n, 0);
	record('1', 'a', "12", "linux/amd64", "docker.io/library/alpine:latest");
	record('1', 'a', "12", "linux/amd64", "docker.io/library/alpine:3");
	record('3', 'b', "1", "linux/arm64", "quay.io/x/y:v1");
	record('2', 'c', "", "linux/amd64", NULL);
	/* damage, and what dead writers leave, hides nothing */
	put("images/4444444444444444444444444444444444444444444444444444444444444444/image.json",
	    "{\"version\":1,\"diff_ids\":[\"sha256:../../x\"]}");
	put("images/.tmp-0123456789abcdef/image.json", "");
	put("names/quay.io/x/y/:v1.tmp-0123456789abcdef", "");
	put("names/quay.io/x/y/:bad", "{");
	put("names/quay.io/UPPER/:x", "{}");
	assert_int_equal(image_list(&rl, &v, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_string_equal(v[0].id, hex('3'));
	assert_string_equal(v[1].id, hex('2'));
	assert_int_equal(v[1].names.n, 0);
	assert_int_equal(v[2].names.n, 2);
	assert_string_equal(v[2].names.v[0], "docker.io/library/alpine:3");
	assert_int_equal(v[2].diff_ids.n, 2);
	assert_string_equal(v[0].platform.arch, "arm64");
	assert_int_equal(v[0].size, 1000);
	image_list_done(v, n);
}

static void test_damage(void **state)
{
	auto_image struct image img = { 0 };

	(void)state;
	record('1', 'a', "1", "linux/amd64", "r.io/a:1");
	put("images/1111111111111111111111111111111111111111111111111111111111111111/image.json",
	    "{\"version\":1,\"diff_ids\":[7]}");
	assert_int_equal(image_find(&rl, "r.io/a:1", NULL, &img, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "image 111111111111 is damaged"));
	record('1', 'a', "1", "linux/amd64", "r.io/a:1"); /* pulled again */
	expect_found("r.io/a:1", '1', "r.io/a:1");
	put("images/1111111111111111111111111111111111111111111111111111111111111111/image.json",
	    "{\"version\":2}");
	assert_int_equal(image_find(&rl, "r.io/a:1", NULL, &img, &err), -EPROTO);
	assert_non_null(strstr(err.msg, "format 2"));
}

static void test_record_refuses(void **state)
{
	auto_strv struct strv diff_ids = { 0 }, names = { 0 };
	struct image_new n = { .id = hex('1'),
			       .config = "{}",
			       .config_len = 2,
			       .diff_ids = &diff_ids,
			       .names = &names };

	(void)state;
	assert_int_equal(strv_add(&diff_ids, sha('1')), 0);
	assert_int_equal(image_record(&rl, &n, &err), -EINVAL); /* the config lists no layer */
	n.id = "../../../../etc";
	assert_int_equal(image_record(&rl, &n, &err), -EINVAL);
	n.id = hex('1');
	n.digest = "sha256:../x";
	assert_int_equal(image_record(&rl, &n, &err), -EINVAL);
	assert_false(exists("images"));
}

static void test_remove_by_name(void **state)
{
	struct image_removed out;

	(void)state;
	record('1', 'a', "1", "linux/amd64", "docker.io/library/alpine:latest");
	record('1', 'a', "1", "linux/amd64", "localhost/mine:1");
	assert_int_equal(image_remove(&rl, "mine:1", false, &out, &err), 0);
	assert_string_equal(out.untagged.v[0], "localhost/mine:1");
	assert_string_equal(out.deleted, "");
	strv_done(&out.untagged);
	assert_false(exists("names/localhost")); /* empty folders go too */
	assert_int_equal(image_remove(&rl, "alpine", false, &out, &err), 0);
	assert_int_equal(out.untagged.n, 1);
	assert_string_equal(out.deleted, hex('1'));
	strv_done(&out.untagged);
	assert_false(exists("names/docker.io"));
	err.exit_code = 0;
	assert_int_equal(image_remove(&rl, "alpine", false, &out, &err), -ENOENT);
	assert_int_equal(err.exit_code, 1);
}

static void test_remove_by_id(void **state)
{
	struct image_removed out;

	(void)state;
	record('1', 'a', "1", "linux/amd64", "r.io/a:1");
	assert_int_equal(image_tag(&rl, hex('1'), "r.io/a:2", &err), 0);
	assert_int_equal(image_remove(&rl, "1111", false, &out, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "has 2 names"));
	assert_int_equal(image_remove(&rl, "1111", true, &out, &err), 0);
	assert_int_equal(out.untagged.n, 2);
	assert_string_equal(out.deleted, hex('1'));
	strv_done(&out.untagged);
}

static void test_remove_in_use(void **state)
{
	struct image_removed out;
	const char *path = "containers/.new-0123/image";

	(void)state;
	record('1', 'a', "1", "linux/amd64", "r.io/a:1");
	put(path, hex('1'));
	err.exit_code = 0;
	assert_int_equal(image_remove(&rl, "r.io/a:1", false, &out, &err), -EBUSY);
	assert_int_equal(err.exit_code, 2);
	assert_non_null(strstr(err.msg, "used by container 0123"));
	expect_found("r.io/a:1", '1', "r.io/a:1"); /* nothing was taken away */
}

static void put_layer(char diff_id)
{
	auto_free char *path = str_printf("layers/%s-map/layer.json", hex(diff_id));
	auto_free char *text = str_printf("{\"diff_id\":\"%s\"}", sha(diff_id));

	put(path, text);
}

static bool has_layer(char diff_id)
{
	auto_free char *path = str_printf("layers/%s-map", hex(diff_id));

	return exists(path);
}

static void remove_image(const char *word)
{
	struct image_removed out;

	assert_int_equal(image_remove(&rl, word, false, &out, &err), 0);
	strv_done(&out.untagged);
}

static void test_layers_go_with_the_last_image(void **state)
{
	auto_fd int hold = FD_NONE;

	(void)state;
	record('1', 'a', "12", "linux/amd64", "r.io/a:1");
	record('2', 'b', "13", "linux/amd64", "r.io/b:1");
	record('3', 'b', "4", "linux/amd64", "r.io/c:1");
	for (const char *l = "1234"; *l; l++)
		put_layer(*l);
	put("layers/odd/file", "");
	remove_image("r.io/a:1");
	assert_true(has_layer('1') && !has_layer('2') && has_layer('3') && has_layer('4'));
	hold = image_hold_layers(&rl, &err); /* somebody pulls */
	assert_true(hold >= 0);
	remove_image("r.io/b:1");
	assert_true(has_layer('1') && has_layer('3'));
	cleanup_fd(&hold);
	/* one record is damaged: nobody knows what it needs */
	record('5', 'b', "", "linux/amd64", "r.io/d:1");
	put("images/3333333333333333333333333333333333333333333333333333333333333333/image.json",
	    "");
	remove_image("r.io/d:1");
	assert_true(has_layer('1') && has_layer('3') && has_layer('4'));
	remove_image("r.io/c:1"); /* the damaged one itself can be removed */
	assert_true(!has_layer('1') && !has_layer('3') && !has_layer('4'));
	assert_true(exists("layers/odd/file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_find, empty_store),
		cmocka_unit_test_teardown(test_localhost_comes_first, empty_store),
		cmocka_unit_test_teardown(test_ambiguous_prefix, empty_store),
		cmocka_unit_test_teardown(test_platforms_share_a_name, empty_store),
		cmocka_unit_test_teardown(test_list, empty_store),
		cmocka_unit_test_teardown(test_damage, empty_store),
		cmocka_unit_test_teardown(test_record_refuses, empty_store),
		cmocka_unit_test_teardown(test_remove_by_name, empty_store),
		cmocka_unit_test_teardown(test_remove_by_id, empty_store),
		cmocka_unit_test_teardown(test_remove_in_use, empty_store),
		cmocka_unit_test_teardown(test_layers_go_with_the_last_image, empty_store),
	};

	return cmocka_run_group_tests_name("storage/image", tests, open_store, close_store);
}
