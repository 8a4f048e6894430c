/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pump.c - any messages of a client: the pump lives, ends well, and stdin gets the data of the
 * 'i' messages up to the end of stdin, nothing else
 *
 * Input: messages, each behind its length (u16).
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/pump.h"

#define INPUT_MAX 32768 /* fits into the pipe: nobody waits for the reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Our ends of a pump without a container. */
struct rig {
	int client, in, end;
	pid_t pid;
};

static void start(struct rig *r)
{
	struct pump_fds p = PUMP_FDS_INIT;
	int client[2], in[2], end[2];

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, client) == 0);
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) == 0);
	assert(pipe2(in, O_CLOEXEC) == 0);
	p.client = client[1];
	p.in = in[1];
	p.control = end[1];
	r->pid = fork();
	assert(r->pid >= 0);
	if (r->pid == 0)
		pump_main(&p);
	(void)close(client[1]);
	(void)close(in[1]);
	(void)close(end[1]);
	r->client = client[0];
	r->in = in[0];
	r->end = end[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t want[INPUT_MAX], got[INPUT_MAX];
	bool ended = false;
	size_t n = 0, len;
	struct rig r;
	int status;

	if (size > INPUT_MAX)
		return 0;
	start(&r);
	(void)alarm(20);
	for (; size >= 2; data += len, size -= len) {
		len = data[0] | (size_t)data[1] << 8;
		data += 2;
		size -= 2;
		len = len < size ? len : size;
		if (len == 0)
			break; /* an empty message is an end of file to the pump */
		assert(send(r.client, data, len, MSG_NOSIGNAL) == (ssize_t)len);
		if (data[0] == PUMP_STDIN && !ended) {
			memcpy(want + n, data + 1, len - 1);
			n += len - 1;
		}
		ended |= data[0] == PUMP_STDIN_END;
	}
	assert(io_read_full(r.in, got, n) == (ssize_t)n);
	assert(memcmp(got, want, n) == 0);
	if (ended)
		assert(read(r.in, got, 1) == 0);
	(void)close(r.end);
	(void)close(r.client);
	assert(waitpid(r.pid, &status, 0) == r.pid && status == 0);
	(void)close(r.in);
	(void)alarm(0);
	return 0;
}
