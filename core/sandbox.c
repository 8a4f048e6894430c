/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.c - descriptors, limits, no_new_privs, Landlock, capabilities, seccomp; in this order
 *
 * Theory of operation: descriptors first, because opening /dev/null needs the file system.
 * no_new_privs before Landlock and seccomp, which ask for it. Landlock before seccomp, whose lists
 * have no landlock_*() calls. Capabilities before seccomp for the same reason, after Landlock so
 * that nothing they allow is undone. Landlock mediates opening, making, linking and removing but
 * not chmod, chown, utimes and xattrs: a list has those only in forms that work on a descriptor or
 * do not follow a link.
 *
 * The filter is made here, without libseccomp: rl-port links no library, and building the longest
 * of these lists there takes longer than all the rest. Rows are tried in their order; the kernel
 * keeps a bitmap of the calls that are always allowed (Linux 5.11), so the order matters little.
 *
 * Sources: landlock(7), kernel Documentation/userspace-api/landlock.rst and seccomp_filter.rst,
 * seccomp(2), capabilities(7).
 */
#include "config.h"

#include "core/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/base/proc.h"

#if defined(__x86_64__)
#define ARCH      AUDIT_ARCH_X86_64
#define X32_CALLS 0x40000000U /* and above */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_PPC64LE
#else
#error "add this architecture's AUDIT_ARCH_ value"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
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
#define LL_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define LL_FS_MAKE_REG    (UINT64_C(1) << 8)
#define LL_FS_ABI1        ((UINT64_C(1) << 13) - 1)
#define LL_FS_REFER       (UINT64_C(1) << 13) /* ABI 2, Linux 5.19 */
#define LL_FS_TRUNCATE    (UINT64_C(1) << 14) /* ABI 3, Linux 6.2 */
#define LL_FS_IOCTL_DEV   (UINT64_C(1) << 15) /* ABI 5, Linux 6.10 */
#define LL_NET_BIND_TCP   (UINT64_C(1) << 0)  /* ABI 4, Linux 6.7 */
#define LL_SCOPE_UNIX     (UINT64_C(1) << 0)  /* ABI 6, Linux 6.12 */
#define LL_SCOPE_SIGNAL   (UINT64_C(1) << 1)
#define LL_READ           (LL_FS_READ_FILE | LL_FS_READ_DIR)
#define LL_WRITE          (LL_FS_WRITE_FILE | LL_FS_MAKE_REG | LL_FS_REMOVE_FILE | LL_FS_TRUNCATE)
#define LL_FILE           (LL_FS_WRITE_FILE | LL_FS_READ_FILE | LL_FS_TRUNCATE)

struct ll_ruleset {
	uint64_t fs, net, scoped;
};

struct ll_beneath {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

/* --- descriptors and limits ---------------------------------------------------------------- */

static bool is_kept(const struct sandbox *s, int fd)
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

static int close_others(const struct sandbox *s, struct rl_err *err)
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
	proc_close_range((unsigned)top + 1, ~0u);
	return 0;
}

/* Bytes of address space in use: first field of /proc/self/statm, in pages. */
static int memory_in_use(uint64_t *ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	uint64_t pages;
	int r = io_read_file(AT_FDCWD, "/proc/self/statm", 256, &b, err);

	if (r < 0)
		return r;
	b.data[strcspn(b.data, " ")] = '\0';
	if (parse_uint(b.data, SIZE_MAX >> 16, &pages) < 0)
		return rl_fail(err, EINVAL, "'/proc/self/statm' is not understood");
	*ret = pages * (uint64_t)sysconf(_SC_PAGESIZE);
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

int sandbox_limits(const struct sandbox *s, struct rl_err *err)
{
	uint64_t used = 0;
	int r;

	r = set_limit(RLIMIT_CORE, "core dumps", 0, err);
	if (r == 0 && s->files)
		r = set_limit(RLIMIT_NOFILE, "open files", s->files, err);
	if (r == 0 && s->file_size)
		r = set_limit(RLIMIT_FSIZE, "the size of files", s->file_size, err);
	if (r < 0 || s->memory == 0 || SANITIZED) /* its shadow memory takes terabytes */
		return r;
	r = memory_in_use(&used, err);
	if (r < 0)
		return r;
	if (__builtin_add_overflow(used, s->memory, &used))
		return rl_fail(err, EINVAL, "memory limit is too large");
	return set_limit(RLIMIT_AS, "memory", used, err);
}

/* --- Landlock ------------------------------------------------------------------------------ */

static uint64_t access_of(enum sandbox_access access, uint64_t handled)
{
	switch (access) {
	case SANDBOX_READ:
		return handled & LL_READ;
	case SANDBOX_RUN:
		return handled & (LL_READ | LL_FS_EXECUTE);
	case SANDBOX_FILES:
		return handled & LL_WRITE;
	case SANDBOX_WRITE:
		return handled & ~(LL_FS_EXECUTE | LL_FS_IOCTL_DEV);
	}
	return 0;
}

static int landlock_add(int rules, const struct sandbox_dir *d, uint64_t handled)
{
	struct ll_beneath b = { .access = access_of(d->access, handled), .fd = d->fd };
	struct stat st;

	if (fstat(d->fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		b.access &= LL_FILE;
	if (syscall(SYS_landlock_add_rule, rules, LL_RULE_BENEATH, &b, 0u) < 0)
		return -errno;
	return 0;
}

static bool makes_links(const struct sandbox *s)
{
	for (size_t i = 0; i < s->n_dirs; i++)
		if (s->dirs[i].access == SANDBOX_WRITE)
			return true;
	return false;
}

/* What this kernel can watch over, of what this process can do without. Return: bytes of it */
static size_t landlock_attr(const struct sandbox *s, long abi, struct ll_ruleset *a)
{
	*a = (struct ll_ruleset){ 0 };
	if (!(s->leave & SANDBOX_LEAVE_FILES))
		a->fs = LL_FS_ABI1 | (abi >= 2 ? LL_FS_REFER : 0) |
			(abi >= 3 ? LL_FS_TRUNCATE : 0) | (abi >= 5 ? LL_FS_IOCTL_DEV : 0);
	if (abi >= 4 && !(s->leave & SANDBOX_LEAVE_BIND))
		a->net = LL_NET_BIND_TCP;
	if (abi >= 6)
		a->scoped =
			LL_SCOPE_UNIX | (s->leave & SANDBOX_LEAVE_SIGNALS ? 0 : LL_SCOPE_SIGNAL);
	if (abi >= 6)
		return sizeof(*a);
	return abi >= 4 ? offsetof(struct ll_ruleset, scoped) : sizeof(a->fs);
}

/*
 * Threat: a parser is taken over, or follows a link we did not think of, and writes elsewhere.
 * Defence: the kernel refuses every open, make, link and removal outside the listed trees, and,
 * as far as it can, abstract sockets and signals beyond this process, and ports of its own.
 * Must not: fail where the kernel has none (before 5.13, or not in its lsm= list): the other layers
 * hold without it. ABI 1 is not used where links are made: it forbids all those between folders,
 * which layers are full of.
 */
static int landlock_enter(const struct sandbox *s, struct rl_err *err)
{
	struct ll_ruleset attr;
	size_t size;
	auto_fd int rules = FD_NONE;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_CREATE_VERSION);

	if (abi < (makes_links(s) ? 2 : 1)) {
		log_debug("landlock: not usable on this kernel (%ld), going on without it", abi);
		return 0;
	}
	size = landlock_attr(s, abi, &attr);
	if (!attr.fs && !attr.net && !attr.scoped)
		return 0;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0u);
	if (rules < 0)
		return rl_fail_sys(err, errno, "landlock: make the rules");
	(void)fcntl(rules, F_SETFD, FD_CLOEXEC); /* it is born so; cannot fail on an open one */
	for (size_t i = 0; i < s->n_dirs; i++) {
		int r = landlock_add(rules, &s->dirs[i], attr.fs);

		if (r < 0)
			return rl_fail_sys(err, -r, "landlock: add a folder");
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0u) < 0)
		return rl_fail_sys(err, errno, "landlock: enter");
	return 0;
}

/* --- capabilities -------------------------------------------------------------------------- */

/*
 * The bounding set goes first, while CAP_SETPCAP is there; without it the set stays, and
 * no_new_privs makes it meaningless.
 */
int sandbox_caps(uint64_t keep, struct rl_err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			break;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capget, &head, d) < 0)
		return rl_fail_sys(err, errno, "drop capabilities");
	for (int i = 0; i < 2; i++) {
		d[i].permitted &= (uint32_t)(keep >> (32 * i));
		d[i].effective = d[i].permitted;
		d[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, d) < 0)
		return rl_fail_sys(err, errno, "drop capabilities");
	return 0;
}

/* --- seccomp ------------------------------------------------------------------------------- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0U
#else
#define LOW_HALF 4U
#endif

struct program {
	struct sock_filter f[640]; /* the longest list takes half of it */
	size_t n;
	bool full;
};

static void put(struct program *p, struct sock_filter f)
{
	if (p->n < ARRAY_LEN(p->f))
		p->f[p->n++] = f;
	else
		p->full = true;
}

#define STMT(code, k)          ((struct sock_filter)BPF_STMT(code, k))
#define JUMP(code, k, yes, no) ((struct sock_filter)BPF_JUMP(code, k, yes, no))

static struct sock_filter load(size_t offset)
{
	return STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter answer(int verdict)
{
	if (verdict == SANDBOX_KILL)
		return STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	if (verdict > 0)
		return STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)verdict & 0xffff));
	return STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

/* One half of one argument; @left: instructions from its last one to the end of the row */
static void half(struct program *p, unsigned arg, unsigned offset, uint32_t mask, uint32_t value,
		 size_t left)
{
	put(p, load(offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t) + offset));
	put(p, STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	put(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)left));
}

/* Halves that a condition looks at; three instructions each */
static size_t halves(const struct sandbox_when *w)
{
	return (w->mask & SANDBOX_INT ? 1U : 0U) + (w->mask >> 32 ? 1U : 0U);
}

/* A row: if it is this call and all conditions hold, the verdict; else on to the next one. */
static void row(struct program *p, const struct sandbox_call *c)
{
	size_t left = 1; /* the verdict */

	for (unsigned i = 0; i < c->n; i++)
		left += 3 * halves(&c->when[i]);
	put(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)c->nr, 0,
		    (uint8_t)(left + (c->n ? 1U : 0U))));
	for (unsigned i = 0; i < c->n; i++) {
		const struct sandbox_when *w = &c->when[i];
		uint64_t value = w->value == SANDBOX_OWN_PID ? (uint64_t)getpid() : w->value;

		if (w->mask & SANDBOX_INT) {
			left -= 3;
			half(p, w->arg, LOW_HALF, (uint32_t)w->mask, (uint32_t)value, left);
		}
		if (w->mask >> 32) {
			left -= 3;
			half(p, w->arg, 4 - LOW_HALF, (uint32_t)(w->mask >> 32),
			     (uint32_t)(value >> 32), left);
		}
	}
	put(p, answer(c->verdict));
	if (c->n) /* the conditions have replaced the number */
		put(p, load(offsetof(struct seccomp_data, nr)));
}

static int seccomp_enter(const struct sandbox *s, struct rl_err *err)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog = { .filter = p.f };

	if (SANITIZED)
		return 0;
	put(&p, load(offsetof(struct seccomp_data, arch)));
	put(&p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	put(&p, answer(SANDBOX_KILL));
	put(&p, load(offsetof(struct seccomp_data, nr)));
#ifdef __x86_64__ /* the same calls once more, as x32: a list of what is refused would miss them */
	put(&p, JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 1));
	put(&p, answer(SANDBOX_KILL));
#endif
	for (size_t i = 0; i < ARRAY_LEN(s->calls) && s->calls[i]; i++)
		for (const struct sandbox_call *c = s->calls[i]; c->nr >= 0; c++)
			row(&p, c);
	put(&p, answer(s->other ? s->other : SANDBOX_KILL));
	if (p.full)
		return rl_fail(err, E2BIG, "seccomp: too many system calls");
	prog.len = (unsigned short)p.n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return rl_fail_sys(err, errno, "seccomp");
	return 0;
}

int sandbox_enter(const struct sandbox *s, struct rl_err *err)
{
	int r = s->fds ? close_others(s, err) : 0;

	if (r == 0)
		r = sandbox_limits(s, err);
	if (r == 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		r = rl_fail_sys(err, errno, "set no_new_privs");
	if (r == 0)
		r = landlock_enter(s, err);
	if (r == 0)
		r = sandbox_caps(s->caps, err);
	if (r == 0)
		r = seccomp_enter(s, err);
	return r < 0 ? rl_wrap(err, "lock the process in") : 0;
}
