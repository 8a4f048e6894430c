/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_launch.c - the smallest engine: a folder and a command become a container
 *
 *	check_launch [OPTION]... ROOT COMMAND [ARG]...
 *	-p JSON	merged into the default spec; "mounts+" appends to the mounts
 *	-i	stay as pid 1 (--init)
 *	-1	a session with one id, and the filter for it
 *	-c	with a cgroup namespace
 *	-s	with a filter that answers mkdir with EXDEV
 *	-e	own stdio, also when it is a terminal
 *	-x C	an outer filter answers the system call C (clone3, openat2, fsopen) with ENOSYS
 *	-k S	SIGKILL this process at step S: fork, ready, exec
 *	-n N	start it N times, print medians in microseconds
 *	-v	debug lines
 * Exit status: the payload's, 128 + n for signal n, else that of the error.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/parse.h"
#include "core/base/proc.h"
#include "core/launch.h"
#include "core/session.h"
#include "core/spec.h"

static const char default_spec[] =
	"{'ociVersion':'1.2.0','root':{'path':'/'},"
	"'process':{'cwd':'/','args':['true'],'env':['PATH=/usr/bin:/bin','TERM=xterm'],"
	"'user':{'uid':0,'gid':0},'capabilities':{'bounding':[CAPS],'effective':[CAPS],"
	"'permitted':[CAPS]},'rlimits':[{'type':'RLIMIT_CORE','soft':0,'hard':-1},"
	"{'type':'RLIMIT_NOFILE','soft':1024,'hard':1048576000}]},'hostname':'box',"
	"'mounts':["
	"{'destination':'/proc','type':'proc','source':'proc',"
	"'options':['nosuid','noexec','nodev']},"
	"{'destination':'/dev','type':'tmpfs','source':'tmpfs','options':['nosuid','noexec']},"
	"{'destination':'/dev/pts','type':'devpts','source':'devpts','options':['nosuid','noexec',"
	"'newinstance','ptmxmode=0666','mode=0620','gid=5']},"
	"{'destination':'/dev/shm','type':'tmpfs','source':'shm','options':['nosuid','noexec',"
	"'nodev','mode=1777','size=65536k']},"
	"{'destination':'/dev/mqueue','type':'mqueue','source':'mqueue',"
	"'options':['nosuid','noexec','nodev']},"
	"{'destination':'/sys','type':'sysfs','source':'sysfs',"
	"'options':['nosuid','noexec','nodev','ro']},"
	"{'destination':'/sys/fs/cgroup','type':'cgroup','source':'cgroup',"
	"'options':['nosuid','noexec','nodev','ro','rprivate']}],"
	"'linux':{'namespaces':[{'type':'user'},{'type':'mount'},{'type':'pid'},"
	"{'type':'network'},{'type':'ipc'},{'type':'uts'},{'type':'cgroup'}],"
	"'maskedPaths':['/proc/acpi','/proc/asound','/proc/interrupts','/proc/kcore',"
	"'/proc/keys','/proc/latency_stats','/proc/sched_debug','/proc/scsi',"
	"'/proc/timer_list','/proc/timer_stats','/sys/firmware','/sys/fs/selinux',"
	"'/sys/devices/virtual/powercap'],"
	"'readonlyPaths':['/proc/bus','/proc/fs','/proc/irq','/proc/sys',"
	"'/proc/sysrq-trigger']}}";

static const char default_caps[] =
	"'CAP_CHOWN','CAP_DAC_OVERRIDE','CAP_FOWNER','CAP_FSETID','CAP_KILL',"
	"'CAP_NET_BIND_SERVICE','CAP_SETFCAP','CAP_SETGID','CAP_SETPCAP','CAP_SETUID',"
	"'CAP_SYS_CHROOT'";

static json_t *load_default(void)
{
	auto_buf struct buf b = { 0 };
	const char *p = default_spec, *q;

	for (; (q = strstr(p, "CAPS")); p = q + 4)
		if (buf_add(&b, p, (size_t)(q - p)) < 0 || buf_str(&b, default_caps) < 0)
			return NULL;
	if (buf_str(&b, p) < 0)
		return NULL;
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\'')
			b.data[i] = '"';
	return json_loads(b.data, 0, NULL);
}

static int merge(json_t *to, json_t *patch)
{
	const char *key;
	json_t *v;

	json_object_foreach (patch, key, v) {
		json_t *old = json_object_get(to, key);
		int r;

		if (strcmp(key, "mounts+") == 0)
			r = json_array_extend(json_object_get(to, "mounts"), v);
		else if (json_is_object(old) && json_is_object(v))
			r = merge(old, v);
		else if (json_is_null(v))
			r = (json_object_del(to, key), 0);
		else
			r = json_object_set(to, key, v);
		if (r < 0)
			return r;
	}
	return 0;
}

struct opts {
	bool init, one_id, cgroupns, filter, raw_stdio, terminal;
	const char *kill_at, *forbid;
	uint64_t count;
};

static void die_at(const struct opts *o, const char *step)
{
	if (o->kill_at && strcmp(o->kill_at, step) == 0)
		(void)raise(SIGKILL);
}

/* What the container's terminal prints goes to our stdout; our stdin goes there. */
static void relay_terminal(int master)
{
	struct pollfd p[2] = { { .fd = master, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	char b[4096];
	ssize_t n;

	while (poll(p, 2, -1) > 0) {
		if (p[0].revents) {
			n = read(master, b, sizeof(b));
			if (n <= 0 || io_write_all(1, b, (size_t)n) < 0)
				return;
		}
		if (p[1].revents) {
			n = read(0, b, sizeof(b));
			if (n <= 0)
				p[1].fd = -1;
			else if (io_write_all(master, b, (size_t)n) < 0)
				return;
		}
	}
}

static int64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* @t: when forked, ready, executing, ended. */
static int run_once(const struct launch *l, const struct opts *o, int64_t t[4], struct rl_err *err)
{
	struct launched c = { 0 };
	int status = 0, r;

	r = launch_fork(l, &c, err);
	if (r < 0)
		return r;
	t[0] = now_us();
	die_at(o, "fork");
	r = launch_wait_ready(&c, err);
	t[1] = now_us();
	if (r == 0) {
		die_at(o, "ready");
		r = launch_exec(&c, err);
		t[2] = now_us();
	}
	if (r < 0) {
		launch_abort(&c);
		return r;
	}
	die_at(o, "exec");
	if (c.console_fd >= 0)
		relay_terminal(c.console_fd);
	while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
		;
	t[3] = now_us();
	launch_close(&c);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int run_many(const struct launch *l, const struct opts *o, struct rl_err *err)
{
	static const char *const names[] = { "fork", "ready", "exec", "end" };
	int64_t *v = calloc(o->count * 4, sizeof(*v));

	if (!v)
		return rl_oom(err);
	for (uint64_t i = 0; i < o->count; i++) {
		int64_t t[4] = { 0 }, start = now_us();
		int r = run_once(l, o, t, err);

		if (r != 0) {
			free(v);
			return r;
		}
		for (int k = 0; k < 4; k++)
			v[(uint64_t)k * o->count + i] = t[k] - start;
	}
	for (size_t k = 0; k < 4; k++) {
		qsort(v + k * o->count, o->count, sizeof(*v), compare);
		(void)printf("%s %lld\n", names[k], (long long)v[k * o->count + o->count / 2]);
	}
	free(v);
	return 0;
}

/* mkdir answers EXDEV, so a test sees that the filter is there. */
static struct sock_filter mkdir_filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_mkdir
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 1, 0),
#endif
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/* A user namespace with only the caller's id, kept by a descriptor. */
static int one_id_session(struct session *s)
{
	const char *lines[][2] = { { "/proc/self/setgroups", "deny" } };
	char uid[32], gid[32];
	int p[2], fd, status;
	uid_t u = geteuid();
	gid_t g = getegid();
	pid_t pid;

	(void)snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)u);
	(void)snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)g);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		const char *files[][2] = { { lines[0][0], lines[0][1] },
					   { "/proc/self/uid_map", uid },
					   { "/proc/self/gid_map", gid } };

		if (unshare(CLONE_NEWUSER) < 0)
			_exit(1);
		for (int i = 0; i < 3; i++) {
			fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
			if (fd < 0 || io_write_all(fd, files[i][1], strlen(files[i][1])) < 0)
				_exit(1);
		}
		fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
		_exit(fd < 0 || fd_send(p[1], "x", 1, &fd, 1) < 0);
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		return -1;
	*s = (struct session){ .rung = SESSION_ONE_ID };
	s->uids.n = s->gids.n = 1;
	s->uids.v[0] = (struct idrange){ 0, u, 1 };
	s->gids.v[0] = (struct idrange){ 0, g, 1 };
	return fd_recv(p[0], uid, sizeof(uid), &s->userns_fd, 1) == 1 ? 0 : -1;
}

/* What a container around us may do to rl. */
static int forbid_call(const char *name, struct rl_err *err)
{
	static const struct {
		const char *name;
		int nr;
	} calls[] = { { "clone3", SYS_clone3 },
		      { "openat2", SYS_openat2 },
		      { "fsopen", SYS_fsopen } };
	int nr = -1;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			nr = calls[i].nr;
	if (nr < 0)
		return rl_fail(err, EINVAL, "no such call '%s'", name);
	{
		struct sock_filter insns[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog prog = { .len = ARRAY_LEN(insns), .filter = insns };

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
			return rl_fail_sys(err, errno, "load the outer filter");
	}
	return 0;
}

static int get_session(const struct opts *o, struct session *ret, struct rl_err *err)
{
	struct rl rl = { 0 };
	int r;

	if (o->one_id)
		return one_id_session(ret) < 0 ? rl_fail_sys(err, errno, "make a session") : 0;
	r = rl_open(&rl, NULL, err);
	if (r < 0)
		return r;
	r = session_open(&rl, ret, err);
	rl_close(&rl);
	return r;
}

static int run(struct opts *o, json_t *json, struct rl_err *err)
{
	struct seccomp_filter filter = { .insns = mkdir_filter, .n = ARRAY_LEN(mkdir_filter) };
	auto_spec struct spec spec = { 0 };
	struct session s;
	struct launch l = { .spec = &spec,
			    .init = o->init,
			    .one_id = o->one_id,
			    .new_cgroupns = o->cgroupns,
			    .seccomp = o->filter ? &filter : NULL,
			    .stdio = { 0, 1, 2 } };
	int64_t t[4];
	int r = spec_parse(json, &spec, err);

	if (r == 0)
		r = get_session(o, &s, err);
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++)
		if (!o->raw_stdio && isatty(i))
			l.stdio[i] = FD_NONE;
	l.session_fd = s.userns_fd;
	r = o->forbid ? forbid_call(o->forbid, err) : 0;
	if (r == 0)
		r = idmap_identity(&s.uids, &l.uids, err);
	if (r == 0)
		r = idmap_identity(&s.gids, &l.gids, err);
	if (r == 0)
		r = o->count ? run_many(&l, o, err) : run_once(&l, o, t, err);
	session_close(&s);
	return r;
}

static int set_command(json_t *spec, const char *root, char **argv)
{
	json_t *args = json_array();

	for (; *argv; argv++)
		if (json_array_append_new(args, json_string(*argv)) < 0)
			return -1;
	if (json_object_set_new(json_object_get(spec, "process"), "args", args) < 0)
		return -1;
	return json_object_set_new(json_object_get(spec, "root"), "path", json_string(root));
}

int main(int argc, char **argv)
{
	struct opts o = { 0 };
	struct rl_err err = { 0 };
	json_auto_t *spec = load_default();
	json_t *p;
	int c, r;

	while ((c = getopt(argc, argv, "+p:i1csek:n:vx:")) != -1) {
		switch (c) {
		case 'p':
			p = json_loads(optarg, 0, NULL);
			if (!p || merge(spec, p) < 0)
				return 2;
			json_decref(p);
			break;
		case 'i':
			o.init = true;
			break;
		case '1':
			o.one_id = true;
			break;
		case 'c':
			o.cgroupns = true;
			break;
		case 's':
			o.filter = true;
			break;
		case 'e':
			o.raw_stdio = true;
			break;
		case 'k':
			o.kill_at = optarg;
			break;
		case 'x':
			o.forbid = optarg;
			break;
		case 'n':
			if (parse_uint(optarg, 100000, &o.count) < 0)
				return 2;
			break;
		case 'v':
			log_set_level(LOG_DEBUG);
			break;
		default:
			return 2;
		}
	}
	if (!spec || argc - optind < 2 || set_command(spec, argv[optind], argv + optind + 1) < 0)
		return 2;
	r = run(&o, spec, &err);
	if (r < 0) {
		rl_report(&err);
		return err.exit_code ? err.exit_code : 125;
	}
	return r;
}
