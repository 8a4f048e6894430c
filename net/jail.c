/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail.c - how rl-net and its reader lock themselves in; the header has the order
 *
 * Threat: the container sends frames that take over libslirp. Whoever runs code here then has the
 * user's rights, outside the container. Defence in layers, each useful alone:
 *  1. an own user namespace, where the process is nobody, and own mount, IPC, UTS and cgroup
 *     namespaces with an empty read-only root: no file, no /proc, no other process's namespace;
 *  2. no capabilities, not even over that namespace; an empty bounding set; no_new_privs;
 *  3. Landlock: no file system rights, no TCP listening,
 *     no abstract sockets or signals beyond this process (as far as the kernel knows these);
 *  4. seccomp: the calls that packets need; sockets of the internet families only, no execve, no
 *     process creation, no signals to others, no writable or executable new mappings of files.
 * Left on purpose: the host's network, which is what the container was given.
 */
#include "config.h"

#include "net/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <linux/mount.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "core/sandbox.h"

#define SOCKETS_MAX 8192         /* one per connection of the container */
#define MEMORY_MAX  (4ULL << 30) /* address space: 256 KiB of buffers per connection at most */
#define FILE_MAX    (1ULL << 20) /* stderr where it is a file */
#define NOBODY      65534

int jail_limits(struct rl_err *err)
{
	static const struct sandbox limits = { .memory = MEMORY_MAX,
					       .files = SOCKETS_MAX,
					       .file_size = FILE_MAX };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	int r = sandbox_limits(&limits, err);

	if (r < 0)
		return r;
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGXFSZ, &ignore, NULL) < 0)
		return rl_fail_sys(err, errno, "ignore signals");
	return 0;
}

/*
 * As real root there is nothing to gain from being it: the tap is open, the rest needs no rights.
 * Where no other id exists (an outer container with one id) we stay, and the other layers hold.
 */
int jail_leave_root(struct rl_err *err)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0) {
		log_debug("the network helper stays root: %s", strerror(errno));
		return 0;
	}
	/* the change of ids has closed our own /proc files to us; enter_namespaces() needs them */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "become nobody");
	return 0;
}

static int write_proc(const char *path, const char *text)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
}

/*
 * Own namespaces, in which the caller is nobody. The map is needed because tmpfs refuses to
 * make files for an id that its namespace does not know.
 */
static int enter_namespaces(void)
{
	const unsigned long others = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	const unsigned uid = geteuid(), gid = getegid();
	char map[64];
	int r;

	if (unshare((int)(CLONE_NEWUSER | others)) < 0)
		return -errno;
	(void)snprintf(map, sizeof(map), "%u %u 1\n", NOBODY, uid);
	r = write_proc("/proc/self/uid_map", map);
	if (r < 0)
		return r;
	r = write_proc("/proc/self/setgroups", "deny");
	if (r < 0)
		return r;
	(void)snprintf(map, sizeof(map), "%u %u 1\n", NOBODY, gid);
	return write_proc("/proc/self/gid_map", map);
}

/* An empty read-only root */
static int enter_root(void)
{
	const unsigned ro =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	auto_fd int ctx = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), root = FD_NONE;

	if (ctx < 0 || syscall(SYS_fsconfig, ctx, FSCONFIG_SET_STRING, "size", "4k", 0) < 0 ||
	    syscall(SYS_fsconfig, ctx, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0 ||
	    syscall(SYS_fsconfig, ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	root = (int)syscall(SYS_fsmount, ctx, FSMOUNT_CLOEXEC, ro);
	if (root < 0)
		return -errno;
	/* nothing of what follows may reach the host's mounts */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return -errno;
	/* any folder will do as a foothold; /proc is there, or we would not have been found */
	if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	/* the old root now lies on top of the new one (pivot_root(2), NOTES) */
	return umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
}

#define SOCKET(family, type) \
	SANDBOX_WHEN2(socket, SANDBOX_IS(0, family), SANDBOX_BITS(1, 0xf, type))
#define SOCKOPT(level, which) SANDBOX_WHEN2(setsockopt, SANDBOX_IS(1, level), SANDBOX_IS(2, which))

static const struct sandbox_call loop_calls[] = {
	/* frames and sockets */
	SANDBOX_CALL(read),
	SANDBOX_CALL(write),
	SANDBOX_CALL(close),
#ifdef SYS_poll
	SANDBOX_CALL(poll),
#endif
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(connect),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(recvmsg),
	SANDBOX_CALL(shutdown),
	SANDBOX_CALL(getsockname),
	SANDBOX_CALL(getpeername),
	SANDBOX_CALL(getsockopt),
	SOCKET(AF_INET, SOCK_STREAM),
	SOCKET(AF_INET, SOCK_DGRAM),
	SOCKET(AF_INET6, SOCK_STREAM),
	SOCKET(AF_INET6, SOCK_DGRAM),
	SOCKOPT(SOL_SOCKET, SO_REUSEADDR),
	SOCKOPT(SOL_SOCKET, SO_OOBINLINE),
	SOCKOPT(IPPROTO_TCP, TCP_NODELAY),
	SOCKOPT(IPPROTO_IP, IP_TTL),
	SOCKOPT(IPPROTO_IP, IP_TOS),
	SOCKOPT(IPPROTO_IP, IP_RECVERR),
	SOCKOPT(IPPROTO_IPV6, IPV6_RECVERR),
	SOCKOPT(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	SOCKOPT(IPPROTO_IPV6, IPV6_V6ONLY),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFL)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFL)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETFD)),
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_SETFD)),
	SANDBOX_WHEN(ioctl, SANDBOX_IS(1, FIONREAD)),
	SANDBOX_WHEN(ioctl, SANDBOX_IS(1, FIONBIO)),
	SANDBOX_WHEN(ioctl, SANDBOX_IS(1, SIOCGIFINDEX)),
	SANDBOX_CALL(fstat),
	/* memory, time, chance, the end */
	SANDBOX_CALL(brk),
	SANDBOX_CALL(munmap),
	SANDBOX_CALL(mremap),
	SANDBOX_CALL(madvise),
	SANDBOX_WHEN(mmap, SANDBOX_NONE_OF(2, PROT_EXEC)),
	SANDBOX_WHEN(mprotect, SANDBOX_NONE_OF(2, PROT_EXEC)),
	SANDBOX_CALL(futex),
	SANDBOX_CALL(clock_gettime),
	SANDBOX_CALL(gettimeofday),
	SANDBOX_CALL(getrandom),
	SANDBOX_CALL(rt_sigreturn),
	SANDBOX_CALL(rt_sigprocmask),
	SANDBOX_CALL(restart_syscall),
	SANDBOX_CALL(writev),
	SANDBOX_CALL(getpid),
	SANDBOX_CALL(gettid),
	SANDBOX_WHEN(dup3, SANDBOX_IS(1, STDERR_FILENO)),
	SANDBOX_CALL(exit),
	SANDBOX_CALL(exit_group),
	/* abort() sends itself a signal; nobody else */
	SANDBOX_WHEN(tgkill, SANDBOX_IS(0, SANDBOX_OWN_PID)),
	SANDBOX_END,
};

static const struct sandbox_call reader_calls[] = {
	SANDBOX_WHEN(openat, SANDBOX_NONE_OF(2, O_ACCMODE | O_CREAT | O_TRUNC)),
	SANDBOX_CALL(read),
	SANDBOX_CALL(close),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(sendmsg), /* descriptors of leases */
	SANDBOX_WHEN(fcntl, SANDBOX_IS(1, F_GETLK)),
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(madvise),
	SANDBOX_CALL(brk),
	SANDBOX_CALL(munmap),
#ifdef SYS_poll
	SANDBOX_CALL(poll),
#endif
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(restart_syscall), /* of poll(), after SIGCONT */
	SANDBOX_END,
};

/*
 * Anything not listed is EPERM, so that a newer libc that tries a newer call first still works;
 * what only an intruder would call kills.
 */
static const struct sandbox_call deadly[] = {
	SANDBOX_DEADLY(execve),
	SANDBOX_DEADLY(execveat),
	SANDBOX_DEADLY(ptrace),
#ifdef SYS_fork
	SANDBOX_DEADLY(fork),
#endif
#ifdef SYS_vfork
	SANDBOX_DEADLY(vfork),
#endif
	SANDBOX_DEADLY(clone),
	SANDBOX_DEADLY(bpf),
	SANDBOX_DEADLY(unshare),
	SANDBOX_DEADLY(setns),
	SANDBOX_DEADLY(mount),
	SANDBOX_DEADLY(process_vm_writev),
	SANDBOX_END,
};

int jail_enter(struct rl_err *err)
{
	int r = enter_namespaces();

	if (r == 0)
		r = enter_root();
	if (r < 0)
		log_warn(
			"the network helper runs without an empty root (%s); its other layers hold",
			strerror(-r));
	return sandbox_enter(&(struct sandbox){ .calls = { loop_calls, deadly }, .other = EPERM },
			     err);
}

int jail_reader(struct rl_err *err)
{
	auto_fd int root = open("/", O_PATH | O_CLOEXEC);
	const struct sandbox_dir dir = { .fd = root, .access = SANDBOX_READ };

	if (root < 0)
		return rl_fail_sys(err, errno, "open '/'");
	return sandbox_enter(&(struct sandbox){ .calls = { reader_calls, deadly },
						.other = EPERM,
						.dirs = &dir,
						.n_dirs = 1 },
			     err);
}
