/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.h - inside core/launch: the first process of a container and what its steps share
 *
 * One struct travels through the steps (init.c has the order). Nothing here is seen outside
 * core/launch.c and the files of the steps: mounts.c, dev.c, mask.c, procfs.c, payload.c, pid1.c;
 * and core/exec.c, which shares the channel.
 */
#pragma once

#include <stdint.h>

#include "core/launch.h"
#include "core/spec.h"

#define INIT_SLASHES_MAX 4 /* bind mounts whose source is the host's "/" */

struct init {
	const struct launch *l;
	const struct spec *spec;
	int sync_fd;      /* channel to the caller */
	int prepared_fd;  /* of the prepare hook, or FD_NONE */
	bool new_userns;  /* C's user namespace was made for this container */
	bool exe_at_risk; /* our own executable is writable by ids of the container (S1) */

	const int *sources; /* one per mount of the spec, see core/sources.h; NULL: to be opened */

	int null_fd; /* the null device, readable and writable, for absent stdio and masks */
	int dev_fd;  /* the fresh /dev, also where the spec mounts something over it */
	int root_fd; /* attached mount that becomes the root */
	/* clones of the host's "/" for bind mounts of it, made before root_fd lay on top of it */
	int slash_fds[INIT_SLASHES_MAX];
	bool userns_open;      /* the sysctl against nested user namespaces could not be written */
	int proc_top, sys_top; /* the mounts at /proc and /sys, or FD_NONE */
	int proc_fd;           /* procfs that no other process can lay something over, or FD_NONE */
	int shm_fd;    /* /dev/shm of the container whose IPC namespace is joined, or FD_NONE */
	int pts_fd;    /* the container's devpts, or FD_NONE */
	int master_fd; /* terminal: travels to the caller */
	int slave_fd;  /* terminal: becomes 0, 1, 2 */
	int net_fd;    /* of the netns hook, or FD_NONE */
	int mounts_fd; /* our mount namespace */
	int netns_fd;  /* our network namespace, if somebody joins it */
	int cwd_fd;    /* the working directory, resolved in the root */
	int stub_fd;   /* payload_stub(), or FD_NONE */
	int cgroup_fd; /* where the cgroup file system will be attached, or FD_NONE */
	uint64_t cgroup_attrs;
};

/* The whole life of init; ends in the payload's execve or in _exit(). */
_Noreturn void init_main(struct init *in);

/*
 * The channel: a SOCK_SEQPACKET pair, one struct msg (or its head alone) per packet.
 *	joiner -> init    MSG_MAPPED	id maps are written
 *	joiner -> caller  MSG_JOINED	value: pid of init
 *	init -> caller    MSG_READY	value: MSG_F_*; descriptors in that order
 *	caller -> init    MSG_GO
 *	init -> caller    MSG_STUB	err.msg: what the stub is going to execute; value: is there
 *	stub -> caller    MSG_ERRNO	value: errno of its execve
 *	any -> caller     MSG_ERR	err
 * End of file after MSG_GO: the payload was executed (the channel is closed on exec).
 */
enum msg_type { MSG_JOINED = 1, MSG_MAPPED, MSG_READY, MSG_GO, MSG_STUB, MSG_ERRNO, MSG_ERR };

struct msg {
	uint32_t type;
	int32_t value;
	struct rl_err err; /* only sent with MSG_STUB and MSG_ERR */
};
#define MSG_HEAD      8 /* bytes before err */
#define MSG_FDS       4
#define MSG_F_CONSOLE 1
#define MSG_F_NET     2
#define MSG_F_MOUNTS  4
#define MSG_F_NETNS   8
#define MSG_F_OPEN    16 /* no descriptor: see userns_open */

int msg_send(int fd, enum msg_type type, int value, const struct rl_err *err, const int *fds,
	     size_t n_fds) RL_MUST_USE;
/* The error of a MSG_ERR or, after @stub (type 0: none came), of a MSG_ERRNO. Return: -err->code. */
int msg_failure(const struct msg *m, const struct msg *stub, struct rl_err *err) RL_MUST_USE;
/* Bytes, 0 at end of file, -errno. Texts are terminated; a malformed packet is -EBADMSG. */
int msg_recv(int fd, struct msg *m, int fds[MSG_FDS]) RL_MUST_USE;

extern const int launch_ns_flags[SPEC_NS_KINDS]; /* CLONE_NEW* */

/* core/mounts.c */
int mounts_root(struct init *in, struct rl_err *err) RL_MUST_USE;
int mounts_spec(struct init *in, struct rl_err *err) RL_MUST_USE;
int mounts_cgroup(struct init *in, struct rl_err *err) RL_MUST_USE;
/* core/dev.c */
int dev_make(struct init *in, struct rl_err *err) RL_MUST_USE;
int dev_console(struct init *in, struct rl_err *err) RL_MUST_USE;
/* A new terminal of the devpts @pts_fd, with the size and owner that @s says. */
int dev_pty(int pts_fd, const struct spec *s, int *ret_master, int *ret_slave,
	    struct rl_err *err) RL_MUST_USE;
/* core/mask.c */
int mask_paths(struct init *in, struct rl_err *err) RL_MUST_USE;
/* core/procfs.c */
int procfs_sysctls(struct init *in, struct rl_err *err) RL_MUST_USE;
/* core/pid1.c */
/* @stub_fd: payload_stub(), or FD_NONE; @done_fd is closed when process 1 is what it stays */
_Noreturn void pid1_run(pid_t payload, int stub_fd, int done_fd);
