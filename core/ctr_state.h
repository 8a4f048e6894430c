/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctr_state.h - finding containers, and what state they are in
 *
 * "Running" means: the monitor holds the record lock and has written no exit.json yet (each start
 * removes the last one); between two runs of a container with a restart policy the last exit.json
 * says that it is restarting. A container with a run.json, without an exit.json, whose lock is free lost
 * its monitor; ctr_heal() ends what is left of it and writes the exit. Readers take no locks and wait for nothing; a damaged record concerns its own
 * container only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/jsonpick.h"
#include "core/base/strv.h"
#include "core/ctr.h"

enum ctr_status { CTR_CREATED, CTR_RUNNING, CTR_PAUSED, CTR_RESTARTING, CTR_EXITED };

struct ctr_state {
	enum ctr_status status;
	pid_t pid;          /* of init while it runs, else 0 */
	pid_t monitor;      /* who holds the lock, 0 = nobody, < 0 = in another pid namespace; with
			       * CTR_EXITED it is cleaning up */
	char cgroup[512];   /* path, or empty */
	int64_t started_ns; /* 0 = never */
	unsigned restarts;  /* by the restart policy since the user started it */
	char network[256];  /* what befell the helpers of its network in this run, or empty */
	bool network_down;  /* one of them stays down */
	struct ctr_exit exit; /* with CTR_EXITED and CTR_RESTARTING */
	bool is_lost;         /* the monitor died without writing the end: heal */
	const char
		*damaged; /* a record that is there and cannot be read: what it says is not known */
};

/* "created", "running", "paused", "restarting", "exited" */
const char *ctr_status_name(enum ctr_status s);
/* Whether a monitor cares for it: it runs, is paused, or will be started again. */
bool ctr_is_alive(const struct ctr_state *s);

/**
 * ctr_find() - Open a container by name, id, or unique prefix of an id
 *
 * Return: 0; -ENOENT "no such container", -EEXIST when a prefix fits several
 */
int ctr_find(const struct rl *rl, const char *name, struct ctr *ret,
	     struct rl_err *err) RL_MUST_USE;
/* Open by full id; the name is read from state.json ("" when that is damaged,
 * then @ret->record is NULL). */
int ctr_open(const struct rl *rl, const char *id, struct ctr *ret, struct rl_err *err) RL_MUST_USE;
/* The same for lists of many: no tree of the record is made. @picks are looked for in it, and
 * borrow from @ret->text; CTR_PICKS_MAX at most. */
int ctr_look(const struct rl *rl, const char *id, struct json_pick *picks, size_t n,
	     struct ctr *ret, struct rl_err *err) RL_MUST_USE;
#define CTR_PICKS_MAX 8
/* The ids of all published containers, unsorted. */
int ctr_list(const struct rl *rl, struct strv *ret, struct rl_err *err) RL_MUST_USE;

int ctr_get_state(const struct ctr *c, struct ctr_state *ret, struct rl_err *err) RL_MUST_USE;
/* A pidfd on the first process, if @pid still is the one that run.json speaks of; fd, -ESRCH, -errno. */
int ctr_open_init(const struct ctr *c, pid_t pid);
/*
 * After is_lost: end init (if it is the same process: start time and boot id are compared) and its
 * cgroup, write exit.json (137), remove what the monitor left. @s is what is found afterwards.
 * Nothing happens when somebody else heals or runs it; on a full disk the record stays as it is.
 *
 * Return: 0; -ETIMEDOUT when SIGKILL does not end init in @timeout_ms: @s.is_lost stays
 */
int ctr_heal(const struct rl *rl, struct ctr *c, struct ctr_state *s, int timeout_ms,
	     struct rl_err *err) RL_MUST_USE;
