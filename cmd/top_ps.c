/* SPDX-License-Identifier: Apache-2.0 */
/* top_ps.c - the columns of ps(1) for `rl top`; the header is the manual. Source: ps(1). */
#include "config.h"

#include "cmd/top_ps.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/base/cleanup.h"

static int number_of(const struct idmap *m, uint32_t id, struct buf *out)
{
	int64_t inside = idmap_to_inside(m, id);

	return inside < 0 ? buf_str(out, "?") : buf_printf(out, "%lld", (long long)inside);
}

static int uid(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return number_of(&x->uids, p->p.euid, out);
}

static int gid(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return number_of(&x->gids, p->p.egid, out);
}

static int c(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%.0f", top_cpu(x, p));
}

static int pcpu(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%.1f", top_cpu(x, p));
}

static int pmem(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%.1f",
			  x->memory > 0 ? (double)p->p.rss * 100 / (double)x->memory : 0.0);
}

/* Today "16:28", this year "Nov22", else the year, in the user's time zone */
static int start(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	time_t now = (time_t)(x->now_ns / 1000000000);
	time_t t = now - (time_t)((x->uptime - p->p.start) / x->hz);
	struct tm then, today;
	char text[32];

	if (!localtime_r(&t, &then) || !localtime_r(&now, &today) ||
	    !strftime(text, sizeof(text),
		      then.tm_year != today.tm_year   ? "%Y"
		      : then.tm_yday != today.tm_yday ? "%b%d"
						      : "%H:%M",
		      &then))
		return buf_str(out, "?");
	return buf_str(out, text);
}

static int64_t used_s(const struct top_ctx *x, const struct top_proc *p)
{
	return (p->p.utime + p->p.stime) / x->hz;
}

static int cputime(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	int64_t s = used_s(x, p);
	int r = s >= 86400 ? buf_printf(out, "%lld-", (long long)(s / 86400)) : 0;

	return r < 0 ? r
		     : buf_printf(out, "%02d:%02d:%02d", (int)(s / 3600 % 24), (int)(s / 60 % 60),
				  (int)(s % 60));
}

static int bsdtime(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	int64_t s = used_s(x, p);

	return buf_printf(out, "%lld:%02d", (long long)(s / 60), (int)(s % 60));
}

static int etimes(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	return buf_printf(out, "%lld", (long long)((x->uptime - p->p.start) / x->hz));
}

static int etime(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	int64_t s = (x->uptime - p->p.start) / x->hz;
	int r = s >= 86400 ? buf_printf(out, "%lld-", (long long)(s / 86400)) : 0;

	if (r == 0 && s >= 3600)
		r = buf_printf(out, "%02d:", (int)(s / 3600 % 24));
	return r < 0 ? r : buf_printf(out, "%02d:%02d", (int)(s / 60 % 60), (int)(s % 60));
}

/* "Ss+": state, then high or low priority, session leader, threads, foreground */
static int stat(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%c%s%s%s%s", p->p.state,
			  p->p.nice < 0   ? "<"
			  : p->p.nice > 0 ? "N"
					  : "",
			  p->p.session == p->hpid ? "s" : "", p->p.threads > 1 ? "l" : "",
			  p->p.tpgid > 0 && p->p.tpgid == p->p.pgrp ? "+" : "");
}

static int threads(const struct top_ctx *x, const struct top_proc *p, struct buf *out)
{
	(void)x;
	return buf_printf(out, "%lld", (long long)p->p.threads);
}

static const struct top_column columns[] = {
	{ "%cpu", NULL, "%CPU", pcpu },
	{ "%mem", NULL, "%MEM", pmem },
	{ "args", NULL, "COMMAND", top_args },
	{ "bsdstart", NULL, "START", start },
	{ "bsdtime", NULL, "TIME", bsdtime },
	{ "c", NULL, "C", c },
	{ "cmd", NULL, "CMD", top_args },
	{ "comm", NULL, "COMMAND", top_comm },
	{ "command", NULL, "COMMAND", top_args },
	{ "cputime", NULL, "TIME", cputime },
	{ "egid", NULL, "EGID", gid },
	{ "egroup", NULL, "EGROUP", top_group },
	{ "etime", NULL, "ELAPSED", etime },
	{ "etimes", NULL, "ELAPSED", etimes },
	{ "euid", NULL, "EUID", uid },
	{ "euser", NULL, "EUSER", top_user },
	{ "gid", NULL, "GID", gid },
	{ "group", NULL, "GROUP", top_group },
	{ "ni", NULL, "NI", top_nice },
	{ "nice", NULL, "NI", top_nice },
	{ "nlwp", NULL, "NLWP", threads },
	{ "pcpu", NULL, "%CPU", pcpu },
	{ "pgid", NULL, "PGID", top_pgid },
	{ "pid", NULL, "PID", top_pid_text },
	{ "pmem", NULL, "%MEM", pmem },
	{ "ppid", NULL, "PPID", top_ppid_text },
	{ "rgroup", NULL, "RGROUP", top_rgroup },
	{ "rss", NULL, "RSS", top_rss },
	{ "ruser", NULL, "RUSER", top_ruser },
	{ "s", NULL, "S", top_state },
	{ "start", NULL, "STARTED", start },
	{ "stat", NULL, "STAT", stat },
	{ "state", NULL, "S", top_state },
	{ "stime", NULL, "STIME", start },
	{ "time", NULL, "TIME", cputime },
	{ "tname", NULL, "TTY", top_tty },
	{ "tt", NULL, "TT", top_tty },
	{ "tty", NULL, "TT", top_tty },
	{ "ucmd", NULL, "CMD", top_comm },
	{ "uid", NULL, "UID", uid },
	{ "uname", NULL, "USER", top_user },
	{ "user", NULL, "USER", top_user },
	{ "vsz", NULL, "VSZ", top_vsz },
};

/* "name" or "name=HEADER" */
static int add(const char *word, const struct top_column **v, size_t room, struct strv *headers,
	       struct rl_err *err)
{
	size_t n = strcspn(word, "=");

	if (headers->n + 1 >= room)
		return rl_fail(err, E2BIG, "more than %zu columns", room - 1);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const char *header = word[n] ? word + n + 1 : columns[i].header;

		if (strlen(columns[i].name) != n || strncmp(columns[i].name, word, n) != 0)
			continue;
		v[headers->n] = &columns[i];
		return strv_add(headers, header) < 0 ? rl_oom(err) : 0;
	}
	return rl_fail(err, EINVAL, "ps has no column '%s' here", word);
}

/* Names apart by commas or blanks; there may be blanks in a header of one's own. */
static int add_list(const char *list, const struct top_column **v, size_t room,
		    struct strv *headers, struct rl_err *err)
{
	int r = 0;

	while (r == 0 && *list) {
		size_t n = strcspn(list, ", ");
		auto_free char *word = NULL;

		if (memchr(list, '=', n))
			n = strcspn(list, ",");
		word = strndup(list, n);
		r = !word ? rl_oom(err) : *word ? add(word, v, room, headers, err) : 0;
		list += n + (list[n] != '\0');
	}
	return r;
}

bool top_ps_is_option(const char *word)
{
	size_t n = strspn(word, "aefuxwl");

	return word[0] == '-' || (*word && strcmp(word + n, word[n] == 'o' ? "o" : "") == 0);
}

/* The letters of one word; @ret_set: what they ask to be shown; @ret_o: where a list starts. */
static int letters(const char *word, const char **ret_set, const char **ret_o, struct rl_err *err)
{
	bool bsd = *word != '-';

	for (const char *s = word + !bsd; *s; s++) {
		if (*s == 'o') {
			*ret_o = s + 1;
			return 0;
		}
		if (*s == 'f' && !bsd)
			*ret_set = "uname=UID,pid,ppid,c,stime,tname,cputime,cmd";
		else if (*s == 'F')
			*ret_set = "uname=UID,pid,ppid,c,vsz=SZ,rss,stime,tname,cputime,cmd";
		else if (*s == 'u' && bsd)
			*ret_set = "uname,pid,%cpu,%mem,vsz,rss,tname,stat,bsdstart,bsdtime,args";
		else if (*s == 'l')
			*ret_set = "s,uid,pid,ppid,c,ni,vsz=SZ,tname,cputime,ucmd";
		else if (!strchr(bsd ? "axwef" : "eAaw", *s))
			return rl_fail(err, EINVAL, "'%s': the ps option '%c' is not known here",
				       word, *s);
	}
	if (bsd && !*ret_set)
		*ret_set = "pid,tname,stat,bsdtime,args";
	return 0;
}

int top_ps_parse(const char *const *words, size_t n, const struct top_column **v, size_t room,
		 struct strv *headers, struct rl_err *err)
{
	const char *set = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *list = NULL;

		r = letters(words[i], &set, &list, err);
		if (r < 0 || !list)
			continue;
		if (!*list && ++i == n)
			return rl_fail(err, EINVAL, "'%s' needs a list of columns", words[i - 1]);
		r = add_list(*list ? list : words[i], v, room, headers, err);
	}
	if (r == 0 && headers->n == 0)
		r = add_list(set ? set : "pid,tname,cputime,ucmd", v, room, headers, err);
	if (r < 0)
		return rl_hint(err, "-ef, -eF, aux, ax, -e, or -eo with: %%cpu, %%mem, args, comm, "
				    "pid, ppid, rss, stat, time, tty, uid, user, vsz, ...");
	v[headers->n] = NULL;
	return 0;
}
