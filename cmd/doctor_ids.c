/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_ids.c - rl doctor: user namespaces, what may forbid them, and the ids in them */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/subid.h"
#include "core/userns.h"

#define IDS_WANTED    65536 /* images have owners up to 65534, nobody */
#define NAMESPACES_OK 64    /* a session, and two for each container */

static const char max_file[] = "/proc/sys/user/max_user_namespaces";
static const char clone_file[] = "/proc/sys/kernel/unprivileged_userns_clone";
static const char ubuntu_file[] = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

/* One id is all that this trial needs, so that only the namespace itself can fail. */
static void user_namespaces(struct doctor *d)
{
	const struct idmap uids = { .v = { { 0, d->rl->uid, 1 } }, .n = 1 };
	const struct idmap gids = { .v = { { 0, d->rl->gid, 1 } }, .n = 1 };
	struct userns u = USERNS_NONE;
	auto_fd int fd = FD_NONE;
	struct rl_err err = { 0 };
	int r = userns_begin(&u, &err);

	if (r == 0)
		r = userns_map_direct(&u, &uids, &gids, true, &err);
	if (r == 0)
		r = userns_finish(&u, &fd, &err);
	userns_abort(&u);
	d->has_userns = r == 0;
	if (r == 0) {
		doctor_ok(d, "user-namespaces", "made and mapped one");
		return;
	}
	(void)snprintf(d->userns_hint, sizeof(d->userns_hint), "%s", err.hint);
	doctor_missing(d, "user-namespaces", DOCTOR_BROKEN, "%s", err.msg);
	doctor_fix(d, "%s", err.hint);
}

static void userns_sysctls(struct doctor *d)
{
	int64_t max = io_read_number(max_file), allowed = io_read_number(clone_file);

	if (allowed == 0 && d->rl->uid != 0) {
		doctor_missing(d, "sysctl-userns", DOCTOR_BROKEN,
			       "kernel.unprivileged_userns_clone is 0");
		doctor_fix_sysctl(d, DOCTOR_SYSCTLS, "kernel.unprivileged_userns_clone", "1");
	} else if (max >= 0 && max < NAMESPACES_OK) {
		doctor_degraded(d, "sysctl-userns", max > 2 ? DOCTOR_LESS : DOCTOR_BROKEN,
				"few containers", "user.max_user_namespaces is %lld",
				(long long)max);
		doctor_fix_sysctl(d, DOCTOR_SYSCTLS, "user.max_user_namespaces", "15000");
	} else {
		doctor_ok(d, "sysctl-userns", "user.max_user_namespaces is %lld%s", (long long)max,
			  allowed == 1 ? ", kernel.unprivileged_userns_clone is 1" : "");
	}
}

static void first_line(const char *path, char *out, size_t room)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, room - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void apparmor(struct doctor *d)
{
	bool enabled = false, restricts = io_read_number(ubuntu_file) == 1;
	char text[256];

	first_line("/sys/module/apparmor/parameters/enabled", text, sizeof(text));
	enabled = text[0] == 'Y';
	first_line("/proc/self/attr/apparmor/current", text, sizeof(text));
	if (!*text && enabled)
		first_line("/proc/self/attr/current", text, sizeof(text));
	if (restricts && !d->has_userns && d->rl->uid != 0) {
		doctor_missing(
			d, "apparmor", DOCTOR_BROKEN,
			"kernel.apparmor_restrict_unprivileged_userns is 1 and no profile allows "
			"rl (it runs under '%s')",
			*text ? text : "unconfined");
		doctor_fix(d, "%s", d->userns_hint);
		return;
	}
	if (!enabled)
		doctor_ok(d, "apparmor", "not in this kernel");
	else
		doctor_ok(d, "apparmor", "runs rl under '%s'%s", *text ? text : "unconfined",
			  restricts ? ", which may use user namespaces" : "");
}

static void security_modules(struct doctor *d)
{
	char lsm[256], selinux[8];

	first_line("/sys/kernel/security/lsm", lsm, sizeof(lsm));
	first_line("/sys/fs/selinux/enforce", selinux, sizeof(selinux));
	if (*lsm || *selinux)
		doctor_ok(d, "security-modules", "%s%s", *lsm ? lsm : "list not readable",
			  *selinux == '1' ? "; SELinux enforces" : "");
	else
		doctor_skipped(d, "security-modules", "the list is not readable here");
}

static void surroundings(struct doctor *d)
{
	int filters = kernel_outer_filters();
	const char *mark = kernel_outer_container();

	if (filters > 0)
		doctor_ok(d, "outer-seccomp",
			  "%d filter%s of an outer sandbox or container; calls that it refuses are "
			  "named below",
			  filters, filters > 1 ? "s" : "");
	else
		doctor_ok(d, "outer-seccomp", "none");
	if (mark)
		doctor_ok(d, "outer-container", "rl runs inside a container ('%s')", mark);
	else
		doctor_ok(d, "outer-container", "none is seen");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
		doctor_ok(d, "no-new-privs", "off");
	} else {
		doctor_degraded(d, "no-new-privs", d->rl->uid == 0 ? DOCTOR_NONE : DOCTOR_LESS,
				"one id",
				"rl was started with no_new_privs, so newuidmap gets no rights");
		doctor_fix(d, "start rl without it: NoNewPrivileges=no in the unit, or no "
			      "--security-opt no-new-privileges for the outer container");
	}
}

/* Setuid root, or a capability of the file; on a file system where that counts. */
static void id_helper(struct doctor *d, const char *name)
{
	enum doctor_effect effect = d->rl->uid == 0 ? DOCTOR_NONE : DOCTOR_LESS;
	auto_free char *path = proc_find(name);
	char line[DISTRO_LINE];
	struct statvfs fs;
	struct stat st;
	bool setuid, caps;

	if (!path || stat(path, &st) < 0) {
		doctor_missing(d, name, effect, "the program is not installed%s",
			       effect ? "" : "; root does not need it");
		distro_install(&d->distro, DISTRO_UIDMAP, line);
		doctor_fix(d, "%s", line);
		return;
	}
	setuid = st.st_mode & S_ISUID && st.st_uid == 0;
	caps = getxattr(path, "security.capability", NULL, 0) > 0;
	if (!setuid && !caps) {
		doctor_missing(d, name, effect, "'%s' has no rights: mode %04o, no file capability",
			       path, (unsigned)st.st_mode & 07777);
		doctor_fix(d, "sudo chown root '%s' && sudo chmod u+s '%s'", path, path);
	} else if (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID) {
		doctor_missing(d, name, effect, "'%s' lies on a file system mounted nosuid", path);
	} else {
		doctor_ok(d, name, "'%s' (%s)", path, setuid ? "setuid root" : "file capability");
	}
}

static void subordinate(struct doctor *d, enum subid_kind kind, const char *name)
{
	const struct passwd *pw = getpwuid(d->rl->uid);
	const struct subid_who who = { .name = pw ? pw->pw_name : NULL,
				       .uid = d->rl->uid,
				       .own_id = kind == SUBID_UID ? d->rl->uid : d->rl->gid,
				       .low_ok = io_read_number("/proc/self/uid_map") != 0 };
	enum doctor_effect effect = d->rl->uid == 0 ? DOCTOR_NONE : DOCTOR_LESS;
	const char *flag = kind == SUBID_UID ? "subuids" : "subgids";
	struct rl_err err = { 0 };
	struct subids ids;
	uint64_t count = 0;
	uint32_t start = subid_free_start();

	if (subid_find(kind, &who, &ids, &err) < 0) {
		doctor_missing(d, name, DOCTOR_BROKEN, "%s", err.msg);
		doctor_fix(d, "%s", err.hint);
		return;
	}
	for (size_t i = 0; i < ids.n; i++)
		count += ids.v[i].count;
	if (count >= IDS_WANTED) {
		doctor_ok(d, name, "%llu from %u on, says %s", (unsigned long long)count,
			  ids.v[0].start, ids.from);
		return;
	}
	if (count > 0)
		doctor_degraded(d, name, effect, "fewer owners",
				"only %llu ids, says %s; images have owners up to 65534",
				(unsigned long long)count, ids.from);
	else
		doctor_missing(d, name, effect, "no source has any for uid %u%s", d->rl->uid,
			       effect ? "" : "; root takes what it has itself");
	if (start && who.name)
		doctor_fix(d, "sudo usermod --add-%s %u-%u %s", flag, start, start + 65535,
			   who.name);
}

static void id_maps(struct doctor *d)
{
	struct rl_err why = { 0 }, err = { 0 };

	if (!d->has_userns) {
		doctor_skipped(d, "id-maps", "there is no user namespace to map");
		return;
	}
	if (session_try(d->rl, &d->session, &why, &err) < 0) {
		doctor_missing(d, "id-maps", DOCTOR_BROKEN, "%s", err.msg);
		doctor_fix(d, "%s", err.hint);
		return;
	}
	d->has_session = true;
	if (d->session.rung == SESSION_FULL) {
		doctor_ok(d, "id-maps", "wrote one of %llu uids and %llu gids",
			  (unsigned long long)idmap_count(&d->session.uids),
			  (unsigned long long)idmap_count(&d->session.gids));
		return;
	}
	doctor_degraded(d, "id-maps", DOCTOR_LESS, "one id", "%s", why.msg);
	doctor_fix(d, "%s", why.hint);
}

void doctor_ids(struct doctor *d)
{
	surroundings(d);
	security_modules(d);
	if (doctor_begin(d, "user-namespaces", DOCTOR_BROKEN))
		user_namespaces(d);
	userns_sysctls(d);
	apparmor(d);
	id_helper(d, "newuidmap");
	id_helper(d, "newgidmap");
	/* libsubid may ask a directory service */
	if (doctor_begin(d, "subordinate-uids", DOCTOR_LESS))
		subordinate(d, SUBID_UID, "subordinate-uids");
	if (doctor_begin(d, "subordinate-gids", DOCTOR_LESS))
		subordinate(d, SUBID_GID, "subordinate-gids");
	if (doctor_begin(d, "id-maps", DOCTOR_BROKEN))
		id_maps(d);
}
