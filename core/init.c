/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c - from the first instruction in the new namespaces to the payload
 *
 * Theory of operation: clone3 leaves us without ids until the joiner has written the maps; then
 * we become uid 0 of the container's user namespace and work through build_all(). All of it
 * happens with the host's tree as our root, on descriptors, and the pivot comes last. Then we
 * report, and wait: the caller moves us into our cgroup meanwhile. After its go we make the cgroup
 * namespace, give up our rights (isolate.h) and execute.
 *
 * No exit is silent but one: when the channel closes, the caller is dead and nobody listens.
 */
#include "config.h"

#include "core/init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/isolate.h"
#include "core/mnt.h"
#include "core/payload.h"
#include "core/rootpath.h"
#include "core/secrets.h"

static _Noreturn void give_up(int sync_fd, const struct rl_err *err)
{
	RL_IGNORE(msg_send(sync_fd, MSG_ERR, 0, err, NULL, 0)); /* nobody else to tell */
	_exit(err->exit_code ? err->exit_code : 125);
}

static void wait_for(int sync_fd, enum msg_type type)
{
	struct msg m;
	int fds[MSG_FDS];

	if (msg_recv(sync_fd, &m, fds) <= 0 || m.type != type)
		_exit(125);
}

/*
 * Threat: a process of a namespace that we share reads our memory or descriptors while we still
 * hold the host's (S3).
 * Defence: non-dumpable. With a new user namespace the joiner needs us dumpable until it has
 * written the maps; until then no process but the caller's own has a capability over us.
 */
static int become_root(struct init *in, struct rl_err *err)
{
	wait_for(in->sync_fd, MSG_MAPPED);
	/* a map of one id that is not 0 has no root (EINVAL): we stay who we are, with all capabilities */
	if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		return rl_fail_sys(err, errno, "become root of the container");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return rl_fail_sys(err, errno, "guard the process");
	(void)umask(0); /* modes below are meant as they are written */
	return 0;
}

static int name_host(const struct spec *s, struct rl_err *err)
{
	if (s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return rl_fail_sys(err, errno, "set host name '%s'", s->hostname);
	if (s->domainname && setdomainname(s->domainname, strlen(s->domainname)) < 0)
		return rl_fail_sys(err, errno, "set domain name '%s'", s->domainname);
	return 0;
}

static int loopback_up(struct rl_err *err)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		return rl_fail_sys(err, errno, "bring the loopback interface up");
	return 0;
}

static int set_up_net(struct init *in, struct rl_err *err)
{
	const struct launch_hooks *h = &in->l->hooks;

	if (!spec_ns_is_new(in->spec, SPEC_NS_NET))
		return 0;
	if (!h->netns)
		return loopback_up(err);
	in->netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return h->netns(h->arg, &in->net_fd, err);
}

/* Made if it is missing, as docker does; after the masks and before the root gets read-only. */
static int open_cwd(struct init *in, struct rl_err *err)
{
	in->cwd_fd = rootpath_make(in->root_fd, in->spec->cwd, true, err);
	return in->cwd_fd < 0 ? rl_wrap(err, "working folder") : 0;
}

static int finish_root(struct init *in, struct rl_err *err)
{
	uint64_t set = in->spec->root_read_only ? MOUNT_ATTR_RDONLY : 0;
	uint64_t propagation = in->spec->root_propagation;
	int r = 0;

	if (set || propagation != MS_PRIVATE)
		r = mnt_set(in->root_fd, set, 0, propagation, false);
	if (r < 0)
		return rl_fail_sys(err, -r, "set the options of the root file system");
	return mnt_pivot(in->root_fd, err);
}

static int build_all(struct init *in, struct rl_err *err)
{
	int r = mnt_leave_host(err);

	/* only to be held; without /proc it is not */
	in->mounts_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (r == 0)
		r = set_up_net(in, err);
	if (r == 0)
		r = name_host(in->spec, err);
	if (r == 0)
		r = mounts_root(in, err);
	if (r == 0)
		r = dev_make(in, err);
	if (r == 0)
		r = mounts_spec(in, err);
	if (r == 0)
		r = secrets_mount(in, err);
	if (r == 0)
		r = dev_console(in, err);
	if (r == 0)
		r = procfs_sysctls(in, err);
	if (r == 0)
		r = mask_paths(in, err);
	if (r == 0)
		r = open_cwd(in, err);
	if (r == 0)
		r = finish_root(in, err);
	return r;
}

/* What remains when nothing but the go is missing; the caller is busy with the cgroup meanwhile. */
static int after_report(struct init *in, struct rl_err *err)
{
	int r = in->l->stand_in ? 0 : mnt_drop_old(err);

	if (r == 0 && (in->exe_at_risk || in->l->init)) {
		in->stub_fd = payload_stub(err);
		r = in->stub_fd < 0 && in->exe_at_risk ? in->stub_fd : 0;
	}
	return r;
}

static int report(struct init *in, struct rl_err *err)
{
	int fds[MSG_FDS], value = 0, r;
	size_t n = 0;

	if (in->master_fd >= 0) {
		value |= MSG_F_CONSOLE;
		fds[n++] = in->master_fd;
	}
	if (in->net_fd >= 0) {
		value |= MSG_F_NET;
		fds[n++] = in->net_fd;
	}
	if (in->mounts_fd >= 0) {
		value |= MSG_F_MOUNTS;
		fds[n++] = in->mounts_fd;
	}
	if (in->netns_fd >= 0) {
		value |= MSG_F_NETNS;
		fds[n++] = in->netns_fd;
	}
	if (in->userns_open)
		value |= MSG_F_OPEN;
	r = msg_send(in->sync_fd, MSG_READY, value, NULL, fds, n);
	return r < 0 ? rl_fail_sys(err, -r, "report to the monitor") : 0;
}

static int enter_cgroup(struct init *in, struct rl_err *err)
{
	if (in->l->new_cgroupns && unshare(CLONE_NEWCGROUP) < 0)
		return rl_fail_sys(err, errno, "make a cgroup namespace");
	return mounts_cgroup(in, err);
}

static int give_up_rights(struct init *in, struct rl_err *err)
{
	struct isolate i = {
		.spec = in->spec,
		.seccomp = in->l->seccomp,
		.uids = &in->l->uids,
		.gids = &in->l->gids,
		.one_id = in->l->one_id,
		.userns_open = in->userns_open,
		.cwd_fd = in->cwd_fd,
		.keep = in->l->keep,
		.keep_fds = in->l->keep_fds,
		.n_keep = in->l->n_keep,
		.sync_fd = &in->sync_fd,
		.stub_fd = &in->stub_fd,
		.terminal = in->spec->terminal && !in->l->init,
	};

	for (int k = 0; k < 3; k++) {
		i.stdio[k] = in->spec->terminal     ? in->slave_fd
			     : in->l->stdio[k] >= 0 ? in->l->stdio[k]
						    : in->null_fd;
	}
	return isolate_self(&i, err);
}

/*
 * --init: the payload becomes a child, we stay. Returns in the child only, when process 1 is what it will
 * be: who sees the container as started may enter it at once.
 */
static int split(struct init *in, struct rl_err *err)
{
	sigset_t all, none;
	int done[2] = { FD_NONE, FD_NONE };
	char c;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &all, NULL); /* nothing gets lost before pid1_run() */
	RL_IGNORE(pipe2(done, O_CLOEXEC));          /* a low --ulimit nofile: nobody waits */
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "start the payload");
	if (pid > 0) {
		for (int fd = 3; fd <= in->sync_fd; fd++) /* what is kept for the payload, too */
			if (fd != done[1])
				fd_close(fd);
		fd_close(done[0]);
		pid1_run(pid, in->stub_fd, done[1]);
	}
	fd_close(done[1]);
	RL_IGNORE(read(done[0], &c, 1)); /* the end of file is all that comes */
	fd_close(done[0]);
	if (!in->exe_at_risk)
		fd_close(TAKE_FD(in->stub_fd)); /* it was for process 1 */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	return isolate_session(in->spec->terminal, err);
}

void init_main(struct init *in)
{
	struct rl_err err = { 0 };
	int r = become_root(in, &err);

	if (r == 0)
		r = build_all(in, &err);
	if (r == 0 && in->l->stand_in) /* others enter as soon as we report */
		r = mnt_drop_old(&err);
	if (r == 0)
		r = report(in, &err);
	if (r == 0)
		r = after_report(in, &err);
	if (r < 0)
		give_up(in->sync_fd, &err);
	wait_for(in->sync_fd, MSG_GO);
	r = enter_cgroup(in, &err);
	if (r == 0)
		r = give_up_rights(in, &err);
	if (r == 0 && in->l->init)
		r = split(in, &err);
	if (r == 0)
		r = payload_run(in->spec, in->sync_fd, in->stub_fd, &err);
	give_up(in->sync_fd, &err);
}
