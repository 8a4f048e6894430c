/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.c - a container's health; the header is the manual
 *
 * Theory of operation: pure but for the two ends of health.json. A container starts as "starting";
 * the first good check makes it healthy; @retries failures in a row make it unhealthy. Failures of
 * one that is starting do not count before its start period, or its first interval, is over: Docker
 * looks for the first time after an interval; here it is looked earlier, so that who waits for
 * health waits no longer than need be, and that must not make anything unhealthy earlier. A startup
 * check goes before all this; it changes no status.
 */
#include "config.h"

#include "core/health.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"

#define WHAT       "health check"
#define FILE_MAX   65536
#define NS_PER_MS  INT64_C(1000000)
#define RETRIES    3
#define DEFAULT_MS 30000

static const char *const status_names[] = { "starting", "healthy", "unhealthy" };
static const char *const action_names[] = { "none", "kill", "restart", "stop" };

const char *health_name(enum health_status s)
{
	return status_names[s];
}

/* --- configuration ------------------------------------------------------------------------ */

void health_conf_init(struct health_conf *c)
{
	*c = (struct health_conf){
		.interval_ms = DEFAULT_MS,
		.timeout_ms = DEFAULT_MS,
		.retries = RETRIES,
		.log_count = HEALTH_LOG_MAX,
		.log_bytes = EXEC_OUTPUT_MAX,
		.startup = { .interval_ms = DEFAULT_MS, .timeout_ms = DEFAULT_MS, .successes = 1 },
	};
}

void health_conf_done(struct health_conf *c)
{
	strv_done(&c->test);
	strv_done(&c->startup.test);
}

int health_action_parse(const char *s, enum health_action *ret, struct rl_err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(action_names); i++) {
		if (strcmp(s, action_names[i]) == 0) {
			*ret = (enum health_action)i;
			return 0;
		}
	}
	return rl_fail(err, EINVAL,
		       "'%s' is not an action of a health check: none, kill, restart or stop", s);
}

static int get_ms(const json_t *j, const char *key, int64_t min, int64_t *ret, struct rl_err *err)
{
	int64_t ns = 0;
	int r = json_get_int(j, key, WHAT, &ns, err);

	if (r < 0)
		return r;
	if (ns == 0)
		return 0;
	if (ns < min * NS_PER_MS)
		return rl_fail(err, EINVAL, WHAT ": '%s' is %lld ns, less than %lld ms", key,
			       (long long)ns, (long long)min);
	*ret = ns / NS_PER_MS;
	return 0;
}

static int get_test(const json_t *j, struct strv *ret, struct rl_err *err)
{
	json_t *a = NULL;
	size_t total = 0, n;
	const char *how;
	int r = json_get_arr(j, "Test", WHAT, &a, err);

	if (r == 0 && a)
		r = json_check_strings(a, WHAT, err);
	n = json_array_size(a);
	if (r < 0 || n == 0)
		return r;
	how = json_string_value(json_array_get(a, 0));
	if (strcmp(how, "NONE") == 0 || n == 1)
		return 0;
	if (strcmp(how, "CMD") != 0 && strcmp(how, "CMD-SHELL") != 0)
		return rl_fail(err, EINVAL,
			       WHAT ": 'Test' starts with '%.80s', not with CMD, "
				    "CMD-SHELL or NONE",
			       how);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(a, i));

		total += strlen(s) + 1;
		if (total > HEALTH_TEST_MAX)
			return rl_fail(err, E2BIG, WHAT ": 'Test' is longer than %d bytes",
				       HEALTH_TEST_MAX);
		if (strv_add(ret, s) < 0)
			return rl_oom(err);
	}
	return 0;
}

/* A number that is not negative; 0 or none leaves @ret. */
static int get_count(const json_t *j, const char *key, unsigned *ret, struct rl_err *err)
{
	int64_t n = 0;
	int r = json_get_int(j, key, WHAT, &n, err);

	if (r < 0)
		return r;
	if (n < 0 || n > INT32_MAX)
		return rl_fail(err, EINVAL, WHAT ": '%s' is %lld", key, (long long)n);
	if (n > 0)
		*ret = (unsigned)n;
	return 0;
}

static int startup_read(const json_t *j, struct health_startup *s, struct rl_err *err)
{
	int r;

	if (!j)
		return 0;
	if (!json_is_object(j))
		return rl_fail(err, EINVAL, WHAT ": 'Startup' is not an object");
	r = get_test(j, &s->test, err);
	if (r == 0)
		r = get_ms(j, "Interval", HEALTH_MIN_MS, &s->interval_ms, err);
	if (r == 0)
		r = get_ms(j, "Timeout", HEALTH_MIN_MS, &s->timeout_ms, err);
	if (r == 0)
		r = get_count(j, "Retries", &s->retries, err);
	return r == 0 ? get_count(j, "Successes", &s->successes, err) : r;
}

int health_conf_read(const json_t *j, struct health_conf *c, struct rl_err *err)
{
	const char *action = NULL;
	int r;

	if (!j || json_is_null(j))
		return 0;
	if (!json_is_object(j))
		return rl_fail(err, EINVAL, WHAT ": not an object");
	r = get_test(j, &c->test, err);
	if (r == 0 && json_integer_value(json_object_get(j, "Interval")) == HEALTH_MANUAL)
		c->interval_ms = HEALTH_MANUAL;
	else if (r == 0)
		r = get_ms(j, "Interval", HEALTH_MIN_MS, &c->interval_ms, err);
	if (r == 0)
		r = get_ms(j, "Timeout", HEALTH_MIN_MS, &c->timeout_ms, err);
	if (r == 0)
		r = get_ms(j, "StartPeriod", 0, &c->start_period_ms, err);
	if (r == 0)
		r = get_ms(j, "StartInterval", 0, &c->start_interval_ms, err);
	if (r == 0)
		r = get_count(j, "Retries", &c->retries, err);
	if (r == 0)
		r = get_count(j, "LogCount", &c->log_count, err);
	if (r == 0)
		r = get_count(j, "LogBytes", &c->log_bytes, err);
	if (r == 0)
		r = startup_read(json_object_get(j, "Startup"), &c->startup, err);
	if (r == 0)
		r = json_get_str(j, "OnFailure", WHAT, &action, err);
	return r == 0 && action ? health_action_parse(action, &c->on_failure, err) : r;
}

static json_t *test_json(const struct strv *test)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < test->n; i++) {
		if (json_array_append_new(a, json_string(test->v[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	}
	return a;
}

json_t *health_conf_write(const struct health_conf *c)
{
	const struct health_startup *s = &c->startup;
	json_t *j;

	if (c->test.n == 0)
		return json_null();
	j = json_pack(
		"{s:o, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:s}", "Test", test_json(&c->test),
		"Interval",
		(json_int_t)(c->interval_ms < 0 ? c->interval_ms : c->interval_ms * NS_PER_MS),
		"Timeout", (json_int_t)(c->timeout_ms * NS_PER_MS), "StartPeriod",
		(json_int_t)(c->start_period_ms * NS_PER_MS), "StartInterval",
		(json_int_t)(c->start_interval_ms * NS_PER_MS), "Retries", (int)c->retries,
		"LogCount", (int)c->log_count, "LogBytes", (int)c->log_bytes, "OnFailure",
		action_names[c->on_failure]);
	if (s->test.n == 0)
		return j;
	if (json_object_set_new(j, "Startup",
				json_pack("{s:o, s:I, s:I, s:i, s:i}", "Test", test_json(&s->test),
					  "Interval", (json_int_t)(s->interval_ms * NS_PER_MS),
					  "Timeout", (json_int_t)(s->timeout_ms * NS_PER_MS),
					  "Retries", (int)s->retries, "Successes",
					  (int)s->successes)) == 0)
		return j;
	json_decref(j);
	return NULL;
}

/* --- the state machine -------------------------------------------------------------------- */

/* Is it too early for failures to count? */
static bool is_early(const struct health *h, const struct health_conf *c, int64_t age_ms)
{
	return h->status == HEALTH_STARTING &&
	       (age_ms < c->start_period_ms || age_ms < c->interval_ms);
}

bool health_is_startup(const struct health *h, const struct health_conf *c)
{
	return c->startup.test.n > 0 && !h->is_up;
}

bool health_startup_failed(const struct health *h, const struct health_conf *c)
{
	return health_is_startup(h, c) && c->startup.retries > 0 &&
	       h->startup_bad >= c->startup.retries;
}

static void add_startup(struct health *h, const struct health_conf *c, bool is_good)
{
	h->startup_good = is_good ? h->startup_good + 1 : 0;
	if (!is_good && h->startup_bad < INT32_MAX)
		h->startup_bad++;
	h->is_up = h->startup_good >= c->startup.successes;
}

bool health_add(struct health *h, const struct health_conf *c, const struct health_result *r,
		int64_t age_ms)
{
	enum health_status before = h->status;
	unsigned max =
		c->log_count > 0 && c->log_count < HEALTH_LOG_MAX ? c->log_count : HEALTH_LOG_MAX;

	while (h->n >= max) { /* it may be a smaller number than before */
		memmove(&h->log[0], &h->log[1], sizeof(h->log[0]) * (h->n - 1));
		h->n--;
	}
	h->log[h->n] = *r;
	if (c->log_bytes > 0 && r->len > c->log_bytes)
		h->log[h->n].len = c->log_bytes;
	h->n++;
	if (health_is_startup(h, c)) {
		add_startup(h, c, r->code == 0);
	} else if (r->code == 0) {
		h->failing_streak = 0;
		h->status = HEALTH_HEALTHY;
	} else if (!is_early(h, c, age_ms)) {
		if (h->failing_streak < INT32_MAX)
			h->failing_streak++;
		if (h->failing_streak >= c->retries)
			h->status = HEALTH_UNHEALTHY;
	}
	return h->status != before;
}

int64_t health_next(const struct health *h, const struct health_conf *c, int64_t age_ms)
{
	int64_t early = c->start_interval_ms > 0  ? c->start_interval_ms
			: age_ms < c->interval_ms ? HEALTH_EARLY_MS
						  : HEALTH_START_MS;

	if (health_is_startup(h, c))
		return c->startup.interval_ms;
	if (c->interval_ms < 0)
		return -1;
	return is_early(h, c, age_ms) && early < c->interval_ms ? early : c->interval_ms;
}

/* --- health.json -------------------------------------------------------------------------- */

/* What the container wrote, as text: lines stay, other control bytes and broken UTF-8 do not. */
static json_t *output_json(const struct health_result *r)
{
	char text[EXEC_OUTPUT_MAX + 1];
	size_t n = r->len < EXEC_OUTPUT_MAX ? r->len : EXEC_OUTPUT_MAX;

	memcpy(text, r->output, n);
	text[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = '?';
	for (char *line = text, *end; *line; line = end) {
		char was;

		end = line + strcspn(line, "\n");
		was = *end;
		*end = '\0';
		log_clean(line);
		*end = was;
		end += was != '\0';
	}
	return json_string(text);
}

int health_write(const struct health *h, int dir_fd, struct rl_err *err)
{
	json_t *log = json_array();
	json_auto_t *j = NULL;

	for (unsigned i = 0; log && i < h->n; i++) {
		const struct health_result *r = &h->log[i];
		char start[32], end[32];

		time_rfc3339(start, r->start_ns);
		time_rfc3339(end, r->end_ns);
		if (json_array_append_new(log, json_pack("{s:s, s:s, s:i, s:o}", "Start", start,
							 "End", end, "ExitCode", r->code, "Output",
							 output_json(r))) < 0) {
			json_decref(log);
			return rl_oom(err);
		}
	}
	j = json_pack("{s:s, s:i, s:o}", "Status", status_names[h->status], "FailingStreak",
		      (int)h->failing_streak, "Log", log);
	return j ? json_write_file(dir_fd, HEALTH_FILE, j, false, err) : rl_oom(err);
}

int health_read(int dir_fd, json_t **ret, struct rl_err *err)
{
	json_auto_t *j = NULL;
	const char *status = NULL;
	json_t *log = NULL;
	int64_t streak = 0;
	int r = json_read_file(dir_fd, HEALTH_FILE, FILE_MAX, &j, err);

	if (r == 0)
		r = json_get_str(j, "Status", HEALTH_FILE, &status, err);
	if (r == 0)
		r = json_get_int(j, "FailingStreak", HEALTH_FILE, &streak, err);
	if (r == 0)
		r = json_get_arr(j, "Log", HEALTH_FILE, &log, err);
	if (r == 0 && (!status || !log || strlen(status) > 10))
		r = rl_fail(err, EINVAL, HEALTH_FILE ": no status");
	if (r == 0)
		*ret = TAKE_PTR(j);
	return r;
}

void health_read_status(int dir_fd, char ret[16])
{
	json_auto_t *j = NULL;
	struct rl_err ignored;

	ret[0] = '\0';
	if (health_read(dir_fd, &j, &ignored) == 0)
		(void)snprintf(ret, 16, "%s", json_string_value(json_object_get(j, "Status")));
}
