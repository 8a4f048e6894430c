/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.c - `rl stats`: what containers use, once or again and again
 *
 * Theory of operation: each round lists the containers, reads what each uses (core/usage.h) and
 * prints a row. The CPU's percentage is that since the round before; in the first one, since the
 * container was started. What cannot be known is "--".
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "cmd/select.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/waiting.h"
#include "core/usage.h"

struct stats_opts {
	struct select_opts select; /* --latest; --all is about those that do not run */
	bool no_reset, no_stream, no_trunc;
	int64_t interval;
	const char *format;
};

static const struct opt stats_options[] = {
	OPT_BOOL('a', "all", struct stats_opts, select.all, "those that do not run as well"),
	OPT_STR(0, "format", struct stats_opts, format, "FORMAT", "json, or a Go template"),
	OPT_INT('i', "interval", struct stats_opts, interval, "SECONDS", "between two rounds (5)"),
	SELECT_LATEST(struct stats_opts, select),
	OPT_BOOL(0, "no-reset", struct stats_opts, no_reset, "do not clear the screen"),
	OPT_BOOL(0, "no-stream", struct stats_opts, no_stream, "print one round, and end"),
	OPT_BOOL(0, "no-trunc", struct stats_opts, no_trunc, "whole ids"),
	OPT_END,
};

/* CPU time of the round before */
struct before {
	char id[CTR_ID_LEN + 1];
	int64_t cpu_ns, at_ns;
};

struct stats {
	struct rl *rl;
	const struct stats_opts *o;
	struct before *v; /* owned */
	size_t n;
	bool any_runs;
};

/* --- one row ------------------------------------------------------------------------------ */

#define CELL 80

/* "1.2MB / 8.3GB"; a number that is not known is "--" */
static void two_sizes(char out[CELL], int64_t a, int64_t b)
{
	char x[FORMAT_TEXT_MAX] = "--", y[FORMAT_TEXT_MAX] = "--";

	if (a >= 0)
		format_size(x, a, 4, "");
	if (b >= 0)
		format_size(y, b, 4, "");
	(void)snprintf(out, CELL, "%s / %s", x, y);
}

static void percent(char out[CELL], int64_t part, int64_t of)
{
	if (part < 0 || of <= 0)
		(void)snprintf(out, CELL, "--");
	else
		(void)snprintf(out, CELL, "%.2f%%", (double)part * 100 / (double)of);
}

/* Since the round before, or since the start; remembers this one. */
static void cpu_percent(struct stats *x, const char *id, const struct usage *u, int64_t lived_ns,
			char out[CELL])
{
	struct before *b = NULL;

	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->v[i].id, id) == 0)
			b = &x->v[i];
	if (b && u->cpu_ns >= b->cpu_ns) /* else it was started again meanwhile */
		percent(out, u->cpu_ns - b->cpu_ns, u->at_ns - b->at_ns);
	else
		percent(out, u->cpu_ns, lived_ns);
	if (!b) {
		struct before *v = realloc(x->v, (x->n + 1) * sizeof(*v));

		if (!v)
			return; /* the next round shows the mean again */
		x->v = v;
		b = &x->v[x->n++];
		memcpy(b->id, id, sizeof(b->id));
	}
	b->cpu_ns = u->cpu_ns;
	b->at_ns = u->at_ns;
}

static json_t *row(struct stats *x, const struct ctr *c, const struct usage *u, int64_t lived_ns)
{
	char cpu[CELL] = "--", avg[CELL], mem[CELL], mem_p[CELL], net[CELL], disk[CELL];
	char time[FORMAT_TEXT_MAX] = "--", pids[FORMAT_TEXT_MAX] = "--", up[FORMAT_TEXT_MAX] = "--";

	two_sizes(mem, u->memory, u->memory_limit);
	two_sizes(net, u->net_in, u->net_out);
	two_sizes(disk, u->disk_in, u->disk_out);
	percent(mem_p, u->memory, u->memory_limit);
	percent(avg, u->cpu_ns, lived_ns);
	if (u->cpu_ns >= 0) {
		cpu_percent(x, c->id, u, lived_ns, cpu);
		format_duration(time, u->cpu_ns);
		format_duration(up, lived_ns);
	}
	if (u->pids >= 0)
		(void)snprintf(pids, sizeof(pids), "%lld", (long long)u->pids);
	return json_pack("{s:s%, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, "
			 "s:I, s:I, s:I, s:I}",
			 "id", c->id, (size_t)(x->o->no_trunc ? CTR_ID_LEN : 12), "name", c->name,
			 "cpu_time", time, "cpu_percent", cpu, "avg_cpu", avg, "mem_usage", mem,
			 "mem_percent", mem_p, "net_io", net, "block_io", disk, "pids", pids,
			 "UpTime", up, "CPUNano", (json_int_t)u->cpu_ns, "MemLimit",
			 (json_int_t)u->memory_limit, "NetInput", (json_int_t)u->net_in,
			 "NetOutput", (json_int_t)u->net_out, "BlockInput", (json_int_t)u->disk_in,
			 "BlockOutput", (json_int_t)u->disk_out, "MemUsageNumber",
			 (json_int_t)u->memory);
}

static void limit_memory(const struct ctr *c, struct usage *u)
{
	int64_t max = json_integer_value(
		json_object_get(json_object_get(c->record, "limits"), "memory_max"));

	if (max > 0 && max < u->memory_limit)
		u->memory_limit = max;
}

/* 0; 1 when it does not run and is not wanted then */
static int add(struct stats *x, struct ctr *c, bool idle_too, json_t *rows, struct rl_err *err)
{
	struct usage u = { -1, -1, -1, -1, -1, -1, -1, -1, 0 };
	const char *net = json_string_value(json_object_get(c->record, "net"));
	auto_fd int pin = FD_NONE;
	struct ctr_state s;
	int64_t lived = 0;
	int r = life_state(x->rl, c, &s, err);

	if (r < 0)
		return r;
	pin = ctr_open_init(c, s.pid);
	if (pin == -ESRCH) /* also when its number is a stranger's by now */
		s.pid = 0;
	if (s.pid > 0) {
		r = usage_read(&s, net && strcmp(net, "host") != 0, &u, err);
		lived = wall_ns() - s.started_ns;
		x->any_runs |= r == 0;
	}
	if (r == 0 && s.pid > 0 && !s.cgroup[0]) /* then its monitor keeps it (core/memwatch.h) */
		limit_memory(c, &u);
	if (s.pid <= 0 || r == -ESRCH) {
		if (!idle_too)
			return 1;
		r = 0;
	}
	if (r == 0)
		r = json_array_append_new(rows, row(x, c, &u, lived)) < 0 ? rl_oom(err) : 0;
	return r;
}

/* --- one round ---------------------------------------------------------------------------- */

/* Without names: all, of which those that do not run are left out unless asked for. */
static int round_of(struct stats *x, const struct strv *names, json_t *rows, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	const struct strv *v = names->n ? names : &ids;
	int r = names->n ? 0 : ctr_list(x->rl, &ids, err);

	x->any_runs = false;
	for (size_t i = 0; r >= 0 && i < v->n; i++) {
		struct ctr c;

		r = ctr_find(x->rl, v->v[i], &c, err);
		if (r < 0) {
			r = names->n ? r : 0; /* removed while we list */
			continue;
		}
		r = add(x, &c, x->o->select.all || names->n > 0, rows, err);
		ctr_done(&c);
	}
	return r < 0 ? r : 0;
}

static int rename_key(json_t *o, const char *from, const char *to)
{
	return json_object_set(o, to, json_object_get(o, from));
}

/* "1.43MiB": binary units, four digits */
static void binary_size(char out[FORMAT_TEXT_MAX], json_int_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t u = 0;

	for (; v >= 1024 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1024;
	(void)snprintf(out, FORMAT_TEXT_MAX, "%.4g%s", v, units[u]);
}

/* The fields of templates beside the keys of JSON */
static int for_template(json_t *o)
{
	char used[FORMAT_TEXT_MAX], limit[FORMAT_TEXT_MAX];
	static const char *const names[][2] = {
		{ "id", "ID" },
		{ "id", "ContainerID" },
		{ "id", "Container" },
		{ "name", "Name" },
		{ "cpu_percent", "CPUPerc" },
		{ "cpu_percent", "CPU" },
		{ "avg_cpu", "AvgCPU" },
		{ "cpu_time", "CPUTime" },
		{ "mem_usage", "MemUsage" },
		{ "mem_percent", "MemPerc" },
		{ "net_io", "NetIO" },
		{ "block_io", "BlockIO" },
		{ "pids", "PIDs" },
	};
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		bad |= rename_key(o, names[i][0], names[i][1]);
	binary_size(used, json_integer_value(json_object_get(o, "MemUsageNumber")));
	binary_size(limit, json_integer_value(json_object_get(o, "MemLimit")));
	bad |= json_object_set_new(o, "MemUsageBytes", json_sprintf("%s / %s", used, limit));
	return bad;
}

static int for_json(json_t *o)
{
	static const char *const inner[] = { "UpTime",      "CPUNano",       "MemLimit",
					     "NetInput",    "NetOutput",     "BlockInput",
					     "BlockOutput", "MemUsageNumber" };

	for (size_t i = 0; i < ARRAY_LEN(inner); i++)
		(void)json_object_del(o, inner[i]); /* it is there */
	return 0;
}

static json_t *headers(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "CPUPerc", "CPU %",
			 "MemUsage", "MEM USAGE / LIMIT", "MemUsageBytes", "MEM USAGE / LIMIT",
			 "MemPerc", "MEM %", "NetIO", "NET IO", "BlockIO", "BLOCK IO", "CPUTime",
			 "CPU TIME", "AvgCPU", "AVG CPU %", "PIDs", "PIDS", "ContainerID",
			 "CONTAINER ID");
}

static int print(const struct stats_opts *o, json_t *rows, struct rl_err *err)
{
	static const char usual[] =
		"table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"
		"{{.BlockIO}}\t{{.PIDs}}\t{{.CPUTime}}\t{{.AvgCPU}}";
	bool as_json = format_is_json(o->format),
	     screen = !o->no_stream && !o->no_reset && !as_json;
	json_auto_t *heads = headers();
	const struct format f = { .text = format_asked(o->format) ? o->format : usual,
				  .headers = heads };
	auto_buf struct buf out = { 0 };
	json_t *j;
	size_t i;
	int r = heads ? 0 : rl_oom(err);

	json_array_foreach (rows, i, j) {
		if (r == 0 && (as_json ? for_json(j) : for_template(j)) < 0)
			r = rl_oom(err);
	}
	if (r == 0)
		r = as_json ? format_json(rows, &out, err) : format_rows(&f, rows, &out, err);
	if (r == 0 && screen && isatty(STDOUT_FILENO) &&
	    io_write_all(STDOUT_FILENO, "\033[H\033[2J", 7) < 0)
		r = rl_fail(err, EIO, "write to stdout");
	return r < 0 ? r : format_print(&out, err);
}

static int stats(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct stats_opts *o = opts;
	struct select_opts named = { .latest = o->select.latest };
	struct stats x = { .rl = rl, .o = o };
	auto_strv struct strv names = { 0 };
	auto_waiting struct waiting w = { 0 };
	int r = 0;

	if (o->interval < 1 || o->interval > INT32_MAX / 1000)
		return rl_fail(err, EINVAL, "--interval %lld: at least one second",
			       (long long)o->interval);
	if (o->select.all && (args->n > 0 || o->select.latest))
		return rl_fail(err, EINVAL, "--all, --latest and names exclude each other");
	if (args->n > 0 || o->select.latest)
		r = select_containers(rl, "stats", args, &named, SELECT_ANY, &names, err);
	if (!o->no_stream)
		waiting_begin(&w, "the next look in %lld s, until ctrl-c", (long long)o->interval);
	while (r == 0) {
		json_auto_t *rows = json_array();

		r = rows ? round_of(&x, &names, rows, err) : rl_oom(err);
		if (r == 0)
			r = print(o, rows, err);
		if (r < 0 || o->no_stream || (names.n > 0 && !x.any_runs))
			break; /* those that were named have all ended */
		(void)poll(NULL, 0, (int)o->interval * 1000); /* a signal ends rl */
	}
	free(x.v);
	return r;
}

const struct cmd cmd_stats = {
	.name = "stats",
	.args = "[CONTAINER...]",
	.summary = "Show what containers use",
	.about = "Shows CPU, memory, network and disk use of running containers, again every "
		 "five seconds. The first CPU % is the mean since the start, the next ones are since "
		 "the round before.\n\n"
		 "Numbers come from the container's cgroup. Where it has none, those of its "
		 "processes are added up; what cannot be known is '--'.",
	.examples = {
		{ "rl stats --no-stream",
		  "One look at all running containers." },
		{ "rl stats --format '{{.Name}} {{.MemUsage}}' web",
		  "Memory of 'web', every five seconds." },
	},
	.options = stats_options,
	.defaults = &(const struct stats_opts){ .interval = 5 },
	.opts_size = sizeof(struct stats_opts),
	.max_args = CMD_ANY,
	.run = stats,
	.completes = "running",
};
