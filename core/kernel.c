/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.c - trials of system calls; the header is the manual
 *
 * Theory of operation: what needs no rights is called here, with arguments that change nothing. The
 * rest runs in a forked child with user, mount and pid namespaces of its own, which writes its answers
 * into a shared page and ends; its mounts end with it. A call that a filter answers by killing shows
 * as the end of the child at that call.
 */
#include "config.h"

#include "core/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/mnt.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif
#define CHILD_MS 3000

/* Since which release of Linux, for kernel_words(). */
static const struct {
	unsigned major, minor;
} since[KERNEL_CALLS] = {
	[KERNEL_OPENAT2] = { 5, 6 },      [KERNEL_CLONE3] = { 5, 3 },
	[KERNEL_PIDFD] = { 5, 3 },        [KERNEL_CLOSE_RANGE] = { 5, 9 },
	[KERNEL_FACCESSAT2] = { 5, 8 },   [KERNEL_KEYCTL] = { 2, 6 },
	[KERNEL_SECCOMP] = { 3, 17 },     [KERNEL_NOTIFY] = { 5, 0 },
	[KERNEL_LANDLOCK] = { 5, 13 },    [KERNEL_MOUNT_API] = { 5, 12 },
	[KERNEL_IDMAP_MOUNT] = { 5, 12 }, [KERNEL_HOSTNAME] = { 3, 8 },
	[KERNEL_NEW_PROC] = { 3, 8 },
};

static struct kernel_trial works(int value)
{
	return (struct kernel_trial){ .value = value };
}

static struct kernel_trial fails(const char *call, int code)
{
	return (struct kernel_trial){ .code = code > 0 ? code : EIO, .call = call };
}

/* --- without rights ---------------------------------------------------------------------- */

static struct kernel_trial try_openat2(void)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	auto_fd int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	return fd < 0 ? fails("openat2", errno) : works(0);
}

/* An impossible size: EINVAL from the kernel, before anything is made. */
static struct kernel_trial try_clone3(void)
{
	struct clone_args a = { 0 };
	long r = syscall(SYS_clone3, &a, (size_t)1);

	if (r == 0)
		_exit(0); /* cannot be, but a child must not go on here */
	return r < 0 && errno == EINVAL ? works(0) : fails("clone3", errno);
}

static struct kernel_trial try_pidfd(void)
{
	auto_fd int fd = proc_pidfd_open(getpid());
	int r;

	if (fd < 0)
		return fails("pidfd_open", -fd);
	r = proc_pidfd_signal(fd, 0);
	return r < 0 ? fails("pidfd_send_signal", -r) : works(0);
}

/* libc goes another way where it is missing, but takes another answer for the file's. */
static struct kernel_trial try_faccessat2(void)
{
	if (syscall(SYS_faccessat2, AT_FDCWD, "/", F_OK, 0) < 0 && errno != ENOSYS)
		return fails("faccessat2", errno);
	return works(0);
}

static struct kernel_trial try_close_range(void)
{
	return syscall(SYS_close_range, ~0U, ~0U, 0) < 0 ? fails("close_range", errno) : works(0);
}

/* A type that there is not: EINVAL from the kernel */
static struct kernel_trial try_keyctl(void)
{
	if (syscall(SYS_keyctl, -1, 0, 0, 0, 0) < 0 && errno != EOPNOTSUPP && errno != EINVAL)
		return fails("keyctl", errno);
	return works(0);
}

/* Without a program: EFAULT from the kernel, once the flags are known to be good */
static struct kernel_trial try_seccomp(unsigned flags)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno != EFAULT)
		return fails("seccomp", errno);
	return works(0);
}

static struct kernel_trial try_landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1 /* _VERSION */);

	return abi < 0 ? fails("landlock_create_ruleset", errno) : works((int)abi);
}

/* --- in namespaces of its own --------------------------------------------------------------- */

static struct kernel_trial try_mount_api(void)
{
	struct rl_err err = { 0 };
	auto_fd int fs = mnt_new("tmpfs", "tmpfs", NULL, 0, 0, &err);
	auto_fd int tree = FD_NONE, top = FD_NONE;
	int r;

	if (fs < 0)
		return fails("fsopen", -fs);
	tree = mnt_clone(AT_FDCWD, "/", true);
	if (tree < 0)
		return fails("open_tree", -tree);
	r = mnt_set(fs, MOUNT_ATTR_NODEV, 0, 0, false);
	if (r < 0)
		return fails("mount_setattr", -r);
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = top < 0 ? -errno : mnt_attach(fs, top);
	return r < 0 ? fails("move_mount", -r) : works(0);
}

static struct kernel_trial try_idmap_mount(const char *store)
{
	auto_fd int tree = mnt_clone(AT_FDCWD, store ? store : "/", true);
	auto_fd int ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)ns };

	if (tree < 0 || ns < 0)
		return fails("open_tree", tree < 0 ? -tree : errno);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
		return fails("mount_setattr", errno);
	return works(0);
}

/* In the first process of the new pid namespace. */
static struct kernel_trial try_new_proc(void)
{
	struct rl_err err = { 0 };
	auto_fd int fd = mnt_new("proc", "proc", NULL, 0, 0, &err);

	return fd < 0 ? fails("fsmount", -fd) : works(0);
}

static struct kernel_trial try_hostname(void)
{
	if (unshare(CLONE_NEWUTS) < 0)
		return fails("unshare", errno);
	return sethostname("rl", 2) < 0 ? fails("sethostname", errno) : works(0);
}

static bool write_line(const char *path, const char *text)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void in_namespaces(const char *store, struct kernel_trial *v)
{
	char uid[64], gid[64];
	struct rl_err err = { 0 };

	(void)snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)getuid());
	(void)snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)getgid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0 ||
	    !write_line("/proc/self/setgroups", "deny") || !write_line("/proc/self/uid_map", uid) ||
	    !write_line("/proc/self/gid_map", gid) || mnt_leave_host(&err) < 0)
		return;
	/* first what touches no mount that the others need */
	v[KERNEL_IDMAP_MOUNT] = try_idmap_mount(store);
	v[KERNEL_HOSTNAME] = try_hostname();
	v[KERNEL_MOUNT_API] = try_mount_api();
	if (fork() == 0) { /* ends with its parent, which waits */
		v[KERNEL_NEW_PROC] = try_new_proc();
		_exit(0);
	}
	while (wait(NULL) < 0 && errno == EINTR)
		;
}

void kernel_try(const char *store, struct kernel_trial ret[KERNEL_CALLS])
{
	const size_t size = KERNEL_CALLS * sizeof(*ret);
	struct kernel_trial *page =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid, parent = getpid();

	ret[KERNEL_OPENAT2] = try_openat2();
	ret[KERNEL_CLONE3] = try_clone3();
	ret[KERNEL_PIDFD] = try_pidfd();
	ret[KERNEL_CLOSE_RANGE] = try_close_range();
	ret[KERNEL_FACCESSAT2] = try_faccessat2();
	ret[KERNEL_KEYCTL] = try_keyctl();
	ret[KERNEL_SECCOMP] = try_seccomp(0);
	ret[KERNEL_NOTIFY] = try_seccomp(SECCOMP_FILTER_FLAG_NEW_LISTENER);
	ret[KERNEL_LANDLOCK] = try_landlock();
	for (int i = KERNEL_MOUNT_API; i < KERNEL_CALLS; i++)
		ret[i] = (struct kernel_trial){ .code = ECANCELED };
	if (page == MAP_FAILED)
		return;
	memcpy(page, ret, size);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent) {
			(void)alarm(CHILD_MS / 1000);
			in_namespaces(store, page);
		}
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	/* names of calls are constants: the same address in parent and child */
	memcpy(ret, page, size);
	(void)munmap(page, size);
}

/* --- words -------------------------------------------------------------------------------- */

static bool kernel_has(enum kernel_call which)
{
	struct utsname u = { 0 };
	unsigned major = 0, minor = 0;

	(void)uname(&u); /* cannot fail with a valid buffer */
	if (sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return true;
	return major > since[which].major ||
	       (major == since[which].major && minor >= since[which].minor);
}

void kernel_words(enum kernel_call which, const struct kernel_trial *t, char *out, size_t room)
{
	const char *call = t->call ? t->call : "the call";

	if (!kernel_has(which))
		(void)snprintf(out, room, "%s: %s; it needs Linux %u.%u or newer", call,
			       strerror(t->code), since[which].major, since[which].minor);
	else if ((t->code == ENOSYS || t->code == EPERM) && kernel_outer_filters() > 0)
		(void)snprintf(out, room, "%s: %s, by the seccomp filter that rl was started under",
			       call, strerror(t->code));
	else
		(void)snprintf(out, room, "%s: %s", call, strerror(t->code));
}

bool kernel_refused(char *out, size_t room)
{
	static const enum kernel_call needed[] = { KERNEL_OPENAT2, KERNEL_PIDFD, KERNEL_FACCESSAT2,
						   KERNEL_SECCOMP, KERNEL_MOUNT_API };
	struct kernel_trial t[KERNEL_CALLS];

	kernel_try(NULL, t);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		const struct kernel_trial *k = &t[needed[i]];

		if (k->code == 0 || k->code == ECANCELED)
			continue;
		kernel_words(needed[i], k, out, room);
		return true;
	}
	return false;
}

int kernel_outer_filters(void)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;
	const char *p = NULL;
	int n;

	if (io_read_file(AT_FDCWD, "/proc/self/status", 65536, &b, &ignored) == 0 && b.data)
		p = strstr(b.data, "\nSeccomp_filters:");
	if (p && sscanf(p, "\nSeccomp_filters: %d", &n) == 1)
		return n;
	return prctl(PR_GET_SECCOMP) == 2 ? 1 : -1;
}

bool kernel_refuses_hostname(void)
{
	int status = 0;
	pid_t pid;

	if (prctl(PR_GET_SECCOMP) != 2)
		return false;
	pid = fork();
	if (pid == 0) /* capabilities come with the namespace, ids are not needed */
		_exit(unshare(CLONE_NEWUSER) == 0 && try_hostname().code == EPERM);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

const char *kernel_outer_container(void)
{
	static const char *const marks[] = { "/run/.containerenv", "/.dockerenv",
					     "/run/systemd/container" };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (access(marks[i], F_OK) == 0)
			return marks[i];
	return NULL;
}
