/* SPDX-License-Identifier: Apache-2.0 */
/* caps.c - capability masks, through libcap; the header is the manual */
#include "config.h"

#include "core/caps.h"

#include <errno.h>
#include <sys/capability.h>

int caps_bound(uint64_t keep)
{
	int last = cap_max_bits();

	for (int c = 0; c < last && c <= CAPS_LAST; c++)
		if (!(keep & CAP_BIT(c)) && cap_drop_bound(c) < 0)
			return -errno;
	return 0;
}

/* Raise the bits of @mask in one of the three sets. */
static int raise_in(cap_t c, cap_flag_t set, uint64_t mask)
{
	cap_value_t v[CAPS_LAST + 1];
	int n = 0;

	for (int i = 0; i <= CAPS_LAST; i++)
		if (mask & CAP_BIT(i))
			v[n++] = i;
	return n > 0 ? cap_set_flag(c, set, n, v, CAP_SET) : 0;
}

int caps_set(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	cap_t c = cap_init();
	int r = 0;

	if (!c)
		return -ENOMEM;
	if (raise_in(c, CAP_EFFECTIVE, effective) < 0 ||
	    raise_in(c, CAP_PERMITTED, permitted) < 0 ||
	    raise_in(c, CAP_INHERITABLE, inheritable) < 0 || cap_set_proc(c) < 0)
		r = -errno;
	(void)cap_free(c); /* only fails for what is not its own */
	return r;
}

int caps_ambient(uint64_t ambient)
{
	if (cap_reset_ambient() < 0)
		return -errno;
	for (int c = 0; c <= CAPS_LAST && ambient >> c; c++)
		if (ambient & CAP_BIT(c) && cap_set_ambient(c, CAP_SET) < 0)
			return -errno;
	return 0;
}
