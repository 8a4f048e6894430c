/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_int.h - what monitor.c (life), monitor_policy.c (rules) and monitor_serve.c (requests) share */
#pragma once

#include <poll.h>

#include "core/approx.h"
#include "core/exec.h"
#include "core/memwatch.h"
#include "core/monitor.h"

struct monitor_peers; /* monitor_serve.h */

/* Points in time by now_ms(); 0 = none */
struct monitor_timers {
	int64_t end_ms;     /* --timeout is over */
	int64_t kill_ms;    /* the grace after a stop signal of ours is over */
	int64_t check_ms;   /* the next health check */
	int64_t restart_ms; /* set between two runs: when the next one starts */
	int64_t memory_ms;  /* the next look at the memory (monitor_limits.h) */
	int64_t accept_ms;  /* the next try to accept who connects: descriptors had run out */
};

struct monitor_health {
	struct health h;
	struct exec e;    /* the check under way; fd FD_NONE: none */
	int64_t began_ns; /* that check */
	bool is_stale;    /* it was begun in the last run */
};

struct monitor {
	const struct monitor_cfg *cfg;
	int control, attach; /* the client that started us */
	struct launched init;
	struct cgroup cgroup;
	int pump_control; /* closing it tells the pump that the container has ended */
	pid_t pump;
	unsigned pump_starts;
	int out_fds[2]; /* what it reads, for another one if it dies; equal with a terminal */
	int listen_fd;  /* run_dir/ctr/<id>/monitor.sock */
	struct monitor_peers *peers; /* NULL: nobody */
	int net_pidfd;               /* borrowed from the hook; FD_NONE while no packet loop runs */
	int ports_pidfd;             /* the same for the forwarder of published ports */
	unsigned net_starts, ports_starts;
	int64_t net_since_ms, ports_since_ms; /* when the last of each was started */
	char net_note[256];                   /* the last death of one in this run, or empty */
	bool net_down;                        /* one stays down */
	int64_t started_ns;
	int64_t started_ms;  /* the same by now_ms() */
	bool settled;        /* socket and run.json are there */
	bool holds_lock;     /* the container is ours, not another monitor's */
	bool detached;       /* the client's leaving is no reason to end */
	bool stopping;       /* no restart policy applies */
	bool by_user;        /* because somebody stopped or killed it */
	bool again;          /* somebody wants it to be started again at its end, at once */
	unsigned runs;       /* starts so far */
	bool restart_wanted; /* by --health-on-failure, whatever the policy */
	bool paused, timed_out;
	enum ctr_cause cause;
	struct cgroup_limits limits; /* of now: `rl update` changes them where there is no cgroup */
	struct approx approx;
	struct memwatch memwatch;
	int memory_fd; /* memory.events of the cgroup, or FD_NONE */
	int sig_fd;    /* SIGTERM */
	struct restart_policy policy;
	struct restart_state restart;
	struct monitor_timers timers;
	struct monitor_health health;
	uint64_t oom_seen;    /* oom_kill of the cgroup at the end of the last run */
	struct ctr_exit last; /* how that ended */
};

/* Write into the log of events; @x: with "died", else NULL. */
void monitor_event(const struct monitor *m, const char *status, const struct ctr_exit *x);

/* Why it is about to end; the first reason stays. */
void monitor_because(struct monitor *m, enum ctr_cause cause);

/* A warning for the user, while the client that started us is there. */
void monitor_note(const struct monitor *m, const char *text);

/* --- monitor_policy.c --- */

/* Milliseconds until the first timer is due, for poll; -1 = none. */
int monitor_time_left(const struct monitor *m);
void monitor_on_time(struct monitor *m);   /* do what is due */
void monitor_on_signal(struct monitor *m); /* one has come to the monitor itself */
/* A run has ended: milliseconds until the next start; -1 = none. */
int monitor_next_start(struct monitor *m, int exit_code);
/* Between two runs: is the pause over, or the wish to go on? */
bool monitor_pause_over(const struct monitor *m);
/* Signal @signo for the first process, as a user sends it. 0 or -errno. */
int monitor_signal(struct monitor *m, int signo, struct rl_err *err) RL_MUST_USE;
void monitor_stopping(struct monitor *m);   /* the user wants it to end */
void monitor_kill(const struct monitor *m); /* SIGKILL to the first process */
/* Stop signal, and SIGKILL when its grace time is over. */
void monitor_end_softly(struct monitor *m);
/* The user wants it to end and to be started again. 0 or -EINVAL. */
int monitor_again(struct monitor *m, int signo, int grace_s, struct rl_err *err) RL_MUST_USE;
int monitor_freeze(struct monitor *m, bool frozen, struct rl_err *err) RL_MUST_USE;
int monitor_set_policy(struct monitor *m, int kind, int max, struct rl_err *err) RL_MUST_USE;
/* Put run.json on disk. */
int monitor_write_run(const struct monitor *m, struct rl_err *err) RL_MUST_USE;
