/* SPDX-License-Identifier: Apache-2.0 */
/* logopt.c - engine: --log-driver and --log-opt; the header is the manual */
#include "config.h"

#include "cmd/engine/logopt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/container.h"
#include "cmd/template.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/idfile.h"
#include "core/logfile.h"
#include "core/logjournal.h"

#define TAG_MAX 512

static const char *const driver_names[] = { "k8s-file", "journald", "none", "passthrough" };

const char *logopt_driver_name(enum log_driver d)
{
	return driver_names[d];
}

static int parse_driver(const char *s, enum log_driver *ret, struct rl_err *err)
{
	if (!s || !*s || strcmp(s, "json-file") == 0 || strcmp(s, "local") == 0)
		s = driver_names[LOG_DRIVER_FILE];
	for (size_t i = 0; i < ARRAY_LEN(driver_names); i++) {
		if (strcmp(s, driver_names[i]) != 0)
			continue;
		*ret = (enum log_driver)i;
		return 0;
	}
	rl_fail(err, EINVAL, "'%s' is no log driver", s);
	return rl_hint(err,
		       "k8s-file (also called json-file and local), journald, none or passthrough");
}

static int set_tag(json_t *o, const char *text, json_t *names, struct rl_err *err)
{
	auto_buf struct buf out = { 0 };
	struct tmpl *t = NULL;
	int r = tmpl_parse(text, &t, err);

	if (r == 0)
		r = tmpl_run(t, names, NULL, &out, err);
	tmpl_free(t);
	if (r < 0)
		return rl_wrap(err, "--log-opt tag");
	if (out.len > TAG_MAX)
		return rl_fail(err, EINVAL, "--log-opt tag: more than %d bytes", TAG_MAX);
	return json_object_set_new(o, "tag", json_string(out.data ? out.data : "")) < 0
		       ? rl_oom(err)
		       : 0;
}

static int set_path(json_t *o, const char *path, struct rl_err *err)
{
	auto_free char *whole = idfile_path(path);

	return !whole || json_object_set_new(o, "path", json_string(whole)) < 0 ? rl_oom(err) : 0;
}

static int set_option(json_t *o, enum log_driver d, const char *word, json_t *names,
		      struct rl_err *err)
{
	const char *value = strchr(word, '=');
	size_t n = value ? (size_t)(value++ - word) : 0;
	bool file = d == LOG_DRIVER_FILE;
	int64_t bytes;
	uint64_t count;

	if (n == 3 && strncmp(word, "tag", n) == 0)
		return set_tag(o, value, names, err);
	if (n == 4 && strncmp(word, "path", n) == 0 && file && *value)
		return set_path(o, value, err);
	if (n == 8 && strncmp(word, "max-size", n) == 0) {
		if (parse_size_decimal(value, &bytes) < 0 || bytes < 1000)
			return rl_fail(err, EINVAL,
				       "--log-opt max-size: '%s' is no size of 1k or more", value);
		return json_object_set_new(o, "max_size", json_integer(bytes)) < 0 ? rl_oom(err)
										   : 0;
	}
	/* two files are kept, whatever the number */
	if (n == 8 && strncmp(word, "max-file", n) == 0 && file &&
	    parse_uint(value, INT32_MAX, &count) == 0)
		return 0;
	rl_fail(err, EINVAL, "--log-opt '%s' is nothing that log driver %s knows", word,
		driver_names[d]);
	return rl_hint(err, file ? "max-size=SIZE, max-file=N, path=FILE, tag=TEXT" : "tag=TEXT");
}

int logopt_parse(const char *driver, const struct strv *opts, json_t *names, json_t **ret,
		 struct rl_err *err)
{
	json_auto_t *o = json_object();
	enum log_driver d;
	int r = parse_driver(driver, &d, err);

	if (r == 0 && json_object_set_new(o, "driver", json_string(driver_names[d])) < 0)
		r = rl_oom(err);
	for (size_t i = 0; r == 0 && i < opts->n; i++)
		r = set_option(o, d, opts->v[i], names, err);
	if (r == 0)
		*ret = TAKE_PTR(o);
	return r;
}

void logopt_read(const json_t *log, struct logopt *ret)
{
	const char *driver = json_string_value(json_object_get(log, "driver"));
	struct rl_err ignored;

	*ret = (struct logopt){
		.max_size = json_integer_value(json_object_get(log, "max_size")),
		.path = json_string_value(json_object_get(log, "path")),
		.tag = json_string_value(json_object_get(log, "tag")),
	};
	if (parse_driver(driver, &ret->driver, &ignored) < 0)
		ret->driver = LOG_DRIVER_FILE;
	if (ret->max_size <= 0)
		ret->max_size = LOGFILE_MAX_DEFAULT;
}

/* --- at a start --- */

static int open_dir(const struct container *c, struct logsink *s, struct rl_err *err)
{
	if (mkdirat(c->ctr.dir_fd, "log", 0700) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "create the log folder of '%s'", c->ctr.name);
	s->dir = io_open_dir(c->ctr.dir_fd, "log", err);
	return s->dir < 0 ? s->dir : 0;
}

static int open_file(const char *path, struct logsink *s, struct rl_err *err)
{
	struct stat st;

	s->file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600);
	if (s->file < 0 || fstat(s->file, &st) < 0)
		return rl_fail_sys(err, errno, "open the log file '%s'", path);
	return S_ISREG(st.st_mode)
		       ? 0
		       : rl_fail(err, EINVAL, "the log file '%s' is no regular file", path);
}

/*
 * Threat: a terminal of the host in the container takes bytes that are typed for it (TIOCSTI: S58).
 * Defence: none of the three may be a terminal; for one the container gets its own, with -t.
 */
static int take_stdio(const struct container *c, struct logsink *s, struct rl_err *err)
{
	s->passthrough = true;
	if (c->tty)
		return rl_fail(err, EINVAL,
			       "'--tty' and '--log-driver passthrough' exclude each other");
	for (int i = 0; i < 3; i++) {
		if (isatty(i)) {
			rl_fail(err, EINVAL,
				"log driver passthrough: descriptor %d is your terminal", i);
			return rl_hint(err,
				       "it is for services and CI jobs; use --log-driver k8s-file");
		}
		s->stdio[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (s->stdio[i] < 0)
			s->stdio[i] = FD_NONE; /* closed: it gets the null device */
	}
	return 0;
}

static int open_journal(const struct container *c, const struct logopt *o, struct logsink *s,
			struct rl_err *err)
{
	const struct logjournal_id id = { c->ctr.id, c->ctr.name, c->image_name, o->tag };

	s->journal = logjournal_connect(LOGJOURNAL_SOCKET, err);
	if (s->journal < 0)
		return s->journal;
	s->fields = logjournal_fields(&id);
	return s->fields ? 0 : rl_oom(err);
}

int logsink_open(const struct container *c, struct logsink *ret, struct rl_err *err)
{
	struct logsink s = LOGSINK_INIT;
	struct logopt o;
	int r = 0;

	logopt_read(c->log, &o);
	s.max = o.max_size;
	if (o.driver == LOG_DRIVER_FILE)
		r = o.path ? open_file(o.path, &s, err) : open_dir(c, &s, err);
	else if (o.driver == LOG_DRIVER_JOURNALD)
		r = open_journal(c, &o, &s, err);
	else if (o.driver == LOG_DRIVER_PASSTHROUGH)
		r = take_stdio(c, &s, err);
	if (r < 0)
		logsink_close(&s);
	else
		*ret = s;
	return r;
}

void logsink_close(struct logsink *s)
{
	fd_close(s->dir);
	fd_close(s->file);
	fd_close(s->journal);
	for (int i = 0; i < 3; i++)
		fd_close(s->stdio[i]);
	free(s->fields);
	*s = (struct logsink)LOGSINK_INIT;
}
