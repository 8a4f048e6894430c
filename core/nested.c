/* SPDX-License-Identifier: Apache-2.0 */
/* nested.c - a filter against user namespaces; the header is the manual */
#include "config.h"

#include "core/nested.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"

/* What 64-bit kernels run besides their own; libseccomp knows which belong together. */
static int add_others(scmp_filter_ctx f)
{
	static const uint32_t others[][2] = {
		{ SCMP_ARCH_X86_64, SCMP_ARCH_X86 },  { SCMP_ARCH_X86_64, SCMP_ARCH_X32 },
		{ SCMP_ARCH_AARCH64, SCMP_ARCH_ARM }, { SCMP_ARCH_S390X, SCMP_ARCH_S390 },
		{ SCMP_ARCH_PPC64, SCMP_ARCH_PPC },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(others) && r == 0; i++)
		if (others[i][0] == seccomp_arch_native())
			r = seccomp_arch_add(f, others[i][1]);
	/* what is not listed here does not run */
	return r < 0 ? r : seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
}

static int build(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp first =
		SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
	/* s390 has the flags of clone second */
	const struct scmp_arg_cmp second =
		SCMP_A1_64(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
	bool swapped = seccomp_arch_native() == SCMP_ARCH_S390X;
	int r = add_others(f);

	if (r == 0)
		r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, &first);
	if (r == 0)
		r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					   swapped ? &second : &first);
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* we have CAP_SYS_ADMIN, or no_new_privs already */
	return r < 0 ? r : seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0);
}

int nested_forbid(struct rl_err *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = f ? build(f) : -ENOMEM;

	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r < 0 ? rl_fail_sys(err, -r, "load the filter against user namespaces") : 0;
}
