/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c - what the kernel alone costs: the yardstick for `rl run`
 *
 *	floor [-n N] [-o] ROOT COMMAND	(as an ordinary user; -o: overlay over ROOT, else a bind)
 *
 * Does only the kernel's part of starting a container, with no check, no safety and no error
 * message: user, mount, pid, net, ipc, uts and cgroup namespaces inside a session that is there
 * already; root, /dev with six devices, proc, devpts, shm, mqueue, sysfs, cgroup2, the usual
 * masks; pivot_root; execve. Prints the median over N runs in microseconds from the fork to the
 * reaped child.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define DETACH 2 /* MNT_DETACH */

static const char *root;
static char *const *command;
static bool overlay;

static _Noreturn void die(const char *what)
{
	perror(what);
	_exit(125);
}

static void mnt(const char *src, const char *dst, const char *type, unsigned long flags,
		const char *data)
{
	if (syscall(SYS_mount, src, dst, type, flags, data) < 0)
		die(dst);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	(void)close(fd);
}

static void make_dev(void)
{
	static const char *const names[] = { "null", "zero", "full", "random", "urandom", "tty" };
	char from[64], to[64];

	mnt("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=1m,mode=755");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(from, sizeof(from), "/dev/%s", names[i]);
		(void)snprintf(to, sizeof(to), "dev/%s", names[i]);
		if (mknod(to, S_IFREG, 0) < 0)
			die(to);
		mnt(from, to, NULL, MS_BIND, NULL);
	}
	(void)mkdir("dev/pts", 0755);
	(void)mkdir("dev/shm", 0755);
	(void)mkdir("dev/mqueue", 0755);
	mnt("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	    "newinstance,ptmxmode=0666,mode=0620");
	mnt("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=65536k,mode=1777");
	mnt("mqueue", "dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (symlink("pts/ptmx", "dev/ptmx") < 0 || symlink("/proc/self/fd", "dev/fd") < 0 ||
	    symlink("/proc/self/fd/0", "dev/stdin") < 0 ||
	    symlink("/proc/self/fd/1", "dev/stdout") < 0 ||
	    symlink("/proc/self/fd/2", "dev/stderr") < 0)
		die("symlink");
}

static void mask(void)
{
	static const char *const files[] = { "proc/interrupts", "proc/keys", "proc/timer_list" };
	static const char *const folders[] = { "proc/acpi", "sys/firmware" };
	static const char *const locked[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys" };

	for (size_t i = 0; i < 3; i++)
		if (access(files[i], F_OK) == 0)
			mnt("/dev/null", files[i], NULL, MS_BIND, NULL);
	for (size_t i = 0; i < 2; i++)
		if (access(folders[i], F_OK) == 0)
			mnt("tmpfs", folders[i], "tmpfs", MS_RDONLY, "size=4k");
	for (size_t i = 0; i < 4; i++) {
		if (access(locked[i], F_OK) < 0)
			continue;
		mnt(locked[i], locked[i], NULL, MS_BIND | MS_REC, NULL);
		mnt(NULL, locked[i], NULL,
		    MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	}
}

static _Noreturn void child(int go)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char c, data[512];
	int s;

	if (read(go, &c, 1) != 1)
		die("go");
	mnt(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0 || ioctl(s, SIOCSIFFLAGS, &lo) < 0 || sethostname("floor", 5) < 0)
		die("lo");
	if (overlay) {
		(void)snprintf(data, sizeof(data),
			       "lowerdir=%s,upperdir=%s.upper,workdir=%s.work,userxattr", root,
			       root, root);
		mnt("overlay", root, "overlay", 0, data);
	} else {
		mnt(root, root, NULL, MS_BIND | MS_REC, NULL);
	}
	if (chdir(root) < 0)
		die(root);
	make_dev();
	mnt("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	put("proc/sys/user/max_user_namespaces", "0");
	mnt("sysfs", "sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mask();
	if (syscall(SYS_pivot_root, ".", ".") < 0 || syscall(SYS_umount2, ".", DETACH) < 0)
		die("pivot_root");
	if (unshare(CLONE_NEWCGROUP) < 0)
		die("cgroup");
	mnt("cgroup", "/sys/fs/cgroup", "cgroup2", MS_RDONLY, NULL);
	execve(command[0], command, (char *[]){ NULL });
	die(command[0]);
}

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run_once(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
					    CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
				   .exit_signal = SIGCHLD };
	char path[64];
	int go[2], status;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		die("clone3");
	if (pid == 0)
		child(go[0]);
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	put(path, "0 0 1");
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
	put(path, "0 0 1");
	if (write(go[1], "", 1) != 1 || waitpid(pid, &status, 0) < 0 || status != 0)
		die("child");
	(void)close(go[0]);
	(void)close(go[1]);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static int64_t took[10000];
	char uids[32], gids[32];
	int n = 1, c;

	while ((c = getopt(argc, argv, "+n:o")) != -1) {
		if (c == 'o')
			overlay = true;
		else if (c != 'n' || sscanf(optarg, "%d", &n) != 1 || n < 1 || n > 10000)
			return 2;
	}
	if (argc - optind < 2)
		return 2;
	root = argv[optind];
	command = argv + optind + 1;
	(void)snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)getuid());
	(void)snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getgid());
	if (unshare(CLONE_NEWUSER) < 0)
		die("session");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uids);
	put("/proc/self/gid_map", gids);
	for (int i = 0; i < n; i++) {
		int64_t start = now_us();

		run_once();
		took[i] = now_us() - start;
	}
	qsort(took, (size_t)n, sizeof(took[0]), compare);
	(void)printf("%lld\n", (long long)took[n / 2]);
	return 0;
}
