/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nets.h - engine: a container's named networks, asked for, recorded, joined by its monitor
 *
 * What it belongs to is a file of its own (net/endpoint.h), which connect and disconnect change; the
 * monitor follows (net/attach.h). The packet loop is told what comes of it: whether anything leads
 * out, and whom to ask for names.
 */
#pragma once

#include "cmd/engine/container.h"
#include "net/attach.h"
#include "net/endpoint.h"

/**
 * nets_take() - --network NET and what goes with it, of a new container: checked and written down
 * @ret_hold:	Holds off the removal of networks until closed; FD_NONE when there are none
 */
int nets_take(const struct container *c, const struct create_req *req, int *ret_hold,
	      struct rl_err *err) RL_MUST_USE;
/* Was it made for named networks? */
bool nets_is_named(const struct container *c);

/**
 * nets_connect() - One more network for a container, at once if it runs
 * @word:	NET[:ip=...], as --network has it
 *
 * Return: 0; -EEXIST when it is on it already; -errno and everything as before
 */
int nets_connect(const struct rl *rl, struct ctr *ctr, const char *word,
		 const struct endpoint *more, struct rl_err *err) RL_MUST_USE;
/* -ENOENT when it is not on it */
int nets_disconnect(const struct rl *rl, struct ctr *ctr, const char *network,
		    struct rl_err *err) RL_MUST_USE;
/* Its name has changed: tell the networks. Nothing that goes wrong here concerns the caller. */
void nets_renamed(const struct rl *rl, const struct ctr *ctr);

/* The name servers of @network have changed: tell those that run on it. The first failure counts. */
int nets_updated(const struct rl *rl, const char *network, struct rl_err *err) RL_MUST_USE;

/* In the monitor: the hooks of core/monitor.h. */
struct nets {
	const struct container *c;
	struct net_config *net; /* what the packet loop is told, kept up to date */
	struct attach a;
	int networks_fd;
};

/* @net: filled by ports_net_config() */
int nets_open(struct nets *n, const struct container *c, struct net_config *net,
	      struct rl_err *err) RL_MUST_USE;
void nets_close(struct nets *n);
int nets_follow(struct nets *n, int tap, bool fresh, const struct control_idle *idle,
		struct rl_err *err) RL_MUST_USE;
