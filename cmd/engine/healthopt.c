/* SPDX-License-Identifier: Apache-2.0 */
/* healthopt.c - engine: the health check of a new container; the header is the manual */
#include "config.h"

#include "cmd/engine/healthopt.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/parse.h"

/* A list that starts with what it is ("CMD", "CMD-SHELL", "NONE"), or not. */
static int from_words(const json_t *a, struct strv *ret, struct rl_err *err)
{
	static const char *const kinds[] = { "CMD", "CMD-SHELL", "NONE" };
	size_t n = json_array_size(a), kind = ARRAY_LEN(kinds), i = 0;
	const char *first = json_string_value(json_array_get(a, 0));

	for (size_t k = 0; first && k < ARRAY_LEN(kinds); k++)
		if (strcasecmp(first, kinds[k]) == 0)
			kind = k;
	if (kind == 2)
		return 0;
	if (kind < ARRAY_LEN(kinds))
		i = 1;
	else
		kind = n > 1 ? 0 : 1;
	if (n == i)
		return rl_fail(err, EINVAL, "'--health-cmd' has no command");
	if (strv_add(ret, kinds[kind]) < 0)
		return rl_oom(err);
	for (; i < n; i++)
		if (strv_add(ret, json_string_value(json_array_get(a, i))) < 0)
			return rl_oom(err);
	return 0;
}

static int from_text(const char *s, struct strv *ret, struct rl_err *err)
{
	size_t n = strcspn(s, " ");
	bool is_cmd = n == 3 && strncasecmp(s, "CMD", 3) == 0;
	int r = strv_add(ret, is_cmd ? "CMD" : "CMD-SHELL");

	if (is_cmd || (n == 9 && strncasecmp(s, "CMD-SHELL", 9) == 0))
		s += n;
	s += strspn(s, " ");
	if (!*s)
		return rl_fail(err, EINVAL, "'--health-cmd' has no command");
	for (; r == 0 && is_cmd && *s; s += strspn(s, " ")) {
		n = strcspn(s, " ");
		r = strv_addn(ret, s, n);
		s += n;
	}
	if (r == 0 && !is_cmd)
		r = strv_add(ret, s);
	return r < 0 ? rl_oom(err) : 0;
}

int health_cmd_parse(const char *s, struct strv *ret, struct rl_err *err)
{
	json_auto_t *a = NULL;
	struct rl_err ignored;

	if (strlen(s) > HEALTH_TEST_MAX)
		return rl_fail(err, E2BIG, "'--health-cmd' is longer than %d bytes",
			       HEALTH_TEST_MAX);
	if (strcasecmp(s, "none") == 0)
		return 0;
	/* "[ -e /ready ]" is a text for the shell and no array */
	if (s[0] == '[' &&
	    json_read(s, strlen(s), HEALTH_TEST_MAX, "--health-cmd", &a, &ignored) == 0 &&
	    json_is_array(a) && json_check_strings(a, "--health-cmd", &ignored) == 0)
		return from_words(a, ret, err);
	return from_text(s, ret, err);
}

static int set_time(const char *flag, const char *s, int64_t min, int64_t *ret, struct rl_err *err)
{
	int64_t ms;

	if (!s)
		return 0;
	if (parse_duration_ms(s, &ms) < 0)
		return rl_fail(err, EINVAL, "'%s %s' is no time such as 30s, 1m30s or 500ms", flag,
			       s);
	if (ms < min)
		return rl_fail(err, EINVAL, "'%s %s' is less than %lld ms", flag, s,
			       (long long)min);
	*ret = ms;
	return 0;
}

static int set_count(const char *flag, const char *s, uint64_t min, unsigned *ret,
		     struct rl_err *err)
{
	uint64_t n = 0;

	if (!s)
		return 0;
	if (parse_uint(s, INT32_MAX, &n) < 0 || n < min)
		return rl_fail(err, EINVAL,
			       min ? "'%s %s' is no number above 0" : "'%s %s' is no number", flag,
			       s);
	*ret = (unsigned)n;
	return 0;
}

static int set_startup(const struct create_req *q, struct health_conf *c, struct rl_err *err)
{
	struct health_startup *s = &c->startup;
	bool more = q->startup_interval || q->startup_timeout || q->startup_retries ||
		    q->startup_success;
	int r = 0;

	if (q->startup_cmd) {
		strv_done(&s->test);
		r = health_cmd_parse(q->startup_cmd, &s->test, err);
	}
	if (r == 0 && (more || s->test.n > 0) && c->test.n == 0) {
		rl_fail(err, EINVAL, "'--health-startup-*' without a health check to follow");
		return rl_hint(err, "give one with --health-cmd");
	}
	if (r == 0 && more && s->test.n == 0) {
		rl_fail(err, EINVAL, "'--health-startup-*' without a startup check");
		return rl_hint(err, "give one with --health-startup-cmd");
	}
	if (r == 0)
		r = set_time("--health-startup-interval", q->startup_interval, HEALTH_MIN_MS,
			     &s->interval_ms, err);
	if (r == 0)
		r = set_time("--health-startup-timeout", q->startup_timeout, HEALTH_MIN_MS,
			     &s->timeout_ms, err);
	if (r == 0)
		r = set_count("--health-startup-retries", q->startup_retries, 0, &s->retries, err);
	return r == 0 ? set_count("--health-startup-success", q->startup_success, 1, &s->successes,
				  err)
		      : r;
}

/* The monitor keeps results in memory, so their number has a limit; Podman's 0 is none. */
static int set_at_most(const char *flag, const char *s, unsigned max, unsigned *ret,
		       struct rl_err *err)
{
	unsigned n = *ret;
	int r = set_count(flag, s, 1, &n, err);

	if (r == 0 && n > max)
		return rl_fail(err, EINVAL, "'%s %s': %u are kept at most", flag, s, max);
	*ret = n;
	return r;
}

static int set_log(const struct create_req *q, struct health_conf *c, struct rl_err *err)
{
	int r;

	if (q->health_log_to && strcmp(q->health_log_to, "local") != 0) {
		rl_fail(err, EINVAL, "'--health-log-destination %s' is not 'local'",
			q->health_log_to);
		return rl_hint(err, "rl inspect shows the last results, rl events each change");
	}
	r = set_at_most("--health-max-log-count", q->health_log_count, HEALTH_LOG_MAX,
			&c->log_count, err);
	return r < 0 ? r
		     : set_at_most("--health-max-log-size", q->health_log_bytes, EXEC_OUTPUT_MAX,
				   &c->log_bytes, err);
}

static int set_flags(const struct create_req *q, struct health_conf *c, struct rl_err *err)
{
	int r = 0;

	if (q->health_interval && strcmp(q->health_interval, "disable") == 0)
		c->interval_ms = HEALTH_MANUAL;
	else
		r = set_time("--health-interval", q->health_interval, HEALTH_MIN_MS,
			     &c->interval_ms, err);
	if (r == 0)
		r = set_time("--health-timeout", q->health_timeout, HEALTH_MIN_MS, &c->timeout_ms,
			     err);
	if (r == 0)
		r = set_time("--health-start-period", q->health_start_period, 0,
			     &c->start_period_ms, err);
	if (r == 0)
		r = set_time("--health-start-interval", q->health_start_interval, 0,
			     &c->start_interval_ms, err);
	if (r == 0 && q->health_on_failure)
		r = health_action_parse(q->health_on_failure, &c->on_failure, err);
	if (r == 0)
		r = set_count("--health-retries", q->health_retries, 1, &c->retries, err);
	if (r == 0)
		r = set_log(q, c, err);
	return r == 0 ? set_startup(q, c, err) : r;
}

bool health_asked(const struct create_req *q)
{
	return q->no_healthcheck || q->health_cmd || q->health_interval || q->health_timeout ||
	       q->health_retries || q->health_start_period || q->health_start_interval ||
	       q->health_on_failure || q->health_log_to || q->health_log_count ||
	       q->health_log_bytes || q->startup_cmd || q->startup_interval || q->startup_timeout ||
	       q->startup_retries || q->startup_success;
}

int health_change(const struct create_req *req, struct health_conf *c, struct rl_err *err)
{
	int r = 0;

	if (req->no_healthcheck && req->health_cmd)
		return rl_fail(err, EINVAL,
			       "'--no-healthcheck' and '--health-cmd' exclude each other");
	if (req->no_healthcheck || req->health_cmd)
		strv_done(&c->test);
	if (req->no_healthcheck)
		strv_done(&c->startup.test);
	if (req->health_cmd)
		r = health_cmd_parse(req->health_cmd, &c->test, err);
	return r < 0 ? r : set_flags(req, c, err);
}

int health_build(const struct create_req *req, const json_t *image_config, struct health_conf *ret,
		 struct rl_err *err)
{
	const json_t *image =
		json_object_get(json_object_get(image_config, "config"), "Healthcheck");
	struct health_conf c;
	int r = 0;

	health_conf_init(&c);
	if (!req->no_healthcheck)
		r = health_conf_read(image, &c, err);
	if (r < 0)
		rl_hint(err, "--no-healthcheck runs the image without its check");
	if (r == 0)
		r = health_change(req, &c, err);
	if (r == 0 && req->need_health && c.test.n == 0) {
		rl_fail(err, EINVAL,
			"'--wait-healthy' needs a health check, and the image has none");
		r = rl_hint(err, "give one with --health-cmd");
	}
	if (r == 0 && c.on_failure != HEALTH_DO_NOTHING && c.test.n == 0 && !req->no_healthcheck) {
		rl_fail(err, EINVAL,
			"'--health-on-failure %s' needs a health check, and the image has none",
			req->health_on_failure);
		r = rl_hint(err, "give one with --health-cmd");
	}
	if (r < 0) {
		health_conf_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}
