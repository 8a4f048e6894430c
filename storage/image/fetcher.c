/* SPDX-License-Identifier: Apache-2.0 */
/* fetcher.c - the network process of rl-image; the header is the manual */
#include "config.h"

#include "storage/image/fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "storage/image/calls.h"

#define DIRS_MAX 24

/* What name resolution (and its plug-ins) and TLS read. */
static const char *const readable[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/nix/store",
	"/gnu/store",
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager",
	"/var/lib/ca-certificates",
};

struct grants {
	struct sandbox_dir v[DIRS_MAX];
	size_t n;
};

static void grant(struct grants *g, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return; /* not on this system */
	if (g->n == DIRS_MAX) {
		fd_close(fd);
		return;
	}
	g->v[g->n++] = (struct sandbox_dir){ .fd = fd };
}

/* /etc/resolv.conf may be a link to anywhere; the file is looked up again at each resolution. */
static void grant_resolv_conf(struct grants *g)
{
	char path[PATH_MAX], *slash;

	if (!realpath("/etc/resolv.conf", path))
		return;
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	*slash = '\0';
	grant(g, path);
}

/**
 * lock_in() - Leave the fetcher what it needs
 *
 * Threat: a hostile registry exploits libcurl, the TLS library or our own parser.
 * Defence: no write access to any file, no exec, no capability; of the user's secrets it holds
 * those of this registry only.
 * Must not: run before the certificate folders were opened, or after the first byte arrived.
 */
static int lock_in(const struct registry_conf *conf, int sock, struct rl_err *err)
{
	struct grants g = { .n = 0 };

	for (size_t i = 0; i < ARRAY_LEN(readable); i++)
		grant(&g, readable[i]);
	grant_resolv_conf(&g);
	for (size_t i = 0; i < conf->ca_dirs.n; i++)
		grant(&g, conf->ca_dirs.v[i]);
	if (conf->cert_dir)
		grant(&g, conf->cert_dir);
	return sandbox_enter(
		&(struct sandbox){ .calls = { calls_base, calls_open, calls_net, calls_thread },
				   .other = CALLS_OTHER,
				   .dirs = g.v,
				   .n_dirs = g.n,
				   .files = 128,
				   .fds = &sock,
				   .n_fds = 1 },
		err);
}

static void send_report(void *arg, const struct fetch_report *rep)
{
	const int *sock = arg;
	ssize_t n;

	do
		n = send(*sock, rep, sizeof(*rep), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		_exit(1); /* the other side is gone: so is the reason to be */
}

static int take_jobs(struct registry *reg, int sock, struct rl_err *err)
{
	struct fetch_job job;
	int fds[2] = { FD_NONE, FD_NONE };
	ssize_t n = fd_recv(sock, &job, sizeof(job), fds, 2);

	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(job) || fds[0] < 0) {
		fd_close(fds[0]);
		fd_close(fds[1]);
		return rl_fail(err, EPROTO, "broken message");
	}
	registry_submit(reg, &job, fds);
	return 1;
}

static void fail_all(int sock, const struct rl_err *err)
{
	struct fetch_report rep = { .event = FETCH_DONE, .id = UINT32_MAX, .err = *err };

	send_report(&sock, &rep);
}

static int serve(const struct registry_conf *conf, int sock, struct rl_err *err)
{
	struct registry *reg = NULL;
	bool readable_now;
	int r = registry_new(conf, send_report, &sock, &reg, err);

	while (r >= 0) {
		r = registry_poll(reg, sock, -1, &readable_now, err);
		if (r < 0 || !readable_now)
			continue;
		r = take_jobs(reg, sock, err);
		if (r == 0)
			break; /* the other side closed */
	}
	registry_free(reg);
	return r;
}

static _Noreturn void child(const struct registry_conf *conf, int sock, pid_t parent)
{
	struct rl_err err = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C reaches the whole terminal; who started us ends us */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		_exit(1);
	if (lock_in(conf, sock, &err) < 0 || serve(conf, sock, &err) < 0) {
		rl_wrap(&err, "fetch process");
		fail_all(sock, &err);
		_exit(1);
	}
	_exit(0);
}

int fetcher_start(const struct registry_conf *conf, void (*forget)(void *arg), void *arg,
		  struct fetcher *ret, struct rl_err *err)
{
	pid_t parent = getpid(), pid;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return rl_fail_sys(err, errno, "start the fetch process: socketpair");
	pid = fork();
	if (pid < 0) {
		int e = errno;

		fd_close(sv[0]);
		fd_close(sv[1]);
		return rl_fail_sys(err, e, "start the fetch process: fork");
	}
	if (pid == 0) {
		fd_close(sv[0]);
		if (forget)
			forget(arg);
		child(conf, sv[1], parent);
	}
	fd_close(sv[1]);
	*ret = (struct fetcher){ .pid = pid, .sock = sv[0] };
	return 0;
}

int fetcher_send(struct fetcher *f, const struct fetch_job *job, const int fds[2],
		 struct rl_err *err)
{
	int r = fd_send(f->sock, job, sizeof(*job), fds, fds[1] >= 0 ? 2 : 1);

	if (r < 0)
		return rl_fail_sys(err, -r, "talk to the fetch process");
	return 0;
}

int fetcher_recv(struct fetcher *f, struct fetch_report *ret, struct rl_err *err)
{
	ssize_t n;

	do
		n = recv(f->sock, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(*ret)) {
		/* it lives with hostile bytes: nothing from it is taken as terminated */
		ret->type[sizeof(ret->type) - 1] = '\0';
		ret->digest[sizeof(ret->digest) - 1] = '\0';
		ret->next[sizeof(ret->next) - 1] = '\0';
		ret->err.msg[sizeof(ret->err.msg) - 1] = '\0';
		ret->err.hint[sizeof(ret->err.hint) - 1] = '\0';
		ret->err.exit_code = 0;
		if (ret->err.code < 0)
			ret->err.code = EIO;
		return 0;
	}
	return rl_fail(err, EPIPE, "the fetch process died");
}

void fetcher_stop(struct fetcher *f)
{
	if (f->pid > 0) {
		fd_close(f->sock);
		(void)kill(f->pid, SIGKILL); /* it is our child and not reaped yet */
		while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*f = (struct fetcher){ .sock = FD_NONE };
}
