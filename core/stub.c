/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stub.c - the smallest program that executes another one; built without libc, embedded in rl
 *
 * Why: see exe_is_writable() in launch.c. Where rl's own file may be written from the container,
 * init executes this from a sealed memfd, and this executes the payload: /proc/self/exe of the
 * process that calls execve is then nothing that anybody could alter.
 *
 * argv[0] is the number of the channel (init.h), a blank and the path; argv[1...] the payload's argv.
 * Without a channel it has been called by a '#!/proc/self/exe' and does nothing.
 */
#include "config.h" /* the tree's rule; nothing of it is used */

#include <asm/unistd.h>
#include <linux/fcntl.h>

#define MSG_ERRNO 6 /* as in init.h, which checks it */

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call stub\n");
static long call(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	bl stub\n");
static long call(long nr, long a, long b, long c)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#elif defined(__riscv) && __riscv_xlen == 64
__asm__(".globl _start\n_start:\n"
	"	mv a0, sp\n"
	"	andi sp, sp, -16\n"
	"	call stub\n");
static long call(long nr, long a, long b, long c)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
	return a0;
}
#else
#error "configure lets no other machine come here"
#endif

_Noreturn void stub(long *sp);

void stub(long *sp)
{
	long argc = sp[0], *argv = sp + 1, channel = 0;
	const char *path = argc >= 2 ? (const char *)argv[0] : "";
	int msg[2] = { MSG_ERRNO, 0 };

	for (; *path >= '0' && *path <= '9'; path++)
		channel = channel * 10 + *path - '0';
	if (*path == ' ' && call(__NR_fcntl, channel, F_SETFD, 1 /* FD_CLOEXEC */) == 0) {
		msg[1] = (int)-call(__NR_execve, (long)(path + 1), (long)(argv + 1),
				    (long)(argv + argc + 1));
		(void)call(__NR_write, channel, (long)msg, sizeof(msg));
	}
	for (;;)
		(void)call(__NR_exit_group, 126, 0, 0);
}
