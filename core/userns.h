/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns.h - make a user namespace, map it, try it out, keep a descriptor
 *
 * Steps for the caller: userns_begin(), one of the map functions, userns_finish(); and
 * userns_abort() at any point, also after a failure and after the end.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/cleanup.h"
#include "core/idmap.h"

/**
 * struct userns - A namespace in the making; its first process waits for us meanwhile
 * @pid:	That process, a child of the caller; 0 = none
 * @sync_fd:	Socket to it
 */
struct userns {
	pid_t pid;
	int sync_fd;
};
#define USERNS_NONE                          \
	{                                    \
		.pid = 0, .sync_fd = FD_NONE \
	}

/* Fails with -EPERM and kin where user namespaces are forbidden; names the switch and its mend. */
int userns_begin(struct userns *u, struct rl_err *err) RL_MUST_USE;

/*
 * Let newuidmap and newgidmap (absolute paths) write the maps, at most 10 s each, and read back
 * what the kernel has: a helper that does nothing, or something else, is an error.
 */
int userns_map_helper(struct userns *u, const char *newuidmap, const char *newgidmap,
		      const struct idmap *uids, const struct idmap *gids,
		      struct rl_err *err) RL_MUST_USE;
/* Write the maps ourselves: one line of one's own id, or, with CAP_SETUID and CAP_SETGID here,
 * any. */
int userns_map_direct(struct userns *u, const struct idmap *uids, const struct idmap *gids,
		      bool deny_setgroups, struct rl_err *err) RL_MUST_USE;

/*
 * See that capabilities mean something in it (on Ubuntu they do not unless AppArmor allows it),
 * end its first process. @ret_fd keeps the namespace alive; owned by the caller.
 */
int userns_finish(struct userns *u, int *ret_fd, struct rl_err *err) RL_MUST_USE;
void userns_abort(struct userns *u);
