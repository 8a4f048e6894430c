/* SPDX-License-Identifier: Apache-2.0 */
/* test_health.c - core/health, healthopt: what results mean, configurations, health.json */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/healthopt.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/health.h"
#include "tests/unit/unit.h"

static bool add(struct health *h, const struct health_conf *c, int code, int64_t age_ms)
{
	const struct health_result r = { .code = code, .len = 2, .output = "ab" };

	return health_add(h, c, &r, age_ms);
}

static void test_less_is_kept_when_asked(void **state)
{
	const struct health_conf c = { .interval_ms = 1, .log_count = 2, .log_bytes = 1 };
	struct health h = { 0 };

	(void)state;
	for (int code = 1; code < 5; code++)
		(void)add(&h, &c, code, 0);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.log[0].code, 3);
	assert_int_equal(h.log[1].code, 4);
	assert_int_equal(h.log[1].len, 1);

	h.n = 4; /* there were more when it was not asked yet (rl update) */
	(void)add(&h, &c, 5, 0);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.log[1].code, 5);
}

static void test_failures_in_a_row_make_unhealthy(void **state)
{
	const struct health_conf c = { .interval_ms = 100, .retries = 3 };
	struct health h = { 0 };

	(void)state;
	assert_false(add(&h, &c, 1, 100));
	assert_false(add(&h, &c, 1, 200));
	assert_true(add(&h, &c, 0, 300)); /* one success is enough */
	assert_int_equal(h.status, HEALTH_HEALTHY);
	assert_int_equal(h.failing_streak, 0);
	assert_false(add(&h, &c, 1, 400));
	assert_false(add(&h, &c, 2, 500));
	assert_true(add(&h, &c, 137, 600));
	assert_int_equal(h.status, HEALTH_UNHEALTHY);
	assert_false(add(&h, &c, 1, 700));
	assert_int_equal(h.failing_streak, 4);
	assert_int_equal(h.n, HEALTH_LOG_MAX);
	assert_int_equal(h.log[HEALTH_LOG_MAX - 1].code, 1);
	assert_int_equal(h.log[0].code, 0); /* the first two are gone */
	assert_true(add(&h, &c, 0, 800));
	assert_int_equal(h.status, HEALTH_HEALTHY);
}

static void test_early_failures_do_not_count(void **state)
{
	const struct health_conf c = { .interval_ms = 100, .retries = 1, .start_period_ms = 1000 };
	struct health h = { 0 };

	(void)state;
	assert_false(add(&h, &c, 1, 50));
	assert_false(add(&h, &c, 1, 999));
	assert_int_equal(h.failing_streak, 0);
	assert_int_equal(h.n, 2); /* but they are shown */
	assert_true(add(&h, &c, 1, 1000));
	assert_int_equal(h.status, HEALTH_UNHEALTHY);

	h = (struct health){ 0 };
	assert_true(add(&h, &c, 0, 10));
	assert_true(add(&h, &c, 1, 20)); /* once healthy, everything counts */

	/* without a start period: not before the first interval is over */
	const struct health_conf none = { .interval_ms = 5000, .retries = 1 };

	h = (struct health){ 0 };
	assert_false(add(&h, &none, 1, 4999));
	assert_true(add(&h, &none, 1, 5000));
}

static void test_the_next_check(void **state)
{
	struct health_conf c = { .interval_ms = 30000, .retries = 3, .start_period_ms = 60000 };
	struct health h = { 0 };

	(void)state;
	assert_int_equal(health_next(&h, &c, 0), HEALTH_EARLY_MS);
	assert_int_equal(health_next(&h, &c, 30000), HEALTH_START_MS);
	assert_int_equal(health_next(&h, &c, 59999), HEALTH_START_MS);
	assert_int_equal(health_next(&h, &c, 60000), 30000);
	c.start_interval_ms = 7000;
	assert_int_equal(health_next(&h, &c, 0), 7000);
	c.interval_ms = 200;
	assert_int_equal(health_next(&h, &c, 0), 200);
	c.interval_ms = HEALTH_MANUAL;
	assert_int_equal(health_next(&h, &c, 0), -1);
	c.interval_ms = 30000;
	h.status = HEALTH_HEALTHY;
	assert_int_equal(health_next(&h, &c, 0), 30000);
}

static void test_a_startup_check_goes_before(void **state)
{
	const char *words[] = { "CMD", "x" };
	const struct health_conf c = {
		.interval_ms = 100,
		.retries = 1,
		.startup = { .test = { (char **)(uintptr_t)words, 2 },
			     .interval_ms = 700,
			     .retries = 3,
			     .successes = 2 },
	};
	struct health h = { 0 };

	(void)state;
	assert_true(health_is_startup(&h, &c));
	assert_int_equal(health_next(&h, &c, 5000), 700);
	assert_false(add(&h, &c, 1, 5000)); /* no failure of the container */
	assert_false(add(&h, &c, 0, 5000));
	assert_false(add(&h, &c, 1, 5000)); /* not two in a row */
	assert_false(health_startup_failed(&h, &c));
	assert_false(add(&h, &c, 0, 5000));
	assert_false(add(&h, &c, 0, 5000));
	assert_false(health_is_startup(&h, &c));
	assert_int_equal(h.status, HEALTH_STARTING);
	assert_int_equal(health_next(&h, &c, 5000), 100);
	assert_true(add(&h, &c, 1, 5000));
	assert_int_equal(h.status, HEALTH_UNHEALTHY);

	h = (struct health){ 0 };
	for (int i = 0; i < 3; i++) {
		assert_false(health_startup_failed(&h, &c));
		assert_false(add(&h, &c, 1, 5000));
	}
	assert_true(health_startup_failed(&h, &c));
}

static int read_conf(const char *text, struct health_conf *c, struct rl_err *err)
{
	json_auto_t *j = NULL;

	health_conf_init(c);
	assert_int_equal(json_read(text, strlen(text), 1 << 20, "test", &j, err), 0);
	return health_conf_read(j, c, err);
}

static void test_configurations_survive_a_round_trip(void **state)
{
	struct health_conf a, b;
	struct rl_err err = { 0 };
	json_auto_t *j = NULL;

	(void)state;
	assert_int_equal(
		read_conf("{\"Test\":[\"CMD\",\"curl\",\"-f\",\"x\"],\"Interval\":1500000000,"
			  "\"Timeout\":2000000000,\"StartPeriod\":3000000000,"
			  "\"StartInterval\":500000000,\"Retries\":4,\"OnFailure\":\"stop\","
			  "\"Startup\":{\"Test\":[\"CMD-SHELL\",\"y\"],\"Interval\":50000000,"
			  "\"Timeout\":60000000,\"Retries\":7,\"Successes\":8}}",
			  &a, &err),
		0);
	assert_int_equal(a.test.n, 4);
	assert_int_equal(a.interval_ms, 1500);
	assert_int_equal(a.timeout_ms, 2000);
	assert_int_equal(a.start_period_ms, 3000);
	assert_int_equal(a.start_interval_ms, 500);
	assert_int_equal(a.retries, 4);
	assert_int_equal(a.on_failure, HEALTH_DO_STOP);
	a.interval_ms = HEALTH_MANUAL;
	j = health_conf_write(&a);
	health_conf_init(&b);
	assert_int_equal(health_conf_read(j, &b, &err), 0);
	assert_int_equal(b.interval_ms, HEALTH_MANUAL);
	assert_int_equal(b.test.n, 4);
	assert_string_equal(b.test.v[3], "x");
	assert_int_equal(b.on_failure, HEALTH_DO_STOP);
	assert_int_equal(b.startup.test.n, 2);
	assert_string_equal(b.startup.test.v[1], "y");
	assert_int_equal(b.startup.interval_ms, 50);
	assert_int_equal(b.startup.timeout_ms, 60);
	assert_int_equal(b.startup.retries, 7);
	assert_int_equal(b.startup.successes, 8);
	health_conf_done(&a);
	health_conf_done(&b);

	assert_int_equal(read_conf("{\"Test\":[\"CMD-SHELL\",\"true\"],\"Retries\":0}", &a, &err),
			 0);
	assert_int_equal(a.retries, 3); /* 0 means the default, in images too */
	assert_int_equal(a.interval_ms, 30000);
	health_conf_done(&a);
	assert_int_equal(read_conf("{\"Test\":[\"NONE\"]}", &a, &err), 0);
	assert_int_equal(a.test.n, 0);
	health_conf_done(&a);
}

static void test_bad_configurations_are_refused(void **state)
{
	static const struct {
		const char *in, *why;
	} bad[] = {
		{ "[]", "not an object" },
		{ "{\"Test\":\"true\"}", "Test" },
		{ "{\"Test\":[\"CMD\",1]}", "string" },
		{ "{\"Test\":[\"RUN\",\"x\"]}", "'RUN'" },
		{ "{\"Test\":[\"CMD\",\"x\"],\"Interval\":5}", "Interval" },
		{ "{\"Test\":[\"CMD\",\"x\"],\"Timeout\":-5000000000}", "Timeout" },
		{ "{\"Test\":[\"CMD\",\"x\"],\"Retries\":-1}", "Retries" },
		{ "{\"Test\":[\"CMD\",\"x\"],\"Retries\":\"3\"}", "Retries" },
		{ "{\"Test\":[\"CMD\",\"x\"],\"OnFailure\":\"panic\"}", "'panic'" },
		{ "{\"Startup\":[]}", "'Startup'" },
		{ "{\"Startup\":{\"Test\":[\"x\",\"y\"]}}", "'x'" },
		{ "{\"Startup\":{\"Successes\":-1}}", "'Successes'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rl_err err = { 0 };
		struct health_conf c;

		assert_true(read_conf(bad[i].in, &c, &err) < 0);
		assert_non_null(strstr(err.msg, bad[i].why));
		health_conf_done(&c);
	}
}

static void test_commands_of_the_flag(void **state)
{
	static const struct {
		const char *in, *out; /* words joined by '|' */
	} good[] = {
		{ "test -e /ready", "CMD-SHELL|test -e /ready" },
		{ "[ -e /ready ]", "CMD-SHELL|[ -e /ready ]" },
		{ "CMD  curl -f x", "CMD|curl|-f|x" },
		{ "CMD-SHELL curl -f x || exit 1", "CMD-SHELL|curl -f x || exit 1" },
		{ "cmd-shell true", "CMD-SHELL|true" },
		{ "[\"CMD\",\"a b\",\"c\"]", "CMD|a b|c" },
		{ "[\"CMD-SHELL\",\"a b\"]", "CMD-SHELL|a b" },
		{ "[\"a\",\"b\"]", "CMD|a|b" },
		{ "[\"a b\"]", "CMD-SHELL|a b" },
		{ "none", "" },
		{ "NONE", "" },
		{ "[\"NONE\"]", "" },
	};
	static const char *const bad[] = {
		"", " ", "CMD", "CMD ", "CMD-SHELL  ", "[\"CMD\"]", "[]"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_strv struct strv v = { 0 };
		auto_buf struct buf b = { 0 };
		struct rl_err err = { 0 };

		assert_int_equal(health_cmd_parse(good[i].in, &v, &err), 0);
		for (size_t k = 0; k < v.n; k++)
			assert_int_equal(buf_printf(&b, "%s%s", k ? "|" : "", v.v[k]), 0);
		assert_string_equal(b.data ? b.data : "", good[i].out);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_strv struct strv v = { 0 };
		struct rl_err err = { 0 };

		assert_int_equal(health_cmd_parse(bad[i], &v, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "--health-cmd"));
	}
}

static void test_the_file_holds_hostile_output(void **state)
{
	struct health h = { .status = HEALTH_UNHEALTHY, .failing_streak = 2, .n = 1 };
	static const char bytes[] = "line\n\033[2Jx\0y\xff\xfe\nend";
	char path[256], status[16];
	int fd = scratch_make(path);
	struct rl_err err = { 0 };
	json_auto_t *j = NULL;
	const char *out;

	(void)state;
	memcpy(h.log[0].output, bytes, sizeof(bytes) - 1);
	h.log[0].len = sizeof(bytes) - 1;
	health_read_status(fd, status);
	assert_string_equal(status, "");
	assert_int_equal(health_read(fd, &j, &err), -ENOENT);
	assert_int_equal(health_write(&h, fd, &err), 0);
	assert_int_equal(health_read(fd, &j, &err), 0);
	out = json_string_value(
		json_object_get(json_array_get(json_object_get(j, "Log"), 0), "Output"));
	assert_string_equal(out, "line\n?[2Jx?y??\nend");
	health_read_status(fd, status);
	assert_string_equal(status, "unhealthy");
	put_file(fd, HEALTH_FILE, "{\"Status\":7}");
	health_read_status(fd, status);
	assert_string_equal(status, "");
	assert_int_equal(unlinkat(fd, HEALTH_FILE, 0), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures_in_a_row_make_unhealthy),
		cmocka_unit_test(test_less_is_kept_when_asked),
		cmocka_unit_test(test_early_failures_do_not_count),
		cmocka_unit_test(test_the_next_check),
		cmocka_unit_test(test_a_startup_check_goes_before),
		cmocka_unit_test(test_configurations_survive_a_round_trip),
		cmocka_unit_test(test_bad_configurations_are_refused),
		cmocka_unit_test(test_commands_of_the_flag),
		cmocka_unit_test(test_the_file_holds_hostile_output),
	};

	return cmocka_run_group_tests_name("core/health", tests, NULL, NULL);
}
