/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_monitor.c - any messages to a container's monitor, with and without descriptors
 *
 * Input: one byte each for length (in 16ths of a message, 15 = one whole, more = too long) and number
 * of descriptors, then that many bytes. The real server reads them from a socket. No crash, no
 * descriptor is kept, whoever sends a malformed message is let go, and every well-formed request gets
 * exactly one answer with words when it is refused.
 */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/proc.h"
#include "core/monitor_int.h"
#include "core/monitor_serve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A monitor between two runs, so that no request reaches a process. */
static void make(struct monitor *m, const struct monitor_cfg *cfg)
{
	*m = (struct monitor){
		.cfg = cfg,
		.control = FD_NONE,
		.attach = FD_NONE,
		.pump_control = FD_NONE,
		.listen_fd = FD_NONE,
		.net_pidfd = FD_NONE,
		.ports_pidfd = FD_NONE,
		.sig_fd = FD_NONE,
		.init = { .pidfd = FD_NONE,
			  .console_fd = FD_NONE,
			  .net_fd = FD_NONE,
			  .mounts_fd = FD_NONE,
			  .netns_fd = FD_NONE,
			  .sync_fd = FD_NONE },
		.cgroup = CGROUP_INIT,
		.timers = { .restart_ms = INT64_MAX },
		.health = { .e = { .fd = FD_NONE } },
	};
}

static void serve(struct monitor *m)
{
	struct pollfd few[MONITOR_FIXED_FDS], *f;
	nfds_t n;

	f = monitor_serve_poll(m, few, &n);
	for (size_t i = 0; i < MONITOR_LISTEN_FD; i++)
		f[i].fd = FD_NONE;
	for (size_t i = MONITOR_FIXED_FDS; i < n; i++)
		assert(f[i].fd >=
		       0); /* never more entries than descriptors: poll(2) refuses them */
	(void)poll(f, n, 0);
	monitor_serve(m, f);
}

static void check_answer(int sock, bool whole)
{
	char raw[sizeof(struct monitor_execs) + 1];
	struct monitor_msg ans;
	ssize_t n = recv(sock, raw, sizeof(raw), MSG_DONTWAIT);

	if (!whole)
		return;
	assert(n > 0);
	if (n != sizeof(ans))
		return; /* the list of execs */
	memcpy(&ans, raw, sizeof(ans));
	assert(ans.type == MONITOR_OK || ans.type == MONITOR_REFUSED);
	assert(ans.type == MONITOR_OK || (ans.err.code > 0 && ans.err.msg[0]));
	assert(recv(sock, raw, sizeof(raw), MSG_DONTWAIT) <= 0);
}

/* One message on a connection of its own. */
static void talk(struct monitor *m, const void *data, size_t len, size_t n_fds)
{
	int pair[2], fds[PROC_FDS_MAX];

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	assert(monitor_serve_add(m, pair[0]) && m->peers->conns[0].fd == pair[0]);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = pair[1];
	if (fd_send(pair[1], data, len, fds, n_fds) == 0) {
		/* who came before has gone */
		m->peers->conns[1] = m->peers->conns[0];
		m->peers->conns[0].fd = FD_NONE;
		m->peers->n_conns = 2;
		serve(m);
		check_answer(pair[1], len == sizeof(struct monitor_msg));
		assert(len == sizeof(struct monitor_msg) || m->peers->conns[0].fd < 0);
	}
	fd_close(TAKE_FD(m->peers->conns[0].fd));
	fd_close(pair[1]);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t msg[2 * sizeof(struct monitor_msg)];
	const struct rl rl = { .uid = getuid(), .data_fd = FD_NONE, .run_fd = FD_NONE };
	char word[] = "x";
	struct ctr c = { .name = word, .dir = word, .dir_fd = FD_NONE, .lock_fd = FD_NONE };
	const struct session session = { .userns_fd = STDIN_FILENO };
	const struct monitor_cfg cfg = {
		.rl = &rl, .ctr = &c, .session = &session, .image_name = "x", .stop_signal = 15
	};
	static struct monitor m;
	int before = count_fds();

	make(&m, &cfg);
	memset(c.id, 'a', CTR_ID_LEN);
	while (size > 2) {
		size_t len = data[0] % 17 == 15 ? sizeof(struct monitor_msg)
						: (data[0] % 17) * sizeof(struct monitor_msg) / 16;
		size_t n_fds = data[1] % 4, take = size - 2 < len ? size - 2 : len;

		memset(msg, 0, sizeof(msg));
		memcpy(msg, data + 2, take);
		if (len > 0)
			talk(&m, msg, data[0] % 17 == 16 ? len + 1 : len, n_fds);
		data += 2 + take;
		size -= 2 + take;
	}
	monitor_serve_close(&m);
	assert(!m.peers && count_fds() == before);
	return 0;
}
