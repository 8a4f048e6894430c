/* SPDX-License-Identifier: Apache-2.0 */
/* publish_start.c - run the forwarder rl-port and hand it its sockets; port/main.c has the protocol */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/proc.h"
#include "net/port/port.h"
#include "net/publish.h"

static char *describe(const struct publish_port *p)
{
	const char *proto = publish_proto_name(p->proto);

	if (p->range == 1)
		return str_printf("%u/%s", p->host_port, proto);
	return str_printf("%u-%u/%s", p->host_port, p->host_port + p->range - 1, proto);
}

static int make_argv(struct strv *argv, const struct net_config *c, const struct publish *p,
		     const char *name, struct rl_err *err)
{
	int r = strv_take(argv, proc_find_own("rl-port", err));

	if (!argv->n)
		return -err->code;
	if (r == 0)
		r = strv_add(argv, name);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = strv_take(argv, describe(&p->v[i]));
	if (r == 0 && c->ipv6)
		r = strv_add(argv, "--ipv6");
	return r < 0 ? rl_oom(err) : 0;
}

static int send_sockets(int control, const struct publish_sockets *s)
{
	for (size_t i = 0; i < s->n; i += PROC_FDS_MAX) {
		struct port_msg msg = { 0 };
		int fds[PROC_FDS_MAX], r;

		for (; msg.n < PROC_FDS_MAX && i + msg.n < s->n; msg.n++) {
			const struct publish_socket *one = &s->v[i + msg.n];

			msg.port[msg.n].ctr_port = one->ctr_port;
			msg.port[msg.n].proto = one->proto;
			fds[msg.n] = one->fd;
		}
		r = fd_send(control, &msg, sizeof(msg), fds, msg.n);
		if (r < 0)
			return r;
	}
	return 0;
}

int publish_start(const struct net_config *c, const struct publish *p,
		  const struct publish_sockets *s, const char *name, int userns_fd, int netns_fd,
		  struct net_helper *ret, struct rl_err *err)
{
	auto_fd int ours = FD_NONE, theirs = FD_NONE;
	auto_strv struct strv argv = { 0 };
	int r = make_argv(&argv, c, p, name, err), pair[2];

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "start '%s': socketpair", argv.v[0]);
	ours = pair[0];
	theirs = pair[1];

	const struct proc_fd fds[] = { { theirs, PORT_CONTROL_FD }, { netns_fd, PORT_NETNS_FD } };
	const struct proc_spec spec = { .argv = (const char *const *)argv.v,
					.fds = fds,
					.n_fds = ARRAY_LEN(fds),
					.join_userns = userns_fd };
	struct net_helper h = { .pidfd = FD_NONE, .control_fd = FD_NONE };

	r = proc_spawn(&spec, &h.pid, &h.pidfd, err);
	if (r < 0)
		return r;
	h.control_fd = TAKE_FD(ours);
	r = send_sockets(h.control_fd, s);
	if (r < 0) {
		net_stop(&h);
		return rl_fail_sys(err, -r, "hand the published ports to the forwarder");
	}
	*ret = h;
	return 0;
}
