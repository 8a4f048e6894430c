/* SPDX-License-Identifier: Apache-2.0 */
/* life.h - engine: signals, stopping, waiting for and removing containers */
#pragma once

#include <stdbool.h>

#include "core/base/strv.h"
#include "core/ctr_state.h"

struct monitor_msg;

/* State of an open container; one that lost its monitor is healed first. */
int life_state(const struct rl *rl, struct ctr *c, struct ctr_state *ret,
	       struct rl_err *err) RL_MUST_USE;

/* Set the error of what needs a running container. -ESRCH. */
int life_not_running(const struct ctr *c, enum ctr_status status, struct rl_err *err);

/* Connect to the monitor of a container that runs. fd; -ESRCH when it does not. */
int life_reach(const struct rl *rl, struct ctr *c, struct rl_err *err) RL_MUST_USE;

/* One request to its monitor; 0 as well when it does not run (any more). */
int life_tell(const struct rl *rl, struct ctr *c, const struct monitor_msg *req,
	      struct rl_err *err) RL_MUST_USE;

/*
 * The outcome @r of a call to the monitor; when the monitor left without an answer (-EPIPE) because
 * the container ended meanwhile, the error says so. Return: @r or -ESRCH.
 */
int life_lost(const struct rl *rl, struct ctr *c, int r, struct rl_err *err) RL_MUST_USE;

/* The outcome @r of a step; a failure for a container that has been removed meanwhile says so. -ENOENT. */
int life_gone(const struct rl *rl, const struct ctr *c, int r, struct rl_err *err) RL_MUST_USE;

/* Wait (at most 10 s) until the monitor of an ended container has cleaned up and left. */
int life_settle(const struct rl *rl, struct ctr *c, struct rl_err *err) RL_MUST_USE;

/* Send @signo to the first process. -ESRCH when it does not run. */
int life_signal(const struct rl *rl, struct ctr *c, int signo, struct rl_err *err) RL_MUST_USE;

/**
 * struct life_grace - How politely containers are ended
 * @signo:	0: each container's own stop signal
 * @timeout_s:	Until SIGKILL; -1: never, LIFE_TIMEOUT_OWN: each container's own
 * @begun:	Those that life_begin() has sent the signal to, which may have gone meanwhile (--rm)
 * @begun_ms:	When, of now_ms()
 */
struct life_grace {
	int signo;
	int64_t timeout_s;
	struct life_begun *begun;
	size_t n_begun;
	int64_t begun_ms;
};
void life_grace_done(struct life_grace *g); /* after life_begin() */
#define LIFE_TIMEOUT_OWN (-2)

/**
 * life_begin() - Send the stop signal to all of @names, so that their grace times run side by side
 * @force:	They are removed afterwards (see life_remove())
 *
 * What fails here is met, and told, by life_stop() or life_remove() of that container.
 */
void life_begin(const struct rl *rl, const struct strv *names, bool force, struct life_grace *g);
/* Whether @name (as given) has been stopped by that and is not there any more; its event is written. */
bool life_has_gone(const struct rl *rl, const char *name, const struct life_grace *g);

/**
 * life_stop() - Stop signal, grace time, SIGKILL
 *
 * Return: 0 (also when it was not running), -ETIMEDOUT when even SIGKILL did not end it (the
 * message says in which state its first process is)
 */
int life_stop(const struct rl *rl, struct ctr *c, const struct life_grace *g,
	      struct rl_err *err) RL_MUST_USE;

/* Freeze or thaw all its processes. -ESRCH when it does not run, -EALREADY, -ENOTSUP. */
int life_pause(const struct rl *rl, struct ctr *c, bool paused, struct rl_err *err) RL_MUST_USE;

/*
 * A health check now. @ret_code: of its command. -ESRCH when the container does not run, -ENOENT
 * when it has no check, -EBUSY when it is paused.
 */
int life_check(const struct rl *rl, struct ctr *c, int *ret_code, struct rl_err *err) RL_MUST_USE;

/**
 * life_wait_healthy() - Wait until a container that was started is healthy
 *
 * Return: 0; -ECANCELED with exit_code 1 and the last output when it turned unhealthy; -ESRCH when
 * it ended
 */
int life_wait_healthy(const struct rl *rl, struct ctr *c, struct rl_err *err) RL_MUST_USE;

/**
 * life_restart() - End a container that is alive and start it again, by its monitor
 * @signo:	0: the container's own stop signal
 * @timeout_s:	As in struct life_grace
 *
 * For containers with --rm, which a stop would remove. -ESRCH when it was stopped meanwhile.
 */
int life_restart(const struct rl *rl, struct ctr *c, int signo, int64_t timeout_s,
		 struct rl_err *err) RL_MUST_USE;

/* A signal as it is typed: "TERM", "SIGTERM", "15". Return: 0, or -EINVAL with a hint */
int life_parse_signal(const char *word, int *ret, struct rl_err *err) RL_MUST_USE;

/* Wait for the end. @ret_exit as recorded. -ETIMEDOUT. */
int life_wait(const struct rl *rl, struct ctr *c, int timeout_ms, struct ctr_exit *ret_exit,
	      struct rl_err *err) RL_MUST_USE;

/**
 * life_remove() - Remove a container
 * @force:	End it first if it runs, by this grace, or at once if its first process neither
 *		handles nor blocks the stop signal (the kernel drops it then); NULL: it must not run
 *
 * Return: 0, -EBUSY with exit_code 2 for a running one without @force
 */
int life_remove(const struct rl *rl, struct ctr *c, const struct life_grace *force,
		struct rl_err *err) RL_MUST_USE;

/* life_remove() with force, of each of @ids that is still there: who uses what goes. */
int life_remove_users(const struct rl *rl, const struct strv *ids, int64_t timeout_s,
		      struct rl_err *err) RL_MUST_USE;

/* Remove what crashes left: half-made and half-removed containers, their names, volumes. @with_names: as
 * ctr_sweep(). */
void life_sweep(const struct rl *rl, bool with_names);
