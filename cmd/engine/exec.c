/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.c - engine: one more process in a running container, and joining what runs in one
 *
 * Theory of operation: the container's monitor does it (core/exec.h); here the request is put
 * together. Only what differs from the container's own process is sent. Users are looked up in the
 * passwd and group that the container shows now, by our own parser and as the caller: nothing of
 * the container is executed or loaded for it (SECURITY S45).
 */
#include "config.h"

#include "cmd/engine/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/engine/container.h"
#include "cmd/engine/life.h"
#include "cmd/engine/spec_parts.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/proc.h"
#include "core/control.h"
#include "core/exec.h"
#include "core/exec_spec.h"
#include "core/relay.h"

/* --- user ---------------------------------------------------------------------------------- */

/* The passwd and group of the container as it is now. */
static int read_users(pid_t init, struct buf *passwd, struct buf *group, struct rl_err *err)
{
	auto_fd int root = FD_NONE;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)init);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return rl_fail_sys(err, errno, "look into the container");
	r = userdb_read(&root, 1, "etc", "passwd", passwd, err);
	return r < 0 ? r : userdb_read(&root, 1, "etc", "group", group, err);
}

static const char *home_of(const struct userdb_user *u)
{
	return u->has_entry && u->home[0] ? u->home : "/";
}

/*
 * HOME follows the user, unless somebody chose it: on this command line, or when the container was
 * made (then it is not the home of the container's user).
 */
static int choose_home(const struct spec *spec, const struct buf *passwd, const struct buf *group,
		       const struct userdb_user *user, struct strv *env, struct rl_err *err)
{
	auto_free char *entry = str_printf("HOME=%s", home_of(user));
	struct userdb_user own;
	char word[16];

	(void)snprintf(word, sizeof(word), "%u", (unsigned)spec->uid);
	if (userdb_resolve(word, passwd, group, &own, err) < 0)
		own = (struct userdb_user){ 0 };
	for (const char **e = spec->env; *e; e++)
		if (strncmp(*e, "HOME=", 5) == 0 && strcmp(*e + 5, home_of(&own)) != 0)
			return 0;
	if (!entry)
		return rl_oom(err);
	return strv_getenv(env, "HOME") ? 0 : strv_take(env, TAKE_PTR(entry));
}

static int choose_user(const struct rl *rl, struct ctr *c, const struct exec_req *req,
		       struct userdb_user *user, struct strv *env, struct rl_err *err)
{
	auto_buf struct buf passwd = { 0 }, group = { 0 };
	auto_fd int pin = FD_NONE;
	struct container full;
	struct ctr_state s;
	int r = life_state(rl, c, &s, err);

	if (r == 0 && s.status != CTR_RUNNING)
		r = life_not_running(c, s.status, err);
	pin = r == 0 ? ctr_open_init(c, s.pid) : FD_NONE;
	if (r == 0 && pin == -ESRCH) /* its number may be a stranger's by now */
		r = rl_fail(err, ESRCH, "it has just ended");
	if (r == 0)
		r = read_users(s.pid, &passwd, &group, err);
	if (r == 0)
		r = userdb_resolve(req->user, &passwd, &group, user, err);
	if (r == 0)
		r = engine_load(rl, c->id, false, &full, err);
	if (r < 0)
		return r;
	r = choose_home(&full.spec, &passwd, &group, user, env, err);
	container_done(&full);
	return r;
}

/* --- exec ---------------------------------------------------------------------------------- */

static int make_spec(const struct exec_req *req, const struct userdb_user *user,
		     const struct strv *env, struct buf *out, struct rl_err *err)
{
	struct exec_spec s = {
		.stdin_on = req->interactive && !req->detach,
		.terminal = req->tty,
		.detach = req->detach,
		.privileged = req->privileged,
		.has_user = req->user != NULL,
		.uid = user->uid,
		.gid = user->gid,
		.groups = user->groups,
		.n_groups = user->n_groups,
		.keep = req->keep,
		.n_keep = req->n_keep,
		.cwd = req->workdir,
		.args = (const char **)(uintptr_t)req->args,
		.n_args = req->n_args,
		.env = (const char **)(uintptr_t)env->v,
		.n_env = env->n,
	};

	if (req->workdir && req->workdir[0] != '/')
		return rl_fail(err, EINVAL, "'--workdir %s' is not an absolute path", req->workdir);
	if (req->tty)
		(void)relay_terminal_size(&s.rows, &s.cols); /* 0, 0 without one */
	return exec_spec_pack(&s, out, err);
}

static int to_memfd(const struct buf *b, struct rl_err *err)
{
	auto_fd int fd = (int)syscall(SYS_memfd_create, "rl-exec", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "memfd_create");
	r = io_write_all(fd, b->data, b->len);
	return r < 0 ? rl_fail_sys(err, -r, "write the request") : TAKE_FD(fd);
}

/* They wait in the socket until the supervisor takes them. */
static int send_kept(const struct exec_req *req, int sock, struct rl_err *err)
{
	for (size_t i = 0; i < req->n_keep; i += PROC_FDS_MAX) {
		size_t n = req->n_keep - i < PROC_FDS_MAX ? req->n_keep - i : PROC_FDS_MAX;
		int fds[PROC_FDS_MAX], r;

		for (size_t k = 0; k < n; k++)
			fds[k] = (int)req->keep[i + k];
		r = fd_send(sock, "k", 1, fds, n);
		if (r < 0)
			return rl_fail_sys(err, -r, "pass descriptors on");
	}
	return 0;
}

static int request(const struct exec_req *req, int control, const struct buf *spec, int pair[2],
		   struct exec_done *ret, struct rl_err *err)
{
	struct monitor_msg m = { .type = MONITOR_EXEC };
	auto_fd int memfd = to_memfd(spec, err);
	int r;

	if (memfd < 0)
		return memfd;
	rand_hex(ret->id, EXEC_ID_LEN / 2);
	memcpy(m.id, ret->id, sizeof(m.id));
	r = send_kept(req, pair[0], err);
	if (r == 0)
		r = control_call_fds(control, &m, (const int[]){ memfd, pair[1] }, 2, err);
	fd_close(TAKE_FD(pair[1])); /* or we would not see the other end go */
	return r;
}

static int stay(const struct exec_req *req, int sock, struct exec_done *ret, struct rl_err *err)
{
	const struct relay relay = {
		.kind = RELAY_EXEC,
		.control = FD_NONE,
		.attach = sock,
		.stdin_on = req->interactive,
		.terminal = req->tty,
		.pipeline = true,
		.keys = req->keys,
	};
	struct relay_end end = { 0 };
	int r = req->detach ? relay_wait_started(&relay, err) : relay_run(&relay, &end, err);

	ret->code = end.how == RELAY_SIGNALLED ? 128 + end.signal : end.exit.code;
	return r;
}

static int exec_in(const struct rl *rl, struct ctr *c, const struct exec_req *req,
		   struct exec_done *ret, struct rl_err *err)
{
	auto_strv struct strv env = { 0 };
	auto_buf struct buf spec = { 0 };
	struct userdb_user user = { 0 };
	auto_fd int control = FD_NONE;
	int pair[2], r = spec_env_words(&env, &req->env_file, &req->env, err);

	if (r == 0 && req->user)
		r = choose_user(rl, c, req, &user, &env, err);
	if (r == 0)
		r = make_spec(req, &user, &env, &spec, err);
	if (r == 0)
		r = control = life_reach(rl, c, err);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	r = life_lost(rl, c, request(req, control, &spec, pair, ret, err), err);
	fd_close(TAKE_FD(control)); /* others want to ask, too, however long this one runs */
	if (r == 0 && !req->detach)
		relay_block_signals(false); /* one that comes before it has the same effect */
	if (r == 0)
		r = stay(req, pair[0], ret, err);
	fd_close(pair[0]);
	fd_close(pair[1]);
	return r;
}

int engine_exec(const struct rl *rl, const struct exec_req *req, struct exec_done *ret,
		struct rl_err *err)
{
	struct ctr c;
	int r = ctr_find(rl, req->container, &c, err);

	if (r < 0)
		return r;
	r = exec_in(rl, &c, req, ret, err);
	if (r == -ESRCH && !err->exit_code)
		err->exit_code = EXEC_NOT_RUNNING;
	ctr_done(&c);
	return r;
}

/* --- attach -------------------------------------------------------------------------------- */

static int attach_to(const struct rl *rl, struct container *c, int control,
		     const struct attach_req *req, int *ret_code, struct rl_err *err)
{
	const struct monitor_msg m = { .type = MONITOR_ATTACH };
	struct relay relay = {
		.kind = RELAY_ATTACH,
		.control = control,
		.stdin_on = c->interactive && !req->no_stdin,
		.terminal = c->tty,
		.sig_proxy = req->sig_proxy,
		.keys = req->keys,
	};
	struct relay_end end = { 0 };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rl_fail_sys(err, errno, "socketpair");
	r = life_lost(rl, &c->ctr, control_call(control, &m, pair[1], err), err);
	if (r == 0)
		relay_block_signals(req->sig_proxy); /* before that they are ours */
	fd_close(pair[1]);
	relay.attach = pair[0];
	if (r == 0)
		r = relay_run(&relay, &end, err);
	fd_close(pair[0]);
	*ret_code = end.how == RELAY_SIGNALLED ? 128 + end.signal : end.exit.code;
	return r;
}

int engine_attach(const struct rl *rl, const struct attach_req *req, int *ret_code,
		  struct rl_err *err)
{
	auto_fd int control = FD_NONE;
	struct container c;
	struct ctr_state s;
	int r = engine_load(rl, req->container, false, &c, err);

	if (r < 0)
		return r;
	r = life_state(rl, &c.ctr, &s, err);
	if (r == 0 && s.status != CTR_RUNNING)
		r = life_not_running(&c.ctr, s.status, err);
	if (r == 0)
		r = control = life_reach(rl, &c.ctr, err);
	if (r >= 0)
		r = attach_to(rl, &c, control, req, ret_code, err);
	container_done(&c);
	return r;
}
