/* SPDX-License-Identifier: Apache-2.0 */
/* top_columns.c - Podman's columns of `rl top`, and the choice; the header is the manual */
#include "config.h"

#include "cmd/top_columns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/engine/userdb.h"
#include "cmd/top_ps.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/capname.h"

#define COLUMNS_MAX 128

/* --- pieces that both families use -------------------------------------------------------- */

static pid_t top_pid(const struct top_ctx *x, const struct top_proc *p)
{
	return x->level < p->p.levels ? p->p.nspid[x->level] : 0;
}

/* The parent may be outside the container: 0, as the container sees it. */
static pid_t top_ppid(const struct top_ctx *x, const struct top_proc *p)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->all[i].hpid == p->p.ppid)
			return top_pid(x, &x->all[i]);
	return 0;
}

static int name_of(const struct buf *file, const struct idmap *map, uint32_t id, struct buf *out)
{
	int64_t inside = idmap_to_inside(map, id);
	auto_free char *name = NULL;

	if (inside < 0) /* joined from outside */
		return buf_printf(out, "?");
	name = userdb_name_of(file, (uint32_t)inside);
	return name ? buf_str(out, name) : buf_printf(out, "%lld", (long long)inside);
}

int top_user(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return name_of(&x->passwd, &x->uids, p->p.euid, out);
}

int top_ruser(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return name_of(&x->passwd, &x->uids, p->p.uid, out);
}

int top_group(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return name_of(&x->group, &x->gids, p->p.egid, out);
}

int top_rgroup(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return name_of(&x->group, &x->gids, p->p.gid, out);
}

int top_pid_text(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%d", (int)top_pid(x, p));
}

int top_ppid_text(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%d", (int)top_ppid(x, p));
}

int top_pgid(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%d",
			  x->level < p->p.levels ? (int)p->p.nspgid[x->level] : (int)p->p.pgrp);
}

int top_tty(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	unsigned t = p->p.tty, major = t >> 8 & 0xfff;
	unsigned minor = (t & 0xff) | (t >> 12 & 0xfff00);

	(void)x;
	if (major >= 136 && major <= 143) /* devices.txt: Unix98 pseudo-terminals */
		return buf_printf(out, "pts/%u", (major - 136) * 256 + minor);
	return major == 4 && minor < 64 ? buf_printf(out, "tty%u", minor) : buf_str(out, "?");
}

int top_args(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	size_t from = out->len;
	int r = procinfo_args(p->hpid, &p->p, out);

	(void)x;
	if (r == -ESRCH) /* ended just now */
		r = buf_printf(out, "[%s]", p->p.comm);
	for (size_t i = from; r == 0 && i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = ' '; /* would break the row */
	return r;
}

int top_comm(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	size_t from = out->len;
	int r = buf_str(out, p->p.comm);

	(void)x;
	for (size_t i = from; r == 0 && i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = '?';
	return r;
}

int top_nice(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%lld", (long long)p->p.nice);
}

int top_rss(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%lld", (long long)p->p.rss);
}

int top_vsz(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%lld", (long long)(p->p.vsz / 1024));
}

int top_state(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_add(out, &p->p.state, 1);
}

double top_cpu(const struct top_ctx *x, const struct top_proc *p)
{
	int64_t used = p->p.utime + p->p.stime, lived = x->uptime - p->p.start;

	return lived > 0 ? (double)used * 100 / (double)lived : 0;
}

/* --- Podman's own ------------------------------------------------------------------------- */

static int hpid(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%d", (int)p->hpid);
}

static int huser(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%u", p->p.euid);
}

static int hgroup(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%u", p->p.egid);
}

static int groups(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	int r = p->p.n_groups == 0 ? top_group(x, p, out) : 0;

	for (size_t i = 0; r == 0 && i < p->p.n_groups; i++) {
		r = i ? buf_str(out, ",") : 0;
		if (r == 0)
			r = name_of(&x->group, &x->gids, p->p.groups[i], out);
	}
	return r;
}

static int hgroups(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	int r = p->p.n_groups == 0 ? hgroup(x, p, out) : 0;

	for (size_t i = 0; r == 0 && i < p->p.n_groups; i++)
		r = buf_printf(out, "%s%u", i ? "," : "", p->p.groups[i]);
	return r;
}

static int ticks(const struct top_ctx *x, int64_t n, struct buf *out)
{
	char text[FORMAT_TEXT_MAX];

	format_duration(text, n * (1000000000 / x->hz));
	return buf_str(out, text);
}

static int etime(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return ticks(x, x->uptime - p->p.start, out);
}

static int cputime(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return ticks(x, p->p.utime + p->p.stime, out);
}

static int pcpu(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%.3f", top_cpu(x, p));
}

static int stime(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	time_t t = (time_t)(x->now_ns / 1000000000 - (x->uptime - p->p.start) / x->hz);
	struct tm tm;
	char text[64];

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm))
		return buf_str(out, "?");
	return buf_str(out, text);
}

static int label(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;
	char path[64];

	(void)x;
	(void)snprintf(path, sizeof(path), "/proc/%d/attr/current", (int)p->hpid);
	if (io_read_file(AT_FDCWD, path, 4096, &b, &ignored) < 0 || b.len == 0)
		return buf_str(out, "?");
	b.data[strcspn(b.data, "\n")] = '\0';
	return buf_str(out, *b.data ? b.data : "?");
}

static int seccomp(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	static const char *const modes[] = { "disabled", "strict", "filter" };

	(void)x;
	return buf_str(out, p->p.seccomp >= 0 && p->p.seccomp < 3 ? modes[p->p.seccomp] : "?");
}

static int caps(uint64_t set, struct buf *out)
{
	uint64_t all = capname_all();
	int r = 0, n = 0;

	if (set == 0 || (set & all) == all)
		return buf_str(out, set ? "full" : "none");
	for (unsigned i = 0; r == 0 && i < 64; i++) {
		const char *name = set >> i & 1 ? capname_of(i) : NULL;

		if (name)
			r = buf_printf(out, "%s%s", n++ ? "," : "", name + strlen("CAP_"));
	}
	return r;
}

#define CAP_COLUMN(fn, which)                                                             \
	static int fn(const struct top_ctx *x, const struct top_proc *p, struct buf *out) \
	{                                                                                 \
		(void)x;                                                                  \
		return caps(p->p.caps[which], out);                                       \
	}
CAP_COLUMN(capamb, PROCS_AMB)
CAP_COLUMN(capbnd, PROCS_BND)
CAP_COLUMN(capeff, PROCS_EFF)
CAP_COLUMN(capinh, PROCS_INH)
CAP_COLUMN(capprm, PROCS_PRM)

/* Names, codes and headers: podman-top(1). */
static const struct top_column columns[] = {
	{ "args", "%a", "COMMAND", top_args },
	{ "capamb", NULL, "AMBIENT CAPS", capamb },
	{ "capbnd", NULL, "BOUNDING CAPS", capbnd },
	{ "capeff", NULL, "EFFECTIVE CAPS", capeff },
	{ "capinh", NULL, "INHERITED CAPS", capinh },
	{ "capprm", NULL, "PERMITTED CAPS", capprm },
	{ "comm", "%c", "COMMAND", top_comm },
	{ "etime", "%t", "ELAPSED", etime },
	{ "group", "%G", "GROUP", top_group },
	{ "groups", NULL, "GROUPS", groups },
	{ "hgroup", NULL, "HGROUP", hgroup },
	{ "hgroups", NULL, "HGROUPS", hgroups },
	{ "hpid", NULL, "HPID", hpid },
	{ "huser", NULL, "HUSER", huser },
	{ "label", NULL, "LABEL", label },
	{ "nice", "%n", "NI", top_nice },
	{ "pcpu", "%C", "%CPU", pcpu },
	{ "pgid", "%r", "PGID", top_pgid },
	{ "pid", "%p", "PID", top_pid_text },
	{ "ppid", "%P", "PPID", top_ppid_text },
	{ "rgroup", "%g", "RGROUP", top_rgroup },
	{ "rss", NULL, "RSS", top_rss },
	{ "ruser", "%u", "RUSER", top_ruser },
	{ "seccomp", NULL, "SECCOMP", seccomp },
	{ "state", NULL, "STATE", top_state },
	{ "stime", NULL, "STIME", stime },
	{ "time", "%x", "TIME", cputime },
	{ "tty", "%y", "TTY", top_tty },
	{ "user", "%U", "USER", top_user },
	{ "vsz", "%z", "VSZ", top_vsz },
};

/* Names for messages and help: "args, capamb, ..." */
static int top_names(struct buf *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(columns); i++)
		r = buf_printf(out, "%s%s", i ? ", " : "", columns[i].name);
	return r;
}

/* --- the choice --------------------------------------------------------------------------- */

static const struct top_column *find(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (strcmp(word, columns[i].name) == 0 ||
		    (columns[i].code && strcmp(word, columns[i].code) == 0))
			return &columns[i];
	return NULL;
}

static int take(const struct strv *words, const struct top_column **v, struct strv *headers,
		struct rl_err *err)
{
	if (words->n >= COLUMNS_MAX)
		return rl_fail(err, E2BIG, "more than %d columns", COLUMNS_MAX - 1);
	for (size_t i = 0; i < words->n; i++) {
		v[i] = find(words->v[i]);
		if (strv_add(headers, v[i]->header) < 0)
			return rl_oom(err);
	}
	v[words->n] = NULL;
	return 0;
}

static int unknown(const char *word, struct rl_err *err)
{
	auto_buf struct buf names = { 0 };

	rl_fail(err, EINVAL, "unknown descriptor '%s'", word);
	return top_names(&names) < 0
		       ? rl_oom(err)
		       : rl_hint(err, "%s; or options of ps(1): -ef, aux, -o pid,args", names.data);
}

int top_parse(const char *const *words, size_t n, const struct top_column ***ret,
	      struct strv *headers, struct rl_err *err)
{
	static const char *const usual[] = { "user",  "pid", "ppid", "pcpu",
					     "etime", "tty", "time", "args" };
	auto_free const struct top_column **v = calloc(COLUMNS_MAX, sizeof(struct top_column *));
	auto_strv struct strv split = { 0 };
	const char *bad = NULL;
	int r = v ? 0 : -ENOMEM;

	if (n == 0) {
		words = usual;
		n = ARRAY_LEN(usual);
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = strv_split(&split, words[i], ',');
	if (r < 0)
		return rl_oom(err);
	for (size_t i = 0; i < split.n && !bad; i++)
		if (!find(split.v[i]))
			bad = split.v[i];
	if (!bad)
		r = take(&split, v, headers, err);
	else if (top_ps_is_option(words[0]))
		r = top_ps_parse(words, n, v, COLUMNS_MAX, headers, err);
	else
		r = unknown(bad, err);
	if (r == 0)
		*ret = TAKE_PTR(v);
	return r;
}
