/* SPDX-License-Identifier: Apache-2.0 */
/* test_pump.c - core/pump: bytes both ways, ends, a client that does not read or goes away */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/base/proc.h"
#include "core/exec.h"
#include "core/pump.h"

/* A pump with its four neighbours played by the test. */
struct rig {
	int client, in, out, err, end; /* our ends */
	pid_t pid;
};

static void start(struct rig *r, const char *log_dir)
{
	int s[2], in[2], out[2], err[2], end[2], dir = FD_NONE;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end), 0);
	if (log_dir) {
		dir = open(log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(dir >= 0);
	}
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0)
		pump_main(&(struct pump_fds){ .client = s[1],
					      .in = in[1],
					      .out = out[0],
					      .err = err[0],
					      .control = end[0],
					      .log_dir = dir,
					      .log_max = 4096 });
	fd_close(dir);
	(void)close(s[1]);
	(void)close(in[1]);
	(void)close(out[0]);
	(void)close(err[0]);
	(void)close(end[0]);
	*r = (struct rig){ s[0], in[0], out[1], err[1], end[1], r->pid };
}

static int finish(struct rig *r)
{
	int status = 0;

	fd_close(r->client);
	fd_close(r->in);
	fd_close(r->out);
	fd_close(r->err);
	fd_close(r->end);
	(void)alarm(10); /* a pump that does not end fails the test */
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	(void)alarm(0);
	return status;
}

static size_t next(const struct rig *r, struct pump_msg *m)
{
	ssize_t n;

	(void)alarm(10);
	n = recv(r->client, m, sizeof(*m), 0);
	(void)alarm(0);
	assert_true(n >= 1);
	return (size_t)n - 1;
}

static void test_both_ways(void **state)
{
	struct pump_msg m = { .type = PUMP_STDIN };
	struct rig r;
	char got[8];

	(void)state;
	start(&r, NULL);
	assert_int_equal(write(r.out, "a\0b", 3), 3);
	assert_int_equal(next(&r, &m), 3);
	assert_int_equal(m.type, PUMP_STDOUT);
	assert_memory_equal(m.data, "a\0b", 3);
	assert_int_equal(write(r.err, "e", 1), 1);
	assert_int_equal(next(&r, &m), 1);
	assert_int_equal(m.type, PUMP_STDERR);
	m.type = PUMP_STDIN;
	memcpy(m.data, "xyz", 3);
	assert_int_equal(send(r.client, &m, 4, 0), 4);
	assert_int_equal(read(r.in, got, sizeof(got)), 3);
	m.type = PUMP_STDIN_END;
	assert_int_equal(send(r.client, &m, 1, 0), 1);
	assert_int_equal(read(r.in, got, sizeof(got)), 0);
	/* what was written before the end arrives before the end mark */
	assert_int_equal(write(r.out, "last", 4), 4);
	fd_close(TAKE_FD(r.end));
	assert_int_equal(next(&r, &m), 4);
	assert_int_equal(next(&r, &m), 0);
	assert_int_equal(m.type, PUMP_END);
	assert_int_equal(finish(&r), 0);
}

/* A client that never reads: the container's pipe fills, the pump does not grow or spin away. */
static void test_slow_client_blocks_the_writer(void **state)
{
	char junk[4096] = { 0 };
	struct pump_msg m;
	struct rig r;
	size_t sent = 0, got = 0;

	(void)state;
	start(&r, NULL);
	assert_int_equal(fcntl(r.out, F_SETFL, O_NONBLOCK), 0);
	for (int quiet = 0; quiet < 20;) {
		ssize_t n = write(r.out, junk, sizeof(junk));

		if (n > 0) {
			sent += (size_t)n;
			quiet = 0;
		} else {
			quiet++;
			(void)poll(NULL, 0, 5);
		}
		assert_true(sent < (4U << 20)); /* socket buffer + pipe + one message */
	}
	fd_close(TAKE_FD(r.out));
	fd_close(TAKE_FD(r.end));
	do {
		got += next(&r, &m);
	} while (m.type != PUMP_END);
	assert_int_equal(got, sent); /* and nothing was lost */
	assert_int_equal(finish(&r), 0);
}

static void test_client_goes_away(void **state)
{
	char junk[4096] = { 0 };
	struct rig r;

	(void)state;
	start(&r, NULL);
	fd_close(TAKE_FD(r.client));
	(void)alarm(10);
	for (int i = 0; i < 256; i++) /* 1 MiB: more than any buffer between */
		assert_int_equal(write(r.out, junk, sizeof(junk)), (ssize_t)sizeof(junk));
	(void)alarm(0);
	fd_close(TAKE_FD(r.end));
	assert_int_equal(finish(&r), 0);
}

/* Somebody keeps the pipe open after the container's end: not waited for. */
static void test_kept_pipe(void **state)
{
	struct pump_msg m;
	struct rig r;

	(void)state;
	start(&r, NULL);
	fd_close(TAKE_FD(r.end));
	assert_int_equal(next(&r, &m), 0);
	assert_int_equal(m.type, PUMP_END);
	assert_int_equal(finish(&r), 0);
}

static void test_terminal_size(void **state)
{
	struct {
		char type;
		uint16_t rows, cols;
	} __attribute__((packed)) m = { PUMP_SIZE, 33, 77 };
	struct winsize ws = { 0 };
	int s[2], end[2], master, slave, status;
	pid_t pid;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(s[0]);
		(void)close(end[1]);
		pump_main(&(struct pump_fds){ .client = s[1],
					      .in = master,
					      .out = master,
					      .err = FD_NONE,
					      .control = end[0],
					      .log_dir = FD_NONE,
					      .terminal = true });
	}
	assert_int_equal(send(s[0], &m, sizeof(m), 0), sizeof(m));
	for (int i = 0; i < 200 && ws.ws_col != 77; i++) {
		(void)poll(NULL, 0, 10);
		assert_int_equal(ioctl(slave, TIOCGWINSZ, &ws), 0);
	}
	assert_int_equal(ws.ws_row, 33);
	assert_int_equal(ws.ws_col, 77);
	(void)close(slave);
	(void)close(end[1]);
	(void)close(s[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A second client sees what comes from now on; the log has everything, one entry a line. */
static void test_attach_and_log(void **state)
{
	char dir[] = "/tmp/rl-test-pump-XXXXXX", path[64], text[512] = "";
	struct pump_msg m;
	struct rig r;
	int s[2], fd;
	ssize_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	start(&r, dir);
	assert_int_equal(write(r.out, "one\ntw", 6), 6);
	assert_int_equal(next(&r, &m), 6);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	assert_int_equal(fd_send(r.end, "a", 1, &s[1], 1), 0);
	(void)close(s[1]);
	(void)poll(NULL, 0, 50); /* let the pump take it before the next output */
	assert_int_equal(write(r.out, "o\n", 2), 2);
	assert_int_equal(next(&r, &m), 2);
	assert_int_equal(recv(s[0], &m, sizeof(m), 0), 3);
	assert_memory_equal(m.data, "o\n", 2);
	fd_close(TAKE_FD(r.end));
	assert_int_equal(next(&r, &m), 0);
	(void)close(s[0]);
	assert_int_equal(finish(&r), 0);
	(void)snprintf(path, sizeof(path), "%s/ctr.log", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	(void)close(fd);
	assert_non_null(strstr(text, "Z stdout F one\n"));
	assert_non_null(strstr(text, "Z stdout P tw\n"));
	assert_non_null(strstr(text, "Z stdout F o\n"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* The cap holds: two files, neither much larger than asked for (4096 here). */
static void test_log_rotates(void **state)
{
	char dir[] = "/tmp/rl-test-pump-XXXXXX", path[64], line[101];
	struct pump_msg m;
	struct stat st;
	struct rig r;

	(void)state;
	memset(line, 'x', 100);
	line[99] = '\n';
	assert_non_null(mkdtemp(dir));
	start(&r, dir);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(write(r.out, line, 100), 100);
		(void)next(&r, &m);
	}
	fd_close(TAKE_FD(r.end));
	assert_int_equal(finish(&r), 0);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/ctr.log%s", dir, i ? ".1" : "");
		assert_int_equal(stat(path, &st), 0);
		assert_in_range(st.st_size, 100, 4096 + 200);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* --- of an exec: the pump has a child ------------------------------------------------------- */

/* The pump forks a shell with @command; @r->end is the monitor's side. */
static void start_exec(struct rig *r, const char *command, int timeout_ms)
{
	struct pump_fds p = PUMP_FDS_INIT;
	int s[2], in[2], out[2], err[2], end[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end), 0);
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)dup2(in[0], 0);
			(void)dup2(out[1], 1);
			(void)dup2(err[1], 2);
			(void)execl("/bin/sh", "sh", "-c", command, NULL);
			_exit(127);
		}
		p.client = s[1];
		p.in = in[1];
		p.out = out[0];
		p.err = err[0];
		p.control = end[0];
		p.pid = pid;
		p.pidfd = proc_pidfd_open(pid);
		p.timeout_ms = timeout_ms;
		pump_main(&p);
	}
	(void)close(s[1]);
	(void)close(in[0]);
	(void)close(in[1]);
	(void)close(out[0]);
	(void)close(out[1]);
	(void)close(err[0]);
	(void)close(err[1]);
	(void)close(end[0]);
	*r = (struct rig){ s[0], FD_NONE, FD_NONE, FD_NONE, end[1], r->pid };
}

static struct exec_result result_of(const struct rig *r)
{
	struct exec_result x;

	(void)alarm(10);
	assert_int_equal(recv(r->end, &x, sizeof(x), 0), sizeof(x));
	(void)alarm(0);
	return x;
}

static int32_t exit_of(const struct rig *r)
{
	struct pump_msg m;
	int32_t code;

	while (next(r, &m) != sizeof(code) || m.type != PUMP_EXIT)
		assert_true(m.type == PUMP_STDOUT || m.type == PUMP_STDERR);
	memcpy(&code, m.data, sizeof(code));
	return code;
}

static void test_exec_result(void **state)
{
	struct exec_result x;
	struct rig r;

	(void)state;
	start_exec(&r, "echo out; echo err >&2; exit 7", 0);
	assert_int_equal(exit_of(&r), 7);
	x = result_of(&r);
	assert_int_equal(x.code, 7);
	assert_int_equal(x.output_len, 8);
	assert_false(x.timed_out || x.failed);
	assert_int_equal(finish(&r), 0);
	start_exec(&r, "head -c 5000 /dev/zero", 0);
	assert_int_equal(exit_of(&r), 0);
	assert_int_equal(result_of(&r).output_len, EXEC_OUTPUT_MAX);
	assert_int_equal(finish(&r), 0);
}

static void test_exec_is_killed(void **state)
{
	struct exec_result x;
	struct rig r;

	(void)state;
	start_exec(&r, "echo a; exec sleep 100", 50);
	x = result_of(&r);
	assert_int_equal(x.code, 137);
	assert_true(x.timed_out);
	assert_int_equal(finish(&r), 0);
	start_exec(&r, "exec sleep 100", 0);
	assert_int_equal(shutdown(r.end, SHUT_WR), 0); /* what exec_kill() does */
	x = result_of(&r);
	assert_int_equal(x.code, 137);
	assert_false(x.timed_out);
	assert_int_equal(finish(&r), 0);
}

/* A child of it that keeps the pipes, and one that writes on, are not waited for. */
static void test_exec_leaves_children(void **state)
{
	struct rig r;

	(void)state;
	start_exec(&r, "sleep 20 & exit 3", 0);
	assert_int_equal(exit_of(&r), 3);
	assert_int_equal(finish(&r), 0);
	start_exec(&r,
		   "(i=0; while [ $i -lt 200000 ]; do echo $i || exit; i=$((i+1)); done) & exit 4",
		   0);
	assert_int_equal(exit_of(&r), 4);
	assert_int_equal(finish(&r), 0);
}

/* The client goes: input ends, output goes nowhere, the process ends as it likes. */
static void test_exec_client_goes(void **state)
{
	struct rig r;

	(void)state;
	start_exec(&r, "cat; head -c 200000 /dev/zero; exit 5", 0);
	fd_close(TAKE_FD(r.client));
	assert_int_equal(result_of(&r).code, 5);
	assert_int_equal(finish(&r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_slow_client_blocks_the_writer),
		cmocka_unit_test(test_client_goes_away),
		cmocka_unit_test(test_kept_pipe),
		cmocka_unit_test(test_terminal_size),
		cmocka_unit_test(test_attach_and_log),
		cmocka_unit_test(test_log_rotates),
		cmocka_unit_test(test_exec_result),
		cmocka_unit_test(test_exec_is_killed),
		cmocka_unit_test(test_exec_leaves_children),
		cmocka_unit_test(test_exec_client_goes),
	};

	return cmocka_run_group_tests_name("core/pump", tests, NULL, NULL);
}
