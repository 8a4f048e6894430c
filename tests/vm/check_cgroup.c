/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_cgroup.c - core/cgroup alone: a child in its place, with limits, until it ends
 *
 *	check_cgroup [-v] [-c CPUS] [-m BYTES] [-p PIDS] [-s SWAP] [-C CPUSET] COMMAND...
 *
 * Plays the monitor. Prints "lost: ..." for each limit without effect, "place: RUNG FOLDER", and
 * at the end "end: STATUS oom N max N peak N cpu USEC"; "took: N us" is what the place cost on
 * top of the fork. Exit status: the command's, 128 + signal.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/cgroup.h"

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void place(struct cgroup *c, const struct cgroup_limits *limits, pid_t init)
{
	static const char *const rungs[] = { "none", "delegated", "scope" };
	auto_strv struct strv lost = { 0 };
	struct rl_err err = { 0 };
	int64_t begin = now_us();
	char id[17];

	rand_hex(id, 8);
	if (cgroup_request(id, "check of rl", limits, getpid(), init, c, &err) < 0 ||
	    cgroup_place(c, limits, getpid(), init, &lost, &err) < 0) {
		rl_report(&err);
		(void)kill(init, SIGKILL);
		cgroup_remove(c);
		exit(125);
	}
	(void)printf("took: %lld us\n", (long long)(now_us() - begin));
	for (size_t i = 0; i < lost.n; i++)
		(void)printf("lost: %s\n", lost.v[i]);
	(void)printf("place: %s %s\n", rungs[c->rung], c->path ? c->path : "-");
	(void)fflush(stdout);
}

/* The kernel's exec is the last step, as in a container: it waits for the place. */
static pid_t start(char **argv, int *ret_go)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		exit(125);
	pid = fork();
	if (pid == 0) {
		char c;

		fd_close(p[1]);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || read(p[0], &c, 1) != 1)
			_exit(125);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0)
		exit(125);
	fd_close(p[0]);
	*ret_go = p[1];
	return pid;
}

static int64_t number(const char *s)
{
	int64_t v;

	if (parse_size(s, &v) < 0)
		exit(2);
	return v;
}

static void parse_args(int argc, char **argv, struct cgroup_limits *l)
{
	int o;

	while ((o = getopt(argc, argv, "+vc:m:p:s:C:")) != -1) {
		if (o == 'v')
			log_set_level(LOG_DEBUG);
		else if (o == 'c' && parse_nano(optarg, &l->cpu_quota_us) == 0)
			l->cpu_quota_us /= 10000;
		else if (o == 'm')
			l->memory_max = number(optarg);
		else if (o == 'p')
			l->pids_max = number(optarg);
		else if (o == 's')
			l->memory_swap_max = number(optarg), l->has_swap = true;
		else if (o == 'C')
			(void)snprintf(l->cpuset_cpus, sizeof(l->cpuset_cpus), "%s", optarg);
		else
			exit(2);
	}
	if (optind >= argc)
		exit(2);
}

int main(int argc, char **argv)
{
	struct cgroup_limits limits = { 0 };
	struct cgroup c = CGROUP_INIT;
	struct cgroup_usage u = { 0 };
	int status, go;
	pid_t pid;

	parse_args(argc, argv, &limits);
	pid = start(argv + optind, &go);
	place(&c, &limits, pid);
	if (write(go, "g", 1) != 1 || waitpid(pid, &status, 0) < 0)
		return 125;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	(void)cgroup_read(&c, &u); /* zeros then */
	(void)printf("end: %d oom %llu max %lld peak %lld cpu %llu\n", status,
		     (unsigned long long)u.oom_kills, (long long)u.memory_max,
		     (long long)u.memory_peak, (unsigned long long)u.cpu_usec);
	cgroup_remove(&c);
	return status;
}
