/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_read.c - reading a container's log; the header is the manual
 *
 * Theory of operation: the files of core/logfile.h are read as they are, the older one first. An
 * entry marked P goes out without a newline. --tail counts lines, from further and further back
 * until there are enough; times are looked at among those, as Docker and Podman do it. After a
 * rotation the file that we have open is the older one.
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

#define ENTRY_MAX (1U << 20)     /* a longer entry is not ours */
#define TAIL_STEP ((off_t)65536) /* bytes that --tail looks back at first */

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

/* Somebody else's line without an end so far ends here; it goes on in one of its own. */
static void take_turn(struct log_view *v, int i, FILE *to)
{
	struct log_view *other = v->turn->open[i];

	if (other && other != v) {
		(void)fputs(other->color ? "\033[0m\n" : "\n", to);
		other->in_line[i] = false;
	}
	v->turn->open[i] = v;
}

int log_show(struct log_view *v, const struct log_entry *e)
{
	FILE *to = e->stream == 1 ? stdout : stderr;
	bool *in_line = &v->in_line[e->stream - 1];
	int64_t ns = 0;

	if (v->skip > 0) {
		v->skip -= e->full;
		return 0;
	}
	if (time_parse_rfc3339(e->time, &ns) < 0 || ns < v->since_ns || ns > v->until_ns)
		return 0;
	if (v->into)
		return buf_add(v->into, e->text, e->len) < 0 ||
				       (e->full && buf_add(v->into, "\n", 1) < 0)
			       ? -EPIPE
			       : 0;
	if (e->stream == 2)
		(void)fflush(stdout); /* for who has both in one file: in the order they came */
	if (v->turn)
		take_turn(v, e->stream - 1, to);
	if (!*in_line)
		start_line(v, e, to);
	(void)fwrite(e->text, 1, e->len, to);
	if (e->full)
		(void)fputs(v->color ? "\033[0m\n" : "\n", to);
	*in_line = !e->full;
	if (v->turn && e->full)
		v->turn->open[e->stream - 1] = NULL;
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

/* What entries there are: whole lines, and for each stream whether the last one has no end yet. */
struct tally {
	uint64_t full;
	bool seen[2], open[2];
};

static void count(struct tally *t, const struct log_entry *e)
{
	t->full += e->full;
	t->seen[e->stream - 1] = true;
	t->open[e->stream - 1] = !e->full;
}

/* Entries up to the end of @f, only counted with @t; a last line that is not whole stays. */
static int read_entries(struct log_view *v, FILE *f, struct tally *t)
{
	auto_free char *line = NULL;
	off_t at = ftello(f);
	size_t room = 0;

	for (;;) {
		ssize_t n = getline(&line, &room, f);
		struct log_entry e;

		if (n <= 0 || line[n - 1] != '\n') {
			clearerr(f);
			return fseeko(f, at, SEEK_SET) < 0 ? -errno : 0;
		}
		at += n;
		if ((size_t)n > ENTRY_MAX || !split(line, (size_t)n, &e))
			continue;
		if (t)
			count(t, &e);
		else if (log_show(v, &e) < 0)
			return -EPIPE;
	}
}

/* To the first entry that begins at @from or behind. */
static int seek_entry(FILE *f, off_t from)
{
	auto_free char *line = NULL;
	size_t room = 0;

	if (fseeko(f, from > 0 ? from - 1 : 0, SEEK_SET) < 0)
		return -errno;
	if (from > 0 && getline(&line, &room, f) < 0)
		clearerr(f);
	return 0;
}

/* Count from so far back that there is one whole line more than @want, or all. */
static int count_back(FILE *f, uint64_t want, struct tally *ret, off_t *ret_from)
{
	struct stat st;
	int r = fstat(fileno(f), &st) < 0 ? -errno : 0;

	for (off_t back = TAIL_STEP; r == 0; back *= 4) {
		off_t from = back < st.st_size ? st.st_size - back : 0;
		struct tally t = { 0 };

		r = seek_entry(f, from);
		if (r == 0)
			r = read_entries(NULL, f, &t);
		if (r == 0 && from > 0 && t.full <= want)
			continue;
		*ret = t;
		*ret_from = from;
		break;
	}
	return r;
}

static FILE *open_part(const struct log_source *s, const char *name)
{
	int fd = s->path ? open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
			 : openat(s->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;

	if (fd >= 0 && !f)
		fd_close(fd);
	return f;
}

/* The older file, unless the newer one is that by now: it was opened first. */
static FILE *open_older(const struct log_source *s)
{
	FILE *f = s->path ? NULL : open_part(s, LOGFILE_OLD);
	struct stat a, b;

	if (f && s->file && fstat(fileno(f), &a) == 0 && fstat(fileno(s->file), &b) == 0 &&
	    a.st_ino == b.st_ino) {
		(void)fclose(f);
		f = NULL;
	}
	return f;
}

/* Where the last lines begin, in the older file or in the newer one; and what to skip there. */
static int find_tail(struct log_source *s, FILE *older, bool *use_older)
{
	struct tally t = { 0 }, o = { 0 };
	uint64_t want = s->view.tail, lines;
	off_t from = 0, from_older = 0;
	int r = s->file ? count_back(s->file, want, &t, &from) : 0;

	*use_older = older && t.full <= want;
	if (r == 0 && *use_older)
		r = count_back(older, want - t.full, &o, &from_older);
	lines = t.full + o.full;
	for (int i = 0; i < 2; i++)
		lines += t.seen[i] ? t.open[i] : o.open[i];
	s->view.skip = lines > want ? lines - want : 0;
	if (r == 0 && s->file)
		r = seek_entry(s->file, from);
	return r == 0 && *use_older ? seek_entry(older, from_older) : r;
}

/* Both files. The newer one stays open. */
static int read_first(struct log_source *s)
{
	bool use_older = true;
	FILE *older;
	int r = 0;

	s->file = open_part(s, LOGFILE_NAME);
	older = open_older(s);
	if (s->view.tail != UINT64_MAX)
		r = find_tail(s, older, &use_older);
	if (r == 0 && older && use_older)
		r = read_entries(&s->view, older, NULL);
	if (r == 0 && s->file)
		r = read_entries(&s->view, s->file, NULL);
	if (older)
		(void)fclose(older);
	return r;
}

/* The user's own file is emptied when it is full (core/logfile.h). */
static int read_more_of_path(struct log_source *s)
{
	struct stat st;

	if (fstat(fileno(s->file), &st) == 0 && st.st_size < ftello(s->file))
		rewind(s->file);
	return read_entries(&s->view, s->file, NULL);
}

static int read_more(struct log_source *s)
{
	struct stat ours, now;
	FILE *older;
	int r;

	if (s->path)
		return read_more_of_path(s);
	r = read_entries(&s->view, s->file, NULL);
	if (r < 0 || fstatat(s->dir_fd, LOGFILE_NAME, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return r;
	if (fstat(fileno(s->file), &ours) < 0 || ours.st_ino == now.st_ino)
		return 0;
	r = read_entries(&s->view, s->file, NULL); /* what came before it was put aside */
	if (r < 0)
		return r;
	(void)fclose(s->file);
	s->file = open_part(s, LOGFILE_NAME);
	older = open_older(s);
	/* another one has come and gone since we looked last */
	if (older && fstat(fileno(older), &now) == 0 && now.st_ino != ours.st_ino)
		r = read_entries(&s->view, older, NULL);
	if (older)
		(void)fclose(older);
	return r == 0 && s->file ? read_entries(&s->view, s->file, NULL) : r;
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
