/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_seccomp_profile.c - any profile: refused, or a program that the kernel would take
 *
 * The check below is the kernel's (net/core/filter.c, bpf_check_classic): known instructions,
 * jumps forward and inside, a return at the end.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/seccomp_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct seccomp_filter *f)
{
	assert(f->n > 0 && f->n <= BPF_MAXINSNS);
	for (size_t i = 0; i < f->n; i++) {
		const struct sock_filter *s = &f->insns[i];

		switch (BPF_CLASS(s->code)) {
		case BPF_LD:
			assert(s->code == (BPF_LD | BPF_W | BPF_ABS) && s->k < 64 && s->k % 4 == 0);
			break;
		case BPF_JMP:
			if (BPF_OP(s->code) == BPF_JA)
				assert(i + 1 + s->k < f->n);
			else
				assert(i + 1 + s->jt < f->n && i + 1 + s->jf < f->n);
			break;
		case BPF_RET:
		case BPF_ALU:
			break;
		default:
			assert(!"an instruction that no filter needs");
		}
	}
	assert(BPF_CLASS(f->insns[f->n - 1].code) == BPF_RET);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct seccomp_host host = { "amd64", "SCMP_ARCH_X86_64", { 6, 1 } };
	json_auto_t *profile = NULL, *oci = NULL, *again = NULL;
	struct seccomp_filter f = { 0 };
	struct rl_err err = { 0 };

	log_set_level(LOG_ERROR);
	if (size > 16384 || json_read((const char *)data, size, 1 << 20, "p", &profile, &err) < 0)
		return 0;
	if (seccomp_profile_eval(profile, &host, 0x1ff, &oci, &err) < 0) {
		assert(err.code > 0 && err.msg[0] && !oci);
		return 0;
	}
	/* what comes out is a profile without conditions: the same again */
	assert(seccomp_profile_eval(oci, &host, 0, &again, &err) == 0 && json_equal(oci, again));
	if (seccomp_build(oci, &f, &err) == 0)
		check(&f);
	seccomp_done(&f);
	return 0;
}
