/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - what rl doctor found; for cmd/doctor*.c only
 *
 * Each part looks at its things by trial and adds findings. Adding cannot fail for the caller: memory
 * that runs out is remembered in @oom.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/strv.h"
#include "core/distro.h"
#include "core/kernel.h"
#include "core/rl.h"
#include "core/session.h"

enum doctor_status { DOCTOR_OK, DOCTOR_DEGRADED, DOCTOR_MISSING, DOCTOR_SKIPPED };
/* What a finding takes away: nothing, a part, everything (exit status 0, 1, 2). */
enum doctor_effect { DOCTOR_NONE, DOCTOR_LESS, DOCTOR_BROKEN };

/**
 * struct finding - One line of the report
 * @name:	Stable: scripts know it
 * @to:		With DOCTOR_DEGRADED: what is used instead, or NULL
 * @text:	What was found, or why not; owned
 * @fixes:	Lines that mend it, each for itself
 */
struct finding {
	const char *name, *to;
	enum doctor_status status;
	enum doctor_effect effect;
	char *text;
	struct strv fixes;
};

struct doctor {
	const struct rl *rl; /* found, not opened: nothing is made */
	struct distro distro;
	struct kernel_trial kernel[KERNEL_CALLS];
	bool has_userns, has_session;
	char userns_hint[512];  /* what mends the lack of user namespaces */
	struct session session; /* for trials; with @has_session */
	struct finding *v;
	size_t n;
	bool oom;
	struct strv silent; /* checks that gave no answer the last time */
	int tell_fd;        /* to who waits for them */
};

/*
 * Before a check that may never come back (a hung file system, a bus that does not answer). False: it
 * did not, which is found with @effect; leave it out.
 */
bool doctor_begin(struct doctor *d, const char *name, enum doctor_effect effect);
/*
 * Run @look in a child: what it leaves in @out, and returns. A check that is silent for too long ends the
 * child; another one begins without it.
 */
int doctor_watch(struct doctor *d,
		 int (*look)(struct doctor *d, void *arg, struct buf *out, struct rl_err *err),
		 void *arg, struct buf *out, struct rl_err *err) RL_MUST_USE;

void doctor_ok(struct doctor *d, const char *name, const char *fmt, ...) RL_PRINTF(3, 4);
/* Not OK: gone, or @to in its place. */
void doctor_missing(struct doctor *d, const char *name, enum doctor_effect effect, const char *fmt,
		    ...) RL_PRINTF(4, 5);
void doctor_degraded(struct doctor *d, const char *name, enum doctor_effect effect, const char *to,
		     const char *fmt, ...) RL_PRINTF(5, 6);
void doctor_skipped(struct doctor *d, const char *name, const char *fmt, ...) RL_PRINTF(3, 4);
/* A line that mends the last finding; "sudo " falls away for root. Empty lines are left out. */
void doctor_fix(struct doctor *d, const char *fmt, ...) RL_PRINTF(2, 3);
/* Set a sysctl now and for good; @file of contrib/sysctl has it among others. */
void doctor_fix_sysctl(struct doctor *d, const char *file, const char *key, const char *value);
#define DOCTOR_SYSCTLS   "60-rl.conf"
#define DOCTOR_LOW_PORTS "61-rl-low-ports.conf"
/* An example file that came with rl ("sysctl/60-rl.conf"), to be copied to @to; nothing without it. */
bool doctor_fix_copy(struct doctor *d, const char *file, const char *to, const char *then);

void doctor_ids(struct doctor *d);    /* user namespaces, maps, security modules */
void doctor_kernel(struct doctor *d); /* system calls, quotas of the kernel */
void doctor_store(struct doctor *d);  /* folders, space, overlay, fuse */
void doctor_limits(struct doctor *d); /* cgroups, systemd */
void doctor_net(struct doctor *d, bool ask_registries);
