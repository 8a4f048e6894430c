/* SPDX-License-Identifier: Apache-2.0 */
/* try.c - make a private network as a container would get it, for rl doctor */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "net/net.h"

#define CHILD_S 5

static int in_namespaces(struct rl_err *err)
{
	auto_fd int tap = FD_NONE;
	struct net_config c;

	/* capabilities come with the namespace, ids are not needed */
	if (unshare(CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0)
		return rl_fail_sys(err, errno, "make a network namespace");
	net_config_default(&c);
	return net_tap_setup(&c, &tap, err);
}

int net_try(struct rl_err *err)
{
	pid_t pid, parent = getpid();
	struct rl_err *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	if (page == MAP_FAILED)
		return rl_oom(err);
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
			_exit(1);
		(void)alarm(CHILD_S);
		_exit(in_namespaces(page) < 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		rl_fail_sys(err, errno, "fork");
	else if (status && !page->code)
		rl_fail(err, EIO, "the process that tried a network was killed");
	else if (status)
		*err = *page;
	(void)munmap(page, sizeof(*page));
	return pid < 0 || status ? -err->code : 0;
}
