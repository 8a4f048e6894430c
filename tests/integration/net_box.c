/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_box.c - a command in a private network and nothing else: what init and monitor do with net/
 *
 *	net-box [-6] [-l] [-t] [-k N] [-m MTU] COMMAND...
 *
 * -6 IPv6, -l host loopback, -t times on stderr, -k kill rl-net N times when it has just started.
 * The command runs as root of a new user and network namespace. rl-net starts at the first frame
 * and again when it dies. Exit status: that of the command.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "net/net.h"

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static _Noreturn void die(struct rl_err *err)
{
	rl_report(err);
	_exit(125);
}

static void put(const char *path, const char *text)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
}

static _Noreturn void inside(const struct net_config *c, int sock, bool times, char **argv)
{
	const unsigned uid = geteuid(), gid = getegid();
	struct rl_err err = { 0 };
	double t0, t1, t2;
	char map[64];
	int tap;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	t0 = now_us();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		perror("unshare");
		_exit(125);
	}
	t1 = now_us();
	(void)snprintf(map, sizeof(map), "0 %u 1\n", uid);
	put("/proc/self/uid_map", map);
	put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1\n", gid);
	put("/proc/self/gid_map", map);
	t2 = now_us();
	if (net_tap_setup(c, &tap, &err) < 0)
		die(&err);
	if (times)
		fprintf(stderr, "namespaces %.0f us, tap %.0f us\n", t1 - t0, now_us() - t2);
	put("/proc/sys/net/ipv4/ping_group_range", "0 0");
	if (fd_send(sock, "t", 1, &tap, 1) < 0)
		_exit(125);
	fd_close(tap);
	(void)execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static int supervise(const struct net_config *c, int tap, pid_t child, bool times, unsigned kills)
{
	auto_fd int child_fd = proc_pidfd_open(child);
	struct net_helper h = { 0 };
	struct rl_err err = { 0 };
	int status = 0;

	for (;;) {
		struct pollfd p[] = { { .fd = child_fd, .events = POLLIN },
				      { .fd = h.pid > 0 ? h.pidfd : tap, .events = POLLIN } };
		double t;

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents)
			break;
		if (!p[1].revents)
			continue;
		if (h.pid > 0) {
			char why[256];

			(void)net_why(&h, why, sizeof(why));
			fprintf(stderr, "rl-net died: %s\n", why);
			net_stop(&h);
			continue;
		}
		t = now_us();
		if (net_start(c, tap, &h, &err) < 0)
			die(&err);
		if (times)
			fprintf(stderr, "net_start %.0f us, pid %d\n", now_us() - t, (int)h.pid);
		if (kills > 0 && kills--)
			(void)kill(h.pid, SIGKILL);
	}
	(void)waitpid(child, &status, 0);
	if (times) {
		double t = now_us();

		net_stop(&h);
		fprintf(stderr, "net_stop %.0f us\n", now_us() - t);
	}
	net_stop(&h);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct net_config c;
	bool times = false;
	uint64_t kills = 0, mtu;
	int opt, pair[2], tap = -1;
	char byte;
	pid_t child;

	net_config_default(&c);
	c.ipv6 = false;
	while ((opt = getopt(argc, argv, "+6ltsk:m:")) != -1) {
		if (opt == '6')
			c.ipv6 = true;
		else if (opt == 'l')
			c.host_loopback = true;
		else if (opt == 't')
			times = true;
		else if (opt == 's')
			c.search = true;
		else if (opt == 'k' && parse_uint(optarg, 1000, &kills) == 0)
			continue;
		else if (opt == 'm' && parse_uint(optarg, 65520, &mtu) == 0)
			c.mtu = (unsigned)mtu;
		else
			return 125;
	}
	if (!argv[optind] || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 125;
	child = fork();
	if (child == 0)
		inside(&c, pair[1], times, argv + optind);
	(void)close(pair[1]);
	if (child < 0 || fd_recv(pair[0], &byte, 1, &tap, 1) != 1)
		return 125;
	return supervise(&c, tap, child, times, (unsigned)kills);
}
