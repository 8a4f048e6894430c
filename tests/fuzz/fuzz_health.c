/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_health.c - health checks: first byte 'j' reads the rest as a "Healthcheck" object, anything
 * else as --health-cmd
 *
 * What is accepted has a command or no words at all, values in range, and survives being written
 * and read back.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/healthopt.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_test(const struct strv *t)
{
	if (t->n == 0)
		return;
	assert(strcmp(t->v[0], "CMD") == 0 || strcmp(t->v[0], "CMD-SHELL") == 0);
	assert(t->n >= 2);
}

static void read_object(const char *text, size_t len)
{
	json_auto_t *j = NULL, *again = NULL;
	struct rl_err err = { 0 };
	struct health_conf a, b;

	if (json_read(text, len, 1 << 20, "fuzz", &j, &err) < 0)
		return;
	health_conf_init(&a);
	health_conf_init(&b);
	if (health_conf_read(j, &a, &err) < 0) {
		assert(err.code > 0 && err.msg[0]);
		health_conf_done(&a);
		return;
	}
	check_test(&a.test);
	assert(a.startup.interval_ms >= HEALTH_MIN_MS && a.startup.successes > 0);
	assert(a.retries > 0 && a.timeout_ms != 0 && a.start_period_ms >= 0);
	assert(a.interval_ms == HEALTH_MANUAL || a.interval_ms >= HEALTH_MIN_MS);
	if (a.test.n > 0) {
		again = health_conf_write(&a);
		assert(again && health_conf_read(again, &b, &err) == 0);
		assert(b.test.n == a.test.n && b.interval_ms == a.interval_ms);
		assert(b.timeout_ms == a.timeout_ms && b.retries == a.retries);
		check_test(&b.startup.test);
		if (b.startup.test.n > 0)
			assert(b.startup.interval_ms == a.startup.interval_ms &&
			       b.startup.timeout_ms == a.startup.timeout_ms &&
			       b.startup.retries == a.startup.retries &&
			       b.startup.successes == a.startup.successes);
		assert(b.startup.test.n == a.startup.test.n);
		assert(b.start_period_ms == a.start_period_ms && b.on_failure == a.on_failure);
	}
	health_conf_done(&a);
	health_conf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_strv struct strv v = { 0 };
	auto_free char *text = NULL;
	struct rl_err err = { 0 };

	if (size == 0)
		return 0;
	if (data[0] == 'j') {
		read_object((const char *)data + 1, size - 1);
		return 0;
	}
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	if (health_cmd_parse(text, &v, &err) == 0)
		check_test(&v);
	else
		assert(err.code > 0 && err.msg[0]);
	return 0;
}
