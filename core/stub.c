/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stub.c - the smallest program that executes another one, or is process 1; built without libc, embedded in rl
 *
 * Why: see payload_exe_is_writable() in payload.c. Where rl's own file may be written from the container,
 * init executes this from a sealed memfd, and this executes the payload: /proc/self/exe of the
 * process that calls execve is then nothing that anybody could alter.
 *
 * argv[0] is the number of the channel (init.h), a blank and the path; argv[1...] the payload's argv.
 * "rl-init" and the pid of the payload: process 1 of a container with --init (pid1.c).
 * Without either it has been called by a '#!/proc/self/exe' and does nothing.
 */
#include "config.h" /* the tree's rule; nothing of it is used */

#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/wait.h>
#include <signal.h>

#define MSG_ERRNO 6 /* as in init.h, which checks it */

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call stub\n");
static long call(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	bl stub\n");
static long call(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#elif defined(__riscv) && __riscv_xlen == 64
__asm__(".globl _start\n_start:\n"
	"	mv a0, sp\n"
	"	andi sp, sp, -16\n"
	"	call stub\n");
static long call(long nr, long a, long b, long c, long d)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	return a0;
}
#else
#error "configure lets no other machine come here"
#endif

_Noreturn void stub(long *sp);

static _Noreturn void leave(long status)
{
	for (;;)
		(void)call(__NR_exit_group, status, 0, 0, 0);
}

/* Digits at *@s, which ends up behind them */
static long number(const char **s)
{
	long n = 0;

	for (; **s >= '0' && **s <= '9'; ++*s)
		n = n * 10 + **s - '0';
	return n;
}

/* pid1_run() of pid1.c without libc; every signal is blocked already. */
static _Noreturn void pid1(long payload)
{
	const unsigned long long all = ~0ULL;
	int status = 0;
	long s, pid;

	(void)call(__NR_prctl, PR_SET_NAME, (long)"rl-init", 0, 0);
	for (;;) {
		s = call(__NR_rt_sigtimedwait, (long)&all, 0, 0, sizeof(all));
		if (s > 0 && s != SIGCHLD)
			(void)call(__NR_kill, payload, s, 0, 0);
		if (s != SIGCHLD)
			continue;
		while ((pid = call(__NR_wait4, -1, (long)&status, WNOHANG, 0)) > 0)
			if (pid == payload)
				leave(status & 127 ? 128 + (status & 127) : status >> 8 & 255);
		if (pid < 0)
			leave(255); /* cannot be: the payload is our child */
	}
}

void stub(long *sp)
{
	long argc = sp[0], *argv = sp + 1, channel;
	const char *word = argc >= 2 ? (const char *)argv[0] : "", *second;
	int msg[2] = { MSG_ERRNO, 0 };

	if (*word == 'r' && argc == 2) {
		second = (const char *)argv[1];
		pid1(number(&second));
	}
	channel = number(&word);
	if (*word == ' ' && call(__NR_fcntl, channel, F_SETFD, 1 /* FD_CLOEXEC */, 0) == 0) {
		msg[1] = (int)-call(__NR_execve, (long)(word + 1), (long)(argv + 1),
				    (long)(argv + argc + 1), 0);
		(void)call(__NR_write, channel, (long)msg, sizeof(msg), 0);
	}
	leave(126);
}
