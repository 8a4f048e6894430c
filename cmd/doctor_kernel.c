/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_kernel.c - rl doctor: the kernel's calls and its quotas, and rl's own parts */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "cmd/doctor.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"

#define YEAR_2100     4102444800
#define INOTIFY_WANT  32
#define PROCESSES_LOW 64

/* What each call is for, and what rl does where it is refused. */
static const struct call {
	enum kernel_call which;
	const char *name;
	enum doctor_effect effect;
	const char *to; /* NULL: nothing */
} calls[] = {
	{ KERNEL_OPENAT2, "openat2", DOCTOR_BROKEN, NULL },
	{ KERNEL_MOUNT_API, "mount-api", DOCTOR_BROKEN, NULL },
	{ KERNEL_PIDFD, "pidfd", DOCTOR_BROKEN, NULL },
	{ KERNEL_SECCOMP, "seccomp", DOCTOR_BROKEN, NULL },
	{ KERNEL_CLONE3, "clone3", DOCTOR_NONE, "clone" },
	{ KERNEL_CLOSE_RANGE, "close-range", DOCTOR_NONE, "closing one by one" },
	{ KERNEL_FACCESSAT2, "faccessat2", DOCTOR_BROKEN, NULL },
	{ KERNEL_KEYCTL, "keyctl", DOCTOR_NONE, "no keys at all" },
	{ KERNEL_HOSTNAME, "host-name", DOCTOR_LESS, "that of the outer container" },
	{ KERNEL_NEW_PROC, "new-proc", DOCTOR_LESS, "the outer /proc" },
	{ KERNEL_LANDLOCK, "landlock", DOCTOR_LESS, "the other walls around rl's helpers" },
	{ KERNEL_NOTIFY, "seccomp-notify", DOCTOR_NONE, NULL },
	{ KERNEL_IDMAP_MOUNT, "idmapped-mounts", DOCTOR_NONE, NULL },
};

static void advise(struct doctor *d, const struct call *c, const struct kernel_trial *t)
{
	if (c->which == KERNEL_NEW_PROC)
		doctor_fix(d, "let the outer container not mask /proc: --security-opt unmask=ALL "
			      "(podman), --security-opt systempaths=unconfined (docker)");
	else if (c->which == KERNEL_LANDLOCK && t->code == EOPNOTSUPP)
		doctor_fix(d, "boot with lsm=landlock,... (it is built in but not switched on)");
	else if (kernel_outer_filters() > 0 && (t->code == ENOSYS || t->code == EPERM))
		doctor_fix(d, "let the outer container or sandbox allow it: --security-opt "
			      "seccomp=unconfined, or a newer profile");
}

static void try_call(struct doctor *d, const struct call *c)
{
	const struct kernel_trial *t = &d->kernel[c->which];
	char why[256];

	if (t->code == ECANCELED) {
		doctor_skipped(d, c->name, "there is no user namespace to try it in");
		return;
	}
	if (t->code == 0 && c->which == KERNEL_LANDLOCK) {
		doctor_ok(d, c->name, "ABI %d", t->value);
		return;
	}
	if (t->code == 0) {
		doctor_ok(d, c->name, "works");
		return;
	}
	kernel_words(c->which, t, why, sizeof(why));
	if (c->which == KERNEL_IDMAP_MOUNT && t->code == EPERM && kernel_outer_filters() <= 0) {
		doctor_ok(d, c->name, "not for your own files: the kernel leaves that to root");
		return;
	}
	if (c->to)
		doctor_degraded(d, c->name, c->effect, c->to, "%s", why);
	else
		doctor_missing(d, c->name, c->effect, "%s", why);
	advise(d, c, t);
}

static void release(struct doctor *d)
{
	struct utsname u = { 0 };

	(void)uname(&u); /* cannot fail with a valid buffer */
	doctor_ok(d, "kernel", "%s %s on %s", u.sysname, u.release, u.machine);
}

/* "1000: 5 4/4 3/200 61/20000": uid, uses, keys, keys of the quota, bytes of the quota */
static void keys(struct doctor *d)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;

	if (io_read_file(AT_FDCWD, "/proc/key-users", 1 << 20, &b, &ignored) < 0 || !b.data) {
		doctor_skipped(d, "keys", "'/proc/key-users' is not readable");
		return;
	}
	for (const char *p = b.data; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		unsigned uid, used, max;

		if (sscanf(p, " %u: %*u %*u/%*u %u/%u", &uid, &used, &max) != 3 ||
		    uid != d->rl->uid)
			continue;
		if (used + 8 < max) {
			doctor_ok(d, "keys", "%u of %u are used; a container takes one", used, max);
		} else {
			doctor_degraded(d, "keys", DOCTOR_LESS, "few more containers",
					"%u of %u are used; each container takes one", used, max);
			doctor_fix_sysctl(d, DOCTOR_SYSCTLS, "kernel.keys.maxkeys", "2000");
		}
		return;
	}
	doctor_ok(d, "keys", "none used yet");
}

static void inotify(struct doctor *d)
{
	auto_fd int fd = inotify_init1(IN_CLOEXEC);
	int64_t max = io_read_number("/proc/sys/fs/inotify/max_user_instances");

	if (fd >= 0 && (max < 0 || max >= INOTIFY_WANT)) {
		doctor_ok(d, "inotify", "fs.inotify.max_user_instances is %lld", (long long)max);
		return;
	}
	doctor_degraded(d, "inotify", DOCTOR_LESS, "looking again and again",
			"fs.inotify.max_user_instances is %lld%s%s", (long long)max,
			fd < 0 ? ": " : "", fd < 0 ? strerror(EMFILE) : "");
	doctor_fix_sysctl(d, DOCTOR_SYSCTLS, "fs.inotify.max_user_instances", "512");
}

static void processes(struct doctor *d)
{
	struct rlimit l = { 0 };

	if (getrlimit(RLIMIT_NPROC, &l) < 0 || l.rlim_cur == RLIM_INFINITY)
		doctor_ok(d, "processes", "no limit of your own");
	else if (l.rlim_cur >= PROCESSES_LOW)
		doctor_ok(d, "processes", "%llu at most (ulimit -u)",
			  (unsigned long long)l.rlim_cur);
	else
		doctor_degraded(d, "processes", DOCTOR_LESS, "few containers",
				"%llu at most (ulimit -u)", (unsigned long long)l.rlim_cur);
}

/* Certificates are refused, and ages are nonsense, when it is far off. */
static void wall_clock(struct doctor *d)
{
	time_t now = time(NULL);
	struct stat st;

	if (stat("/proc/self/exe", &st) < 0)
		st.st_mtime = 0;
	if (now + 86400 >= st.st_mtime && now < YEAR_2100) {
		doctor_ok(d, "clock", "plausible");
		return;
	}
	doctor_degraded(d, "clock", DOCTOR_LESS, "no registries",
			"it is before rl was installed, or after 2100: certificates do not hold");
	doctor_fix(d, "sudo timedatectl set-ntp true");
}

static void own_parts(struct doctor *d)
{
	static const char *const programs[] = { "rl-image", "rl-net", "rl-port" };
	struct rl_err err = { 0 };
	auto_free char *profile = proc_find_data("seccomp.json", &err);

	for (size_t i = 0; i < ARRAY_LEN(programs) && profile; i++) {
		auto_free char *path = proc_find_own(programs[i], &err);

		if (!path)
			goto missing;
	}
	if (profile) {
		doctor_ok(d, "installation", "rl %s with its helpers", PACKAGE_VERSION);
		return;
	}
missing:
	doctor_missing(d, "installation", DOCTOR_BROKEN, "%s", err.msg);
	doctor_fix(d, "%s", *err.hint ? err.hint : "install rl again (make install)");
}

void doctor_kernel(struct doctor *d)
{
	release(d);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		try_call(d, &calls[i]);
	keys(d);
	inotify(d);
	processes(d);
	wall_clock(d);
	if (doctor_begin(d, "installation", DOCTOR_BROKEN))
		own_parts(d);
}
