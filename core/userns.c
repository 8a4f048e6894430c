/* SPDX-License-Identifier: Apache-2.0 */
/*
 * userns.c - making a user namespace
 *
 * Theory of operation: a child unshares its user namespace, says so over a socket pair and waits.
 * The parent, still outside, has the maps written, then tells the child to try a privileged step
 * (a UTS namespace of its own: cheap, and refused where an LSM empties the capabilities), opens
 * /proc/PID/ns/user and kills the child. Each failure is told apart by errno and by the switches
 * that the kernel and the distributions have; the order of these checks is that of the kernel.
 */
#include "config.h"

#include "core/userns.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/kernel.h"

#define HELPER_MS 10000

/* Whether a seccomp filter acts on us ("Seccomp:\t2" in proc(5) status). */
static bool under_seccomp(void)
{
	return prctl(PR_GET_SECCOMP) == 2;
}

/* The profile that came with rl fits an rl in its place; another one needs a profile of its own. */
static int hint_apparmor(struct rl_err *err)
{
	struct rl_err ignored;
	auto_free char *profile = proc_find_data("apparmor/rl", &ignored);
	char exe[256];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	if (profile && (strcmp(exe, "/usr/bin/rl") == 0 || strcmp(exe, "/usr/local/bin/rl") == 0))
		return rl_hint(err,
			       "sudo cp %s /etc/apparmor.d/rl && sudo apparmor_parser -r "
			       "/etc/apparmor.d/rl",
			       profile);
	return rl_hint(
		err,
		"give rl a profile: echo 'abi <abi/4.0>, profile rl \"%s\" "
		"flags=(unconfined) { userns, }' | sudo tee /etc/apparmor.d/rl && sudo "
		"apparmor_parser -r /etc/apparmor.d/rl; or, for all programs: sudo sysctl -w "
		"kernel.apparmor_restrict_unprivileged_userns=0",
		exe);
}

/* Words and a remedy for a user namespace that the system refused. Return: -@code. */
static int explain(int code, struct rl_err *err)
{
	static const char max_file[] = "/proc/sys/user/max_user_namespaces";
	static const char debian_file[] = "/proc/sys/kernel/unprivileged_userns_clone";
	static const char ubuntu_file[] = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
	int64_t max = io_read_number(max_file);

	if (code == ENOSPC && max == 0) {
		rl_fail(err, code, "user namespaces are switched off: '%s' is 0", max_file);
		return rl_hint(err, "%ssudo sysctl -w user.max_user_namespaces=15000",
			       kernel_outer_container()
				       ? "start the outer container with rl run --nested; or, if "
					 "that is the host's setting, there: "
				       : "");
	}
	if (code == ENOSPC || code == EUSERS) {
		rl_fail(err, code,
			"no more user namespaces: '%s' (%lld) is used up, or they are nested 32 "
			"deep",
			max_file, (long long)max);
		return rl_hint(err, "sudo sysctl -w user.max_user_namespaces=%lld",
			       (long long)(max > 0 ? max * 2 : 15000));
	}
	if (code == EINVAL || code == ENOSYS) {
		rl_fail(err, code, "this kernel has no user namespaces");
		return rl_hint(err, "a kernel with CONFIG_USER_NS=y is needed");
	}
	if (io_read_number(debian_file) == 0 && getuid() != 0) {
		rl_fail(err, code, "user namespaces are switched off: '%s' is 0", debian_file);
		return rl_hint(err, "sudo sysctl -w kernel.unprivileged_userns_clone=1");
	}
	if (io_read_number(ubuntu_file) == 1 && getuid() != 0) {
		rl_fail(err, code, "AppArmor keeps rl from using user namespaces: '%s' is 1",
			ubuntu_file);
		return hint_apparmor(err);
	}
	if (under_seccomp()) {
		rl_fail(err, code,
			"a seccomp filter that rl was started under refuses user namespaces");
		return rl_hint(err, "let the outer container or sandbox allow them: rl run or "
				    "docker run --security-opt seccomp=unconfined");
	}
	rl_fail_sys(err, code, "make a user namespace");
	return rl_hint(err, "it is refused in a chroot, and by security modules (SELinux boolean "
			    "'user_namespace', AppArmor): see dmesg");
}

/* In the child: never returns. Each step reports errno, 0 for success. */
static _Noreturn void first_process(int fd, pid_t parent)
{
	sigset_t none;
	int code;
	char go;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	code = unshare(CLONE_NEWUSER) < 0 ? errno : 0;
	if (send(fd, &code, sizeof(code), MSG_NOSIGNAL) < 0 || code)
		_exit(1);
	if (recv(fd, &go, 1, 0) != 1)
		_exit(1);
	code = unshare(CLONE_NEWUTS) < 0 ? errno : 0;
	if (send(fd, &code, sizeof(code), MSG_NOSIGNAL) < 0)
		_exit(1);
	for (;;)
		(void)pause();
}

/* What the child reports: 0, or its errno; EIO when it is gone. */
static int report(const struct userns *u)
{
	int code;
	ssize_t n;

	do
		n = recv(u->sync_fd, &code, sizeof(code), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(code) ? code : EIO;
}

int userns_begin(struct userns *u, struct rl_err *err)
{
	auto_fd int ours = FD_NONE, theirs = FD_NONE;
	pid_t parent = getpid();
	int sv[2], code;

	*u = (struct userns)USERNS_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return rl_fail_sys(err, errno, "make a user namespace: socket pair");
	ours = sv[0];
	theirs = sv[1];
	u->pid = fork();
	if (u->pid < 0) {
		u->pid = 0;
		return rl_fail_sys(err, errno, "make a user namespace: fork");
	}
	if (u->pid == 0) {
		fd_close(ours);
		first_process(theirs, parent);
	}
	u->sync_fd = TAKE_FD(ours);
	fd_close(TAKE_FD(theirs));
	code = report(u);
	if (code) {
		userns_abort(u);
		return explain(code, err);
	}
	return 0;
}

/* Read back: 0 when @map is what the kernel has in /proc/PID/@file. */
static int verify(const struct userns *u, const char *file, const struct idmap *map,
		  const char *helper, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	struct idmap got = { 0 };
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)u->pid, file);
	r = io_read_file(AT_FDCWD, path, 65536, &b, err);
	if (r < 0)
		return r;
	if (idmap_parse(b.data ? b.data : "", &got) < 0 || !idmap_equal(&got, map))
		return rl_fail(err, EIO, "'%s' did not write the map it was asked for", helper);
	return 0;
}

/*
 * What keeps a helper from its work: it needs the setuid bit or a file capability, on a file
 * system and in a process where these count.
 */
static int hint_helper(const char *helper, struct rl_err *err)
{
	struct statvfs fs;
	struct stat st;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return rl_hint(err,
			       "rl was started with no_new_privs, so '%s' has no rights: drop "
			       "NoNewPrivileges=yes of the unit, or the outer sandbox",
			       helper);
	if (statvfs(helper, &fs) == 0 && fs.f_flag & ST_NOSUID)
		return rl_hint(err, "'%s' lies on a file system mounted nosuid", helper);
	if (stat(helper, &st) == 0 && (!(st.st_mode & S_ISUID) || st.st_uid != 0) &&
	    getxattr(helper, "security.capability", NULL, 0) <= 0)
		return rl_hint(err, "sudo chown root '%s' && sudo chmod u+s '%s'", helper, helper);
	return -err->code;
}

static int run_helper(const struct userns *u, const char *helper, const char *file,
		      const struct idmap *map, struct rl_err *err)
{
	char text[2 + 3 * ARRAY_LEN(map->v)][12];
	const char *argv[ARRAY_LEN(text) + 2] = { helper };
	struct proc_spec spec = { .argv = argv, .join_userns = FD_NONE };
	size_t n = 0;
	int r;

	(void)snprintf(text[n++], sizeof(text[0]), "%d", (int)u->pid);
	for (size_t i = 0; i < map->n; i++) {
		(void)snprintf(text[n++], sizeof(text[0]), "%u", map->v[i].inside);
		(void)snprintf(text[n++], sizeof(text[0]), "%u", map->v[i].outside);
		(void)snprintf(text[n++], sizeof(text[0]), "%u", map->v[i].count);
	}
	for (size_t i = 0; i < n; i++)
		argv[i + 1] = text[i];
	argv[n + 1] = NULL;
	r = proc_run(&spec, HELPER_MS, err);
	if (r == 0)
		r = verify(u, file, map, helper, err);
	return r < 0 ? hint_helper(helper, err) : 0;
}

int userns_map_helper(struct userns *u, const char *newuidmap, const char *newgidmap,
		      const struct idmap *uids, const struct idmap *gids, struct rl_err *err)
{
	int r = run_helper(u, newuidmap, "uid_map", uids, err);

	return r < 0 ? r : run_helper(u, newgidmap, "gid_map", gids, err);
}

static int write_proc(const struct userns *u, const char *file, const char *text, size_t len,
		      struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)u->pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* the kernel takes a map in one write only */
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return rl_fail_sys(err, errno, "write '%s' of the new user namespace", file);
	return 0;
}

int userns_map_direct(struct userns *u, const struct idmap *uids, const struct idmap *gids,
		      bool deny_setgroups, struct rl_err *err)
{
	char text[IDMAP_TEXT];
	int r = 0;

	/* without privilege in the parent, a gid map is taken only after this (CVE-2014-8989) */
	if (deny_setgroups)
		r = write_proc(u, "setgroups", "deny", 4, err);
	if (r == 0)
		r = write_proc(u, "uid_map", text, idmap_format(uids, text), err);
	if (r == 0)
		r = write_proc(u, "gid_map", text, idmap_format(gids, text), err);
	return r;
}

int userns_finish(struct userns *u, int *ret_fd, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	char path[64];
	int code;

	if (send(u->sync_fd, "g", 1, MSG_NOSIGNAL) < 0)
		return rl_fail_sys(err, errno, "try the new user namespace");
	code = report(u);
	if (code)
		return explain(code, err);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)u->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	userns_abort(u);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void userns_abort(struct userns *u)
{
	int e = errno;

	if (u->pid > 0) {
		(void)kill(u->pid, SIGKILL); /* our own child, not yet waited for: no stranger */
		while (waitpid(u->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	fd_close(u->sync_fd);
	*u = (struct userns)USERNS_NONE;
	errno = e;
}
