/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - S, the one user namespace that all of a user's containers are nested in
 *
 * Made once with newuidmap/newgidmap (0 = the caller, 1.. = the subordinate range), then found
 * again: through the holder (a tiny process listening on run_dir/session.sock that leaves after
 * being idle), else through any live monitor; the descriptor travels by SCM_RIGHTS. A new one is
 * made under a lock only when neither lives. Ladder: full subordinate range > one id.
 */
#pragma once

#include <stddef.h>

#include "core/idmap.h"
#include "core/rl.h"

enum session_rung {
	SESSION_FULL,   /* 0 = caller, 1.. = subordinate range */
	SESSION_ONE_ID, /* 0 = caller, nothing else; setgroups is denied */
};

struct session {
	int userns_fd;     /* owned; keeps S alive */
	struct idmap uids; /* S to the caller's namespace */
	struct idmap gids;
	enum session_rung rung;
};

/**
 * session_open() - Join or make S
 * @ret:	Written on success; release with session_close()
 *
 * When only one id can be had, one warning line per boot says why and what to do.
 * Errors name what forbids user namespaces (sysctl, AppArmor, max_user_namespaces, outer seccomp)
 * with the line that mends it. The caller stays in its own namespace.
 */
int session_open(const struct rl *rl, struct session *ret, struct rl_err *err) RL_MUST_USE;
void session_close(struct session *s);

/**
 * session_try() - Make an S that nobody else will find, for rl doctor
 * @ret:	As session_open()
 * @ret_why:	code 0, or with one id: why it is not more, with the line that mends it
 *
 * No holder is started, no folder of rl's touched, nothing warned of.
 */
int session_try(const struct rl *rl, struct session *ret, struct rl_err *ret_why,
		struct rl_err *err) RL_MUST_USE;

/*
 * In a forked child: enter S and become uid 0, gid 0 there. Supplementary groups stay as they are
 * (init sets the container's own). 0 or -errno with err.
 */
int session_enter(const struct session *s, struct rl_err *err) RL_MUST_USE;

/*
 * Being asked for S. A client connects (SOCK_SEQPACKET), sends the SESSION_REQUEST_LEN bytes of
 * SESSION_REQUEST as its first message and gets one message back with the maps and the
 * descriptor. Monitors listen on run_dir/ctr/<id>/monitor.sock; both ends check SO_PEERCRED.
 */
#define SESSION_REQUEST     "rl:S?v1"
#define SESSION_REQUEST_LEN 8

/* A listening socket (non-blocking, mode 0600) named @path below @dir_fd; a stale one is
 * replaced. Paths of any length: the name goes through /proc/self/fd. fd or -errno. */
int session_listen(int dir_fd, const char *path, struct rl_err *err) RL_MUST_USE;
/* Accept one client, check it, read its request (at most 1 s) and answer. 0 or -errno; an error
 * concerns that client only. For sockets that take nothing but this request. */
int session_answer(int listen_fd, const struct session *s);
/* The answer alone, for a server that read SESSION_REQUEST itself on @conn_fd. 0 or -errno. */
int session_send(int conn_fd, const struct session *s);
