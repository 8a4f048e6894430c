/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - lists of system calls for the children of rl-image; the header is the manual */
#include "config.h"

#include "storage/image/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

const struct sandbox_call calls_base[] = {
	SANDBOX_CALL(brk),
	SANDBOX_CALL(clock_getres),
	SANDBOX_CALL(clock_gettime),
	SANDBOX_CALL(clock_nanosleep),
	SANDBOX_CALL(close),
	SANDBOX_CALL(exit),
	SANDBOX_CALL(exit_group),
	SANDBOX_CALL(fcntl),
	SANDBOX_CALL(fdatasync),
	SANDBOX_CALL(fstat),
	SANDBOX_CALL(fsync),
	SANDBOX_CALL(futex),
	SANDBOX_CALL(getegid),
	SANDBOX_CALL(geteuid),
	SANDBOX_CALL(getgid),
	SANDBOX_CALL(getpid),
	SANDBOX_CALL(getppid),
	SANDBOX_CALL(getrandom),
	SANDBOX_CALL(gettid),
	SANDBOX_CALL(gettimeofday),
	SANDBOX_CALL(getuid),
	SANDBOX_CALL(lseek),
	SANDBOX_CALL(madvise),
	SANDBOX_CALL(mremap),
	SANDBOX_CALL(munmap),
	SANDBOX_CALL(nanosleep),
	SANDBOX_CALL(ppoll),
	SANDBOX_CALL(pread64),
	SANDBOX_CALL(pwrite64),
	SANDBOX_CALL(read),
	SANDBOX_CALL(readv),
	SANDBOX_CALL(restart_syscall),
#ifdef SYS_rseq
	SANDBOX_CALL(rseq),
#endif
	SANDBOX_CALL(rt_sigaction),
	SANDBOX_CALL(rt_sigprocmask),
	SANDBOX_CALL(rt_sigreturn),
	SANDBOX_CALL(sched_yield),
	SANDBOX_CALL(sigaltstack),
	SANDBOX_CALL(write),
	SANDBOX_CALL(writev),
#ifdef SYS_poll /* newer architectures never had these */
	SANDBOX_CALL(poll),
#endif
	/* no new code: mappings are never executable */
	SANDBOX_WHEN(mmap, SANDBOX_NONE_OF(2, PROT_EXEC)),
	SANDBOX_WHEN(mprotect, SANDBOX_NONE_OF(2, PROT_EXEC)),
	SANDBOX_END,
};

/* Writing too, where Landlock allows it. */
const struct sandbox_call calls_open[] = {
	SANDBOX_CALL(openat),
#ifdef SYS_openat2
	SANDBOX_CALL(openat2),
#endif
	SANDBOX_CALL(newfstatat),
	SANDBOX_CALL(fstatfs),
	SANDBOX_CALL(statx),
	SANDBOX_CALL(getdents64),
	SANDBOX_CALL(readlinkat),
	SANDBOX_CALL(faccessat),
#ifdef SYS_faccessat2
	SANDBOX_CALL(faccessat2),
#endif
	SANDBOX_CALL(flock),
#ifdef SYS_open /* newer architectures never had these */
	SANDBOX_CALL(open),
	SANDBOX_CALL(stat),
	SANDBOX_CALL(lstat),
	SANDBOX_CALL(access),
	SANDBOX_CALL(readlink),
#endif
	SANDBOX_END,
};

/* Metadata in forms that cannot follow a link: descriptor only, or the link itself. */
const struct sandbox_call calls_tree[] = {
	SANDBOX_CALL(mkdirat),
	SANDBOX_CALL(symlinkat),
	SANDBOX_CALL(linkat),
	SANDBOX_CALL(unlinkat),
	SANDBOX_CALL(renameat2),
	SANDBOX_CALL(fchmod),
	SANDBOX_CALL(fchown),
	SANDBOX_CALL(fsetxattr),
	SANDBOX_CALL(fgetxattr),
	SANDBOX_CALL(flistxattr),
	SANDBOX_CALL(fremovexattr),
	SANDBOX_CALL(ftruncate),
	SANDBOX_CALL(fallocate),
	SANDBOX_CALL(copy_file_range),
	SANDBOX_CALL(mknodat),
#ifdef SYS_renameat /* newer architectures never had these */
	SANDBOX_CALL(renameat),
#endif
	SANDBOX_WHEN(fchownat, SANDBOX_BITS(4, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_NOFOLLOW)),
	SANDBOX_WHEN(fchownat, SANDBOX_BITS(4, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	SANDBOX_WHEN(utimensat, SANDBOX_BITS(3, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_NOFOLLOW)),
	SANDBOX_WHEN(utimensat, SANDBOX_BITS(1, UINT64_MAX, 0)), /* futimens() */
	SANDBOX_END,
};

const struct sandbox_call calls_net[] = {
	SANDBOX_CALL(bind),
	SANDBOX_CALL(connect),
	SANDBOX_CALL(epoll_create1),
	SANDBOX_CALL(epoll_ctl),
	SANDBOX_CALL(epoll_pwait),
	SANDBOX_CALL(eventfd2),
	SANDBOX_CALL(getpeername),
	SANDBOX_CALL(getsockname),
	SANDBOX_CALL(getsockopt),
	SANDBOX_CALL(pipe2),
	SANDBOX_CALL(recvfrom),
	SANDBOX_CALL(recvmmsg),
	SANDBOX_CALL(recvmsg),
	SANDBOX_CALL(pselect6),
	SANDBOX_CALL(sendmmsg),
	SANDBOX_CALL(sendmsg),
	SANDBOX_CALL(sendto),
	SANDBOX_CALL(setsockopt),
	SANDBOX_CALL(shutdown),
	SANDBOX_CALL(socketpair),
	SANDBOX_CALL(uname),
	SANDBOX_CALL(ioctl),
#ifdef SYS_epoll_wait /* newer architectures never had these */
	SANDBOX_CALL(epoll_wait),
	SANDBOX_CALL(select),
#endif
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_INET)),
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_INET6)),
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_UNIX)),
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_NETLINK)),
	SANDBOX_END,
};

/* clone3's flags lie in memory, out of a filter's sight: libc then takes clone instead. */
const struct sandbox_call calls_thread[] = {
	SANDBOX_CALL(membarrier),
	SANDBOX_CALL(sched_getaffinity),
	SANDBOX_CALL(set_robust_list),
	SANDBOX_WHEN(clone, SANDBOX_BITS(0, CLONE_THREAD, CLONE_THREAD)),
#ifdef SYS_clone3
	{ .nr = SYS_clone3, .verdict = ENOSYS },
#endif
	SANDBOX_END,
};
