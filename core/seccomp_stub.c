/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp_stub.c - seccomp_apply() until core/seccomp.c is there, which replaces this file */
#include "config.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/seccomp.h"

__attribute__((weak)) int seccomp_apply(const struct seccomp_filter *f, struct rl_err *err)
{
	const struct sock_fprog prog = { .len = f->n, .filter = f->insns };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, f->flags, &prog) < 0)
		return rl_fail_sys(err, errno, "load the seccomp filter");
	return 0;
}
