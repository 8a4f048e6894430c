/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_prologue.h - refusals by argument as BPF, to stand in front of what libseccomp makes
 *
 * Why libseccomp cannot have them is told in seccomp_rules.c.
 */
#pragma once

#include <linux/filter.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_EXCEPTIONS_MAX 256
#define SECCOMP_ARGS_MAX       6

struct seccomp_prologue {
	struct seccomp_exception {
		uint32_t arch; /* SCMP_ARCH_* */
		int nr;
		uint32_t action;                            /* SECCOMP_RET_*, with its data */
		struct scmp_arg_cmp args[SECCOMP_ARGS_MAX]; /* all must hold */
		unsigned n_args;
	} v[SECCOMP_EXCEPTIONS_MAX];
	size_t n;
};

/* 0, or -E2BIG. The earlier of two that both match wins. */
int seccomp_prologue_add(struct seccomp_prologue *p, uint32_t arch, int nr, uint32_t action,
			 const struct scmp_arg_cmp *args, unsigned n_args);
/*
 * Write the instructions; a call that no exception matches runs on behind the last one.
 * Return: how many there are, also when that is more than @room (then @out holds the first ones)
 */
size_t seccomp_prologue_emit(const struct seccomp_prologue *p, struct sock_filter *out,
			     size_t room);
