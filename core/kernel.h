/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - which of the kernel's calls that rl uses can be had here, by trial (rl doctor)
 *
 * A kernel that is too old and an outer seccomp filter look alike; kernel_words() tells them apart by
 * the release. Calls that need rights are tried in a child, in namespaces of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum kernel_call {
	KERNEL_OPENAT2,
	KERNEL_CLONE3,
	KERNEL_PIDFD, /* pidfd_open, pidfd_send_signal */
	KERNEL_CLOSE_RANGE,
	KERNEL_FACCESSAT2, /* libc asks by it whether files exist; works: ENOSYS as well */
	KERNEL_KEYCTL,
	KERNEL_SECCOMP,
	KERNEL_NOTIFY,   /* seccomp user notification */
	KERNEL_LANDLOCK, /* value: its ABI */
	/* from here on in a user namespace */
	KERNEL_MOUNT_API,
	KERNEL_IDMAP_MOUNT, /* idmapped mounts of the user's own files */
	KERNEL_HOSTNAME,    /* sethostname in a namespace of one's own */
	KERNEL_NEW_PROC,    /* a procfs of a new pid namespace */
	KERNEL_CALLS,
};

/**
 * struct kernel_trial - What came out
 * @code:	0: it works; else errno. ECANCELED: not tried, there is no user namespace to try it in
 * @call:	The system call that failed ("move_mount"); or NULL
 */
struct kernel_trial {
	int code, value;
	const char *call;
};

/* Try all. @store: a folder of the user's that lies where images are kept, or NULL. */
void kernel_try(const char *store, struct kernel_trial ret[KERNEL_CALLS]);
/* What the failed trial means: "refused by an outer seccomp filter", "needs Linux 5.6 or newer". */
void kernel_words(enum kernel_call which, const struct kernel_trial *t, char *out, size_t room);

/* The first call that rl cannot do without and that is refused, in words as above. False: none. */
bool kernel_refused(char *out, size_t room);
/* Does a filter around us refuse host names? By trial, but only where there is a filter. */
bool kernel_refuses_hostname(void);
/* The file that tells that rl runs in a container, or NULL. */
const char *kernel_outer_container(void);
/* "Seccomp_filters" of proc(5): how many filters act on us; -1 where the kernel does not tell. */
int kernel_outer_filters(void);
