/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container.h - engine: one container as the commands see it: made, loaded, started, run
 *
 * struct container is all that starting needs; engine_create() makes it out of a request and
 * writes it down (state.json, config.json), engine_load() reads it back.
 */
#pragma once

#include "cmd/engine/create.h"
#include "core/ctr.h"
#include "core/detach.h"
#include "core/health.h"
#include "core/idfile.h"
#include "core/restart.h"
#include "core/session.h"
#include "core/spec.h"
#include "net/net.h"
#include "net/publish.h"

enum container_net {
	CONTAINER_NET_PRIVATE,
	CONTAINER_NET_NONE,
	CONTAINER_NET_HOST,
	CONTAINER_NET_JOINED, /* another container's */
	CONTAINER_NET_PATH,   /* one that a path names */
};

struct container {
	const struct rl *rl;
	struct ctr ctr;
	struct session session;
	json_t *spec_json;            /* config.json; in a new container "seccomp" is a null; NULL
				       * in one that has been started */
	char *config_text;            /* the whole of config.json, only until record_write() */
	struct seccomp_filter filter; /* no instructions: unconfined, or not compiled yet */
	json_t *labels;
	json_t *log;            /* cmd/engine/logopt.h; NULL in old records */
	json_t *files;          /* --cidfile and kin: see container_idfiles(); NULL = none */
	json_t *asked, *mounts; /* struct spec_out; NULL in old records */
	struct spec spec;       /* the same as @spec_json, parsed */
	char *image_name;       /* as typed; the folder with --rootfs */
	char image_id[65];      /* empty with --rootfs */
	struct strv diff_ids;
	struct idmap uids, gids; /* C into S */
	struct cgroup_limits limits;
	struct strv limit_flags;
	enum container_net net;
	struct strv
		net_words; /* --network, then each --host-port, as typed, "dns=", "search" (net/net.h) */
	struct publish ports;
	struct publish_sockets sockets; /* bound from making to starting, if that follows at once */
	struct spec_volume *volumes;
	size_t n_volumes;
	int64_t created_ns;
	int64_t stop_timeout; /* seconds, -1 = for ever */
	int64_t run_timeout;  /* --timeout: seconds it may run, 0 = any */
	struct restart_policy restart;
	struct health_conf health;
	int stop_signal;
	bool run; /* made by rl run: it is started before anybody sees it */
	bool tty, interactive, remove, init, strict_limits, host_cgroupns;
	bool over_folder; /* --rootfs DIR:O: what it writes goes into a layer over the folder */
};

/**
 * engine_create() - Find or pull the image, check everything, make the container's folder
 *
 * Return: 0; or -errno with nothing left behind
 */
int engine_create(const struct rl *rl, const struct create_req *req, struct container *ret,
		  struct rl_err *err) RL_MUST_USE;

/**
 * engine_load() - Read a container back
 * @name:	Name, id or unique prefix
 * @with_session: Open S as well, which starting needs
 */
int engine_load(const struct rl *rl, const char *name, bool with_session, struct container *ret,
		struct rl_err *err) RL_MUST_USE;

struct start_req {
	bool attach;           /* relay stdout and stderr, wait for the end */
	bool interactive;      /* with attach: our stdin as well */
	bool keep;             /* leave the container when the start fails */
	bool sig_proxy;        /* with attach: forward signals, see core/relay.h */
	bool no_out, no_err;   /* with attach: leave out stdout, stderr */
	uint64_t preserve_fds; /* our descriptors 3, 4, ... that it gets */
	struct detach keys;
};

/**
 * engine_start() - Start a created container; with @attach until its end
 * @ret_exit:	How it ended; only written with @attach. When we left it by keys the code is 0, by a
 *		signal 128 + that; it runs on then
 *
 * Return: 0 when it ran (whatever its exit code); -errno when it could not be started,
 * err->exit_code says 125, 126 or 127; the container is removed then, unless @keep.
 */
int engine_start(struct container *c, const struct start_req *req, struct ctr_exit *ret_exit,
		 struct rl_err *err) RL_MUST_USE;

/* What --cidfile, --pidfile and --conmon-pidfile named; borrowed from the container. */
struct idfiles container_idfiles(const struct container *c);
/* Write "create" or "remove" of a container whose record need not be there. */
void container_event(const struct container *c, const char *status);

/* How its root file system is assembled; release with rootfs_close(). */
struct rootfs;
int container_rootfs(const struct container *c, struct rootfs *ret, struct rl_err *err) RL_MUST_USE;

void container_done(struct container *c); /* fine on a zeroed struct */

/*
 * -p, -P and --expose of a new container: into @c->ports, bound in @c->sockets; random ones have
 * their number then. @image_config: its "config" object, or NULL. (ports.c)
 */
int ports_take(struct container *c, const struct create_req *req, const json_t *image_config,
	       struct rl_err *err) RL_MUST_USE;
/* The configuration of its private network. */
int ports_net_config(const struct container *c, struct net_config *ret,
		     struct rl_err *err) RL_MUST_USE;
json_t *ports_to_json(const struct container *c);
int ports_from_json(const json_t *a, struct container *c, struct rl_err *err) RL_MUST_USE;

/* state.json and config.json of a container whose folder is open (record.c) */
/* "limits" of state.json; new reference, NULL when out of memory */
json_t *record_limits(const struct cgroup_limits *l);
void record_get_limits(const json_t *o, struct cgroup_limits *ret);
int record_write(const struct container *c, struct rl_err *err) RL_MUST_USE;
int record_read(struct container *c, struct rl_err *err) RL_MUST_USE;
/* Only what may change under a running monitor: health check and rlimits. 1: it is another check. */
int record_reread(struct container *c, struct rl_err *err) RL_MUST_USE;
/* The text of a state.json alone, any bytes; @c is zeroed before, and container_done() after. */
int record_parse(const char *data, size_t len, struct container *c, struct rl_err *err) RL_MUST_USE;
