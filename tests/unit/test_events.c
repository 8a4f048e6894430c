/* SPDX-License-Identifier: Apache-2.0 */
/* test_events.c - core/events: what is written can be read, by many writers at once, within its cap */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/events.h"

#define WRITERS 6
#define EACH    1500

static struct rl rl;
static char dir[256];

static int setup(void **state)
{
	(void)state;
	rl = (struct rl){ .uid = getuid(), .data_dir = dir, .run_fd = FD_NONE };
	rl.data_fd = scratch_make(dir);
	return 0;
}

static int teardown(void **state)
{
	struct rl_err err;

	(void)state;
	fd_close(rl.data_fd);
	return io_remove_tree(AT_FDCWD, dir, &err);
}

/* Number of lines; each must be an event. */
static size_t count_lines(const char *path, size_t *ret_bytes)
{
	auto_buf struct buf b = { 0 };
	struct rl_err err;
	size_t n = 0;

	*ret_bytes = 0;
	if (io_read_file(rl.data_fd, path, 64U << 20, &b, &err) < 0)
		return 0;
	*ret_bytes = b.len;
	for (char *p = b.data, *e; p && *p; p = e + 1, n++) {
		json_t *j = NULL;

		e = strchr(p, '\n');
		assert_non_null(e);
		assert_int_equal(events_parse(p, (size_t)(e - p), &j), 0);
		json_decref(j);
	}
	return n;
}

static void test_round_trip(void **state)
{
	json_auto_t *labels = json_pack("{s:s}", "k\n\"v", "w {\"v\":1");
	const struct event v[] = {
		{ .type = "container",
		  .status = "died",
		  .id = "ab",
		  .name = "n",
		  .image = "i",
		  .attributes = labels,
		  .has_exit_code = true,
		  .exit_code = 3 },
		{ .type = "volume", .status = "create", .name = "data" },
	};
	auto_buf struct buf b = { 0 };
	json_auto_t *j = NULL;
	struct rl_err err;

	(void)state;
	events_emit(&rl, v, 2);
	assert_int_equal(io_read_file(rl.data_fd, "events/log", EVENTS_MAX, &b, &err), 0);
	assert_int_equal(events_parse(b.data, strcspn(b.data, "\n"), &j), 0);
	assert_string_equal(json_string_value(json_object_get(j, "Status")), "died");
	assert_true(json_equal(json_object_get(j, "Attributes"), labels));
	assert_int_equal(json_integer_value(json_object_get(j, "ContainerExitCode")), 3);
	assert_null(json_object_get(j, "HealthStatus"));
}

static void test_damage(void **state)
{
	static const char good[] = "{\"v\":1,\"Type\":\"a\",\"Status\":\"b\",\"timeNano\":5}";
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"v\":2,\"Type\":\"a\",\"Status\":\"b\",\"timeNano\":5}",
		"{\"v\":1,\"Type\":1,\"Status\":\"b\",\"timeNano\":5}",
		"{\"v\":1,\"Type\":\"a\",\"Status\":\"b\",\"timeNano\":\"5\"}",
		"{\"v\":1,\"Type\":\"a\",\"Status\":\"b\",\"timeNano\":5,\"Attributes\":[]}",
		"{\"v\":1,\"Type\":\"a\",\"Status\":\"b\",\"timeNano\":5,\"Attributes\":{\"a\":1}}",
		"{\"v\":1,\"Type\":\"a\",\"Status\":\"b\",\"timeNano\":5,\"Name\":{}}",
	};
	char cut[256];
	json_t *j = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(events_parse(bad[i], strlen(bad[i]), &j), -EINVAL);
	assert_null(j);
	/* a full disk cut the first one short */
	(void)snprintf(cut, sizeof(cut), "{\"v\":1,\"Type\":\"conta%s", good);
	assert_int_equal(events_parse(cut, strlen(cut), &j), 0);
	assert_int_equal(json_integer_value(json_object_get(j, "timeNano")), 5);
	json_decref(j);
}

static void test_long_attributes_are_left_out(void **state)
{
	json_auto_t *labels = json_object();
	struct event e = { .type = "image", .status = "tag", .name = "n", .attributes = labels };
	char value[1024];
	size_t bytes;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 64; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(json_object_set_new(labels, key, json_string(value)), 0);
	}
	events_emit(&rl, &e, 1);
	assert_int_equal(count_lines("events/log", &bytes), 1);
	assert_true(bytes < 200);
}

static void test_many_writers(void **state)
{
	const struct event e = {
		.type = "container",
		.status = "create",
		.id = "0123456789012345678901234567890123456789012345678901234567890123",
		.name = "some_container",
		.image = "docker.io/library/alpine:latest"
	};
	size_t now, old, n;

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			for (int k = 0; k < EACH; k++)
				events_emit(&rl, &e, 1);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	n = count_lines("events/log", &now) + count_lines("events/log.1", &old);
	assert_true(old >= EVENTS_MAX && old < EVENTS_MAX + 65536);
	assert_true(now < EVENTS_MAX + 65536);
	assert_true(n <= WRITERS * EACH);
}

static void test_no_folder_is_no_error(void **state)
{
	const struct event e = { .type = "volume", .status = "create", .name = "data" };
	struct rl none = { .data_fd = FD_NONE };

	(void)state;
	events_emit(&none, &e, 1);
	put_file(rl.data_fd, "events", "in the way");
	events_emit(&rl, &e, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test(test_damage),
		cmocka_unit_test_setup_teardown(test_long_attributes_are_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_writers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_folder_is_no_error, setup, teardown),
	};

	return cmocka_run_group_tests_name("core/events", tests, NULL, NULL);
}
