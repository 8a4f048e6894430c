/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_read.c - reading a container's log; the header is the manual
 *
 * Theory of operation: the files of core/logfile.h are read as they are, the older one first. An
 * entry marked P goes out without a newline. --tail counts whole lines, so it looks at all entries
 * first. After a rotation the file that we have open is the older one.
 */
#include "config.h"

#include "cmd/log_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/logopt.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/logfile.h"

#define ENTRY_MAX (1U << 20) /* a longer entry is not ours */

/* --- showing --- */

static void start_line(const struct log_view *v, const struct log_entry *e, FILE *to)
{
	static const int colors[] = { 36, 33, 32, 35, 34, 31 };

	if (v->color)
		(void)fprintf(to, "\033[%dm", colors[v->number % ARRAY_LEN(colors)]);
	if (v->name)
		(void)fprintf(to, "%s ", v->name);
	if (v->timestamps)
		(void)fprintf(to, "%s ", e->time);
}

int log_show(struct log_view *v, const struct log_entry *e)
{
	FILE *to = e->stream == 1 ? stdout : stderr;
	bool *in_line = &v->in_line[e->stream - 1];
	int64_t ns = 0;

	if (time_parse_rfc3339(e->time, &ns) < 0 || ns < v->since_ns || ns > v->until_ns)
		return 0;
	if (v->skip > 0) {
		v->skip -= e->full;
		return 0;
	}
	if (v->into)
		return buf_add(v->into, e->text, e->len) < 0 ||
				       (e->full && buf_add(v->into, "\n", 1) < 0)
			       ? -EPIPE
			       : 0;
	if (e->stream == 2)
		(void)fflush(stdout); /* for who has both in one file: in the order they came */
	if (!*in_line)
		start_line(v, e, to);
	(void)fwrite(e->text, 1, e->len, to);
	if (e->full)
		(void)fputs(v->color ? "\033[0m\n" : "\n", to);
	*in_line = !e->full;
	return ferror(to) ? -EPIPE : 0;
}

/* --- files --- */

/* "<time> <stdout|stderr> <P|F> <text>\n"; false for a line that is not ours */
static bool split(char *line, size_t n, struct log_entry *e)
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

/* Entries up to the end of @f, only counted with @count; a last line that is not whole stays. */
static int read_entries(struct log_view *v, FILE *f, uint64_t *count)
{
	auto_free char *line = NULL;
	size_t room = 0;

	for (;;) {
		long at = ftell(f);
		ssize_t n = getline(&line, &room, f);
		struct log_entry e;

		if (n <= 0 || line[n - 1] != '\n') {
			clearerr(f);
			return fseek(f, at, SEEK_SET) < 0 ? -errno : 0;
		}
		if ((size_t)n > ENTRY_MAX || !split(line, (size_t)n, &e))
			continue;
		if (count)
			*count += e.full;
		else if (log_show(v, &e) < 0)
			return -EPIPE;
	}
}

static FILE *open_part(const struct log_source *s, const char *name)
{
	int fd = s->path ? open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
			 : openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;

	if (fd >= 0 && !f)
		fd_close(fd);
	return f;
}

/* Both files; with @count only counted. The newer one stays open. */
static int read_all(struct log_source *s, uint64_t *count)
{
	static const char *const names[] = { LOGFILE_OLD, LOGFILE_NAME };
	int r = 0;

	for (size_t i = s->path ? 1 : 0; i < ARRAY_LEN(names) && r == 0; i++) {
		FILE *f = open_part(s, names[i]);

		if (!f)
			continue;
		r = read_entries(&s->view, f, count);
		if (i == 1 && !count)
			s->file = f;
		else
			(void)fclose(f);
	}
	return r;
}

static int read_first(struct log_source *s)
{
	uint64_t lines = 0;
	int r = 0;

	if (s->view.tail != UINT64_MAX) {
		r = read_all(s, &lines);
		s->view.skip = lines > s->view.tail ? lines - s->view.tail : 0;
	}
	return r == 0 ? read_all(s, NULL) : r;
}

/* The user's own file is emptied when it is full (core/logfile.h). */
static int read_more_of_path(struct log_source *s)
{
	struct stat st;

	if (fstat(fileno(s->file), &st) == 0 && st.st_size < ftell(s->file))
		rewind(s->file);
	return read_entries(&s->view, s->file, NULL);
}

static int read_more(struct log_source *s)
{
	struct stat ours, now;
	int r;

	if (s->path)
		return read_more_of_path(s);
	r = read_entries(&s->view, s->file, NULL);
	if (r < 0 || fstatat(s->dir_fd, LOGFILE_NAME, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return r;
	if (fstat(fileno(s->file), &ours) < 0 || ours.st_ino == now.st_ino)
		return 0;
	(void)fclose(s->file);
	s->file = open_part(s, LOGFILE_NAME);
	return s->file ? read_entries(&s->view, s->file, NULL) : 0;
}

/* --- sources --- */

static int nothing(const struct ctr *c, const struct logopt *o, struct rl_err *err)
{
	rl_fail(err, ENOENT, "the log driver of '%s' is %s, which keeps nothing to read", c->name,
		logopt_driver_name(o->driver));
	return rl_hint(err, o->driver == LOG_DRIVER_NONE
				    ? "make it with --log-driver k8s-file or journald"
				    : "its output went to whoever started it");
}

static int open_dir(const struct ctr *c, struct log_source *s, struct rl_err *err)
{
	s->dir_fd = openat(c->dir_fd, "log", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir_fd >= 0)
		return 0;
	s->dir_fd = FD_NONE;
	return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open the log of '%s'", c->name);
}

int log_source_open(const struct ctr *c, const json_t *state, const struct log_view *view,
		    bool follow, struct log_source *ret, struct rl_err *err)
{
	struct log_source s = {
		.view = *view, .dir_fd = FD_NONE, .pipe_fd = FD_NONE, .pidfd = FD_NONE
	};
	struct logopt o;
	int r = 0;

	logopt_read(json_object_get(state, "log"), &o);
	s.path = o.path;
	if (o.driver == LOG_DRIVER_NONE || o.driver == LOG_DRIVER_PASSTHROUGH)
		r = nothing(c, &o, err);
	else if (o.driver == LOG_DRIVER_JOURNALD)
		r = log_journal_start(&s, c->id, follow, err);
	else if (!o.path)
		r = open_dir(c, &s, err);
	if (r == 0)
		*ret = s;
	else
		log_source_close(&s);
	return r;
}

int log_source_read(struct log_source *s, struct rl_err *err)
{
	int r;

	if (s->pidfd >= 0)
		return log_journal_read(s, err);
	if (s->dir_fd < 0 && !s->path)
		return 0; /* it was never started */
	r = s->file ? read_more(s) : read_first(s);
	return r < 0 && r != -EPIPE ? rl_fail_sys(err, -r, "read the log") : r;
}

void log_source_close(struct log_source *s)
{
	log_journal_stop(s);
	if (s->file)
		(void)fclose(s->file);
	fd_close(s->dir_fd);
	buf_done(&s->rest);
	*s = (struct log_source){ .dir_fd = FD_NONE, .pipe_fd = FD_NONE, .pidfd = FD_NONE };
}
