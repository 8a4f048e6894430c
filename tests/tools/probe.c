/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.c - tries from inside a container what its profile allows; prints one "WHAT=RESULT" a line
 *
 * RESULT is "ok", the name of the errno, or a number. Static, so that any image can run it; made by the
 * script that uses it (integration/profile.sh), which compares with the table in SECURITY.md. What a probe
 * changes is gone with the container. Nothing here depends on rl.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *what, long r)
{
	printf("%s=%s\n", what, r >= 0 ? "ok" : strerrorname_np(errno));
}

static void number(const char *what, unsigned long long n)
{
	printf("%s=%llu\n", what, n);
}

/* --- system calls --------------------------------------------------------------------------- */

static void calls(void)
{
	static const struct {
		const char *name;
		long nr;
		long a, b, c;
	} all[] = {
		{ "keyctl", SYS_keyctl, 0, -3, 0 },
		{ "add_key", SYS_add_key, 0, 0, 0 },
		{ "request_key", SYS_request_key, 0, 0, 0 },
		{ "io_uring_setup", SYS_io_uring_setup, 1, 0, 0 },
		{ "io_uring_enter", SYS_io_uring_enter, -1, 0, 0 },
		{ "io_uring_register", SYS_io_uring_register, -1, 0, 0 },
		{ "userfaultfd", SYS_userfaultfd, 0, 0, 0 },
		{ "vmsplice", SYS_vmsplice, -1, 0, 0 },
		{ "bpf", SYS_bpf, 0, 0, 0 },
		{ "perf_event_open", SYS_perf_event_open, 0, 0, -1 },
		{ "kexec_load", SYS_kexec_load, 0, 0, 0 },
		{ "init_module", SYS_init_module, 0, 0, 0 },
		{ "finit_module", SYS_finit_module, -1, 0, 0 },
		{ "delete_module", SYS_delete_module, 0, 0, 0 },
		{ "swapon", SYS_swapon, 0, 0, 0 },
		{ "swapoff", SYS_swapoff, 0, 0, 0 },
		{ "reboot", SYS_reboot, 0, 0, 0 },
		{ "acct", SYS_acct, 0, 0, 0 },
		{ "syslog", SYS_syslog, 3, 0, 0 },
		{ "settimeofday", SYS_settimeofday, 0, 0, 0 },
		{ "quotactl", SYS_quotactl, 0, 0, 0 },
		{ "open_by_handle_at", SYS_open_by_handle_at, -1, 0, 0 },
		{ "move_pages", SYS_move_pages, 0, 0, 0 },
		{ "kcmp", SYS_kcmp, 1, 1, 0 },
		{ "sethostname", SYS_sethostname, 0, 0, 0 },
		{ "personality_layout", SYS_personality, 0x0040000, 0, 0 },
		{ "unknown_call", 5000, 0, 0, 0 },
		{ "getpid", SYS_getpid, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		tell(all[i].name, syscall(all[i].nr, all[i].a, all[i].b, all[i].c));
}

/* The same by the machine's other doors: numbers of x32, the 32-bit call gate. */
static void other_doors(void)
{
#if defined(__x86_64__)
	long r;

	tell("x32_getpid", syscall(0x40000000 | SYS_getpid));
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(288L /* keyctl */), "b"(0L), "c"(-3L)
			 : "memory");
	errno = r < 0 ? (int)-r : 0;
	tell("i386_keyctl", r < 0 ? -1 : 0);
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(359L /* socket */), "b"(38L), "c"(5L), "d"(0L)
			 : "memory");
	errno = r < 0 ? (int)-r : 0;
	tell("i386_socket_alg", r < 0 ? -1 : 0);
#else
	printf("x32_getpid=ENOSYS\ni386_keyctl=ENOSYS\ni386_socket_alg=EAFNOSUPPORT\n");
#endif
}

static void terminal_requests(void)
{
	char c = 'x';

	tell("TIOCSTI", ioctl(0, TIOCSTI, &c));
	tell("TIOCSTI_high_bits", syscall(SYS_ioctl, 0, 0x100000000ULL | TIOCSTI, &c));
	tell("TIOCLINUX", ioctl(0, TIOCLINUX, &c));
}

static void families(void)
{
	char others[512] = "";
	int fd;

	tell("AF_UNIX", fd = socket(AF_UNIX, SOCK_STREAM, 0));
	close(fd);
	tell("AF_INET", fd = socket(AF_INET, SOCK_DGRAM, 0));
	close(fd);
	tell("AF_INET6", fd = socket(AF_INET6, SOCK_DGRAM, 0));
	close(fd);
	tell("AF_NETLINK", fd = socket(AF_NETLINK, SOCK_RAW, 0));
	close(fd);
	tell("NETLINK_AUDIT", fd = socket(AF_NETLINK, SOCK_RAW, 9));
	close(fd);
	tell("AF_PACKET", fd = socket(AF_PACKET, SOCK_RAW, 0));
	close(fd);
	tell("AF_ALG", fd = socket(38, SOCK_SEQPACKET, 0));
	close(fd);
	tell("AF_VSOCK", fd = socket(40, SOCK_STREAM, 0));
	close(fd);
	tell("SOCK_RAW", fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	close(fd);
	tell("ping_socket", fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	close(fd);
	for (int f = 0; f < 64; f++) {
		if (f == AF_UNIX || f == AF_INET || f == AF_INET6 || f == AF_NETLINK ||
		    f == AF_PACKET)
			continue;
		fd = socket(f, SOCK_DGRAM, 0);
		if (fd >= 0 || errno != EAFNOSUPPORT) {
			size_t n = strlen(others);

			snprintf(others + n, sizeof(others) - n, "%s%d", n ? "," : "", f);
		}
		if (fd >= 0)
			close(fd);
	}
	printf("other_families=%s\n", *others ? others : "none");
}

/* In a child: what succeeds must not change the probe itself. */
static void in_child(const char *what, long (*f)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		tell(what, f());
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static long unshare_user(void)
{
	return unshare(CLONE_NEWUSER);
}

static long clone3_user(void)
{
	struct clone_args a = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &a, sizeof(a));

	if (pid == 0)
		_exit(0);
	return pid;
}

static long unshare_mount(void)
{
	return unshare(CLONE_NEWNS);
}

static long mount_tmpfs(void)
{
	return mount("tmpfs", "/dev/mqueue", "tmpfs", 0, NULL);
}

static long mount_cgroup(void)
{
	return mount("cgroup", "/dev/mqueue", "cgroup", 0, "memory");
}

static long remount_proc_sys(void)
{
	return mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
}

static long umount_mask(void)
{
	return umount2("/proc/keys", MNT_DETACH);
}

static long trace_child(void)
{
	pid_t pid = fork();
	long r;
	int e;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	r = ptrace(PTRACE_SEIZE, pid, 0, 0);
	e = errno;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	errno = e;
	return r;
}

static long read_memory(void)
{
	char a[8] = "x", b[8];
	struct iovec l = { b, 8 }, r = { a, 8 };

	return process_vm_readv(getpid(), &l, 1, &r, 1, 0);
}

static long low_port_as_user(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(80) };
	int fd;

	if (setgid(1000) < 0 || setuid(1000) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&a, sizeof(a));
}

static void actions(void)
{
	in_child("unshare_user", unshare_user);
	in_child("clone3_user", clone3_user);
	in_child("unshare_mount", unshare_mount);
	in_child("mount_tmpfs", mount_tmpfs);
	in_child("mount_cgroup", mount_cgroup);
	in_child("remount_proc_sys", remount_proc_sys);
	in_child("umount_mask", umount_mask);
	in_child("ptrace_child", trace_child);
	in_child("process_vm_readv", read_memory);
	in_child("low_port_as_user", low_port_as_user);
	tell("mknod_device", mknod("/tmp/probe-null", S_IFCHR | 0666, makedev(1, 3)));
	tell("chroot", chroot("/"));
}

/* --- files ---------------------------------------------------------------------------------- */

/* "none", "empty", or "shown" when there is anything to be read */
static const char *shown(const char *path)
{
	char b[16];
	struct stat st;
	int fd, n = 0;

	if (stat(path, &st) < 0)
		return "none";
	if (S_ISDIR(st.st_mode)) {
		DIR *d = opendir(path);
		struct dirent *e;

		while (d && (e = readdir(d)))
			n += e->d_name[0] != '.';
		if (d)
			closedir(d);
		return n ? "shown" : "empty";
	}
	fd = open(path, O_RDONLY | O_NONBLOCK);
	n = fd < 0 ? 0 : (int)read(fd, b, sizeof(b));
	if (fd >= 0)
		close(fd);
	return n > 0 ? "shown" : "empty";
}

static void masks(void)
{
	static const char *const all[] = {
		"/proc/acpi",        "/proc/asound",  "/proc/interrupts",
		"/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
		"/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
		"/sys/fs/selinux",
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(shown(all[i]), "shown") == 0) {
			printf("# shown: %s\n", all[i]);
			n++;
		}
	number("masked_that_show", n);
	printf("kallsyms=%s\n", shown("/proc/kallsyms"));
}

static void read_only(void)
{
	static const char *const all[] = {
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
		"/proc/sys/vm/drop_caches",      "/proc/sys/user/max_user_namespaces",
		"/proc/sysrq-trigger",           "/proc/irq/default_smp_affinity",
		"/sys/kernel/uevent_helper",     "/sys/fs/cgroup/cgroup.procs",
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int fd = open(all[i], O_WRONLY);

		if (fd >= 0) {
			printf("# writable: %s\n", all[i]);
			close(fd);
			n++;
		}
	}
	number("kernel_files_writable", n);
	tell("root_write", open("/probe-file", O_WRONLY | O_CREAT, 0600));
	tell("tmp_write", open("/tmp/probe-file", O_WRONLY | O_CREAT, 0600));
}

/* Options of the mount at @path, sorted by nobody: each that the table names as path:option=1 */
static void mount_options(const char *path, const char *name, const char *const *want)
{
	char line[4096], where[1024], options[512];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d %*d %*s %*s %1023s %511s", where, options) != 2 ||
		    strcmp(where, path) != 0)
			continue;
		found = true;
		for (; *want; want++) {
			char *save = NULL, *o;
			int has = 0;

			char copy[512];

			memcpy(copy, options, sizeof(copy));
			for (o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save))
				has |= strcmp(o, *want) == 0;
			printf("%s_%s=%d\n", name, *want, has);
		}
		break;
	}
	if (!found)
		printf("%s=none\n", name);
	if (f)
		fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void devices(void)
{
	struct dirent **v;
	struct statvfs fs;
	int n = scandir("/dev", &v, NULL, by_name);

	printf("dev=");
	for (int i = 0; i < n; i++)
		if (v[i]->d_name[0] != '.')
			printf("%s%s", v[i]->d_name, i < n - 1 ? "," : "");
	printf("\n");
	mount_options("/dev", "dev", (const char *const[]){ "nosuid", "noexec", NULL });
	mount_options("/dev/shm", "shm",
		      (const char *const[]){ "nosuid", "noexec", "nodev", NULL });
	mount_options("/proc", "proc", (const char *const[]){ "nosuid", "noexec", "nodev", NULL });
	mount_options("/sys", "sys",
		      (const char *const[]){ "ro", "nosuid", "noexec", "nodev", NULL });
	mount_options("/vol", "volume", (const char *const[]){ "nodev", "nosuid", NULL });
	if (statvfs("/dev/shm", &fs) == 0)
		number("shm_mib", fs.f_blocks * fs.f_frsize >> 20);
	if (statvfs("/dev", &fs) == 0)
		number("dev_mib", fs.f_blocks * fs.f_frsize >> 20);
}

/* --- this process --------------------------------------------------------------------------- */

static void status(void)
{
	static const char *const want[] = { "CapInh", "CapPrm",     "CapEff", "CapBnd",
					    "CapAmb", "NoNewPrivs", "Seccomp" };
	char line[256], value[128];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
			size_t n = strlen(want[i]);

			if (strncmp(line, want[i], n) == 0 && line[n] == ':' &&
			    sscanf(line + n + 1, "%127s", value) == 1)
				printf("%s=%s\n", want[i], value);
		}
	if (f)
		fclose(f);
}

static void limits(void)
{
	struct rlimit l;
	mode_t m = umask(0);
	int n = 0;

	getrlimit(RLIMIT_CORE, &l);
	number("core_soft", l.rlim_cur);
	getrlimit(RLIMIT_NOFILE, &l);
	number("nofile_too_many", l.rlim_cur > 1048576);
	printf("umask=%04o\n", m);
	for (int fd = 3; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	number("open_fds", (unsigned)n);
	n = 0;
	for (int s = 1; s < 32; s++) {
		struct sigaction a;

		if (sigaction(s, NULL, &a) == 0 && a.sa_handler == SIG_IGN)
			n++;
	}
	number("signals_ignored", (unsigned)n);
	tell("controlling_terminal", open("/dev/tty", O_RDWR));
	number("session_leader", getsid(0) == getpid());
	number("pid", (unsigned)getpid());
}

int main(void)
{
	limits(); /* first: before anything else is open */
	status();
	calls();
	other_doors();
	terminal_requests();
	families();
	actions();
	masks();
	read_only();
	devices();
	return 0;
}
