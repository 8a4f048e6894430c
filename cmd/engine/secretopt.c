/* SPDX-License-Identifier: Apache-2.0 */
/* secretopt.c - --secret; the header is the manual */
#include "config.h"

#include "cmd/engine/secretopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/ctr.h"
#include "storage/secret.h"

void secretopt_done(struct secretopt *o)
{
	free(o->name);
	free(o->target);
	free(o->from);
	*o = (struct secretopt){ 0 };
}

static const char *const option_words[] = { "type", "target", "uid", "gid", "mode" };

/* The comma in front of the next option: what a command line has of them is its own. */
static char *next_option(char *s)
{
	for (char *c = strchr(s, ','); c; c = strchr(c + 1, ','))
		for (size_t i = 0; i < ARRAY_LEN(option_words); i++) {
			size_t n = strlen(option_words[i]);

			if (strncmp(c + 1, option_words[i], n) == 0 && c[1 + n] == '=')
				return c;
		}
	return NULL;
}

static int parse_source(struct secretopt *o, const char *s, struct rl_err *err)
{
	static const struct {
		const char *word;
		enum secret_source source;
	} known[] = {
		{ "file:", SECRET_FILE }, { "env:", SECRET_ENV },     { "fd:", SECRET_FD },
		{ "cmd:", SECRET_CMD },   { "creds:", SECRET_CREDS },
	};
	const char *eq = strchr(s, '='), *from = eq ? eq + 1 : NULL;

	o->name = eq ? strndup(s, (size_t)(eq - s)) : strdup(s);
	if (!o->name)
		return rl_oom(err);
	for (size_t i = 0; from && i < ARRAY_LEN(known); i++) {
		size_t n = strlen(known[i].word);

		if (strncmp(from, known[i].word, n) != 0)
			continue;
		if (!from[n])
			return rl_fail(err, EINVAL, "nothing behind '%s'", known[i].word);
		o->source = known[i].source;
		o->from = strdup(from + n);
		return o->from ? 0 : rl_oom(err);
	}
	return eq ? rl_fail(err, EINVAL, "expected file:, env:, fd:, cmd: or creds: behind '='")
		  : 0;
}

static int parse_id(const char *v, uint32_t *ret, struct rl_err *err)
{
	uint64_t n;

	if (parse_uint(v, UINT32_MAX - 1, &n) < 0)
		return rl_fail(err, EINVAL, "'%s' is not an id", v);
	*ret = (uint32_t)n;
	return 0;
}

static int parse_mode(const char *v, mode_t *ret, struct rl_err *err)
{
	mode_t m = 0;

	for (const char *p = v; *p; p++) {
		if (*p < '0' || *p > '7' || p - v > 4)
			return rl_fail(err, EINVAL, "mode '%s' is not octal, such as 0400", v);
		m = m << 3 | (mode_t)(*p - '0');
	}
	if (!*v || m > 0777)
		return rl_fail(err, EINVAL, "mode '%s' is not between 0 and 0777", v);
	*ret = m;
	return 0;
}

static int parse_option(struct secretopt *o, const char *key, const char *v, struct rl_err *err)
{
	if (strcmp(key, "type") == 0) {
		o->as_env = strcmp(v, "env") == 0;
		return o->as_env || strcmp(v, "mount") == 0
			       ? 0
			       : rl_fail(err, EINVAL, "type '%s' is not mount or env", v);
	}
	if (strcmp(key, "uid") == 0)
		return parse_id(v, &o->uid, err);
	if (strcmp(key, "gid") == 0)
		return parse_id(v, &o->gid, err);
	if (strcmp(key, "mode") == 0)
		return parse_mode(v, &o->mode, err);
	free(o->target);
	o->target = strdup(v);
	return o->target ? 0 : rl_oom(err);
}

/* A name of a variable, a file name, or an absolute path that is not below what rl makes itself. */
static int check_target(struct secretopt *o, struct rl_err *err)
{
	auto_free char *clean = NULL;
	int r;

	if (!o->target)
		o->target = strdup(o->name);
	if (!o->target)
		return rl_oom(err);
	if (o->as_env)
		return *o->target && !strpbrk(o->target, "= \t\n") && text_is_plain(o->target, 256)
			       ? 0
			       : rl_fail(err, EINVAL, "'%s' is no name of a variable", o->target);
	if (*o->target != '/')
		return ctr_name_check(o->target, err) < 0
			       ? rl_fail(err, EINVAL,
					 "target '%s' is neither an absolute path nor a file name",
					 o->target)
			       : 0;
	r = text_clean_path(o->target, "target", &clean, err);
	if (r < 0)
		return r;
	if (strcmp(clean, "/") == 0 || text_path_below(clean, "/proc") ||
	    text_path_below(clean, "/sys") || text_path_below(clean, "/dev") ||
	    text_path_below(clean, "/run/secrets"))
		return rl_fail(err, EINVAL, "target '%s' is no place for a file", clean);
	free(o->target);
	o->target = TAKE_PTR(clean);
	return 0;
}

int secretopt_parse(const char *word, struct secretopt *ret, struct rl_err *err)
{
	auto_secretopt struct secretopt o = { .mode = 0444 };
	auto_free char *text = strdup(word);
	char *next = text ? next_option(text) : NULL;
	int r;

	if (!text)
		return rl_oom(err);
	if (next)
		*next++ = '\0';
	r = parse_source(&o, text, err);
	while (r == 0 && next) {
		char *at = next, *eq = strchr(at, '=');

		next = next_option(at);
		if (next)
			*next++ = '\0';
		*eq = '\0'; /* there is one: next_option() has seen it */
		r = parse_option(&o, at, eq + 1, err);
	}
	if (r == 0)
		r = ctr_name_check(o.name, err) < 0
			    ? rl_fail(err, EINVAL, "'%.128s' is no name of a secret", o.name)
			    : 0;
	if (r == 0)
		r = check_target(&o, err);
	if (r < 0)
		return rl_wrap(err, "--secret '%s'", word);
	*ret = o;
	o = (struct secretopt){ 0 };
	return 0;
}

int secretopt_check(const struct rl *rl, const struct strv *words, struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < words->n; i++) {
		auto_secretopt struct secretopt o = { 0 };
		auto_secret struct secret s = { 0 };

		r = secretopt_parse(words->v[i], &o, err);
		if (r == 0 && o.source == SECRET_NAMED)
			r = secret_load(rl, o.name, false, &s, err);
	}
	return r;
}

/* --- reading --------------------------------------------------------------------------------- */

static int read_fd(int fd, struct buf *out, struct rl_err *err)
{
	int r = io_read_all(fd, SECRET_MAX, out);

	return r == -EFBIG ? rl_fail(err, EFBIG, "more than %d bytes", SECRET_MAX)
	       : r < 0     ? rl_fail_sys(err, -r, "read it")
			   : 0;
}

static int from_path(const char *path, struct buf *out, struct rl_err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? rl_fail_sys(err, errno, "open '%s'", path) : read_fd(fd, out, err);
}

/*
 * Threat: a number that the caller did not open is one of ours by now.
 * Defence: ours are all close-on-exec; what came through our exec is not.
 */
static int from_number(const char *text, struct buf *out, struct rl_err *err)
{
	uint64_t fd;
	int flags;

	if (parse_uint(text, 1 << 20, &fd) < 0)
		return rl_fail(err, EINVAL, "'%s' is not the number of a descriptor", text);
	flags = fcntl((int)fd, F_GETFD);
	if (flags < 0 || flags & FD_CLOEXEC)
		return rl_fail(err, EBADF, "descriptor %s is not open", text);
	return read_fd((int)fd, out, err);
}

/* The user's own line, with his environment and terminal: it may ask for a passphrase. */
static int from_command(const char *line, struct buf *out, struct rl_err *err)
{
	int pair[2], status, r;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "pipe");
	pid = fork();
	if (pid == 0) {
		if (dup2(pair[1], STDOUT_FILENO) >= 0)
			(void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	fd_close(pair[1]);
	r = pid < 0 ? rl_fail_sys(err, errno, "start '/bin/sh'") : read_fd(pair[0], out, err);
	fd_close(pair[0]); /* one that goes on writing gets SIGPIPE */
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		r = rl_fail(err, EIO, "its command ended with %d",
			    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	/* as "$(...)" has it */
	while (r == 0 && out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return r;
}

static int read_content(const struct rl *rl, const struct secretopt *o, struct buf *out,
			struct rl_err *err)
{
	auto_secret struct secret s = { 0 };
	const char *v;
	int r;

	switch (o->source) {
	case SECRET_NAMED:
		r = secret_load(rl, o->name, true, &s, err);
		*out = s.data;
		s.data = (struct buf){ 0 };
		return r;
	case SECRET_FILE:
		return from_path(o->from, out, err);
	case SECRET_ENV:
		v = getenv(o->from);
		if (!v)
			return rl_fail(err, ENOENT, "the variable '%s' is not set", o->from);
		return buf_str(out, v) < 0 ? rl_oom(err) : 0;
	case SECRET_FD:
		return from_number(o->from, out, err);
	case SECRET_CMD:
		return from_command(o->from, out, err);
	case SECRET_CREDS: {
		const char *dir = getenv("CREDENTIALS_DIRECTORY");
		auto_free char *path = dir ? str_printf("%s/%s", dir, o->from) : NULL;

		if (!path || strchr(o->from, '/') || *o->from == '.')
			return rl_fail(err, ENOENT, "no credential '%s' in $CREDENTIALS_DIRECTORY",
				       o->from);
		return from_path(path, out, err);
	}
	}
	return -EINVAL;
}

static int add_env(struct secrets *s, const struct secretopt *o, const struct buf *b,
		   struct rl_err *err)
{
	char **v = realloc(s->env, (s->n_env + 1) * sizeof(*v));

	if (!v)
		return rl_oom(err);
	s->env = v;
	if (b->len > 0 && memchr(b->data, '\0', b->len))
		return rl_fail(err, EINVAL, "it has a NUL byte and cannot be a variable");
	v[s->n_env] = str_printf("%s=%s", o->target, b->len ? b->data : "");
	return v[s->n_env++] ? 0 : rl_oom(err);
}

static int add_file(struct secrets *s, struct secretopt *o, const struct buf *b, struct rl_err *err)
{
	struct secret_file *v = realloc(s->files, (s->n_files + 1) * sizeof(*v)), *f;

	if (!v)
		return rl_oom(err);
	s->files = v;
	for (size_t i = 0; i < s->n_files; i++)
		if (strcmp(v[i].target, o->target) == 0)
			return rl_fail(err, EEXIST, "the target '%s' is taken", o->target);
	f = &v[s->n_files++];
	*f = (struct secret_file){ TAKE_PTR(o->target), o->uid, o->gid, o->mode, NULL, b->len };
	f->data = malloc(b->len + 1);
	if (!f->data)
		return rl_oom(err);
	if (b->len > 0)
		memcpy(f->data, b->data, b->len);
	return 0;
}

int secretopt_load(const struct rl *rl, const struct strv *words, struct secrets *ret,
		   struct rl_err *err)
{
	struct secrets s = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < words->n; i++) {
		auto_secretopt struct secretopt o = { 0 };
		struct buf b = { 0 };

		r = secretopt_parse(words->v[i], &o, err);
		if (r < 0)
			break;
		r = read_content(rl, &o, &b, err);
		if (r == 0)
			r = o.as_env ? add_env(&s, &o, &b, err) : add_file(&s, &o, &b, err);
		secret_wipe(&b);
		if (r < 0)
			rl_wrap(err, "secret '%s'", o.name);
	}
	if (r < 0) {
		secrets_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}
