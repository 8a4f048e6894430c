/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.h - a container's health: what to check, what results mean, the record for others
 *
 * The check is a command run in the container by its monitor (core/monitor_health.c), which owns
 * the state; there are no timers of systemd and no daemon. The configuration is the "Healthcheck"
 * object of image configs ({"Test": ["CMD-SHELL", TEXT], "Interval": ns, ...}), kept in that form in
 * state.json, plus "OnFailure" and "Startup" (the same keys, Retries and Successes as numbers). The state is health.json in the container's folder, in the form that
 * inspect shows: {"Status", "FailingStreak", "Log": [{"Start", "End", "ExitCode", "Output"}]}.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/strv.h"
#include "core/exec.h"

enum health_status { HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };
/* What happens to a container when it turns unhealthy */
enum health_action { HEALTH_DO_NOTHING, HEALTH_DO_KILL, HEALTH_DO_RESTART, HEALTH_DO_STOP };

#define HEALTH_FILE     "health.json"
#define HEALTH_LOG_MAX  5     /* results that are kept */
#define HEALTH_MIN_MS   10    /* shortest interval and time-out */
#define HEALTH_MANUAL   (-1)  /* interval "disable": only `rl healthcheck run` checks */
#define HEALTH_EARLY_MS 1000  /* between two checks in the first interval, unless told otherwise */
#define HEALTH_START_MS 5000  /* the same in the start period after it, as Docker */
#define HEALTH_TEST_MAX 65536 /* bytes of the command */

/**
 * struct health_conf - A health check; without words in @test there is none
 * @test:	"CMD" and a command, or "CMD-SHELL" and a text for /bin/sh
 * @interval_ms: Between the end of a check and the next one, or HEALTH_MANUAL
 * @retries:	So many failures in a row are "unhealthy"
 * @start_period_ms: Failures do not count before (nor before the first interval is over)
 * @start_interval_ms: Between checks until then, 0 = HEALTH_EARLY_MS, then
 *		HEALTH_START_MS; never above @interval_ms
 * @startup:	Checked instead of @test until it was well for @startup.successes times in a row;
 *		after @startup.retries failures (0 = any number) the container is started again
 * @log_count:	So many of the last results are kept, HEALTH_LOG_MAX at most; 0 = that
 * @log_bytes:	of so many bytes each, EXEC_OUTPUT_MAX at most; 0 = that
 */
struct health_conf {
	struct strv test;
	int64_t interval_ms, timeout_ms, start_period_ms, start_interval_ms;
	unsigned retries, log_count, log_bytes;
	enum health_action on_failure;
	struct health_startup {
		struct strv test;
		int64_t interval_ms, timeout_ms;
		unsigned retries, successes;
	} startup;
};

/* 30 s, 30 s, 3 retries, all results that can be kept, no check */
void health_conf_init(struct health_conf *c);
/*
 * Read a "Healthcheck" object (NULL is fine: no check). Image configs are HOSTILE: sizes are
 * limited, numbers out of range refused. @c was initialized; values of 0 leave its defaults.
 */
int health_conf_read(const json_t *j, struct health_conf *c, struct rl_err *err) RL_MUST_USE;
/* The object; NULL: out of memory. JSON null when there is no check. */
json_t *health_conf_write(const struct health_conf *c);
void health_conf_done(struct health_conf *c);
/* "none", "kill", "restart", "stop". 0 or -EINVAL. */
int health_action_parse(const char *s, enum health_action *ret, struct rl_err *err) RL_MUST_USE;

/* One check and its result */
struct health_result {
	int64_t start_ns, end_ns; /* wall clock */
	int code;                 /* 0 = healthy */
	uint32_t len;
	char output[EXEC_OUTPUT_MAX]; /* written by the container, HOSTILE */
};

/* All that is remembered; fixed in size */
struct health {
	enum health_status status;
	unsigned failing_streak;
	unsigned startup_good, startup_bad; /* of the startup check */
	bool is_up;                         /* it is over */
	unsigned n;                         /* used entries of @log, oldest first */
	struct health_result log[HEALTH_LOG_MAX];
};

/**
 * health_add() - What a result means
 * @age_ms:	Since the container was started
 *
 * Return: whether the status has changed
 */
bool health_add(struct health *h, const struct health_conf *c, const struct health_result *r,
		int64_t age_ms);
/* Is it the startup check's turn? And has that failed for good? */
bool health_is_startup(const struct health *h, const struct health_conf *c);
bool health_startup_failed(const struct health *h, const struct health_conf *c);
/* Milliseconds until the next check, now that it has run for @age_ms; -1 = none. */
int64_t health_next(const struct health *h, const struct health_conf *c, int64_t age_ms);

const char *health_name(enum health_status s); /* "starting", ... */
/* Replace health.json; not synced, a crash costs no more than a few results. */
int health_write(const struct health *h, int dir_fd, struct rl_err *err) RL_MUST_USE;
/* The object in health.json of a container's folder, checked; -ENOENT: no check so far. */
int health_read(int dir_fd, json_t **ret, struct rl_err *err) RL_MUST_USE;
/* Only its status, "" when there is none; at most 10 bytes and NUL. */
void health_read_status(int dir_fd, char ret[16]);
