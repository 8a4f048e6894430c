/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_limits.c - --cpus, --memory and kin: the "resources" object and the same for core/cgroup
 *
 * The flags that asked for something are listed: where there is no cgroup the
 * user is told about each of them by name.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/engine/limits.h"
#include "cmd/engine/spec_parts.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"

#define PIDS_DEFAULT   2048
#define PERIOD_DEFAULT 100000
#define MEMORY_MIN     (512 << 10)
#define PERIOD_MIN     1000 /* kernel: 1 ms to 1 s (cgroup-v2.rst, cpu.max) */
#define PERIOD_MAX     1000000

/* The request, and what becomes of the limits */
struct limiting {
	const struct create_req *req;
	struct cgroup_limits l;
	struct strv *flags;
};

static int note(struct limiting *x, char *text, struct rl_err *err)
{
	return limits_note(x->flags, text, err);
}

static void forget(struct limiting *x, const char *flag)
{
	limits_forget(x->flags, flag);
}

static int cpu_time(struct limiting *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	int64_t quota = x->l.cpu_quota_us, period = x->l.cpu_period_us;
	int64_t cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int r = 0;

	if (q->nano_cpus != 0 && (q->cpu_quota || q->cpu_period))
		return rl_fail(err, EINVAL,
			       "'--cpus' and '--cpu-quota' or '--cpu-period' exclude "
			       "each other");
	if (q->cpu_period || q->nano_cpus != 0 || period == 0)
		period = q->cpu_period ? (int64_t)q->cpu_period : PERIOD_DEFAULT;
	if (period < PERIOD_MIN || period > PERIOD_MAX)
		return rl_fail(err, EINVAL, "'--cpu-period %lld' is not between %d and %d",
			       (long long)period, PERIOD_MIN, PERIOD_MAX);
	if (q->cpu_quota && parse_int(q->cpu_quota, -1, INT64_MAX, &quota) < 0)
		return rl_fail(err, EINVAL, "'--cpu-quota %s' is not a number", q->cpu_quota);
	if (q->nano_cpus > cpus * 1000000000)
		return rl_fail(err, EINVAL,
			       "'--cpus %g' is not between 0.01 and %lld, the CPUs there are",
			       (double)q->nano_cpus / 1e9, (long long)cpus);
	if (q->nano_cpus != 0)
		forget(x, "--cpu-quota");
	else if (q->cpu_quota || q->cpu_period)
		forget(x, "--cpus");
	if (q->nano_cpus < 0) {
		quota = 0;
		forget(x, "--cpus");
	} else if (q->nano_cpus > 0) {
		quota = q->nano_cpus / 10000; /* nano CPUs of a period of 100000 us */
		r = note(x, str_printf("--cpus %g", (double)q->nano_cpus / 1e9), err);
	} else if (quota <= 0) {
		forget(x, "--cpu-quota");
	} else if (q->cpu_quota || q->cpu_period) {
		r = note(x, str_printf("--cpu-quota %lld", (long long)quota), err);
	}
	if (r == 0 && quota > 0 && quota < PERIOD_MIN)
		r = rl_fail(err, EINVAL, "a CPU limit below 0.01 is not possible");
	x->l.cpu_quota_us = quota > 0 ? quota : 0;
	x->l.cpu_period_us = period;
	return r;
}

/* cgroup v1 shares (2..262144) to v2 weight (1..10000), the conversion that OCI runtimes share. */
static int cpu_shares(struct limiting *x, struct rl_err *err)
{
	uint64_t s = x->req->cpu_shares;

	if (s == 0)
		return 0;
	if (s < 2 || s > 262144)
		return rl_fail(err, EINVAL, "'--cpu-shares %llu' is not between 2 and 262144",
			       (unsigned long long)s);
	x->l.cpu_weight = 1 + (s - 2) * 9999 / 262142;
	return note(x, str_printf("--cpu-shares %llu", (unsigned long long)s), err);
}

static int cpuset(struct limiting *x, const char *flag, const char *s, char *to, size_t room,
		  struct rl_err *err)
{
	if (!s || !*s)
		return 0;
	if (strspn(s, "0123456789,-") != strlen(s) || strlen(s) >= room || *s == '-' || *s == ',')
		return rl_fail(err, EINVAL, "'%s %.80s' is not a list such as 0-2,5", flag, s);
	memcpy(to, s, strlen(s) + 1);
	return note(x, str_printf("%s %s", flag, s), err);
}

static int memory(struct limiting *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	struct cgroup_limits *l = &x->l;
	int64_t total = 0;
	int r = 0;

	if (q->memory < 0) {
		l->memory_max = l->memory_swap_max = 0;
		l->has_swap = false;
		forget(x, "--memory");
		forget(x, "--memory-swap");
	}
	if (q->memory_reservation < 0) {
		l->memory_low = 0;
		forget(x, "--memory-reservation");
	}
	if (q->memory > 0 && q->memory < MEMORY_MIN)
		return rl_fail(err, EINVAL,
			       "'--memory %lld' is below %d KiB, nothing can run in that",
			       (long long)q->memory, MEMORY_MIN / 1024);
	if (q->memory > 0) {
		l->memory_max = q->memory;
		l->has_swap = true;
		l->memory_swap_max = q->memory; /* as much again, Docker's and Podman's default */
		r = note(x, str_printf("--memory %lld", (long long)q->memory), err);
	}
	if (r == 0 && q->memory_reservation > 0) {
		l->memory_low = q->memory_reservation;
		r = note(x,
			 str_printf("--memory-reservation %lld", (long long)q->memory_reservation),
			 err);
	}
	if (r == 0 && l->memory_max > 0 && l->memory_low > l->memory_max)
		return rl_fail(err, EINVAL, "'--memory-reservation' is above '--memory'");
	if (r < 0 || !q->memory_swap)
		return r;
	if (strcmp(q->memory_swap, "-1") != 0 && parse_size(q->memory_swap, &total) < 0)
		return rl_fail(err, EINVAL, "'--memory-swap %s' is not a size", q->memory_swap);
	if (total == 0 && strcmp(q->memory_swap, "-1") != 0)
		return 0; /* 0 means unset */
	if (l->memory_max <= 0)
		return rl_fail(err, EINVAL, "'--memory-swap' needs '--memory'");
	if (total > 0 && total < l->memory_max)
		return rl_fail(err, EINVAL,
			       "'--memory-swap %s' is memory plus swap and below '--memory'",
			       q->memory_swap);
	l->memory_swap_max = total > 0 ? total - l->memory_max : -1;
	l->has_swap = true;
	return note(x, str_printf("--memory-swap %s", q->memory_swap), err);
}

static int pids(struct limiting *x, struct rl_err *err)
{
	int64_t n;

	if (!x->req->pids_limit)
		return 0;
	if (parse_int(x->req->pids_limit, -1, INT32_MAX, &n) < 0)
		return rl_fail(err, EINVAL, "'--pids-limit %s' is not a number, -1 or more",
			       x->req->pids_limit);
	x->l.pids_max = n > 0 ? n : 0;
	if (n <= 0)
		forget(x, "--pids-limit");
	return n > 0 ? note(x, str_printf("--pids-limit %lld", (long long)n), err) : 0;
}

int limits_apply(const struct create_req *q, struct cgroup_limits *l, struct strv *flags,
		 struct rl_err *err)
{
	struct limiting x = { .req = q, .l = *l, .flags = flags };
	int r = cpu_time(&x, err);

	if (r == 0)
		r = cpu_shares(&x, err);
	if (r == 0)
		r = cpuset(&x, "--cpuset-cpus", q->cpuset_cpus, x.l.cpuset_cpus,
			   sizeof(x.l.cpuset_cpus), err);
	if (r == 0)
		r = cpuset(&x, "--cpuset-mems", q->cpuset_mems, x.l.cpuset_mems,
			   sizeof(x.l.cpuset_mems), err);
	if (r == 0)
		r = memory(&x, err);
	if (r == 0)
		r = pids(&x, err);
	if (r == 0)
		r = limits_apply_more(q, &x.l, flags, err);
	if (r == 0)
		*l = x.l;
	return r;
}

/* --- as JSON --------------------------------------------------------------------------------- */

static int put(json_t *o, const char *key, int64_t v)
{
	return json_object_set_new(o, key, json_integer(v));
}

static json_t *cpu_object(const struct cgroup_limits *l, int64_t shares)
{
	json_t *o = json_object();
	int bad = 0;

	if (l->cpu_quota_us > 0)
		bad |= put(o, "quota", l->cpu_quota_us) | put(o, "period", l->cpu_period_us);
	if (shares)
		bad |= put(o, "shares", shares);
	if (l->cpuset_cpus[0])
		bad |= json_object_set_new(o, "cpus", json_string(l->cpuset_cpus));
	if (l->cpuset_mems[0])
		bad |= json_object_set_new(o, "mems", json_string(l->cpuset_mems));
	if (o && !bad)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *memory_object(const struct cgroup_limits *l)
{
	json_t *o = json_object();
	int bad = 0;

	if (l->memory_max > 0) {
		bad |= put(o, "limit", l->memory_max);
		/* of the runtime spec: memory plus swap */
		bad |= put(o, "swap",
			   l->memory_swap_max < 0 ? -1 : l->memory_max + l->memory_swap_max);
	}
	if (l->memory_low > 0)
		bad |= put(o, "reservation", l->memory_low);
	if (o && !bad)
		return o;
	json_decref(o);
	return NULL;
}

int limits_json(const struct cgroup_limits *l, int64_t shares, json_t **ret, struct rl_err *err)
{
	json_auto_t *cpu = cpu_object(l, shares), *mem = memory_object(l), *res = json_object();
	int bad = !cpu || !mem || !res;

	if (!bad && json_object_size(cpu) > 0)
		bad |= json_object_set(res, "cpu", cpu);
	if (!bad && json_object_size(mem) > 0)
		bad |= json_object_set(res, "memory", mem);
	if (!bad && l->pids_max > 0)
		bad |= json_object_set_new(res, "pids",
					   json_pack("{s:I}", "limit", (json_int_t)l->pids_max));
	if (bad)
		return rl_oom(err);
	bad = limits_json_more(l, res, err);
	if (bad < 0)
		return bad;
	*ret = TAKE_PTR(res);
	return 0;
}

int spec_make_limits(struct spec_ctx *x, json_t **ret, struct rl_err *err)
{
	struct cgroup_limits *l = &x->out->limits;
	int r;

	l->pids_max = PIDS_DEFAULT;
	r = limits_apply(x->req, l, &x->out->limit_flags, err);
	return r < 0 ? r : limits_json(l, (int64_t)x->req->cpu_shares, ret, err);
}
