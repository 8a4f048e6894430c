/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_seccomp.c - core/seccomp: what the default filter does to real calls, profiles and their
 * conditions, the cache
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/capname.h"
#include "core/seccomp.h"
#include "core/seccomp_int.h"

#define PROFILE "contrib/seccomp.json" /* tests run in the build folder */

static struct rl rl;
static char dir[256];

static int setup(void **state)
{
	(void)state;
	rl = (struct rl){ .uid = getuid(), .data_dir = dir, .run_fd = FD_NONE };
	rl.data_fd = scratch_make(dir);
	return 0;
}

static int teardown(void **state)
{
	struct rl_err err;

	(void)state;
	fd_close(rl.data_fd);
	return io_remove_tree(AT_FDCWD, dir, &err);
}

static long probe(long nr, long a, long b, long c)
{
	return syscall(nr, a, b, c, 0, 0, 0) < 0 ? errno : 0;
}

struct call {
	const char *what;
	long nr, a, b, c;
	int want; /* errno, 0 = success, -1 = anything but EPERM, ENOSYS and EAFNOSUPPORT */
};

/* In a child under the filter: index of the first call that answers otherwise, 255 = none. */
static int child(const struct seccomp_filter *f, const struct call *v, size_t n, bool keep_privs)
{
	struct rl_err err;

	if (!keep_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 254;
	if (seccomp_apply(f, &err) < 0)
		return 253;
	for (size_t i = 0; i < n; i++) {
		long e = probe(v[i].nr, v[i].a, v[i].b, v[i].c);
		bool filtered = e == EPERM || e == ENOSYS || e == EAFNOSUPPORT;

		if (v[i].want < 0 ? filtered : e != v[i].want)
			return (int)i;
	}
	return 255;
}

static void assert_calls(const struct seccomp_filter *f, const struct call *v, size_t n)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(f, v, n, false));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) < (int)n)
		fail_msg("'%s' does not answer %d", v[WEXITSTATUS(status)].what,
			 v[WEXITSTATUS(status)].want);
	assert_int_equal(WEXITSTATUS(status), 255);
}

static void filter_for(uint64_t caps, struct seccomp_filter *f)
{
	auto_free char *text = NULL;
	struct rl_err err = { 0 };

	if (seccomp_prepare(&rl, PROFILE, caps, &text, f, &err) < 0)
		fail_msg("%s", err.msg);
}

/* SECURITY section 4 and S69, as unprivileged as it gets: the answer is the filter's own. */
static const struct call defaults[] = {
	{ "getpid", SYS_getpid, 0, 0, 0, -1 },
	{ "AF_UNIX", SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0 },
	{ "AF_INET", SYS_socket, AF_INET, SOCK_STREAM, 0, 0 },
	{ "AF_NETLINK route", SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0 },
	{ "AF_NETLINK audit", SYS_socket, AF_NETLINK, SOCK_RAW, 9, EINVAL },
	{ "AF_PACKET", SYS_socket, AF_PACKET, SOCK_RAW, 0, EAFNOSUPPORT },
	{ "AF_ALG", SYS_socket, 38, SOCK_SEQPACKET, 0, EAFNOSUPPORT },
	{ "AF_ALG with high bits", SYS_socket, 0x100000026, SOCK_SEQPACKET, 0, EAFNOSUPPORT },
	{ "AF_VSOCK", SYS_socket, 40, SOCK_STREAM, 0, EAFNOSUPPORT },
	{ "AF_BLUETOOTH", SYS_socket, 31, SOCK_STREAM, 0, EAFNOSUPPORT },
	{ "AF_UNSPEC", SYS_socket, 0, SOCK_STREAM, 0, EAFNOSUPPORT },
	{ "AF_AX25", SYS_socket, 3, SOCK_STREAM, 0, EAFNOSUPPORT },
	{ "AF_KEY", SYS_socket, 15, SOCK_RAW, 2, EAFNOSUPPORT },
	{ "negative family", SYS_socket, -1, SOCK_STREAM, 0, EAFNOSUPPORT },
	{ "socketpair tipc", SYS_socketpair, 30, SOCK_STREAM, 0, EAFNOSUPPORT },
	{ "TIOCSTI", SYS_ioctl, -1, TIOCSTI, 0, EPERM },
	{ "TIOCSTI with high bits", SYS_ioctl, -1, 0x500005412, 0, EPERM },
	{ "TIOCLINUX", SYS_ioctl, -1, TIOCLINUX, 0, EPERM },
	{ "TCGETS", SYS_ioctl, -1, TCGETS, 0, EBADF },
	{ "TIOCGWINSZ", SYS_ioctl, -1, TIOCGWINSZ, 0, EBADF },
	{ "ioctl 0", SYS_ioctl, -1, 0, 0, EBADF },
	{ "keyctl", SYS_keyctl, 0, 0, 0, ENOSYS },
	{ "add_key", SYS_add_key, 0, 0, 0, ENOSYS },
	{ "request_key", SYS_request_key, 0, 0, 0, ENOSYS },
	{ "io_uring_setup", 425, 1, 0, 0, ENOSYS },
	{ "io_uring_enter", 426, -1, 0, 0, ENOSYS },
	{ "io_uring_register", 427, -1, 0, 0, ENOSYS },
	{ "userfaultfd", SYS_userfaultfd, 0, 0, 0, EPERM },
	{ "vmsplice", SYS_vmsplice, -1, 0, 0, EPERM },
	{ "bpf", SYS_bpf, 0, 0, 0, EPERM },
	{ "perf_event_open", SYS_perf_event_open, 0, 0, -1, EPERM },
	{ "kexec_load", SYS_kexec_load, 0, 0, 0, EPERM },
	{ "init_module", SYS_init_module, 0, 0, 0, EPERM },
	{ "finit_module", SYS_finit_module, -1, 0, 0, EPERM },
	{ "open_by_handle_at", SYS_open_by_handle_at, -1, 0, 0, EPERM },
	{ "reboot", SYS_reboot, 0, 0, 0, EPERM },
	{ "swapon", SYS_swapon, 0, 0, 0, EPERM },
	{ "settimeofday", SYS_settimeofday, 0, 0, 0, EPERM },
	{ "acct", SYS_acct, 0, 0, 0, EPERM },
	{ "syslog", SYS_syslog, 3, 0, 0, EPERM },
	{ "kcmp", SYS_kcmp, 0, 0, 0, EPERM },
	{ "personality 1", SYS_personality, 1, 0, 0, ENOSYS },
	{ "personality query", SYS_personality, 0xffffffff, 0, 0, -1 },
	{ "unknown call", 9999, 0, 0, 0, ENOSYS },
	{ "clone3", SYS_clone3, 0, 0, 0, EINVAL },
	{ "openat2", SYS_openat2, -1, 0, 0, EINVAL },
	{ "ptrace", SYS_ptrace, 16, -1, 0, ESRCH },
	{ "memfd_create", SYS_memfd_create, 0, 0, 0, EFAULT },
	{ "chroot", SYS_chroot, 0, 0, 0, EFAULT },
};

static void test_default_filter(void **state)
{
	struct seccomp_filter f = { 0 };

	(void)state;
	filter_for(capname_default(), &f);
	assert_calls(&f, defaults, ARRAY_LEN(defaults));
	seccomp_done(&f);
}

static void test_capabilities_open_calls(void **state)
{
	static const struct call calls[] = {
		{ "AF_NETLINK audit", SYS_socket, AF_NETLINK, -1, 9, -1 },
		{ "AF_PACKET", SYS_socket, AF_PACKET, -1, 0, EINVAL },
		{ "AF_ALG", SYS_socket, 38, SOCK_SEQPACKET, 0, EAFNOSUPPORT },
		{ "open_by_handle_at", SYS_open_by_handle_at, -1, 0, 0, EFAULT },
		{ "kcmp", SYS_kcmp, 0, 0, -1, -1 },
		{ "io_uring_setup", 425, 1, 0, 0, ENOSYS },
		{ "chroot", SYS_chroot, 0, 0, 0, EPERM },
	};
	struct seccomp_filter f = { 0 };

	(void)state;
	filter_for(UINT64_C(1) << CAP_NET_RAW | UINT64_C(1) << CAP_DAC_READ_SEARCH |
			   UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_AUDIT_WRITE,
		   &f);
	assert_calls(&f, calls, ARRAY_LEN(calls));
	seccomp_done(&f);
}

#ifdef __x86_64__
/* The 32-bit door (int 0x80) and x32 lead through the filter as well. */
static long int80(long nr, long a, long b)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static int child32(const struct seccomp_filter *f)
{
	struct rl_err err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_apply(f, &err) < 0)
		return 1;
	if (int80(20, 0, 0) != getpid())                    /* getpid */
		return int80(20, 0, 0) == -ENOSYS ? 77 : 2; /* a kernel without 32-bit calls */
	if (int80(54, -1, TIOCSTI) != -EPERM)               /* ioctl */
		return 3;
	if (int80(54, -1, TCGETS) != -EBADF)
		return 4;
	if (int80(102, 1, 0) != -ENOSYS) /* socketcall(SYS_SOCKET): hides the family */
		return 5;
	if (int80(359, 38, SOCK_SEQPACKET) != -EAFNOSUPPORT) /* socket(AF_ALG) */
		return 6;
	if (int80(359, AF_UNIX, SOCK_STREAM) < 0)
		return 7;
	if (probe(0x40000000 + SYS_getpid, 0, 0, 0) != ENOSYS) /* x32 */
		return 8;
	return 0;
}

static void test_other_architectures(void **state)
{
	struct seccomp_filter f = { 0 };
	int status;
	pid_t pid;

	(void)state;
	filter_for(capname_default(), &f);
	pid = fork();
	if (pid == 0)
		_exit(child32(&f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	seccomp_done(&f);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

static json_t *eval(const char *text, uint64_t caps, const char *arch, unsigned major,
		    unsigned minor)
{
	const struct seccomp_host h = { arch, "SCMP_ARCH_X86_64", { major, minor } };
	json_auto_t *p = NULL;
	json_t *o = NULL;
	struct rl_err err = { 0 };

	assert_int_equal(json_read(text, strlen(text), 1 << 20, "test", &p, &err), 0);
	if (seccomp_profile_eval(p, &h, caps, &o, &err) < 0)
		fail_msg("%s", err.msg);
	return o;
}

#define RULE(cond)                                                                     \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"]," \
	"\"action\":\"SCMP_ACT_ERRNO\"," cond "}]}"

static void test_conditions(void **state)
{
	static const struct {
		const char *text;
		bool stands;
	} v[] = {
		{ RULE("\"includes\":{}"), true },
		{ RULE("\"includes\":null,\"excludes\":{\"caps\":null}"), true },
		{ RULE("\"includes\":{\"caps\":[\"CAP_CHOWN\"]}"), true },
		{ RULE("\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}"), false },
		{ RULE("\"includes\":{\"caps\":[\"CAP_OF_TOMORROW\"]}"), false },
		{ RULE("\"excludes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}"), false },
		{ RULE("\"excludes\":{\"caps\":[\"CAP_KILL\"]}"), true },
		{ RULE("\"includes\":{\"arches\":[\"s390\",\"amd64\"]}"), true },
		{ RULE("\"includes\":{\"arches\":[\"s390\"]}"), false },
		{ RULE("\"excludes\":{\"arches\":[\"amd64\"]}"), false },
		{ RULE("\"includes\":{\"minKernel\":\"4.8\"}"), true },
		{ RULE("\"includes\":{\"minKernel\":\"5.11\"}"), false },
		{ RULE("\"excludes\":{\"minKernel\":\"5.10\"}"), false },
		{ RULE("\"excludes\":{\"minKernel\":\"6\"}"), true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		json_auto_t *o = eval(v[i].text, 1 /* CAP_CHOWN */, "amd64", 5, 10);

		if ((json_array_size(json_object_get(o, "syscalls")) == 1) != v[i].stands)
			fail_msg("%s", v[i].text);
	}
}

static void test_bad_profiles(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "[]", "not an object" },
		{ "{}", "'defaultAction' is missing" },
		{ "{\"defaultAction\":1}", "not a string" },
		{ RULE("\"errno\":\"EWHAT\""), "unknown error 'EWHAT'" },
		{ RULE("\"errnoRet\":4096"), "not an error number" },
		{ RULE("\"includes\":{\"minKernel\":\"new\"}"), "not a version" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"x\"}]}",
		  "names no call" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
		  "listenerPath" },
		/* found by the compiler */
		{ "{\"defaultAction\":\"SCMP_ACT_MAYBE\"}", "'SCMP_ACT_MAYBE'" },
		{ RULE("\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		  "argument 6" },
		{ RULE("\"args\":[{\"index\":0,\"value\":0,\"op\":\"=\"}]"), "compared with '='" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_PDP11\"]}",
		  "unknown architecture" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]}", "flag 'X'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_auto_t *oci = NULL;
		struct seccomp_filter f = { 0 };
		struct rl_err err = { 0 };
		int r;

		put_file(rl.data_fd, "p.json", bad[i].text);
		r = seccomp_resolve("/proc/self/cwd/nowhere", 0, &oci, &err);
		assert_int_equal(r, -ENOENT);
		{
			char path[300];

			(void)snprintf(path, sizeof(path), "%s/p.json", dir);
			r = seccomp_resolve(path, 0, &oci, &err);
		}
		if (r == 0)
			r = seccomp_compile(&rl, oci, &f, &err);
		if (r >= 0 || !strstr(err.msg, bad[i].why))
			fail_msg("%s: %s", bad[i].text, r < 0 ? err.msg : "taken");
		assert_null(f.insns);
	}
}

/* The second time it comes from the cache and is the same; so it is from the OCI object; damage is
 * noticed. */
static void test_cache(void **state)
{
	struct seccomp_filter a = { 0 }, b = { 0 };
	auto_dir DIR *d = NULL;
	struct dirent *e;
	json_auto_t *oci = NULL;
	struct rl_err err;
	size_t seen = 0;

	(void)state;
	filter_for(7, &a);
	filter_for(7, &b);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.insns, b.insns, a.n * sizeof(*a.insns));
	seccomp_done(&b);
	assert_int_equal(seccomp_resolve(PROFILE, 7, &oci, &err), 0);
	assert_int_equal(seccomp_compile(&rl, oci, &b, &err), 0);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.insns, b.insns, a.n * sizeof(*a.insns));
	seccomp_done(&b);

	d = fdopendir(openat(rl.data_fd, "cache/seccomp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	assert_non_null(d);
	while ((e = readdir(d))) {
		auto_fd int fd = FD_NONE;
		struct stat st;

		if (*e->d_name == '.')
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0 && fstat(fd, &st) == 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		/* as after a power loss: the right length, zeros at the end */
		assert_int_equal(ftruncate(fd, st.st_size - 64), 0);
		assert_int_equal(ftruncate(fd, st.st_size), 0);
		seen++;
	}
	assert_true(seen >= 1);
	filter_for(7, &b);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.insns, b.insns, a.n * sizeof(*a.insns));
	seccomp_done(&a);
	seccomp_done(&b);
}

/* A profile of the same length, written within the same tick of the file system's clock, is another. */
static void test_cache_by_content(void **state)
{
	char path[300];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/same.json", dir);
	for (int i = 0; i < 20; i++) {
		struct seccomp_filter f = { 0 };
		auto_free char *text = NULL;
		const char *action = i % 2 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO";
		char profile[100];
		struct rl_err err;

		(void)snprintf(profile, sizeof(profile), "{\"defaultAction\":\"%s\"}", action);
		put_file(rl.data_fd, "same.json", profile);
		assert_int_equal(seccomp_prepare(&rl, path, 0, &text, &f, &err), 0);
		assert_non_null(strstr(text, action));
		seccomp_done(&f);
	}
}

/* A folder that others may write is somebody else's cache: not read. */
static void test_foreign_cache(void **state)
{
	struct seccomp_filter a = { 0 };
	const char *key = "k";
	void *v = NULL;
	size_t len;

	(void)state;
	seccomp_cache_put(&rl, SECCOMP_BY_OBJECT, key, 1, "value", 5);
	assert_int_equal(seccomp_cache_get(&rl, SECCOMP_BY_OBJECT, key, 1, &v, &len), 1);
	assert_int_equal(len, 5);
	assert_memory_equal(v, "value", 6);
	free(v);
	assert_int_equal(seccomp_cache_get(&rl, SECCOMP_BY_PROFILE, key, 1, &v, &len), 0);
	{
		auto_dir DIR *d = fdopendir(
			openat(rl.data_fd, "cache/seccomp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		struct dirent *e;

		while ((e = readdir(d)))
			if (*e->d_name != '.')
				assert_int_equal(fchmodat(dirfd(d), e->d_name, 0666, 0), 0);
	}
	assert_int_equal(seccomp_cache_get(&rl, SECCOMP_BY_OBJECT, key, 1, &v, &len), 0);
	seccomp_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_filter),
		cmocka_unit_test(test_capabilities_open_calls),
#ifdef __x86_64__
		cmocka_unit_test(test_other_architectures),
#endif
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_bad_profiles),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_by_content),
		cmocka_unit_test(test_foreign_cache),
	};

	return cmocka_run_group_tests_name("core/seccomp", tests, setup, teardown);
}
