/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.h - the process that watches over one container from start to end
 *
 * Forked from the client, in the caller's namespaces, in a session of its own. It holds the
 * container's lock while it lives; starts and places the container; waits for its end; records it;
 * starts it again where the restart policy says so; cleans up. It parses fixed-size messages only.
 * SIGTERM (systemd ending a session) makes it stop the container as `rl stop` does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/cgroup.h"
#include "core/ctr.h"
#include "core/events.h"
#include "core/health.h"
#include "core/idfile.h"
#include "core/launch.h"
#include "core/restart.h"
#include "core/rl.h"
#include "core/session.h"

struct control_idle; /* core/control.h */
enum monitor_type {
	/* monitor to the client that started it */
	MONITOR_STARTED = 1, /* the payload runs; @code is init's pid */
	MONITOR_FAILED,      /* it could not be started; @err says why; nothing is left */
	MONITOR_NOTE,        /* a warning for the user in err.msg */
	MONITOR_EXITED,      /* it ended; @exit. Also the answer to MONITOR_WAIT and _ATTACH */
	/* any client to the monitor; answered with MONITOR_OK or MONITOR_REFUSED (@err) */
	MONITOR_SIGNAL,   /* send @signal to the first process */
	MONITOR_STOPPING, /* the user wants it to end: no restart policy applies */
	MONITOR_ATTACH,   /* one descriptor comes along: a client's end for the pump */
	MONITOR_WAIT,     /* keep the connection; MONITOR_EXITED comes at the end */
	MONITOR_PAUSE,
	MONITOR_UNPAUSE,
	MONITOR_DETACH, /* of the client that started it: it leaves, the container stays */
	MONITOR_EXEC,   /* one more process; along come exec_client()'s two descriptors; @id */
	MONITOR_EXECS,  /* answered by a struct monitor_execs */
	MONITOR_CHECK,  /* do a health check now; MONITOR_CHECKED comes later */
	MONITOR_AGAIN, /* end it and start it at once: @signal (0: its own), @code s of grace, -1 = any */
	MONITOR_LIMITS,   /* of a container without a cgroup: @limits from now on */
	MONITOR_POLICY,   /* restart policy from now on: @code = enum restart_kind, @signal = max */
	MONITOR_NETNS,    /* the namespace of the network @id, as a descriptor of the answer */
	MONITOR_NETWORKS, /* the container's networks or names have changed: follow */
	MONITOR_CHECKED,  /* later on such a connection: @code of the check's command */
	MONITOR_OK,       /* answers */
	MONITOR_REFUSED,
	MONITOR_RECORD, /* asked: its record has changed. Last: older monitors know the others so */
};
/* What can be changed without a cgroup (core/approx.h); 0 and "" = no limit */
struct monitor_limits {
	int64_t cpu_quota_us, cpu_period_us, memory_max, pids_max;
	char cpuset_cpus[256];
};

struct monitor_msg {
	uint32_t type; /* enum monitor_type */
	int32_t code, signal;
	char id[CTR_ID_LEN + 1]; /* of an exec */
	struct ctr_exit exit;
	struct monitor_limits limits;
	struct rl_err err;
};

#define MONITOR_EXECS_MAX     512 /* at a time in one container */
#define MONITOR_EXECS_MSG     64  /* of them in one message */
#define MONITOR_CLIENTS_KNOWN 1   /* the forwarder has told */
#define MONITOR_CLIENTS_REAL4 2   /* the container sees the client's own IPv4 address */
#define MONITOR_CLIENTS_REAL6 4   /* the same for IPv6 */
#define MONITOR_EXECS_MORE    8   /* another message with execs follows */

/* The execs that run, in no order; and how published ports do. As many messages as it takes. */
struct monitor_execs {
	uint32_t clients; /* of published ports: MONITOR_CLIENTS_*; MONITOR_EXECS_MORE */
	uint32_t n;
	char id[MONITOR_EXECS_MSG][CTR_ID_LEN + 1];
};

/* What core does not know comes in by hooks; called in the monitor. */
struct monitor_hooks {
	void *arg;
	/* The tap has its first frame: start the packet loop. @ret_pidfd is watched, borrowed. */
	int (*net_start)(void *arg, int tap_fd, int *ret_pidfd, struct rl_err *err);
	/* End it; also after it died by itself, then with its last words in @why (@room bytes). */
	void (*net_stop)(void *arg, char *why, size_t room);
	/* The container is ready to run: forward its published ports. NULL: it has none. */
	int (*ports_start)(void *arg, int netns_fd, int *ret_pidfd, struct rl_err *err);
	void (*ports_stop)(void *arg, char *why, size_t room); /* as net_stop */
	void (*ports_release)(void *arg);     /* there will be no other run: they are anybody's */
	unsigned (*ports_clients)(void *arg); /* MONITOR_CLIENTS_* */
	/*
	 * Make the container's networks what its record says; NULL: it can have none. @fresh: it has
	 * just been started. @idle: others ask by netns() for what it joined, from before it returns.
	 * 1: the packet loop does not fit any more.
	 */
	int (*networks)(void *arg, int net_fd, bool fresh, const struct control_idle *idle,
			struct rl_err *err);
	int (*netns)(void *arg, const char *id);      /* borrowed, or -errno */
	int (*reread)(void *arg, struct rl_err *err); /* see MONITOR_RECORD; 1: another check */
	void (*networks_end)(void *arg);
	bool has_networks; /* at the start */
};

struct monitor_cfg {
	const struct rl *rl;
	struct ctr *ctr; /* created and published */
	const struct session *session;
	struct launch *launch;
	struct cgroup_limits limits;
	const struct strv
		*limit_flags; /* what was asked for ("--cpus 1"); empty: no cgroup is sought */
	bool strict_limits;
	bool interactive; /* stdin is kept open */
	bool terminal;
	bool remove;   /* --rm */
	bool detached; /* the client's leaving is no reason to end */
	bool keep;     /* a failed start leaves the container as it was (start, not run) */
	int stop_signal;
	const char *image_name; /* for events, as the labels */
	const json_t *labels;   /* or NULL */
	const struct idfiles *files;
	int log_dir;           /* folder for the log (core/logfile.h), or FD_NONE; borrowed */
	int log_file, journal; /* in its place, or 0: see core/pump.h; borrowed */
	int64_t log_max;       /* bytes before a rotation */
	const char *journal_fields;
	bool passthrough;     /* launch->stdio are the caller's, and there is no pump */
	int64_t stop_timeout; /* seconds of grace when the monitor itself has to end, -1 = any */
	int64_t run_timeout;  /* --timeout: seconds that it may run, 0 = any */
	struct restart_policy restart;
	const struct health_conf *health; /* or NULL */
	struct monitor_hooks hooks;
};

struct monitor_client {
	int control; /* SOCK_SEQPACKET of struct monitor_msg; owned */
	int attach;  /* the pump's client socket; owned */
	pid_t pid;
};

/*
 * Fork the monitor. The client's death (end of file on control) ends the container. After a
 * successful return everything about the container belongs to the monitor.
 */
int monitor_start(const struct monitor_cfg *cfg, struct monitor_client *ret,
		  struct rl_err *err) RL_MUST_USE;
void monitor_client_close(struct monitor_client *c);
