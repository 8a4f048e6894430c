/* SPDX-License-Identifier: Apache-2.0 */
/* fakeid.c - the filter for containers with one id; the header is the manual */
#include "config.h"

#include "core/fakeid.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/idmap.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#elif defined(__i386__)
#define NATIVE_ARCH AUDIT_ARCH_I386
#endif

#define PROGRAM_MAX 256
#define FAKE        (SECCOMP_RET_ERRNO | 0)

struct program {
	struct sock_filter insns[PROGRAM_MAX];
	unsigned short n;
};

static void add(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (p->n < PROGRAM_MAX)
		p->insns[p->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* Offset of the low half of argument @i. */
static size_t arg(int i)
{
	const size_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	return offsetof(struct seccomp_data, args) + (size_t)i * 8 + low;
}

/* Call @nr always succeeds. */
static void fake_always(struct program *p, long nr)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)nr);
	add(p, BPF_RET | BPF_K, 0, 0, FAKE);
}

/*
 * Call @nr succeeds when one of its first @n arguments is neither -1 nor @id. The number is in
 * the accumulator before and, on the way past, afterwards.
 */
static void fake_other_ids(struct program *p, long nr, int n, uint32_t id)
{
	/* per argument: load, two tests, return; then allow */
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)(4 * n + 1), (uint32_t)nr);
	for (int i = 0; i < n; i++) {
		load(p, arg(i));
		add(p, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, id);
		add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, UINT32_MAX);
		add(p, BPF_RET | BPF_K, 0, 0, FAKE);
	}
	add(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

/* mknod of a device: argument @mode_arg has the type. */
static void fake_devices(struct program *p, long nr, int mode_arg)
{
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 6, (uint32_t)nr);
	load(p, arg(mode_arg));
	add(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, S_IFMT);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, S_IFCHR);
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, S_IFBLK);
	add(p, BPF_RET | BPF_K, 0, 0, FAKE);
	add(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

static void build(struct program *p, uint32_t uid, uint32_t gid)
{
#ifdef NATIVE_ARCH
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
	add(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	load(p, offsetof(struct seccomp_data, nr));
#ifdef SYS_chown
	fake_always(p, SYS_chown);
	fake_always(p, SYS_lchown);
#endif
	fake_always(p, SYS_fchown);
	fake_always(p, SYS_fchownat);
	fake_always(p, SYS_setgroups);
	fake_other_ids(p, SYS_setuid, 1, uid);
	fake_other_ids(p, SYS_setgid, 1, gid);
	fake_other_ids(p, SYS_setreuid, 2, uid);
	fake_other_ids(p, SYS_setregid, 2, gid);
	fake_other_ids(p, SYS_setresuid, 3, uid);
	fake_other_ids(p, SYS_setresgid, 3, gid);
#ifdef SYS_mknod
	fake_devices(p, SYS_mknod, 1);
#endif
	fake_devices(p, SYS_mknodat, 2);
#else
	(void)uid;
	(void)gid;
#endif
	add(p, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
}

int fakeid_load(const struct idmap *uids, const struct idmap *gids, struct rl_err *err)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog;

	build(&p, uids->n ? uids->v[0].inside : 0, gids->n ? gids->v[0].inside : 0);
	prog = (struct sock_fprog){ .len = p.n, .filter = p.insns };
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return rl_fail_sys(err, errno, "load the filter for a single id");
	return 0;
}
