/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_env.c - the environment of the container's process
 *
 * Later ones win: defaults, proxies, --env-host, the image's Env, --env-merge, --env-file, -e; --unsetenv last.
 * Nothing of the caller's environment gets in but the proxies and what is asked for by name.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/spec_parts.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

#define ENV_FILE_MAX  (1 << 20)
#define ENV_BYTES_MAX (2 << 20)
#define ENV_PATH      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

extern char **environ;

static bool is_utf8(const char *s)
{
	json_t *j = json_string(s);

	json_decref(j);
	return j != NULL;
}

static int set(struct strv *env, const char *entry, struct rl_err *err)
{
	if (env->n >= IMGCONF_ENV_MAX)
		return rl_fail(err, E2BIG, "more than %d environment variables", IMGCONF_ENV_MAX);
	return strv_setenv(env, entry) < 0 ? rl_oom(err) : 0;
}

static int setf(struct strv *env, const char *name, const char *value, struct rl_err *err)
{
	auto_free char *entry = str_printf("%s=%s", name, value);

	return entry ? set(env, entry, err) : rl_oom(err);
}

static void unset(struct strv *env, const char *name)
{
	size_t n = strlen(name), k = 0;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
			free(env->v[i]);
		else
			env->v[k++] = env->v[i];
	}
	env->n = k;
	if (env->v)
		env->v[k] = NULL;
}

/* Every variable of the caller whose name starts with the first @n bytes of @prefix. */
static int import_all(struct strv *env, const char *prefix, size_t n, struct rl_err *err)
{
	int r = 0;

	for (char **e = environ; r == 0 && *e; e++) {
		const char *eq = strchr(*e, '=');

		if (!eq || eq == *e || strncmp(*e, prefix, n) != 0)
			continue;
		if (is_utf8(*e))
			r = set(env, *e, err);
		else
			log_warn("variable '%.*s' is not valid UTF-8, leaving it out",
				 (int)(eq - *e), *e);
	}
	return r;
}

/* "KEY=VALUE", "KEY" (taken from the caller, nothing when unset there), "PREFIX*". */
static int set_word(struct strv *env, const char *word, const char *flag, struct rl_err *err)
{
	size_t n = strlen(word);
	const char *value;

	if (n == 0 || *word == '=')
		return rl_fail(err, EINVAL, "'%s %s': no name before '='", flag, word);
	if (!is_utf8(word))
		return rl_fail(err, EINVAL, "'%s %.80s' is not valid UTF-8", flag, word);
	if (strchr(word, '='))
		return set(env, word, err);
	if (word[n - 1] == '*')
		return import_all(env, word, n - 1, err);
	value = getenv(word);
	if (!value) {
		unset(env, word);
		return 0;
	}
	if (!is_utf8(value))
		return rl_fail(err, EINVAL, "variable '%s' is not valid UTF-8", word);
	return setf(env, word, value, err);
}

static int env_line(struct strv *env, char *line, const char *path, size_t nr, struct rl_err *err)
{
	size_t n = strlen(line);

	if (n > 0 && line[n - 1] == '\r')
		line[n - 1] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	n = strcspn(line, "=");
	if (strcspn(line, " \t") < n)
		return rl_fail(err, EINVAL, "'%s' line %zu: variable '%.*s' has blanks in its name",
			       path, nr, (int)(n < 80 ? n : 80), line);
	if (set_word(env, line, "--env-file", err) < 0)
		return rl_wrap(err, "'%s' line %zu", path, nr);
	return 0;
}

static int env_file(struct strv *env, const char *path, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	auto_strv struct strv lines = { 0 };
	int r = io_read_given(path, ENV_FILE_MAX, &b, err);
	const char *text;

	if (r < 0)
		return rl_wrap(err, "environment file");
	text = b.data ? b.data : "";
	if (strlen(text) != b.len)
		return rl_fail(err, EINVAL, "environment file '%s' has a NUL byte", path);
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3; /* byte order mark of Windows editors */
	if (strv_split(&lines, text, '\n') < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = env_line(env, lines.v[i], path, i + 1, err);
	return r;
}

static int proxies(struct strv *env, struct rl_err *err)
{
	static const char *const names[] = {
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
		"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i]);

		if (v && is_utf8(v))
			r = setf(env, names[i], v, err);
	}
	return r;
}

static int defaults(struct spec_ctx *x, struct strv *env, struct rl_err *err)
{
	int r = set(env, ENV_PATH, err);

	if (r == 0 && x->req->tty)
		r = set(env, "TERM=xterm", err);
	if (r == 0)
		r = set(env, "container=podman", err);
	if (r == 0)
		r = setf(env, "HOSTNAME", x->out->hostname, err);
	if (r == 0)
		r = setf(env, "HOME", x->home, err);
	return r;
}

/* Whether "-v" or "--mount" puts something at @dir: "[SOURCE:]DIR[:OPTIONS]", "...,target=DIR,..." */
static bool is_mounted(const struct create_req *q, const char *dir)
{
	static const char *const keys[] = { "dst=", "target=", "destination=" };
	size_t n = strlen(dir);

	for (size_t i = 0; i < q->volume.n; i++) {
		const char *at = strchr(q->volume.v[i], ':');

		at = at ? at + 1 : q->volume.v[i];
		if (strncmp(at, dir, n) == 0 && (at[n] == ':' || !at[n]))
			return true;
	}
	for (size_t i = 0; i < q->mount.n * ARRAY_LEN(keys); i++) {
		const char *key = keys[i % ARRAY_LEN(keys)];
		const char *at = strstr(q->mount.v[i / ARRAY_LEN(keys)], key);

		at = at ? at + strlen(key) : "";
		if (strncmp(at, dir, n) == 0 && (at[n] == ',' || !at[n]))
			return true;
	}
	return false;
}

/* Of the image's passwd entry; with keep-id the caller's, if it is mounted, or the working folder; else "/". */
static int find_home(struct spec_ctx *x, struct rl_err *err)
{
	const char *own = getenv("HOME"), *home = "/";

	if (x->user.has_entry && x->user.home[0])
		home = x->user.home;
	else if (x->keep_id)
		home = own && *own == '/' && is_mounted(x->req, own) ? own : x->cwd;
	x->home = strdup(is_utf8(home) ? home : "/");
	return x->home ? 0 : rl_oom(err);
}

static int from_image(struct spec_ctx *x, struct strv *env, struct rl_err *err)
{
	const json_t *v;
	size_t i;
	int r = 0;

	json_array_foreach (x->img.env, i, v) {
		r = set(env, json_string_value(v), err);
		if (r < 0)
			break;
	}
	return r;
}

/* Is it "NAME" or "{NAME}" at @s? Bytes it takes, with its value ("" when unset); 0: no name. */
static size_t variable(const struct strv *env, const char *s, const char **ret)
{
	bool brace = *s == '{';
	const char *name = s + brace;
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	auto_free char *key = strndup(name, n);

	if (n == 0 || !key || (brace && name[n] != '}'))
		return 0;
	*ret = strv_getenv(env, key);
	if (!*ret)
		*ret = "";
	return n + 2 * (size_t)brace;
}

/* --env-merge "NAME=text ${OTHER}": with the values that others have by now */
static int merge(struct strv *env, const char *word, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	const char *value;
	size_t n;
	int r = 0;

	if (*word == '=' || !strchr(word, '='))
		return rl_fail(err, EINVAL, "'--env-merge %s': expected NAME=VALUE", word);
	if (!is_utf8(word))
		return rl_fail(err, EINVAL, "'--env-merge %.80s' is not valid UTF-8", word);
	for (const char *s = word; r == 0 && *s; s += n) {
		n = *s == '$' ? variable(env, s + 1, &value) : 0;
		if (n > 0) {
			r = buf_str(&b, value);
			n++;
		} else {
			n = 1;
			r = buf_add(&b, s, 1);
		}
	}
	return r < 0 ? rl_oom(err) : set(env, b.data, err);
}

static int check_size(const struct strv *env, struct rl_err *err)
{
	size_t total = 0;

	for (size_t i = 0; i < env->n; i++)
		total += strlen(env->v[i]) + 1;
	if (total > ENV_BYTES_MAX)
		return rl_fail(err, E2BIG,
			       "the environment has %zu bytes, more than the limit of %d", total,
			       ENV_BYTES_MAX);
	return 0;
}

int spec_env_words(struct strv *env, const struct strv *files, const struct strv *words,
		   struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < files->n; i++)
		r = env_file(env, files->v[i], err);
	for (size_t i = 0; r == 0 && i < words->n; i++)
		r = set_word(env, words->v[i], "--env", err);
	return r;
}

int spec_make_env(struct spec_ctx *x, json_t **ret, struct rl_err *err)
{
	auto_strv struct strv env = { 0 };
	const struct create_req *q = x->req;
	int r = find_home(x, err);

	if (r == 0 && !q->unsetenv_all)
		r = defaults(x, &env, err);
	if (r == 0 && !q->no_http_proxy)
		r = proxies(&env, err);
	if (r == 0 && q->env_host)
		r = import_all(&env, "", 0, err);
	if (r == 0 && !q->unsetenv_all)
		r = from_image(x, &env, err);
	for (size_t i = 0; r == 0 && i < q->env_merge.n; i++)
		r = merge(&env, q->env_merge.v[i], err);
	if (r == 0)
		r = spec_env_words(&env, &q->env_file, &q->env, err);
	for (size_t i = 0; r == 0 && i < q->unsetenv.n; i++)
		unset(&env, q->unsetenv.v[i]);
	if (r == 0)
		r = check_size(&env, err);
	if (r < 0)
		return r;
	*ret = spec_make_strings(env.v, env.n);
	return *ret ? 0 : rl_oom(err);
}
