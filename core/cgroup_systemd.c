/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_systemd.c - StartTransientUnit over sd-bus
 *
 * Theory of operation: the caller is a monitor, which lives as long as its container and must stay
 * small; libsystemd and what it pulls in would cost it more than a megabyte. So a forked child
 * opens the library (no program of rl links it), calls the manager, waits for the job's end
 * (signal JobRemoved, see org.freedesktop.systemd1(5)), writes one struct answer into a pipe and
 * leaves. Nothing of this can hang the monitor: a child that does not answer is killed.
 *
 * Whom to ask: the user's manager over $DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus,
 * /run/user/UID/bus, then the manager's own socket (no message bus needed); real root asks the
 * system's manager. The first one that makes the scope wins; a bus without systemd behind it is
 * passed over. The manager asks the system's manager to move pids that live outside its own
 * subtree, which that grants because they have the caller's uid.
 */
#include "config.h"

#include "core/cgroup_systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-bus.h>
#endif

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/distro.h"

#define CALL_US (5 * 1000 * 1000ULL)  /* for each manager that is tried */
#define STOP_US (10 * 1000 * 1000ULL) /* at shutdown, as for `rl stop`; 90 s would be the default */

struct cgroup_request {
	pid_t pid;
	int fd;
};

struct answer {
	int32_t code; /* 0, or errno with @msg */
	char msg[400];
};

struct target {
	char *address; /* D-Bus address, owned */
	bool bus;      /* a message bus, not the manager itself */
};

struct targets {
	struct target v[5];
	size_t n;
};

static void targets_done(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].address);
}

#ifdef HAVE_SYSTEMD

/* The functions of libsystemd that are used, found by name; types come from its header. */
#define SD_FUNCTIONS(X)                   \
	X(sd_bus_new)                     \
	X(sd_bus_set_address)             \
	X(sd_bus_set_bus_client)          \
	X(sd_bus_start)                   \
	X(sd_bus_match_signal_async)      \
	X(sd_bus_message_new_method_call) \
	X(sd_bus_message_append)          \
	X(sd_bus_message_open_container)  \
	X(sd_bus_message_append_array)    \
	X(sd_bus_message_close_container) \
	X(sd_bus_message_read)            \
	X(sd_bus_message_unref)           \
	X(sd_bus_call)                    \
	X(sd_bus_process)                 \
	X(sd_bus_wait)                    \
	X(sd_bus_error_free)              \
	X(sd_bus_unref)

struct sd {
#define SD_FIELD(name) __typeof__(name) *name;
	SD_FUNCTIONS(SD_FIELD)
#undef SD_FIELD
};

static int load(struct sd *sd, struct rl_err *err)
{
	void *lib = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		struct distro d;
		char line[DISTRO_LINE];

		distro_read(&d);
		distro_install(&d, DISTRO_LIBSYSTEMD, line);
		rl_fail(err, ENOENT, "the library libsystemd.so.0 is not installed");
		return rl_hint(err, "%s", line);
	}
#define SD_LOAD(name)                            \
	*(void **)&sd->name = dlsym(lib, #name); \
	if (!sd->name)                           \
		return rl_fail(err, ENOSYS, "libsystemd.so.0 has no function '%s'", #name);
	SD_FUNCTIONS(SD_LOAD)
#undef SD_LOAD
	return 0;
}

struct job {
	const struct sd *sd;
	const char *unit, *slice;
	bool ended;
	char result[32]; /* "done", or why not */
};

static int on_job_removed(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	struct job *job = arg;
	const char *path, *unit, *result;
	uint32_t id;

	(void)e;
	if (job->sd->sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) < 0 ||
	    strcmp(unit, job->unit) != 0)
		return 0;
	job->ended = true;
	(void)snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

/* "a(sv)": the properties of the scope, and "a(sa(sv))": no auxiliary units. Negative errno. */
static int append_properties(const struct sd *sd, sd_bus_message *m, const char *slice,
			     const char *description, const uint32_t *pids, size_t n_pids)
{
	int r = sd->sd_bus_message_open_container(m, 'a', "(sv)");

	if (r >= 0)
		r = sd->sd_bus_message_append(
			m, "(sv)(sv)(sv)(sv)", "Description", "s", description, "Delegate", "b", 1,
			"CollectMode", "s", "inactive-or-failed", "TimeoutStopUSec", "t", STOP_US);
	if (r >= 0 && slice)
		r = sd->sd_bus_message_append(m, "(sv)", "Slice", "s", slice);
	if (r >= 0)
		r = sd->sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd->sd_bus_message_append(m, "s", "PIDs");
	if (r >= 0)
		r = sd->sd_bus_message_open_container(m, 'v', "au");
	if (r >= 0)
		r = sd->sd_bus_message_append_array(m, 'u', pids, n_pids * sizeof(*pids));
	for (int i = 0; i < 3 && r >= 0; i++)
		r = sd->sd_bus_message_close_container(m);
	return r >= 0 ? sd->sd_bus_message_append(m, "a(sa(sv))", 0) : r;
}

static int call(const struct sd *sd, sd_bus *bus, struct job *job, const char *description,
		const uint32_t *pids, size_t n_pids, struct rl_err *err)
{
	static const char dest[] = "org.freedesktop.systemd1", path[] = "/org/freedesktop/systemd1",
			  manager[] = "org.freedesktop.systemd1.Manager";
	sd_bus_error e = { 0 };
	sd_bus_message *m = NULL;
	int64_t end = now_ms() + (int64_t)(CALL_US / 1000);
	int r;

	r = sd->sd_bus_match_signal_async(bus, NULL, dest, path, manager, "JobRemoved",
					  on_job_removed, NULL, job);
	if (r >= 0)
		r = sd->sd_bus_message_new_method_call(bus, &m, dest, path, manager,
						       "StartTransientUnit");
	if (r >= 0)
		r = sd->sd_bus_message_append(m, "ss", job->unit, "fail");
	if (r >= 0)
		r = append_properties(sd, m, job->slice, description, pids, n_pids);
	if (r >= 0)
		r = sd->sd_bus_call(bus, m, CALL_US, &e, NULL);
	sd->sd_bus_message_unref(m);
	if (r < 0)
		rl_fail(err, -r, "systemd does not make the scope '%s': %s", job->unit,
			e.message ? e.message : strerror(-r));
	sd->sd_bus_error_free(&e);
	while (r >= 0 && !job->ended) {
		r = sd->sd_bus_process(bus, NULL);
		if (r == 0 && now_ms() < end)
			r = sd->sd_bus_wait(bus, (uint64_t)(end - now_ms()) * 1000);
		else if (r == 0)
			r = -ETIMEDOUT;
		if (r < 0)
			rl_fail_sys(err, -r, "wait for systemd to make the scope '%s'", job->unit);
	}
	if (r >= 0 && strcmp(job->result, "done") != 0)
		return rl_fail(err, EIO, "systemd could not make the scope '%s': %s", job->unit,
			       job->result);
	return r < 0 ? -err->code : 0;
}

static int ask(const struct sd *sd, const struct target *t, const char *unit, const char *slice,
	       const char *description, const uint32_t *pids, size_t n_pids, struct rl_err *err)
{
	struct job job = { .sd = sd, .unit = unit, .slice = slice };
	sd_bus *bus = NULL;
	int r = sd->sd_bus_new(&bus);

	if (r >= 0)
		r = sd->sd_bus_set_address(bus, t->address);
	if (r >= 0)
		r = sd->sd_bus_set_bus_client(bus, t->bus);
	if (r >= 0)
		r = sd->sd_bus_start(bus);
	if (r < 0)
		rl_fail_sys(err, -r, "connect to systemd at '%.200s'", t->address);
	else
		r = call(sd, bus, &job, description, pids, n_pids, err);
	sd->sd_bus_unref(bus);
	return r < 0 ? -err->code : 0;
}

static int ask_all(const struct targets *t, const char *unit, const char *slice,
		   const char *description, const pid_t *pids, size_t n_pids, struct rl_err *err)
{
	uint32_t list[8];
	struct sd sd;
	int r = load(&sd, err);

	for (size_t i = 0; i < n_pids && i < ARRAY_LEN(list); i++)
		list[i] = (uint32_t)pids[i];
	if (r < 0)
		return r;
	r = -ENOENT;
	for (size_t i = 0; i < t->n && r < 0; i++) {
		r = ask(&sd, &t->v[i], unit, slice, description, list,
			n_pids < ARRAY_LEN(list) ? n_pids : ARRAY_LEN(list), err);
		log_debug("scope '%s' at '%s': %s", unit, t->v[i].address,
			  r < 0 ? err->msg : "made");
	}
	return r;
}

#else

static int ask_all(const struct targets *t, const char *unit, const char *slice,
		   const char *description, const pid_t *pids, size_t n_pids, struct rl_err *err)
{
	(void)t, (void)unit, (void)slice, (void)description, (void)pids, (void)n_pids;
	rl_fail(err, ENOSYS, "this rl was built without libsystemd");
	return rl_hint(err, "build it where libsystemd's header is installed");
}

#endif

/* D-Bus addresses write all but these bytes as %xx (D-Bus specification, "Server Addresses"). */
static int add_socket(struct targets *t, const char *dir, const char *name, bool bus)
{
	auto_free char *path = str_printf("%s/%s", dir, name);
	auto_buf struct buf b = { 0 };

	if (!path)
		return -ENOMEM;
	if (t->n == ARRAY_LEN(t->v) || access(path, W_OK) < 0)
		return 0;
	if (buf_str(&b, "unix:path=") < 0)
		return -ENOMEM;
	for (const char *s = path; *s; s++) {
		bool plain = (*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
			     (*s >= 'a' && *s <= 'z') || strchr("-_/.", *s);
		int r = plain ? buf_add(&b, s, 1) : buf_printf(&b, "%%%02x", (unsigned char)*s);

		if (r < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].address, b.data) == 0)
			return 0;
	t->v[t->n].address = buf_take(&b);
	t->v[t->n].bus = bus;
	return t->v[t->n].address ? (t->n++, 0) : -ENOMEM;
}

static int find_targets(struct targets *t)
{
	const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS"), *dir = getenv("XDG_RUNTIME_DIR");
	char own[32];
	int r;

	if (getuid() == 0) {
		r = add_socket(t, "/run/dbus", "system_bus_socket", true);
		return r < 0 ? r : add_socket(t, "/run/systemd", "private", false);
	}
	if (bus && *bus) {
		t->v[t->n] = (struct target){ .address = strdup(bus), .bus = true };
		if (!t->v[t->n].address)
			return -ENOMEM;
		t->n++;
	}
	(void)snprintf(own, sizeof(own), "/run/user/%u", (unsigned)getuid());
	dir = dir && *dir == '/' ? dir : own;
	r = add_socket(t, dir, "bus", true);
	if (r == 0)
		r = add_socket(t, own, "bus", true);
	if (r == 0)
		r = add_socket(t, dir, "systemd/private", false);
	return r < 0 ? r : add_socket(t, own, "systemd/private", false);
}

static int no_manager(struct rl_err *err)
{
	if (access("/run/systemd/system", F_OK) < 0) {
		rl_fail(err, ENOENT, "systemd does not run here");
		return rl_hint(err, "start rl in a cgroup that is delegated to you");
	}
	if (getuid() == 0)
		return rl_fail(err, ENOENT, "systemd's socket '/run/systemd/private' is not there");
	rl_fail(err, ENOENT, "you have no systemd user session ('/run/user/%u/bus' is not there)",
		(unsigned)getuid());
	return rl_hint(err,
		       "sudo loginctl enable-linger %u, or log in by ssh or with machinectl "
		       "shell",
		       (unsigned)getuid());
}

static _Noreturn void child(const struct targets *t, const char *unit, const char *slice,
			    const char *description, const pid_t *pids, size_t n_pids, pid_t parent,
			    int fd)
{
	struct answer a = { 0 };
	struct rl_err err = { 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (ask_all(t, unit, slice, description, pids, n_pids, &err) < 0) {
		a.code = err.code;
		(void)snprintf(a.msg, sizeof(a.msg), "%.*s%s%.*s", 250, err.msg,
			       err.hint[0] ? "; " : "", 130, err.hint);
	}
	RL_IGNORE(io_write_all(fd, &a, sizeof(a))); /* nobody left to tell otherwise */
	_exit(0);
}

int cgsd_request(const char *unit, const char *slice, const char *description, const pid_t *pids,
		 size_t n_pids, struct cgroup_request **ret, struct rl_err *err)
{
	__attribute__((cleanup(targets_done))) struct targets t = { 0 };
	auto_fd int rd = FD_NONE, wr = FD_NONE;
	struct cgroup_request *q;
	pid_t parent = getpid();
	int p[2];

	if (find_targets(&t) < 0)
		return rl_oom(err);
	if (t.n == 0)
		return no_manager(err);
	if (pipe2(p, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "ask systemd for a scope: pipe");
	rd = p[0];
	wr = p[1];
	q = malloc(sizeof(*q));
	if (!q)
		return rl_oom(err);
	q->pid = fork();
	if (q->pid == 0)
		child(&t, unit, slice, description, pids, n_pids, parent, wr);
	if (q->pid < 0) {
		free(q);
		return rl_fail_sys(err, errno, "ask systemd for a scope: fork");
	}
	q->fd = TAKE_FD(rd);
	*ret = q;
	return 0;
}

int cgsd_wait(struct cgroup_request *q, int timeout_ms, struct rl_err *err)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms;
	struct answer a;
	int r;

	do
		r = poll(&p, 1, (int)(end > now_ms() ? end - now_ms() : 0));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return rl_fail(err, ETIMEDOUT, "systemd does not answer");
	if (r < 0 || io_read_full(q->fd, &a, sizeof(a)) != sizeof(a))
		return rl_fail(err, EIO, "asking systemd for a scope broke off");
	a.msg[sizeof(a.msg) - 1] = '\0';
	return a.code ? rl_fail(err, a.code, "%s", a.msg) : 0;
}

void cgsd_free(struct cgroup_request *q)
{
	if (!q)
		return;
	(void)kill(q->pid, SIGKILL); /* our own child, not yet waited for: no stranger */
	while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR)
		;
	fd_close(q->fd);
	free(q);
}

/* logind's own file about the user tells the name that its folder of lingering users goes by. */
bool cgsd_lingers(void)
{
	auto_free char *about = str_printf("/run/systemd/users/%u", geteuid());
	auto_buf struct buf b = { 0 };
	auto_free char *flag = NULL;
	struct rl_err err;
	const char *name;

	if (!about || io_read_file(AT_FDCWD, about, 1 << 16, &b, &err) < 0 || !b.data)
		return true;
	name = strncmp(b.data, "NAME=", 5) == 0 ? b.data : strstr(b.data, "\nNAME=");
	if (!name)
		return false;
	name = strchr(name, '=') + 1;
	flag = str_printf("/var/lib/systemd/linger/%.*s", (int)strcspn(name, "/\n"), name);
	return flag && access(flag, F_OK) == 0;
}
