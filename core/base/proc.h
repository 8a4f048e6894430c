/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - starting helper programs, waiting by pidfd, passing descriptors
 *
 * A helper gets a fixed environment (PATH, LANG=C, plus what the caller lists), stdin from
 * /dev/null unless given, and exactly the descriptors the caller lists; everything else is closed.
 * Programs are named by absolute path: proc_find() looks only into fixed system folders, and
 * proc_find_own() only beside the running program (S63: nothing from $PATH).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* Absolute path of a system program ("newuidmap") in /usr/bin, /bin, /usr/sbin, /sbin,
 * /usr/local/bin, /run/wrappers/bin (NixOS). Caller frees; NULL when there is none. */
char *proc_find(const char *name);
/*
 * Absolute path of one of our own programs ("rl-image"): ../libexec/rl beside the running
 * executable, its own folder (build tree), then the configured libexec folder.
 * Caller frees; NULL with err set.
 */
char *proc_find_own(const char *name, struct rl_err *err);
/* The same for a data file below share/rl ("seccomp.json"); build tree: contrib/. */
char *proc_find_data(const char *name, struct rl_err *err);

struct proc_fd {
	int from; /* borrowed; FD_NONE: /dev/null */
	int to;   /* number in the child, 0 and up, ascending */
};

struct proc_spec {
	const char *const *argv; /* argv[0] is an absolute path */
	const char *const *env;  /* extra "K=V", NULL-terminated, or NULL */
	const struct proc_fd *fds;
	size_t n_fds;        /* 0, 1, 2 not listed: /dev/null, stderr inherited for 2 */
	int join_userns;     /* user namespace to enter first (uid/gid 0 there), or FD_NONE */
	int die_with_parent; /* send this signal when the starting process dies, 0 = none */
};

/* Start it. Return: 0; @ret_pidfd is owned by the caller, the child must be waited for. */
int proc_spawn(const struct proc_spec *spec, pid_t *ret_pid, int *ret_pidfd,
	       struct rl_err *err) RL_MUST_USE;
/* Wait for @pidfd at most @timeout_ms (-1: no limit) and reap it.
 * Return: 0 with the wait status (as in waitpid) in @ret_status, -ETIMEDOUT, -errno. */
int proc_wait(int pidfd, pid_t pid, int timeout_ms, int *ret_status) RL_MUST_USE;
/*
 * Run to the end, collecting up to 4 KiB of its stderr for messages. Non-zero exit is -EIO with
 * "<name> exited with N: <stderr>"; longer than @timeout_ms: killed, -ETIMEDOUT.
 */
int proc_run(const struct proc_spec *spec, int timeout_ms, struct rl_err *err) RL_MUST_USE;

/*
 * clone3(2) as a fork: CLONE_* in @flags, @exit_signal, and into the cgroup @cgroup_fd unless it is
 * FD_NONE. Without clone3 the old call is made, when there is no cgroup. pid, 0 in the child, or -1
 * with errno.
 */
pid_t proc_clone(uint64_t flags, int exit_signal, int cgroup_fd);
/* Close @first to @last. Where close_range(2) is refused, one by one as far as numbers are in use. */
void proc_close_range(unsigned first, unsigned last);
/* Move descriptors to @from, @from + 1, ... and close all others from there up. */
void proc_keep_fds(int *const *fds, size_t n, int from);

int proc_pidfd_open(pid_t pid);              /* fd or -errno */
int proc_pidfd_signal(int pidfd, int signo); /* 0 or -errno */
/* Start time of @pid in clock ticks since boot (field 22 of /proc/PID/stat), or -errno. */
int64_t proc_start_time(pid_t pid);
/* The oldest child of @parent, by a look at all processes; -ESRCH: it has none, -errno. */
pid_t proc_first_child(pid_t parent);
/* SIGKILL to what is left of the session @sid in the pid namespace that @init is in. For sessions
 * whose leader was ours; its number may be a stranger's by now, hence the namespace. */
void proc_kill_session(pid_t sid, pid_t init);
/* What ps(1) shows for this process, instead of the command line it was forked from. */
void proc_set_title(const char *title);
/* The kernel's boot id, 36 bytes and NUL. */
int proc_boot_id(char out[37]);

/* One message with up to 8 descriptors over a unix socket (SCM_RIGHTS). */
#define PROC_FDS_MAX 8
int fd_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds) RL_MUST_USE;
/*
 * Receive one message. @fds has room for @max_fds; what is received is O_CLOEXEC and owned by the
 * caller, missing ones are FD_NONE. Return: bytes (0 = peer gone), or -errno (-EMSGSIZE when cut).
 */
ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t max_fds) RL_MUST_USE;
