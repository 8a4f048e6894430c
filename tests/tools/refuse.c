/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse.c - run a command under a seccomp filter that refuses some system calls
 *
 *	refuse [-e ERRNO] CALL[,CALL...] COMMAND [ARG...]
 *
 * As an outer container's profile or an old kernel would: each CALL ("openat2", "clone3") fails with
 * ERRNO, a number or EPERM, ENOSYS (default), EACCES; "clone:newuser" is clone(2) with CLONE_NEWUSER
 * only, "seccomp:notify" seccomp(2) for a user notification only. A name that this kernel's headers do not know is an error. Root keeps its ways to setuid
 * programs; others get no_new_privs, which the kernel wants.
 */
#include "config.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"

static int error_number(const char *s)
{
	static const struct {
		const char *name;
		int number;
	} known[] = { { "EPERM", EPERM }, { "ENOSYS", ENOSYS }, { "EACCES", EACCES } };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].name, s) == 0)
			return known[i].number;
	return parse_uint(s, 4095, &v) == 0 ? (int)v : -1;
}

static int refuse(scmp_filter_ctx f, const char *name, int code)
{
	int nr;

	if (strcmp(name, "clone:newuser") == 0)
		return seccomp_rule_add(f, SCMP_ACT_ERRNO((uint16_t)code), SCMP_SYS(clone), 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	if (strcmp(name, "seccomp:notify") == 0)
		return seccomp_rule_add(f, SCMP_ACT_ERRNO((uint16_t)code), SCMP_SYS(seccomp), 1,
					SCMP_A1(SCMP_CMP_MASKED_EQ,
						SECCOMP_FILTER_FLAG_NEW_LISTENER,
						SECCOMP_FILTER_FLAG_NEW_LISTENER));
	nr = seccomp_syscall_resolve_name(name);
	return nr == __NR_SCMP_ERROR ? -EINVAL
				     : seccomp_rule_add(f, SCMP_ACT_ERRNO((uint16_t)code), nr, 0);
}

int main(int argc, char **argv)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int code = ENOSYS, at = 1, r = 0;

	if (argc > 2 && strcmp(argv[1], "-e") == 0) {
		code = error_number(argv[2]);
		at = 3;
	}
	if (!f || code < 0 || argc < at + 2) {
		(void)fprintf(stderr, "usage: refuse [-e ERRNO] CALL[,CALL...] COMMAND [ARG...]\n");
		return 2;
	}
	for (char *s = argv[at], *next = s; next && r == 0; s = next) {
		next = strchr(s, ',');
		if (next)
			*next++ = '\0';
		r = refuse(f, s, code);
		if (r < 0)
			(void)fprintf(stderr, "refuse: '%s': %s\n", s, strerror(-r));
	}
	if (r == 0 && geteuid() == 0)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	if (r < 0) {
		(void)fprintf(stderr, "refuse: %s\n", strerror(-r));
		return 2;
	}
	(void)execvp(argv[at + 1], argv + at + 1);
	perror(argv[at + 1]);
	return 2;
}
