/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - start one more process in a running container; the header is the manual */
#include "config.h"

#include "core/exec.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"

int exec_check(const struct exec_place *place, const struct exec_check *check, struct exec *ret,
	       struct rl_err *err)
{
	(void)place;
	(void)check;
	(void)ret;
	return rl_fail(err, ENOTSUP, "not supported yet: exec");
}

int exec_client(const struct exec_place *place, int spec_fd, int client_fd, struct exec *ret,
		struct rl_err *err)
{
	(void)place;
	(void)spec_fd;
	(void)client_fd;
	(void)ret;
	return rl_fail(err, ENOTSUP, "not supported yet: exec");
}

int exec_end(struct exec *e, struct exec_result *ret)
{
	struct exec_result r = { 0 };
	ssize_t n = recv(e->fd, &r, sizeof(r), MSG_DONTWAIT);
	int status;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (n != sizeof(r))
		r = (struct exec_result){ .code = 137 };
	if (r.output_len > sizeof(r.output))
		r.output_len = sizeof(r.output);
	fd_close(TAKE_FD(e->fd));
	while (waitpid(e->pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret = r;
	return 0;
}

void exec_kill(const struct exec *e)
{
	(void)shutdown(e->fd, SHUT_WR); /* the supervisor takes the end of file as the order */
}
