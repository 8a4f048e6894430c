/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs.c - `rl logs`: what containers wrote to stdout and stderr
 *
 * Theory of operation: the files of core/logfile.h are read as they are, the older one first. An
 * entry marked P goes out without a newline. Following: inotify on the log's folder tells of new
 * text and of a rotation, the monitor's connection of the end; after the end what is left is read
 * once more. --tail counts whole lines, so it looks at all entries first.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/engine/life.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/base/when.h"
#include "core/control.h"
#include "core/logfile.h"

#define ENTRY_MAX (1U << 20) /* a longer entry is not ours */

struct logs_opts {
	bool follow, timestamps, names;
	const char *since, *until, *tail;
};

static const struct opt logs_options[] = {
	OPT_BOOL('f', "follow", struct logs_opts, follow, "go on until the container ends"),
	OPT_STR(0, "since", struct logs_opts, since, "TIME",
		"from then on (RFC 3339, Unix time, 10m)"),
	OPT_STR(0, "until", struct logs_opts, until, "TIME", "up to then"),
	OPT_STR('n', "tail", struct logs_opts, tail, "N", "the last N lines only (all)"),
	OPT_BOOL('t', "timestamps", struct logs_opts, timestamps, "with the time of each line"),
	OPT_BOOL(0, "names", struct logs_opts, names, "with the container's name"),
	OPT_END,
};

struct reader {
	const struct logs_opts *o;
	const char *name;
	int dir_fd;
	FILE *file; /* ctr.log while following */
	int64_t since_ns, until_ns;
	uint64_t skip; /* lines that --tail leaves out */
	bool in_line[2];
};

static int get_time(const char *s, int64_t none, int64_t *ret, struct rl_err *err)
{
	*ret = none;
	return s ? when_parse(s, wall_ns(), ret, err) : 0;
}

struct entry {
	const char *time, *text;
	int stream; /* 1 or 2 */
	bool full;
	size_t len;
};

/* "<time> <stdout|stderr> <P|F> <text>\n"; false for a line that is not ours */
static bool split(char *line, size_t n, struct entry *e)
{
	char *sp = memchr(line, ' ', n);

	if (!sp || (size_t)(sp - line) + 10 > n || line[n - 1] != '\n')
		return false;
	*sp = '\0';
	e->time = line;
	e->stream = strncmp(sp + 1, "stdout ", 7) == 0 ? 1 : 2;
	e->full = sp[8] == 'F';
	e->text = sp + 10;
	e->len = n - (size_t)(e->text - line) - 1;
	return sp[9] == ' ';
}

static int print_entry(struct reader *r, const struct entry *e)
{
	FILE *to = e->stream == 1 ? stdout : stderr;
	bool *in_line = &r->in_line[e->stream - 1];
	int64_t ns = 0;

	if (time_parse_rfc3339(e->time, &ns) < 0 || ns < r->since_ns || ns > r->until_ns)
		return 0;
	if (r->skip > 0) {
		r->skip -= e->full;
		return 0;
	}
	if (!*in_line && r->o->names)
		(void)fprintf(to, "%s ", r->name);
	if (!*in_line && r->o->timestamps)
		(void)fprintf(to, "%s ", e->time);
	(void)fwrite(e->text, 1, e->len, to);
	if (e->full)
		(void)fputc('\n', to);
	*in_line = !e->full;
	return ferror(to) ? -EPIPE : 0;
}

/* Entries up to the end of @f; a last line that is not whole yet stays unread. */
static int read_entries(struct reader *r, FILE *f, uint64_t *count)
{
	auto_free char *line = NULL;
	size_t room = 0;

	for (;;) {
		long at = ftell(f);
		ssize_t n = getline(&line, &room, f);
		struct entry e;

		if (n <= 0 || line[n - 1] != '\n') {
			clearerr(f);
			return fseek(f, at, SEEK_SET) < 0 ? -errno : 0;
		}
		if ((size_t)n > ENTRY_MAX || !split(line, (size_t)n, &e))
			continue;
		if (count)
			*count += e.full;
		else if (print_entry(r, &e) < 0)
			return -EPIPE;
	}
}

static FILE *open_log(const struct reader *r, const char *name)
{
	int fd = openat(r->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;

	if (fd >= 0 && !f)
		fd_close(fd);
	return f;
}

/* Both files; with @count only counted. The newer one stays open in @r. */
static int read_all(struct reader *r, uint64_t *count)
{
	static const char *const names[] = { LOGFILE_OLD, LOGFILE_NAME };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && rc == 0; i++) {
		FILE *f = open_log(r, names[i]);

		if (!f)
			continue;
		rc = read_entries(r, f, count);
		if (i == 1 && !count)
			r->file = f;
		else
			(void)fclose(f);
	}
	return rc;
}

static int apply_tail(struct reader *r, struct rl_err *err)
{
	uint64_t want, lines = 0;
	int rc;

	if (!r->o->tail || strcmp(r->o->tail, "all") == 0 || strcmp(r->o->tail, "-1") == 0)
		return 0;
	if (parse_uint(r->o->tail, INT64_MAX, &want) < 0)
		return rl_fail(err, EINVAL,
			       "invalid value '%s' for '--tail': expected a number or all",
			       r->o->tail);
	rc = read_all(r, &lines);
	r->skip = lines > want ? lines - want : 0;
	return rc < 0 ? rl_fail_sys(err, -rc, "read the log of '%s'", r->name) : 0;
}

/* After a rotation the file that we have open is the older one: go over to the new one. */
static int next_part(struct reader *r)
{
	struct stat ours, now;
	int rc = r->file ? read_entries(r, r->file, NULL) : 0;

	if (rc < 0 || fstatat(r->dir_fd, LOGFILE_NAME, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return rc;
	if (r->file && (fstat(fileno(r->file), &ours) < 0 || ours.st_ino == now.st_ino))
		return 0;
	if (r->file)
		(void)fclose(r->file);
	r->file = open_log(r, LOGFILE_NAME);
	return r->file ? read_entries(r, r->file, NULL) : 0;
}

static int follow(const struct rl *rl, struct reader *r, const char *id, struct rl_err *err)
{
	const struct monitor_msg req = { .type = MONITOR_WAIT };
	auto_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), sock = FD_NONE;
	char path[64], waste[4096];
	struct rl_err gone;
	int rc = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", r->dir_fd);
	if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return rl_fail_sys(err, errno, "watch the log of '%s'", r->name);
	sock = control_connect(rl, id, &gone);
	if (sock >= 0 && control_call(sock, &req, FD_NONE, &gone) < 0)
		fd_close(TAKE_FD(sock));
	while (rc == 0) {
		struct pollfd p[] = { { .fd = watch, .events = POLLIN },
				      { .fd = sock, .events = POLLIN } };

		rc = next_part(r);
		(void)fflush(stdout);
		if (sock < 0 || rc < 0)
			break; /* ended: that was the rest */
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return rl_fail_sys(err, errno, "poll");
		while (read(watch, waste, sizeof(waste)) > 0)
			;
		if (p[1].revents)
			fd_close(TAKE_FD(sock));
	}
	return rc == -EPIPE ? 0 : rc; /* the reader of our output went away */
}

static int logs_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	struct reader r = { .o = opts, .dir_fd = FD_NONE };
	struct ctr c;
	int rc = ctr_find(rl, name, &c, err);

	if (rc < 0)
		return rc;
	r.name = c.name;
	rc = get_time(r.o->since, INT64_MIN, &r.since_ns, err);
	if (rc == 0)
		rc = get_time(r.o->until, INT64_MAX, &r.until_ns, err);
	if (rc == 0) {
		r.dir_fd = openat(c.dir_fd, "log", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r.dir_fd < 0 && errno != ENOENT)
			rc = rl_fail_sys(err, errno, "open the log of '%s'", name);
	}
	if (rc == 0 && r.dir_fd >= 0) {
		rc = apply_tail(&r, err);
		if (rc == 0 && read_all(&r, NULL) == 0 && r.o->follow)
			rc = follow(rl, &r, c.id, err);
	}
	if (r.file)
		(void)fclose(r.file);
	fd_close(r.dir_fd);
	ctr_done(&c);
	return rc;
}

const struct cmd cmd_logs = {
	.name = "logs",
	.args = "CONTAINER...",
	.summary = "Print what containers wrote",
	.about = "Prints what containers wrote to stdout and stderr, on stdout and "
		 "stderr. Several containers are printed one after the other.",
	.examples = {
		{ "rl logs --tail 20 -f web",
		  "The last 20 lines, and whatever comes." },
		{ "rl logs -t --since 10m web",
		  "What came in the last 10 minutes, with times." },
	},
	.options = logs_options,
	.opts_size = sizeof(struct logs_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = logs_one,
};
