/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.c - descriptors, limits, no_new_privs, Landlock, capabilities, seccomp; in this order
 *
 * Theory of operation: descriptors first, because opening /dev/null needs the file system.
 * no_new_privs before Landlock and seccomp, which ask for it. Landlock before seccomp, whose list
 * has no landlock_*() calls. Capabilities before seccomp for the same reason, after Landlock so
 * that nothing they allow is undone. Landlock mediates opening, making, linking and removing but
 * not chmod, chown, utimes and xattrs, so the seccomp list has those only in forms that work on
 * a descriptor or do not follow a link (SECURITY section 4, point 1).
 *
 * Sources: landlock(7), kernel Documentation/userspace-api/landlock.rst, seccomp(2),
 * seccomp_rule_add(3), capabilities(7), close_range(2).
 */
#include "config.h"

#include "storage/image/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0 /* its shadow memory takes terabytes of address space */
#endif

/* Landlock is spelled out here: headers of the oldest supported build machines lack it. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif
#define LL_CREATE_VERSION 1u
#define LL_RULE_BENEATH   1
#define LL_FS_EXECUTE     (UINT64_C(1) << 0)
#define LL_FS_WRITE_FILE  (UINT64_C(1) << 1)
#define LL_FS_READ_FILE   (UINT64_C(1) << 2)
#define LL_FS_READ_DIR    (UINT64_C(1) << 3)
#define LL_FS_ABI1        ((UINT64_C(1) << 13) - 1)
#define LL_FS_REFER       (UINT64_C(1) << 13) /* ABI 2, Linux 5.19 */
#define LL_FS_TRUNCATE    (UINT64_C(1) << 14) /* ABI 3, Linux 6.2 */
#define LL_FS_IOCTL_DEV   (UINT64_C(1) << 15) /* ABI 5, Linux 6.10 */
#define LL_SCOPE_UNIX     (UINT64_C(1) << 0)  /* ABI 6, Linux 6.12 */
#define LL_SCOPE_SIGNAL   (UINT64_C(1) << 1)
#define LL_READ           (LL_FS_READ_FILE | LL_FS_READ_DIR)
#define LL_FILE           (LL_FS_WRITE_FILE | LL_FS_READ_FILE | LL_FS_TRUNCATE)

struct ll_ruleset {
	uint64_t fs, net, scoped;
};

struct ll_beneath {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

/* --- descriptors and limits ---------------------------------------------------------------- */

static bool is_kept(const struct confine *s, int fd)
{
	if (fd == 2)
		return true;
	for (size_t i = 0; i < s->n_fds; i++)
		if (s->fds[i] == fd)
			return true;
	for (size_t i = 0; i < s->n_dirs; i++)
		if (s->dirs[i].fd == fd)
			return true;
	return false;
}

static int close_others(const struct confine *s, struct rl_err *err)
{
	int null, top = 2;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return rl_fail_sys(err, errno, "open '/dev/null'");
	for (int fd = 0; fd < 2; fd++)
		if (fd != null && !is_kept(s, fd) && dup3(null, fd, O_CLOEXEC) < 0)
			return rl_fail_sys(err, errno, "replace descriptor %d", fd);
	for (size_t i = 0; i < s->n_fds; i++)
		top = s->fds[i] > top ? s->fds[i] : top;
	for (size_t i = 0; i < s->n_dirs; i++)
		top = s->dirs[i].fd > top ? s->dirs[i].fd : top;
	for (int fd = 3; fd < top; fd++)
		if (!is_kept(s, fd))
			(void)close(fd); /* may not be open */
	if (syscall(SYS_close_range, (unsigned)top + 1, ~0u, 0u) < 0)
		return rl_fail_sys(err, errno, "close descriptors");
	return 0;
}

/* Bytes of address space in use: first field of /proc/self/statm, in pages. */
static int memory_in_use(size_t *ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	uint64_t pages;
	int r = io_read_file(AT_FDCWD, "/proc/self/statm", 256, &b, err);

	if (r < 0)
		return r;
	b.data[strcspn(b.data, " ")] = '\0';
	if (parse_uint(b.data, SIZE_MAX >> 16, &pages) < 0)
		return rl_fail(err, EINVAL, "'/proc/self/statm' is not understood");
	*ret = (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static int set_limit(int what, const char *name, rlim_t n, struct rl_err *err)
{
	struct rlimit old, want = { n, n };

	if (getrlimit((__rlimit_resource_t)what, &old) == 0 && old.rlim_max < n)
		want = (struct rlimit){ old.rlim_max, old.rlim_max };
	if (setrlimit((__rlimit_resource_t)what, &want) < 0)
		return rl_fail_sys(err, errno, "set limit on %s", name);
	return 0;
}

static int set_limits(const struct confine *s, struct rl_err *err)
{
	size_t used = 0;
	int r;

	r = set_limit(RLIMIT_CORE, "core dumps", 0, err);
	if (r < 0)
		return r;
	r = set_limit(RLIMIT_NOFILE, "open files", s->files ? s->files : 64, err);
	if (r < 0 || s->memory == 0 || UNDER_ASAN)
		return r;
	r = memory_in_use(&used, err);
	if (r < 0)
		return r;
	if (__builtin_add_overflow(used, s->memory, &used))
		return rl_fail(err, EINVAL, "memory limit is too large");
	return set_limit(RLIMIT_AS, "memory", used, err);
}

/* --- Landlock ------------------------------------------------------------------------------ */

static int landlock_add(int rules, const struct confine_dir *d, uint64_t handled, uint64_t skip)
{
	struct ll_beneath b = { .access = d->write ? handled & ~skip : handled & LL_READ,
				.fd = d->fd };
	struct stat st;

	if (fstat(d->fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		b.access &= LL_FILE;
	if (syscall(SYS_landlock_add_rule, rules, LL_RULE_BENEATH, &b, 0u) < 0)
		return -errno;
	return 0;
}

/*
 * Threat: a parser is taken over, or follows a link we did not think of, and writes elsewhere.
 * Defence: the kernel refuses every open, make, link and removal outside the listed trees.
 * Must not: fail where the kernel has none (before 5.13, or not in its lsm= list): the rules on
 * descriptors and seccomp hold without it. ABI 1 is not used: it forbids all hard links between
 * folders, which layers are full of.
 */
static int landlock_enter(const struct confine *s, struct rl_err *err)
{
	struct ll_ruleset attr = { .fs = LL_FS_ABI1 | LL_FS_REFER };
	size_t size = sizeof(attr.fs);
	auto_fd int rules = FD_NONE;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_CREATE_VERSION);

	if (abi < 2) {
		log_debug("landlock: not usable on this kernel (%ld), going on without it", abi);
		return 0;
	}
	if (abi >= 3)
		attr.fs |= LL_FS_TRUNCATE;
	if (abi >= 5)
		attr.fs |= LL_FS_IOCTL_DEV;
	if (abi >= 6) {
		attr.scoped = LL_SCOPE_UNIX | LL_SCOPE_SIGNAL;
		size = sizeof(attr);
	}
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0u);
	if (rules < 0)
		return rl_fail_sys(err, errno, "landlock: make the rules");
	(void)fcntl(rules, F_SETFD, FD_CLOEXEC); /* it is born so; cannot fail on an open one */
	for (size_t i = 0; i < s->n_dirs; i++) {
		int r = landlock_add(rules, &s->dirs[i], attr.fs, LL_FS_EXECUTE | LL_FS_IOCTL_DEV);

		if (r < 0)
			return rl_fail_sys(err, -r, "landlock: add a folder");
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0u) < 0)
		return rl_fail_sys(err, errno, "landlock: enter");
	return 0;
}

/* --- capabilities -------------------------------------------------------------------------- */

static int reduce_caps(uint64_t keep, struct rl_err *err)
{
	cap_t have = cap_get_proc(), want = cap_init();
	int r = 0;

	if (!have || !want)
		r = rl_oom(err);
	for (cap_value_t c = 0; r == 0 && c < 64; c++) {
		cap_flag_value_t on = CAP_CLEAR;

		if (!(keep >> c & 1) || cap_get_flag(have, c, CAP_PERMITTED, &on) < 0 || !on)
			continue;
		if (cap_set_flag(want, CAP_PERMITTED, 1, &c, CAP_SET) < 0 ||
		    cap_set_flag(want, CAP_EFFECTIVE, 1, &c, CAP_SET) < 0)
			r = rl_fail_sys(err, errno, "capability %d", c);
	}
	if (r == 0 && cap_set_proc(want) < 0)
		r = rl_fail_sys(err, errno, "drop capabilities");
	if (have)
		(void)cap_free(have);
	if (want)
		(void)cap_free(want);
	return r;
}

/* --- seccomp ------------------------------------------------------------------------------- */

/* Names, not numbers: one that this architecture or library does not know is left out. */
static const char *const calls_base[] = { "brk",
					  "clock_getres",
					  "clock_gettime",
					  "clock_nanosleep",
					  "close",
					  "exit",
					  "exit_group",
					  "fcntl",
					  "fdatasync",
					  "fstat",
					  "fsync",
					  "futex",
					  "getegid",
					  "geteuid",
					  "getgid",
					  "getpid",
					  "getppid",
					  "getrandom",
					  "gettid",
					  "gettimeofday",
					  "getuid",
					  "lseek",
					  "madvise",
					  "mremap",
					  "munmap",
					  "nanosleep",
					  "poll",
					  "ppoll",
					  "pread64",
					  "pwrite64",
					  "read",
					  "readv",
					  "restart_syscall",
					  "rseq",
					  "rt_sigaction",
					  "rt_sigprocmask",
					  "rt_sigreturn",
					  "sched_yield",
					  "sigaltstack",
					  "write",
					  "writev",
					  NULL };
static const char *const calls_open[] = { "openat",     "openat2",    "newfstatat", "fstatfs",
					  "statx",      "getdents64", "readlinkat", "faccessat",
					  "faccessat2", "flock",      "open",       "stat",
					  "lstat",      "access",     "readlink",   NULL };
static const char *const calls_tree[] = {
	"mkdirat",   "symlinkat", "linkat",          "unlinkat",  "renameat",   "renameat2",
	"fchmod",    "fchown",    "fsetxattr",       "fgetxattr", "flistxattr", "fremovexattr",
	"ftruncate", "fallocate", "copy_file_range", "mknodat",   NULL
};
static const char *const calls_net[] = {
	"bind",       "connect",    "epoll_create1", "epoll_ctl",   "epoll_pwait",
	"epoll_wait", "eventfd2",   "getpeername",   "getsockname", "getsockopt",
	"pipe2",      "recvfrom",   "recvmmsg",      "recvmsg",     "select",
	"pselect6",   "sendmmsg",   "sendmsg",       "sendto",      "setsockopt",
	"shutdown",   "socketpair", "uname",         "ioctl",       NULL
};
static const char *const calls_thread[] = { "membarrier", "sched_getaffinity", "set_robust_list",
					    NULL };

static int allow(scmp_filter_ctx f, const char *name, unsigned n, const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, nr, n, args);
	return r == -EDOM ? 0 : r; /* not a call of this architecture */
}

static int allow_list(scmp_filter_ctx f, const char *const *names)
{
	int r = 0;

	for (; *names && r == 0; names++)
		r = allow(f, *names, 0, NULL);
	return r;
}

/* One argument, tested under a mask */
static int allow_mask(scmp_filter_ctx f, const char *name, unsigned arg, uint64_t mask,
		      uint64_t value)
{
	const struct scmp_arg_cmp c = SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value);

	return allow(f, name, 1, &c);
}

/* Forms that cannot follow a link: descriptor only (empty path), or the link itself. */
static int allow_metadata(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp no_path = SCMP_CMP(1, SCMP_CMP_EQ, 0, 0);
	int r = allow_mask(f, "fchownat", 4, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_NOFOLLOW);

	if (r == 0)
		r = allow_mask(f, "fchownat", 4, AT_EMPTY_PATH, AT_EMPTY_PATH);
	if (r == 0)
		r = allow_mask(f, "utimensat", 3, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_NOFOLLOW);
	if (r == 0)
		r = allow(f, "utimensat", 1, &no_path); /* futimens() */
	return r;
}

static int allow_sockets(scmp_filter_ctx f)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(families) && r == 0; i++) {
		const struct scmp_arg_cmp c =
			SCMP_CMP(0, SCMP_CMP_EQ, (scmp_datum_t)families[i], 0);

		r = allow(f, "socket", 1, &c);
	}
	return r;
}

/* clone3's flags lie in memory, out of a filter's sight: libc then takes clone instead. */
static int allow_threads(scmp_filter_ctx f)
{
	int nr = seccomp_syscall_resolve_name("clone3");
	int r = allow_list(f, calls_thread);

	if (r == 0)
		r = allow_mask(f, "clone", 0, CLONE_THREAD, CLONE_THREAD);
	if (r == 0 && nr != __NR_SCMP_ERROR)
		r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(ENOSYS), nr, 0, NULL);
	return r;
}

static int seccomp_rules(scmp_filter_ctx f, unsigned groups)
{
	int r = allow_list(f, calls_base);

	/* no new code: mappings are never executable */
	if (r == 0)
		r = allow_mask(f, "mmap", 2, PROT_EXEC, 0);
	if (r == 0)
		r = allow_mask(f, "mprotect", 2, PROT_EXEC, 0);
	if (r == 0 && groups & CONFINE_OPEN)
		r = allow_list(f, calls_open);
	if (r == 0 && groups & CONFINE_TREE)
		r = allow_list(f, calls_tree);
	if (r == 0 && groups & CONFINE_TREE)
		r = allow_metadata(f);
	if (r == 0 && groups & CONFINE_NET)
		r = allow_list(f, calls_net);
	if (r == 0 && groups & CONFINE_NET)
		r = allow_sockets(f);
	if (r == 0 && groups & CONFINE_THREAD)
		r = allow_threads(f);
	return r;
}

static int seccomp_enter(unsigned groups, struct rl_err *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!f)
		return rl_oom(err);
	r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_rules(f, groups);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	if (r < 0)
		return rl_fail_sys(err, -r, "enter the seccomp filter");
	return 0;
}

int confine_enter(const struct confine *s, struct rl_err *err)
{
	int r = close_others(s, err);

	if (r == 0)
		r = set_limits(s, err);
	if (r == 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		r = rl_fail_sys(err, errno, "set no_new_privs");
	if (r == 0)
		r = landlock_enter(s, err);
	if (r == 0)
		r = reduce_caps(s->caps, err);
	if (r == 0)
		r = seccomp_enter(s->groups, err);
	return r < 0 ? rl_wrap(err, "confine") : 0;
}
