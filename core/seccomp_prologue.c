/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_prologue.c - refusals by argument as BPF; the header is the manual
 *
 * Shape of the program: for each architecture, for each call number, its exceptions in order.
 *
 *	ld arch; jeq ARCH else next architecture
 *	  ld nr; jeq NR else next number
 *	    exception: compare each argument, skip the exception when one differs; ret ACTION
 *
 * Arguments are 64 bits wide and compared in halves. Jumps over a group are "ja" (32 bits wide);
 * those inside an exception are short: six arguments of six instructions.
 */
#include "config.h"

#include "core/seccomp_prologue.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

struct out {
	struct sock_filter *v;
	size_t n, room;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW  0
#define HIGH 4
#else
#define LOW  4
#define HIGH 0
#endif

int seccomp_prologue_add(struct seccomp_prologue *p, uint32_t arch, int nr, uint32_t action,
			 const struct scmp_arg_cmp *args, unsigned n_args)
{
	struct seccomp_exception *e = &p->v[p->n];

	if (p->n == SECCOMP_EXCEPTIONS_MAX || n_args > SECCOMP_ARGS_MAX)
		return -E2BIG;
	*e = (struct seccomp_exception){ .arch = arch, .nr = nr, .action = action };
	if (n_args > 0)
		memcpy(e->args, args, n_args * sizeof(*args));
	e->n_args = n_args;
	p->n++;
	return 0;
}

static size_t emit(struct out *o, uint16_t code, uint32_t k, size_t jt, size_t jf)
{
	if (o->n < o->room)
		o->v[o->n] = (struct sock_filter){ code, (uint8_t)jt, (uint8_t)jf, k };
	return o->n++;
}

static void load(struct out *o, size_t offset)
{
	(void)emit(o, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void jump(struct out *o, uint16_t op, uint32_t k, size_t jt, size_t jf)
{
	(void)emit(o, (uint16_t)(BPF_JMP | op | BPF_K), k, jt, jf);
}

/* Both halves equal under a mask. @skip: instructions from the end of this to the next exception */
static void masked_equal(struct out *o, size_t at, uint64_t mask, uint64_t value, size_t skip)
{
	load(o, at + HIGH);
	(void)emit(o, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(mask >> 32), 0, 0);
	jump(o, BPF_JEQ, (uint32_t)((mask & value) >> 32), 0, skip + 3);
	load(o, at + LOW);
	(void)emit(o, BPF_ALU | BPF_AND | BPF_K, (uint32_t)mask, 0, 0);
	jump(o, BPF_JEQ, (uint32_t)(mask & value), 0, skip);
}

static size_t length_of(enum scmp_compare op)
{
	return op == SCMP_CMP_MASKED_EQ ? 6 : op == SCMP_CMP_EQ || op == SCMP_CMP_NE ? 4 : 5;
}

/* One comparison: falls through when it holds, else jumps @skip beyond its own end. */
static void compare(struct out *o, const struct scmp_arg_cmp *a, size_t skip)
{
	const size_t at = offsetof(struct seccomp_data, args) + 8 * (size_t)a->arg;
	const uint32_t high = (uint32_t)(a->datum_a >> 32), low = (uint32_t)a->datum_a;
	const uint16_t than = a->op == SCMP_CMP_GT || a->op == SCMP_CMP_LE ? BPF_JGT : BPF_JGE;

	switch (a->op) {
	case SCMP_CMP_MASKED_EQ:
		masked_equal(o, at, a->datum_a, a->datum_b, skip);
		break;
	case SCMP_CMP_EQ:
		load(o, at + HIGH);
		jump(o, BPF_JEQ, high, 0, skip + 2);
		load(o, at + LOW);
		jump(o, BPF_JEQ, low, 0, skip);
		break;
	case SCMP_CMP_NE:
		load(o, at + HIGH);
		jump(o, BPF_JEQ, high, 0, 2); /* different: it holds */
		load(o, at + LOW);
		jump(o, BPF_JEQ, low, skip, 0);
		break;
	case SCMP_CMP_GT:
	case SCMP_CMP_GE:
		load(o, at + HIGH);
		jump(o, BPF_JGT, high, 3, 0); /* greater: it holds */
		jump(o, BPF_JEQ, high, 0, skip + 2);
		load(o, at + LOW);
		jump(o, than, low, 0, skip);
		break;
	case SCMP_CMP_LT:
	case SCMP_CMP_LE:
		load(o, at + HIGH);
		jump(o, BPF_JGT, high, skip + 3, 0);
		jump(o, BPF_JEQ, high, 0, 2); /* less: it holds */
		load(o, at + LOW);
		jump(o, than, low, skip, 0);
		break;
	case _SCMP_CMP_MIN:
	case _SCMP_CMP_MAX:
		break;
	}
}

static void exception(struct out *o, const struct seccomp_exception *e)
{
	size_t left = 1; /* the return */

	for (unsigned i = 0; i < e->n_args; i++)
		left += length_of(e->args[i].op);
	for (unsigned i = 0; i < e->n_args; i++) {
		left -= length_of(e->args[i].op);
		compare(o, &e->args[i], left);
	}
	(void)emit(o, BPF_RET | BPF_K, e->action, 0, 0);
}

/* Over a group of any size: "jeq K, into it; ja behind it", the second filled in at its end. */
static size_t enter(struct out *o, uint32_t k)
{
	jump(o, BPF_JEQ, k, 1, 0);
	return emit(o, BPF_JMP | BPF_JA, 0, 0, 0);
}

static void leave(struct out *o, size_t ja)
{
	if (ja < o->room)
		o->v[ja].k = (uint32_t)(o->n - ja - 1);
}

/* Was the same pair seen before entry @i? Then its group has this one too. */
static bool seen(const struct seccomp_prologue *p, size_t i, bool with_nr)
{
	for (size_t k = 0; k < i; k++)
		if (p->v[k].arch == p->v[i].arch && (!with_nr || p->v[k].nr == p->v[i].nr))
			return true;
	return false;
}

/* x32 runs under the architecture of x86-64, with a bit in the number. */
static uint32_t audit_arch(uint32_t scmp)
{
	return scmp == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : scmp;
}

static void number(struct out *o, const struct seccomp_prologue *p, size_t first)
{
	size_t ja;

	load(o, offsetof(struct seccomp_data, nr));
	ja = enter(o, (uint32_t)p->v[first].nr);
	for (size_t i = first; i < p->n; i++)
		if (p->v[i].arch == p->v[first].arch && p->v[i].nr == p->v[first].nr)
			exception(o, &p->v[i]);
	leave(o, ja);
}

size_t seccomp_prologue_emit(const struct seccomp_prologue *p, struct sock_filter *out, size_t room)
{
	struct out o = { out, 0, room };

	for (size_t a = 0; a < p->n; a++) {
		size_t ja;

		if (seen(p, a, false))
			continue;
		load(&o, offsetof(struct seccomp_data, arch));
		ja = enter(&o, audit_arch(p->v[a].arch));
		for (size_t i = a; i < p->n; i++)
			if (p->v[i].arch == p->v[a].arch && !seen(p, i, true))
				number(&o, p, i);
		leave(&o, ja);
	}
	return o.n;
}
