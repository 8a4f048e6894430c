/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_try.c - have systemd make a scope for a process that only waits, and look what is in it
 *
 * For rl doctor: the scope goes with its process. A delegated cgroup is only looked at, because
 * using it moves the processes that live there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/cgroup.h"
#include "core/cgroup_fs.h"
#include "core/cgroup_systemd.h"

#define TRY_MS 2000

static int read_list(const char *folder, struct strv *ret)
{
	auto_fd int fd = cgfs_open(folder);
	char text[1024];
	ssize_t n = fd < 0 ? fd : cgfs_read(fd, "cgroup.controllers", text, sizeof(text));

	if (n < 0)
		return (int)n;
	for (char *p = text; *p;) {
		size_t len = strcspn(p, " \n");

		if (len > 0 && strv_addn(ret, p, len) < 0)
			return -ENOMEM;
		p += len + strspn(p + len, " \n");
	}
	return 0;
}

static _Noreturn void sleeper(pid_t parent)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	for (;;)
		(void)pause();
}

static int try_scope(pid_t pid, struct cgroup_trial *t, struct rl_err *err)
{
	auto_free char *folder = NULL;
	struct cgroup_request *q = NULL;
	char unit[64] = "rl-trial-";
	int r;

	rand_hex(unit + strlen(unit), 8);
	(void)snprintf(unit + strlen(unit), sizeof(unit) - strlen(unit), ".scope");
	r = cgsd_request(unit, NULL, "rl: trial of a scope", &pid, 1, &q, err);
	if (r < 0)
		return r;
	r = cgsd_wait(q, TRY_MS, err);
	cgsd_free(q);
	if (r == 0)
		r = cgfs_find(pid, &folder, err);
	if (r == 0 && !strstr(folder, unit))
		r = rl_fail(err, EIO, "systemd left the process in '%s'", folder);
	if (r < 0)
		return r;
	t->rung = CGROUP_SCOPE;
	return read_list(folder, &t->controllers);
}

static void try_own(struct cgroup_trial *t)
{
	auto_free char *folder = NULL;
	auto_fd int fd = FD_NONE;
	struct rl_err ignored;

	if (cgfs_find(0, &folder, &ignored) < 0)
		return;
	fd = cgfs_open(folder);
	if (fd < 0 || faccessat(fd, ".", W_OK, AT_EACCESS) < 0 ||
	    faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) < 0 ||
	    faccessat(fd, "cgroup.subtree_control", W_OK, AT_EACCESS) < 0)
		return;
	t->rung = CGROUP_DELEGATED;
	RL_IGNORE(read_list(folder, &t->controllers)); /* none, then */
}

void cgroup_try(struct cgroup_trial *ret)
{
	struct cgroup_trial t = { .rung = CGROUP_NONE };
	auto_free char *folder = NULL;
	auto_buf struct buf self = { 0 };
	pid_t pid, parent = getpid();

	if (io_read_file(AT_FDCWD, "/proc/self/cgroup", 1 << 20, &self, &t.why) == 0 && self.data) {
		t.has_v2 = cgfs_find(0, &folder, &t.why) == 0;
		t.has_v1 = cgfs_has_v1(self.data);
	}
	pid = t.has_v2 ? fork() : -1;
	if (pid == 0)
		sleeper(parent);
	if (pid > 0) {
		if (try_scope(pid, &t, &t.why) == 0)
			t.why = (struct rl_err){ 0 };
		(void)kill(pid, SIGKILL); /* our own child, not yet waited for: no stranger */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (t.rung == CGROUP_NONE)
		try_own(&t);
	*ret = t;
}

bool cgroup_lingers(void)
{
	return cgsd_lingers();
}
