/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_limits.c - rl doctor: the place that containers get in the cgroup tree, and who gives it */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/cgroup.h"

static void place(struct doctor *d, const struct cgroup_trial *t)
{
	if (t->rung == CGROUP_SCOPE) {
		doctor_ok(d, "cgroup", "version 2; systemd made a scope");
	} else if (t->rung == CGROUP_DELEGATED) {
		doctor_ok(d, "cgroup", "version 2; the cgroup that rl runs in is delegated");
	} else if (t->has_v1) {
		doctor_degraded(d, "cgroup", DOCTOR_LESS, "approximate limits",
				"the controllers of this machine are in version 1");
		doctor_fix(d, "boot with systemd.unified_cgroup_hierarchy=1");
	} else {
		doctor_degraded(d, "cgroup", DOCTOR_LESS, "approximate limits", "%s",
				t->why.code ? t->why.msg : "there is no cgroup2 tree here");
		doctor_fix(d, "%s", t->why.code ? t->why.hint : "");
	}
}

static void controllers(struct doctor *d, const struct cgroup_trial *t)
{
	static const char *const wanted[] = { "cpu", "cpuset", "io", "memory", "pids" };
	static const char dropin[] = "/etc/systemd/system/user@.service.d/delegate.conf";
	char missing[64] = "", have[64] = "";

	if (t->rung == CGROUP_NONE) {
		doctor_skipped(d, "controllers", "there is no cgroup");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		char *list = strv_has(&t->controllers, wanted[i]) ? have : missing;
		size_t n = strlen(list);

		(void)snprintf(list + n, sizeof(have) - n, "%s%s", n ? " " : "", wanted[i]);
	}
	if (!*missing) {
		doctor_ok(d, "controllers", "%s", have);
		return;
	}
	doctor_degraded(d, "controllers", DOCTOR_LESS, *have ? have : "none", "not delegated: %s",
			missing);
	if (t->rung == CGROUP_DELEGATED)
		doctor_fix(d, "let the outer service (Delegate=yes) or container delegate them");
	else if (!doctor_fix_copy(d, "systemd/delegate.conf", dropin,
				  "sudo systemctl daemon-reload (then log in again)"))
		doctor_fix(
			d,
			"sudo mkdir -p /etc/systemd/system/user@.service.d && printf "
			"'[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee %s && sudo "
			"systemctl daemon-reload (then log in again)",
			dropin);
}

static bool is_there(const char *dir, const char *name)
{
	auto_free char *path = str_printf("%s/%s", dir, name);

	return path && access(path, W_OK) == 0;
}

static void session(struct doctor *d, const struct cgroup_trial *t)
{
	enum doctor_effect effect = t->rung == CGROUP_NONE ? DOCTOR_LESS : DOCTOR_NONE;
	const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS"), *dir = getenv("XDG_RUNTIME_DIR");
	char own[32], line[DISTRO_LINE];

	(void)snprintf(own, sizeof(own), "/run/user/%u", (unsigned)d->rl->uid);
	if (access("/run/systemd/system", F_OK) < 0) {
		doctor_missing(d, "systemd", effect, "it does not run here%s",
			       effect ? "; a cgroup that is delegated to rl does as well"
				      : "; not needed, the cgroup is delegated");
		return;
	}
	if (d->rl->uid == 0) {
		doctor_ok(d, "systemd", "runs; root asks the system's manager");
		return;
	}
	doctor_ok(d, "systemd", "runs");
	if ((bus && *bus) || is_there(own, "bus") || (dir && *dir == '/' && is_there(dir, "bus"))) {
		doctor_ok(d, "dbus-session", "there is one");
	} else if (is_there(own, "systemd/private")) {
		doctor_ok(d, "dbus-session", "none; the user's manager is asked by its own socket");
	} else {
		doctor_missing(d, "dbus-session", effect, "'%s/bus' is not there", own);
		doctor_fix(d, "sudo loginctl enable-linger %u", d->rl->uid);
		distro_install(&d->distro, DISTRO_DBUS_SESSION, line);
		doctor_fix(d, "%s", line);
	}
	if (cgroup_lingers()) {
		doctor_ok(d, "lingering", "on");
	} else {
		doctor_missing(d, "lingering", DOCTOR_NONE,
			       "containers with limits end with your last logout");
		doctor_fix(d, "sudo loginctl enable-linger %u", d->rl->uid);
	}
}

void doctor_limits(struct doctor *d)
{
	struct cgroup_trial t;

	if (!doctor_begin(d, "cgroup", DOCTOR_LESS))
		return;
	cgroup_try(&t);
	place(d, &t);
	controllers(d, &t);
	if (doctor_begin(d, "systemd", DOCTOR_LESS))
		session(d, &t);
	strv_done(&t.controllers);
}
