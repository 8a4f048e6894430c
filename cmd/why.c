/* SPDX-License-Identifier: Apache-2.0 */
/*
 * why.c - `rl why`: how a container ended, and what to do about it
 *
 * Theory of operation: all is read from what is on record: exit.json (code, signal, who ended it,
 * memory), start.error, health.json, the log's last lines. A report is one JSON object, which
 * --json prints and from which the text is made. Names, output and log are HOSTILE; printing
 * cleans them (cmd/format.h).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/ctr_view.h"
#include "cmd/engine/life.h"
#include "cmd/format.h"
#include "cmd/log_read.h"
#include "cmd/select.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/health.h"

#define LOG_LINES 5
#define TEXT_MAX  400

struct why_opts {
	struct select_opts select;
	bool json;
};

static const struct opt why_options[] = {
	SELECT_LATEST(struct why_opts, select),
	OPT_BOOL(0, "json", struct why_opts, json, "as JSON"),
	OPT_END,
};

struct why {
	const struct ctr *c;
	const struct ctr_state *s;
	char sentence[TEXT_MAX], hint[TEXT_MAX];
	const char *cause;
};

static void say(struct why *w, const char *cause, const char *hint)
{
	w->cause = cause;
	(void)snprintf(w->hint, sizeof(w->hint), "%s", hint);
}

/* --- causes ---------------------------------------------------------------------------------- */

/* Signals that say by themselves what went wrong. */
static const struct {
	int signo;
	const char *what, *hint;
} signals[] = {
	{ SIGSEGV, "it touched memory that is not its own: a defect of the program",
	  "look for a core file or a newer image" },
	{ SIGBUS,
	  "it touched memory that has no page behind it: a file that was cut, or a full "
	  "/dev/shm",
	  "with much shared memory: --shm-size 256m" },
	{ SIGILL, "it used an instruction that this processor does not have",
	  "the image may be for another or a newer processor: --platform" },
	{ SIGABRT, "it gave up by itself (abort)", "its last log lines tell why" },
	{ SIGFPE, "it computed something that has no result, such as a division by zero",
	  "its last log lines may tell where" },
	{ SIGSYS, "it made a system call that the seccomp filter forbids",
	  "for a try: --security-opt seccomp=unconfined" },
	{ SIGXFSZ, "it wrote a file above its own limit", "--ulimit fsize" },
	{ SIGXCPU, "it used more CPU time than its own limit", "--ulimit cpu" },
	{ SIGPIPE, "it wrote to somebody who had gone", "its last log lines may tell to whom" },
};

static void by_memory(struct why *w, const struct ctr_exit *x)
{
	(void)snprintf(w->sentence, sizeof(w->sentence),
		       "it ran out of memory: limit %.1f MiB, peak %.1f MiB%s%.48s",
		       (double)x->memory_max / 1048576, (double)x->memory_peak / 1048576,
		       x->biggest[0] ? "; most of it had " : "", x->biggest);
	(void)snprintf(w->hint, sizeof(w->hint),
		       "rl update --memory %lldm %s, or have it use less; then start it again",
		       (long long)(x->memory_max / 1048576 * 2), w->c->name);
	w->cause = "oom";
}

static void by_signal(struct why *w, int signo, bool inside)
{
	const char *name = sigabbrev_np(signo);

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (signals[i].signo != signo)
			continue;
		(void)snprintf(w->sentence, sizeof(w->sentence), "signal %d (SIG%s): %s", signo,
			       name, signals[i].what);
		say(w, "signal", signals[i].hint);
		return;
	}
	(void)snprintf(w->sentence, sizeof(w->sentence), "signal %d (SIG%s)%s", signo,
		       name ? name : "?",
		       inside             ? ", or a program in it says so by its exit code"
		       : signo == SIGKILL ? ", not sent by rl: another process of yours, or the "
					    "kernel when the machine had no memory left"
					  : ", not sent by rl: by another process, or by itself");
	say(w, "signal",
	    signo == SIGKILL
		    ? "'dmesg' or 'journalctl -k' tells of the kernel's part; with --memory "
		      "a container has a limit of its own"
		    : "its last log lines may tell more");
}

static void by_code(struct why *w, int code)
{
	if (code == 0) {
		(void)snprintf(w->sentence, sizeof(w->sentence),
			       "it came to its end, without error");
		say(w, "exited", "");
	} else if (code == 127 || code == 126) {
		(void)snprintf(w->sentence, sizeof(w->sentence),
			       "it ended by itself with %d: %s, by the words of a shell", code,
			       code == 127 ? "a command in it was not found"
					   : "a command in it cannot be executed");
		say(w, "exited", "its last log lines tell which");
	} else if (code > 128 && code <= 128 + 31) {
		by_signal(w, code - 128, true);
	} else {
		(void)snprintf(w->sentence, sizeof(w->sentence),
			       "it ended by itself with exit code %d", code);
		say(w, "exited", "what that means its log or its documentation tells");
	}
}

static const struct {
	const char *cause, *what, *hint;
} causes[CTR_CAUSES] = {
	[CTR_CAUSE_USER] = { "user", "somebody stopped or killed it with rl", "" },
	[CTR_CAUSE_CLIENT] = { "client", "the rl in whose foreground it ran has gone",
			       "with -d it runs in the background" },
	[CTR_CAUSE_TIMEOUT] = { "timeout", "its --timeout was over", "give it more time" },
	[CTR_CAUSE_HEALTH] = { "health", "it was unhealthy, and --health-on-failure says so",
			       "the output of its last check tells why" },
	[CTR_CAUSE_SHUTDOWN] = { "shutdown",
				 "the end of your login session, or of the machine, ended it",
				 "to let it live after a logout: sudo loginctl enable-linger" },
	[CTR_CAUSE_LOST] = { "lost",
			     "its monitor was killed or the machine went down, and it with that",
			     "a restart policy and 'rl enable' bring it up again" },
};

static void find_cause(struct why *w)
{
	const struct ctr_exit *x = &w->s->exit;

	if (x->error[0]) {
		(void)snprintf(w->sentence, sizeof(w->sentence),
			       "it could not be started again: %s", x->error);
		say(w, "start", "mend that, then rl start");
	} else if (x->oom) {
		by_memory(w, x);
	} else if (x->cause != CTR_CAUSE_NONE && causes[x->cause].cause) {
		(void)snprintf(w->sentence, sizeof(w->sentence), "%s", causes[x->cause].what);
		say(w, causes[x->cause].cause, causes[x->cause].hint);
	} else if (x->signal) {
		by_signal(w, x->signal, false);
	} else {
		by_code(w, x->code);
	}
}

/* --- what else is known ---------------------------------------------------------------------- */

/* Texts of errors have names of files in them, in any bytes, and are cut anywhere. */
static json_t *clean_text(char *s)
{
	log_clean(s);
	return json_string(s);
}

/* The last start, if it failed; it comes before any older end. */
static void add_start_error(struct why *w, json_t *o)
{
	auto_buf struct buf text = { 0 };
	struct rl_err ignored;

	if (io_read_file(w->c->dir_fd, "start.error", 4096, &text, &ignored) < 0 || !text.data)
		return;
	(void)json_object_set_new(o, "StartError", clean_text(text.data));
	if (ctr_is_alive(w->s))
		return;
	(void)snprintf(w->sentence, sizeof(w->sentence), "it could not be started: %.300s",
		       text.data);
	say(w, "start", "mend that, then rl start");
}

static void add_health(const struct why *w, json_t *o)
{
	json_auto_t *health = NULL;
	struct rl_err ignored;
	const json_t *log, *last;

	if (health_read(w->c->dir_fd, &health, &ignored) < 0)
		return;
	log = json_object_get(health, "Log");
	last = json_array_get(log, json_array_size(log) - 1);
	(void)json_object_set_new(
		o, "Health",
		json_pack("{s:O*, s:O*, s:O*}", "Status", json_object_get(health, "Status"),
			  "ExitCode", last ? json_object_get(last, "ExitCode") : NULL, "Output",
			  last ? json_object_get(last, "Output") : NULL));
}

static void add_log(const struct why *w, json_t *o)
{
	auto_buf struct buf text = { 0 };
	const struct log_view view = {
		.since_ns = INT64_MIN, .until_ns = INT64_MAX, .tail = LOG_LINES, .into = &text
	};
	struct log_source source;
	struct rl_err ignored;
	json_t *lines = json_array();

	if (log_source_open(w->c, w->c->record, &view, false, &source, &ignored) == 0) {
		RL_IGNORE(log_source_read(&source, &ignored)); /* then as much as there is */
		log_source_close(&source);
	}
	for (char *s = text.data, *end; s && *s; s = end) {
		end = s + strcspn(s, "\n");
		if (*end)
			*end++ = '\0';
		if (json_array_append_new(lines, json_string(s)) < 0)
			(void)json_array_append_new(lines, json_string("(not UTF-8)"));
	}
	(void)json_object_set_new(o, "Log", lines);
}

static void add_end(const struct why *w, json_t *o)
{
	const struct ctr_exit *x = &w->s->exit;
	const char *name = x->signal > 0 ? sigabbrev_np(x->signal) : NULL;
	char signal_name[16] = "", started[32], finished[32];

	if (w->s->status != CTR_EXITED && w->s->status != CTR_RESTARTING)
		return;
	if (name)
		(void)snprintf(signal_name, sizeof(signal_name), "SIG%s", name);
	time_rfc3339(started, x->started_ns);
	time_rfc3339(finished, x->finished_ns);
	(void)json_object_update_new(
		o, json_pack("{s:i, s:i, s:s, s:b, s:s, s:s, s:I, s:I, s:I, s:s}", "ExitCode",
			     x->code, "Signal", x->signal, "SignalName", signal_name, "OOMKilled",
			     x->oom, "StartedAt", started, "FinishedAt", finished, "Restarts",
			     (json_int_t)x->restarts, "MemoryLimit", (json_int_t)x->memory_max,
			     "MemoryPeak", (json_int_t)x->memory_peak, "Biggest", x->biggest));
}

static json_t *report(struct why *w)
{
	char status[VIEW_STATUS_MAX], health[16];
	json_t *o = json_object();

	health_read_status(w->c->dir_fd, health);
	ctr_view_status(status, w->s, health);
	w->cause = ctr_status_name(w->s->status);
	if (w->s->status == CTR_EXITED || w->s->status == CTR_RESTARTING)
		find_cause(w);
	else
		(void)snprintf(w->sentence, sizeof(w->sentence), "it has not ended");
	add_start_error(w, o);
	add_end(w, o);
	add_health(w, o);
	add_log(w, o);
	(void)json_object_update_new(o, json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}", "Id", w->c->id,
						  "Name", w->c->name, "Status", status, "Cause",
						  w->cause, "Why", clean_text(w->sentence), "Hint",
						  w->hint));
	return o;
}

/* --- as text --------------------------------------------------------------------------------- */

/* What follows @head in the text stays beside it: the first column is ours alone. */
static int line(struct buf *out, const char *head, const json_t *text)
{
	const char *s = json_string_value(text);
	int r = 0;

	for (; s && *s && r == 0; head = "") {
		const size_t n = strcspn(s, "\n");

		r = buf_printf(out, "%-8s%.*s\n", head, (int)n, s);
		s += n + (s[n] == '\n');
	}
	return r;
}

static int print_text(const json_t *o, struct buf *out)
{
	const json_t *health = json_object_get(o, "Health"), *log = json_object_get(o, "Log"), *x;
	int64_t max = json_integer_value(json_object_get(o, "MemoryLimit"));
	int64_t peak = json_integer_value(json_object_get(o, "MemoryPeak"));
	size_t i;
	int r = buf_printf(out, "%s: %s\n", json_string_value(json_object_get(o, "Name")),
			   json_string_value(json_object_get(o, "Status")));

	r |= line(out, "why", json_object_get(o, "Why"));
	if (max > 0 && !json_is_true(json_object_get(o, "OOMKilled")))
		r |= buf_printf(out, "memory  limit %.1f MiB, peak %.1f MiB\n",
				(double)max / 1048576, (double)peak / 1048576);
	r |= line(out, "health", json_object_get(health, "Status"));
	r |= line(out, "check", json_object_get(health, "Output"));
	json_array_foreach (log, i, x)
		r |= line(out, i == 0 ? "log" : "", x);
	return r | line(out, "do", json_object_get(o, "Hint"));
}

static int why(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct why_opts *o = opts;
	auto_strv struct strv names = { 0 };
	auto_buf struct buf out = { 0 };
	json_auto_t *list = json_array();
	int r = select_containers(rl, "why", args, &o->select, SELECT_ANY, &names, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		struct ctr_state s;
		struct ctr c;
		struct why w = { .c = &c, .s = &s };
		json_t *j;

		r = ctr_find(rl, names.v[i], &c, err);
		if (r < 0)
			break;
		r = life_state(rl, &c, &s, err);
		j = r == 0 ? report(&w) : NULL;
		if (r == 0 && !o->json &&
		    (print_text(j, &out) < 0 || (i + 1 < names.n && buf_str(&out, "\n") < 0)))
			r = rl_oom(err);
		if (j && json_array_append_new(list, j) < 0)
			r = rl_oom(err);
		ctr_done(&c);
	}
	if (r == 0 && o->json)
		r = format_json(list, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

const struct cmd cmd_why = {
	.name = "why",
	.args = "CONTAINER...",
	.summary = "Tell how containers ended, and what to do about it",
	.about = "Says in a few lines why a container ended: its exit code, the signal and what that "
		 "means, out of memory with limit, peak and the process that had the most, who ended "
		 "it (rl stop, --timeout, a failed health check, a logout), or why it could not be "
		 "started; then the output of its last health check, its last log lines, and what "
		 "would help. With --json an array of objects.",
	.examples = {
		{ "rl why web", "What became of 'web'." },
		{ "rl why --latest --json", "The newest container, for a program." },
	},
	.options = why_options,
	.opts_size = sizeof(struct why_opts),
	.max_args = CMD_ANY,
	.run = why,
};
