/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_state.c - finding containers, their state, healing; the header is the manual */
#include "config.h"

#include "core/ctr_state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/jsonpick.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/cgroup.h"
#include "core/ctr_int.h"
#include "core/events.h"

#define STATE_MAX     (8U << 20)
#define RECORD_MAX    65536
#define LOOKS_MAX     5
#define HEAL_ENTER_MS 200

const char *ctr_status_name(enum ctr_status s)
{
	static const char *const names[] = { "created", "running", "paused", "restarting",
					     "exited" };

	return names[s];
}

bool ctr_is_alive(const struct ctr_state *s)
{
	return s->status == CTR_RUNNING || s->status == CTR_PAUSED || s->status == CTR_RESTARTING;
}

static bool is_id(const char *s)
{
	return strlen(s) == CTR_ID_LEN && strspn(s, "0123456789abcdef") == CTR_ID_LEN;
}

/* The name and flags of state.json, and what else is asked for */
static int read_name(struct ctr *c, struct json_pick *more, size_t n)
{
	enum { NAME, RUN, REMOVE, OWN };
	struct json_pick p[OWN + CTR_PICKS_MAX] = { { .key = "name" },
						    { .key = "run" },
						    { .key = "remove" } };
	struct rl_err ignored;
	char name[CTR_NAME_MAX + 2] = ""; /* a longer one is noticed */

	assert(n <= CTR_PICKS_MAX);
	for (size_t i = 0; i < n; i++)
		p[OWN + i].key = more[i].key;
	/* a damaged record must not make the container unreachable: it has an id */
	if (json_pick_file(c->dir_fd, "state.json", STATE_MAX, &c->text, p, OWN + n, &ignored) <
	    0) {
		buf_done(&c->text);
	} else {
		(void)json_text_copy(p[NAME].v, name, sizeof(name));
		c->is_run = json_text_is_true(p[RUN].v);
		c->is_remove = json_text_is_true(p[REMOVE].v);
		for (size_t i = 0; i < n; i++)
			more[i].v = p[OWN + i].v;
	}
	c->name = strdup(ctr_name_check(name, &ignored) < 0 ? "" : name);
	return c->name ? 0 : -ENOMEM;
}

int ctr_look(const struct rl *rl, const char *id, struct json_pick *picks, size_t n,
	     struct ctr *ret, struct rl_err *err)
{
	struct ctr c = { .dir_fd = FD_NONE, .lock_fd = FD_NONE };
	char rel[CTR_ID_LEN + 16];

	if (!is_id(id))
		return rl_fail(err, EINVAL, "'%.80s' is not a container's id", id);
	memcpy(c.id, id, sizeof(c.id));
	(void)snprintf(rel, sizeof(rel), "containers/%s", id);
	c.dir_fd = openat(rl->data_fd, rel, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c.dir_fd < 0)
		return rl_fail_sys(err, errno, "open container %.12s", id);
	c.lock_fd = openat(c.dir_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (c.lock_fd < 0) /* a read-only disk: enough to see who holds it */
		c.lock_fd = openat(c.dir_fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	c.dir = str_printf("%s/%s", rl->data_dir, rel);
	if (!c.dir || read_name(&c, picks, n) < 0) {
		ctr_done(&c);
		return rl_oom(err);
	}
	*ret = c;
	return 0;
}

int ctr_open(const struct rl *rl, const char *id, struct ctr *ret, struct rl_err *err)
{
	struct rl_err ignored;
	int r = ctr_look(rl, id, NULL, 0, ret, err);

	if (r == 0 && ret->text.len > 0 &&
	    json_read(ret->text.data, ret->text.len, STATE_MAX, "state.json", &ret->record,
		      &ignored) < 0)
		ret->record = NULL;
	return r;
}

/* The folder of all containers; NULL without an error: there is none yet. */
static int open_all(const struct rl *rl, DIR **ret, struct rl_err *err)
{
	int fd = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC), e;

	*ret = fd < 0 ? NULL : fdopendir(fd);
	e = errno;
	if (*ret || (fd < 0 && e == ENOENT))
		return 0;
	fd_close(fd);
	return rl_fail_sys(err, e, "list the containers");
}

int ctr_list(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int r = open_all(rl, &d, err);

	while (r == 0 && d && (e = readdir(d)))
		if (is_id(e->d_name) && strv_add(ret, e->d_name) < 0)
			return rl_oom(err);
	return r;
}

static int unknown(const char *name, struct rl_err *err)
{
	return rl_fail(err, ENOENT, "no container with name or ID \"%s\" found: no such container",
		       name);
}

/* A list of all is not made: who names a thousand containers would make it as often. */
static int find_prefix(const struct rl *rl, const char *prefix, struct ctr *ret, struct rl_err *err)
{
	char hit[CTR_ID_LEN + 1] = "";
	const size_t len = strlen(prefix);
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int r = open_all(rl, &d, err);

	while (r == 0 && d && (e = readdir(d))) {
		if (strncmp(e->d_name, prefix, len) != 0 || !is_id(e->d_name))
			continue;
		if (hit[0])
			return rl_fail(err, EEXIST,
				       "'%s' fits several containers: %.16s, %.16s, ...", prefix,
				       hit, e->d_name);
		memcpy(hit, e->d_name, sizeof(hit));
	}
	if (r < 0)
		return r;
	return hit[0] ? ctr_open(rl, hit, ret, err) : unknown(prefix, err);
}

int ctr_find(const struct rl *rl, const char *name, struct ctr *ret, struct rl_err *err)
{
	char path[160], id[CTR_ID_LEN + 1];
	struct rl_err ignored;
	ssize_t n;
	int r;

	name = ctr_name_bare(name);
	if (ctr_name_check(name, &ignored) < 0)
		return unknown(name, err);
	(void)snprintf(path, sizeof(path), "container-names/%s", name);
	n = readlinkat(rl->data_fd, path, id, sizeof(id));
	if (n == CTR_ID_LEN) {
		id[n] = '\0';
		r = ctr_open(rl, id, ret, err);
		if (r != -ENOENT && r != -EINVAL)
			return r;
	}
	if (strspn(name, "0123456789abcdef") != strlen(name) || strlen(name) > CTR_ID_LEN)
		return unknown(name, err);
	if (is_id(name)) {
		r = ctr_open(rl, name, ret, err);
		return r == -ENOENT ? unknown(name, err) : r;
	}
	return find_prefix(rl, name, ret, err);
}

static int64_t get_time(struct json_text v)
{
	char s[48];
	int64_t ns = 0;

	return time_parse_rfc3339(json_text_copy(v, s, sizeof(s)), &ns) == 0 ? ns : 0;
}

/* 1, and the picks are set; 0 when the file is not there */
static int pick_record(const struct ctr *c, const char *file, struct buf *text,
		       struct json_pick *picks, size_t n, struct rl_err *err)
{
	int r;

	if (!io_exists(c->dir_fd, file) && errno == ENOENT) /* mostly: no message for that */
		return 0;
	r = json_pick_file(c->dir_fd, file, RECORD_MAX, text, picks, n, err);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* 1 or 0: there is one or not */
static int read_run(const struct ctr *c, struct ctr_state *s, struct rl_err *err)
{
	enum { PID, STARTED, RESTARTS, CGROUP, NETWORK, NETWORK_DOWN, PAUSED };
	struct json_pick p[] = { { .key = "pid" },      { .key = "started" },
				 { .key = "restarts" }, { .key = "cgroup" },
				 { .key = "network" },  { .key = "network_down" },
				 { .key = "paused" } };
	auto_buf struct buf text = { 0 };
	int64_t pid;
	int r = pick_record(c, "run.json", &text, p, ARRAY_LEN(p), err);

	if (r <= 0)
		return r;
	pid = json_text_int(p[PID].v);
	s->pid = pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0; /* none that means a group */
	s->started_ns = get_time(p[STARTED].v);
	s->restarts = (unsigned)json_text_int(p[RESTARTS].v);
	(void)json_text_copy(p[CGROUP].v, s->cgroup, sizeof(s->cgroup));
	(void)json_text_copy(p[NETWORK].v, s->network, sizeof(s->network));
	s->network_down = json_text_is_true(p[NETWORK_DOWN].v);
	if (json_text_is_true(p[PAUSED].v))
		s->status = CTR_PAUSED;
	return 1;
}

static int read_exit(const struct ctr *c, const char *file, struct ctr_state *s, struct rl_err *err)
{
	enum {
		CODE,
		SIGNAL,
		OOM,
		BY_USER,
		AGAIN,
		RESTARTS,
		MAX,
		PEAK,
		START,
		END,
		ERROR,
		BIG,
		WHY
	};
	struct json_pick p[] = { { .key = "code" },       { .key = "signal" },
				 { .key = "oom" },        { .key = "by_user" },
				 { .key = "restarting" }, { .key = "restarts" },
				 { .key = "memory_max" }, { .key = "memory_peak" },
				 { .key = "started" },    { .key = "finished" },
				 { .key = "error" },      { .key = "biggest" },
				 { .key = "cause" } };
	auto_buf struct buf text = { 0 };
	int64_t cause;
	int r = pick_record(c, file, &text, p, ARRAY_LEN(p), err);

	if (r <= 0)
		return r;
	s->exit = (struct ctr_exit){
		.code = (int)json_text_int(p[CODE].v),
		.signal = (int)json_text_int(p[SIGNAL].v),
		.oom = json_text_is_true(p[OOM].v),
		.by_user = json_text_is_true(p[BY_USER].v),
		.restarting = json_text_is_true(p[AGAIN].v),
		.restarts = (uint32_t)json_text_int(p[RESTARTS].v),
		.memory_max = json_text_int(p[MAX].v),
		.memory_peak = json_text_int(p[PEAK].v),
		.started_ns = get_time(p[START].v),
		.finished_ns = get_time(p[END].v),
	};
	(void)json_text_copy(p[ERROR].v, s->exit.error, sizeof(s->exit.error));
	(void)json_text_copy(p[BIG].v, s->exit.biggest, sizeof(s->exit.biggest));
	cause = json_text_int(p[WHY].v);
	if (cause > 0 && cause < CTR_CAUSES)
		s->exit.cause = (enum ctr_cause)cause;
	return 1;
}

/* A file that cannot be read, not we who cannot read now */
static bool is_damage(int r)
{
	return r < 0 && r != -ENOMEM && r != -EMFILE && r != -ENFILE && r != -EINTR;
}

/* What is left to say when a record is there and cannot be read: that it ended or began, and when. */
static int64_t time_of(const struct ctr *c, const char *file)
{
	struct stat st;

	if (fstatat(c->dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static int without_exit(const struct ctr *c, struct ctr_state *s, const char *file,
			const struct rl_err *err)
{
	s->damaged = file;
	s->exit = (struct ctr_exit){ .code = 255,
				     .restarting = s->monitor != 0,
				     .finished_ns = time_of(c, file) };
	(void)snprintf(s->exit.error, sizeof(s->exit.error), "how it ended is not known: %.200s",
		       err->msg);
	return 1;
}

static int without_run(const struct ctr *c, struct ctr_state *s)
{
	s->damaged = "run.json";
	s->started_ns = time_of(c, s->damaged);
	return 1;
}

/* @ret_run, @ret_end: which of the two there are */
static int read_records(const struct ctr *c, struct ctr_state *s, bool *ret_run, bool *ret_end,
			struct rl_err *err)
{
	int end = read_exit(c, "exit.json", s, err), run;

	if (is_damage(end))
		end = without_exit(c, s, "exit.json", err);
	if (end < 0)
		return end;
	run = read_run(c, s, err);
	if (is_damage(run))
		run = without_run(c, s);
	if (run == 0 && end == 0) {
		end = read_exit(c, "exit.old", s, err);
		if (is_damage(end))
			end = without_exit(c, s, "exit.old", err);
		/* a start was cut short: the end before it stands; but not while it is under way */
		if (end > 0 && s->monitor != 0 && !s->exit.restarting) {
			s->exit = (struct ctr_exit){ 0 };
			end = 0;
		}
	}
	*ret_run = run > 0;
	*ret_end = end > 0;
	return run < 0 ? run : end < 0 ? end : 0;
}

/* One look; what is found may be of two moments. */
static int look(const struct ctr *c, struct ctr_state *s, struct rl_err *err)
{
	bool run, end;
	int r;

	*s = (struct ctr_state){ .status = CTR_CREATED };
	s->monitor = c->lock_fd < 0 ? 0 : io_lock_holder(c->lock_fd);
	r = read_records(c, s, &run, &end, err);
	if (r < 0)
		return r;
	if (end) { /* each start removes the last end, so this one is of the last run */
		s->status = s->exit.restarting && s->monitor != 0 ? CTR_RESTARTING : CTR_EXITED;
		s->is_lost = s->exit.restarting && s->monitor == 0; /* in the pause before it */
		s->restarts = s->exit.restarts;
		s->pid = 0;
	} else if (s->monitor != 0) { /* negative: in another pid namespace */
		if (s->status != CTR_PAUSED)
			s->status = CTR_RUNNING;
		if (!run) /* it is starting */
			s->started_ns = wall_ns();
	} else if (run) {
		s->is_lost = true;
		s->status = CTR_EXITED;
		s->exit = (struct ctr_exit){ .code = 128 + SIGKILL,
					     .signal = SIGKILL,
					     .started_ns = s->started_ns,
					     .finished_ns = wall_ns() };
	}
	return 0;
}

int ctr_get_state(const struct ctr *c, struct ctr_state *ret, struct rl_err *err)
{
	struct ctr_state s;
	int r;

	/* a free lock, then a record of a run: it was started between the two, or lost its monitor */
	for (int i = 0; i < LOOKS_MAX; i++) {
		r = look(c, &s, err);
		if (r < 0)
			return r;
		if (!s.is_lost || c->lock_fd < 0 || io_lock_holder(c->lock_fd) == 0)
			break;
	}
	*ret = s;
	return 0;
}

int ctr_open_init(const struct ctr *c, pid_t pid)
{
	json_auto_t *run = NULL;
	struct rl_err ignored;
	char boot[37] = "";
	const char *was;
	int fd;

	if (pid <= 1 || json_read_file(c->dir_fd, "run.json", RECORD_MAX, &run, &ignored) < 0)
		return -ESRCH;
	was = json_string_value(json_object_get(run, "boot_id"));
	if (!was || proc_boot_id(boot) < 0 || strcmp(was, boot) != 0)
		return -ESRCH;
	fd = proc_pidfd_open(pid); /* pins it; then look whether it is the one */
	if (fd >= 0 &&
	    proc_start_time(pid) != json_integer_value(json_object_get(run, "start_time"))) {
		fd_close(fd);
		return -ESRCH;
	}
	return fd;
}

/* SIGKILL for what the monitor left. -ETIMEDOUT when it does not end. */
static int end_leftovers(const struct ctr *c, const struct ctr_state *s, int timeout_ms,
			 struct rl_err *err)
{
	auto_fd int pidfd = ctr_open_init(c, s->pid);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0) {
		(void)proc_pidfd_signal(pidfd, SIGKILL);
		if (poll(&p, 1, timeout_ms) == 0)
			return rl_fail(err, ETIMEDOUT, "process %d does not end after SIGKILL",
				       (int)s->pid);
	}
	if (s->cgroup[0])
		cgroup_heal(s->cgroup, c->id);
	return 0;
}

/* Under the flock. */
static int heal(const struct rl *rl, struct ctr *c, struct ctr_state *s, int timeout_ms,
		struct rl_err *err)
{
	struct ctr_exit x;
	struct rl_err lost;
	int r = ctr_get_state(c, s, err);

	if (r < 0 || !s->is_lost || !ctr_is_published(rl, c))
		return r;
	r = end_leftovers(c, s, timeout_ms, err);
	if (r < 0)
		return r;
	x = s->exit;
	if (!x.restarting) {
		x.finished_ns = wall_ns();
		x.cause = CTR_CAUSE_LOST;
	}
	x.restarting = false;
	io_drop_temporary(c->dir_fd);
	ctr_drop_socket(rl, c->id);
	if (ctr_write_exit(c, &x, true, &lost) < 0)
		log_debug("%s", lost.msg); /* a full disk: the next command tries again */
	if (!s->exit.restarting)           /* else it was told */
		events_ctr(rl, c, "died", &x);
	s->exit = x;
	s->is_lost = false;
	s->pid = 0;
	return 0;
}

int ctr_heal(const struct rl *rl, struct ctr *c, struct ctr_state *s, int timeout_ms,
	     struct rl_err *err)
{
	int r = c->lock_fd < 0 ? -EBUSY : ctr_enter(c, HEAL_ENTER_MS, err);

	/* without its lock file nobody can tell whether it runs: it is left alone */
	if (r < 0)
		return r == -EBUSY ? 0 : r; /* somebody else is at it */
	r = heal(rl, c, s, timeout_ms, err);
	ctr_leave(c);
	return r;
}
