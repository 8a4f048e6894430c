/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top.c - `rl top`: the processes of a running container
 *
 * Theory of operation: nothing runs in the container, so images without a ps work as well as
 * others, and a container that is paused or short of memory answers too. The list comes from its
 * cgroup or its user namespace, the rest from the host's /proc (core/procs.h); names of users from
 * the container's own files, which are HOSTILE and read as such (cmd/engine/userdb.h).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/engine/userdb.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "cmd/top_columns.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

struct top_opts {
	struct select_opts select; /* --latest */
};

static const struct opt top_options[] = {
	SELECT_LATEST(struct top_opts, select),
	OPT_END,
};

/* /proc/PID/uid_map of the first process: container to host */
static int read_map(pid_t init, const char *file, struct idmap *ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	char path[48];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)init, file);
	r = io_read_file(AT_FDCWD, path, 65536, &b, err);
	if (r == -ENOENT || r == -ESRCH)
		return rl_fail(err, ESRCH, "it has just ended");
	if (r == 0 && (!b.data || idmap_parse(b.data, ret) < 0))
		r = rl_fail(err, EINVAL, "'%s' is not an id map", path);
	return r;
}

/* Without these files, or with damaged ones, ids stay numbers. */
static void read_names(pid_t init, struct top_ctx *x)
{
	auto_fd int root = FD_NONE;
	struct rl_err err;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)init);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	if (userdb_read(&root, 1, "etc", "passwd", &x->passwd, &err) < 0)
		log_debug("%s", err.msg);
	if (userdb_read(&root, 1, "etc", "group", &x->group, &err) < 0)
		log_debug("%s", err.msg);
}

static int gather(const struct ctr_state *s, struct top_ctx *x, struct top_proc **ret,
		  struct rl_err *err)
{
	auto_procs struct procs list = { 0 };
	struct sysinfo info = { 0 };
	struct procinfo init;
	struct top_proc *v;
	int r = read_map(s->pid, "uid_map", &x->uids, err);

	if (r == 0)
		r = read_map(s->pid, "gid_map", &x->gids, err);
	if (r == 0)
		r = procs_list(s->pid, s->cgroup, &list, err);
	if (r == -ESRCH || (r == 0 && procinfo_read(s->pid, &init) < 0))
		r = rl_fail(err, ESRCH, "it has just ended");
	if (r < 0)
		return r;
	read_names(s->pid, x);
	(void)sysinfo(&info);
	x->level = init.levels - 1; /* it lives in the container's namespace and no deeper */
	x->hz = procs_hz();
	x->uptime = procs_uptime_ticks();
	x->now_ns = wall_ns();
	x->memory = (int64_t)((uint64_t)info.totalram * info.mem_unit / 1024);
	v = calloc(list.n + 1, sizeof(*v));
	if (!v)
		return rl_oom(err);
	for (size_t i = 0; i < list.n; i++) {
		v[x->n].hpid = list.v[i];
		x->n += procinfo_read(list.v[i], &v[x->n].p) == 0;
	}
	x->all = *ret = v;
	return 0;
}

static int make_table(const struct top_ctx *x, const struct top_column *const *columns,
		      const struct strv *headers, struct buf *out)
{
	auto_table struct table t = { .columns = headers->n };
	int r = strv_copy(&t.cells, headers);

	for (size_t i = 0; r == 0 && i < x->n; i++) {
		for (size_t k = 0; r == 0 && columns[k]; k++) {
			auto_buf struct buf cell = { 0 };

			r = columns[k]->print(x, &x->all[i], &cell);
			if (r == 0)
				r = table_add(&t, cell.data ? cell.data : "");
		}
	}
	return r < 0 ? r : table_print(&t, out);
}

static int show(struct rl *rl, struct ctr *c, const char *const *words, size_t n,
		struct rl_err *err)
{
	auto_free const struct top_column **columns = NULL;
	auto_strv struct strv headers = { 0 };
	auto_buf struct buf out = { 0 };
	auto_free struct top_proc *all = NULL;
	struct top_ctx x = { 0 };
	auto_fd int pin = FD_NONE;
	struct ctr_state s = { 0 };
	int r = top_parse(words, n, &columns, &headers, err);

	if (r == 0)
		r = life_state(rl, c, &s, err);
	if (r == 0 && s.pid <= 0)
		r = rl_fail(err, EINVAL, "top can only be used on running containers");
	pin = r == 0 ? ctr_open_init(c, s.pid) : FD_NONE;
	if (r == 0 && pin == -ESRCH) /* its number may be a stranger's by now */
		r = rl_fail(err, ESRCH, "it has just ended");
	if (r == 0)
		r = gather(&s, &x, &all, err);
	if (r == 0 && make_table(&x, columns, &headers, &out) < 0)
		r = rl_oom(err);
	buf_done(&x.passwd);
	buf_done(&x.group);
	return r < 0 ? r : format_print(&out, err);
}

static int top(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct top_opts *o = opts;
	size_t first = o->select.latest ? 0 : 1;
	const struct cmd_args name = { .v = args->v, .n = args->n < first ? 0 : first };
	auto_strv struct strv names = { 0 };
	struct ctr c;
	int r = select_containers(rl, "top", &name, &o->select, SELECT_ANY, &names, err);

	if (r == 0)
		r = ctr_find(rl, names.v[0], &c, err);
	if (r < 0)
		return r;
	r = show(rl, &c, args->v + first, args->n - first, err);
	if (r < 0)
		rl_wrap(err, "top '%s'", c.name);
	ctr_done(&c);
	return r;
}

const struct cmd cmd_top = {
	.name = "top",
	.args = "CONTAINER [COLUMN...]",
	.summary = "List the processes of a container",
	.about = "Lists all processes of a running container, those of 'rl exec' and of containers "
		 "inside it as well. Nothing is run in the container.\n\n"
		 "Columns are names such as pid, hpid (the host's number), user, huser, group, pcpu, "
		 "rss, state, capeff, seccomp, args; the AIX codes of ps(1) (%p, %U, ...) work too. "
		 "Options of ps(1) are understood instead: aux, -ef, -o pid,args.",
	.examples = {
		{ "rl top web",
		  "List the processes of 'web'." },
		{ "rl top web pid hpid user huser args",
		  "Numbers and users inside the container and on the host." },
		{ "rl top web aux",
		  "The columns that ps aux has." },
	},
	.options = top_options,
	.opts_size = sizeof(struct top_opts),
	.max_args = CMD_ANY,
	.stop_early = true,
	.run = top,
	.completes = "running",
};
