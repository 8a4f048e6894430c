/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - how rl-net and its reader lock themselves in; the header has the order
 *
 * Threat: the container sends frames that take over libslirp. Whoever runs code here then has the
 * user's rights, outside the container. Defence in layers, each useful alone:
 *  1. an own user namespace, where the process is nobody, and own mount, IPC, UTS and cgroup
 *     namespaces with an empty read-only root: no file, no /proc, no other process's namespace;
 *  2. no capabilities, not even over that namespace; an empty bounding set; no_new_privs;
 *  3. Landlock: no file system rights but reading the jail's own resolv.conf, no TCP listening,
 *     no abstract sockets or signals beyond this process (as far as the kernel knows these);
 *  4. seccomp: the calls that packets need; sockets of the internet families only, no execve, no
 *     process creation, no signals to others, no writable or executable new mappings of files.
 * Left on purpose: the host's network, which is what the container was given.
 */
#include "config.h"

#include "net/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/log.h"

#define SOCKETS_MAX 8192         /* one per connection of the container */
#define MEMORY_MAX  (4ULL << 30) /* address space: 256 KiB of buffers per connection at most */
#define FILE_MAX    (1ULL << 20) /* the jail's resolv.conf, and stderr where it is a file */
#define NOBODY      65534

int sandbox_limits(struct rl_err *err)
{
	static const struct {
		int what;
		rlim_t max;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, FILE_MAX },
		{ RLIMIT_NOFILE, SOCKETS_MAX },
		{ RLIMIT_AS, MEMORY_MAX },
		{ RLIMIT_MEMLOCK, 0 },
	};
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct rlimit l;

		if (getrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return rl_fail_sys(err, errno, "read resource limit %d", limits[i].what);
		if (l.rlim_max > limits[i].max)
			l.rlim_max = limits[i].max;
		l.rlim_cur = l.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return rl_fail_sys(err, errno, "set resource limit %d", limits[i].what);
	}
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGXFSZ, &ignore, NULL) < 0)
		return rl_fail_sys(err, errno, "ignore signals");
	return 0;
}

/*
 * As real root there is nothing to gain from being it: the tap is open, the rest needs no rights.
 * Where no other id exists (an outer container with one id) we stay, and the other layers hold.
 */
int sandbox_leave_root(struct rl_err *err)
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

static int mount_fd(void)
{
	auto_fd int ctx = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

	if (ctx < 0 || syscall(SYS_fsconfig, ctx, FSCONFIG_SET_STRING, "size", "64k", 0) < 0 ||
	    syscall(SYS_fsconfig, ctx, FSCONFIG_SET_STRING, "nr_inodes", "8", 0) < 0 ||
	    syscall(SYS_fsconfig, ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return (int)syscall(SYS_fsmount, ctx, FSMOUNT_CLOEXEC, 0);
}

/*
 * An empty root with etc/resolv.conf. It exists twice: the mount it was made in, which lives on
 * only in the descriptor that writes the file, and a read-only clone, which becomes the root; a
 * mount with an open writer could not be made read-only.
 */
static int enter_jail(int *ret_conf)
{
	struct mount_attr ro = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
	auto_fd int first = mount_fd(), root = FD_NONE, conf = FD_NONE;

	if (first < 0 || mkdirat(first, "etc", 0755) < 0)
		return -errno;
	conf = openat(first, "etc/resolv.conf", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (conf < 0)
		return -errno;
	root = (int)syscall(SYS_open_tree, first, "",
			    AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (root < 0 || syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
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
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	*ret_conf = TAKE_FD(conf);
	return 0;
}

/*
 * Must not: leave a capability behind, over whichever namespace. The bounding set goes first,
 * while CAP_SETPCAP is there; outside of an own namespace it stays, and no_new_privs makes it
 * meaningless.
 */
static int drop_privileges(struct rl_err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { 0 };

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			break;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &head, none) < 0)
		return rl_fail_sys(err, errno, "drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "set no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return rl_fail_sys(err, errno, "forbid tracing");
	return 0;
}

/* As in linux/landlock.h of ABI 6; build machines may have an older one. */
struct landlock_rules {
	uint64_t fs, net, scoped;
};

/* @jailed: the root is ours, reading below it is allowed. Too old a kernel: nothing. */
static int restrict_files(bool jailed, struct rl_err *err)
{
	static const uint8_t fs_bits[] = { 0, 13, 14, 15, 15, 16, 16 }; /* rights known to ABI n */
	struct landlock_rules rules = { 0 };
	auto_fd int set = FD_NONE, root = FD_NONE;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 1) {
		log_debug("no Landlock: %s", strerror(errno));
		return 0;
	}
	if (abi > 6)
		abi = 6;
	rules.fs = (1ULL << fs_bits[abi]) - 1;
	rules.net = abi >= 4 ? 1 : 0;    /* LANDLOCK_ACCESS_NET_BIND_TCP */
	rules.scoped = abi >= 6 ? 3 : 0; /* abstract unix sockets, signals */
	set = (int)syscall(SYS_landlock_create_ruleset, &rules,
			   abi >= 6   ? 24
			   : abi >= 4 ? 16
				      : 8,
			   0);
	if (set < 0)
		return rl_fail_sys(err, errno, "make Landlock rules");
	if (jailed) {
		struct landlock_path_beneath_attr read = { .allowed_access =
								   LANDLOCK_ACCESS_FS_READ_FILE };

		root = open("/", O_PATH | O_CLOEXEC);
		read.parent_fd = root;
		if (root < 0 ||
		    syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &read, 0) < 0)
			return rl_fail_sys(err, errno, "make Landlock rules");
	}
	if (syscall(SYS_landlock_restrict_self, set, 0) < 0)
		return rl_fail_sys(err, errno, "apply Landlock rules");
	return 0;
}

struct rule {
	int call;
	unsigned n;
	struct scmp_arg_cmp arg[3];
};

#define CALL(name)                     \
	{                              \
		.call = SCMP_SYS(name) \
	}
#define CALL1(name, a)                                       \
	{                                                    \
		.call = SCMP_SYS(name), .n = 1, .arg = { a } \
	}
#define CALL2(name, a, b)                                       \
	{                                                       \
		.call = SCMP_SYS(name), .n = 2, .arg = { a, b } \
	}
/* of argument n, the bits in mask are v; int arguments: the kernel ignores the upper half too */
#define BITS(n_, mask_, v_)                                                                \
	{                                                                                  \
		.arg = (n_), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask_), .datum_b = (v_) \
	}
#define IS(n, v)              BITS(n, 0xffffffffU, v)
#define NONE_OF(n, bits)      BITS(n, bits, 0)
#define SOCKET(family, type)  CALL2(socket, IS(0, family), BITS(1, 0xf, type))
#define SOCKOPT(level, which) CALL2(setsockopt, IS(1, level), IS(2, which))

static const struct rule loop_rules[] = {
	/* frames and sockets */
	CALL(read),
	CALL(write),
	CALL(close),
	CALL(poll),
	CALL(ppoll),
	CALL(connect),
	CALL(sendto),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(shutdown),
	CALL(getsockname),
	CALL(getpeername),
	CALL(getsockopt),
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
	CALL1(fcntl, IS(1, F_GETFL)),
	CALL1(fcntl, IS(1, F_SETFL)),
	CALL1(fcntl, IS(1, F_GETFD)),
	CALL1(fcntl, IS(1, F_SETFD)),
	CALL1(ioctl, IS(1, FIONREAD)),
	CALL1(ioctl, IS(1, FIONBIO)),
	CALL1(ioctl, IS(1, SIOCGIFINDEX)),
	/* the jail's resolv.conf: written by us, read by libslirp */
	CALL1(openat, NONE_OF(2, O_ACCMODE | O_CREAT | O_TRUNC)),
	CALL1(open, NONE_OF(1, O_ACCMODE | O_CREAT | O_TRUNC)),
	CALL(newfstatat),
	CALL(fstat),
	CALL(stat),
	CALL(statx),
	CALL(lseek),
	CALL(pwrite64),
	CALL(ftruncate),
	/* memory, time, chance, the end */
	CALL(brk),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL1(mmap, NONE_OF(2, PROT_EXEC)),
	CALL1(mprotect, NONE_OF(2, PROT_EXEC)),
	CALL(futex),
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(getrandom),
	CALL(rt_sigreturn),
	CALL(rt_sigprocmask),
	CALL(restart_syscall),
	CALL(writev),
	CALL(getpid),
	CALL(gettid),
	CALL1(dup3, IS(1, STDERR_FILENO)),
	CALL(exit),
	CALL(exit_group),
};

static const struct rule reader_rules[] = {
	CALL1(openat, NONE_OF(2, O_ACCMODE | O_CREAT | O_TRUNC)),
	CALL(read),
	CALL(close),
	CALL(recvfrom),
	CALL(sendto),
	CALL(sendmsg), /* descriptors of leases */
	CALL(exit_group),
	CALL(madvise),
	CALL(brk),
	CALL(munmap), /* idle_shrink() */
};

/*
 * Anything not listed is EPERM, so that a newer libc that tries a newer call first still works;
 * what only an intruder would call kills.
 */
static int restrict_calls(const struct rule *rules, size_t n, struct rl_err *err)
{
	static const int deadly[] = { SCMP_SYS(execve),
				      SCMP_SYS(execveat),
				      SCMP_SYS(ptrace),
				      SCMP_SYS(fork),
				      SCMP_SYS(vfork),
				      SCMP_SYS(clone),
				      SCMP_SYS(bpf),
				      SCMP_SYS(unshare),
				      SCMP_SYS(setns),
				      SCMP_SYS(mount),
				      SCMP_SYS(process_vm_writev) };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rules[i].call, rules[i].n,
					   rules[i].arg);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(deadly); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	if (r == 0) /* abort() sends itself a signal; nobody else */
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				     SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid(), 0));
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (r < 0)
		return rl_fail_sys(err, -r, "load the system call filter");
	return 0;
}

int sandbox_enter(int *ret_conf, struct rl_err *err)
{
	auto_fd int conf = FD_NONE;
	int r = enter_namespaces();

	if (r == 0)
		r = enter_jail(&conf);
	if (r < 0)
		log_warn(
			"the network helper runs without an empty root (%s); its other layers hold",
			strerror(-r));
	r = drop_privileges(err);
	if (r < 0)
		return r;
	r = restrict_files(conf >= 0, err);
	if (r < 0)
		return r;
	r = restrict_calls(loop_rules, ARRAY_LEN(loop_rules), err);
	if (r < 0)
		return r;
	*ret_conf = TAKE_FD(conf);
	return 0;
}

int sandbox_reader(struct rl_err *err)
{
	int r = drop_privileges(err);

	return r < 0 ? r : restrict_calls(reader_rules, ARRAY_LEN(reader_rules), err);
}
