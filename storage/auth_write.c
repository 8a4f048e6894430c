/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth_write.c - login and logout: entries of an auth file
 *
 * Theory of operation: read, change, replace whole, under a lock on the file's folder, so that two
 * logins at once both stay. A link is followed once: people keep such files elsewhere. Where the
 * file names a credential helper for the host, the secret goes there and only an empty entry here,
 * as docker does it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/auth_int.h"
#include "storage/confdir.h"

struct auth_file {
	char *path; /* after following a link */
	int lock_fd;
	json_t *root;
};

static void file_done(struct auth_file *f)
{
	free(f->path);
	fd_close(f->lock_fd);
	json_decref(f->root);
}

int auth_write_file(const char *authfile, char **ret, struct rl_err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *config = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME"), *docker = getenv("DOCKER_CONFIG");

	if (!authfile || !*authfile)
		authfile = getenv("REGISTRY_AUTH_FILE");
	if (authfile && *authfile)
		*ret = strdup(authfile);
	else if (docker && *docker == '/') /* a CI job's own place, as for the peers */
		*ret = str_printf("%s/config.json", docker);
	else if (run && *run == '/' && access(run, W_OK) == 0)
		*ret = str_printf("%s/containers/auth.json", run);
	else if (config && *config == '/')
		*ret = str_printf("%s/containers/auth.json", config);
	else if (home && *home == '/')
		*ret = str_printf("%s/.config/containers/auth.json", home);
	else
		return rl_fail(err, ENOENT, "no place to keep a login: HOME is not set");
	return *ret ? 0 : rl_oom(err);
}

/* An empty object where there is no file yet, or an empty one. */
static int file_read(const char *path, struct auth_file *f, struct rl_err *err)
{
	struct buf text = { 0 };
	char real[PATH_MAX];
	int r;

	f->path = strdup(realpath(path, real) ? real : path);
	if (!f->path)
		return rl_oom(err);
	f->lock_fd = confdir_lock(f->path, err);
	if (f->lock_fd < 0)
		return f->lock_fd;
	r = io_read_file(AT_FDCWD, f->path, AUTH_FILE_MAX, &text, err);
	if (r == -ENOENT || (r == 0 && text.len == 0)) {
		f->root = json_object();
		r = f->root ? 0 : rl_oom(err);
	} else if (r == 0) {
		r = json_read(text.data, text.len, AUTH_FILE_MAX, f->path, &f->root, err);
	}
	if (r == 0 && !json_is_object(f->root))
		r = rl_fail(err, EINVAL, "auth file '%s' is not a JSON object", f->path);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_done(&text);
	return r;
}

static int file_write(const struct auth_file *f, struct rl_err *err)
{
	char *text = json_dumps(f->root, JSON_INDENT(8));
	int r;

	if (!text)
		return rl_oom(err);
	r = io_replace_file(AT_FDCWD, f->path, text, strlen(text), 0600, IO_SYNC, err);
	explicit_bzero(text, strlen(text));
	free(text);
	return r < 0 ? rl_wrap(err, "keep the login") : 0;
}

/* "auths", made where it is missing; borrowed. */
static int get_auths(struct auth_file *f, json_t **ret, struct rl_err *err)
{
	if (json_get_obj(f->root, "auths", f->path, ret, err) < 0)
		return -err->code;
	if (*ret)
		return 0;
	*ret = json_object();
	return json_object_set_new(f->root, "auths", *ret) < 0 ? rl_oom(err) : 0;
}

static char *host_of(const char *key)
{
	return strndup(key, strcspn(key, "/"));
}

static int run_helper(const char *name, const char *verb, const char *input, struct rl_err *err)
{
	auto_free char *path = NULL;
	struct buf out = { 0 };
	int status = 0;
	int r = auth_helper(name, verb, input, &out, &status, &path, err);

	if (r == 0 && status != 0)
		r = rl_fail(err, EIO, "'%s %s' fails: %.200s", path, verb,
			    out.data ? out.data : "no word why");
	buf_done(&out);
	return r;
}

static int give_to_helper(const char *name, const char *host, const char *user,
			  const char *password, struct rl_err *err)
{
	json_auto_t *j = json_pack("{s:s, s:s, s:s}", "ServerURL", auth_helper_key(host),
				   "Username", user, "Secret", password);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	int r;

	if (!text)
		return rl_oom(err);
	r = run_helper(name, "store", text, err);
	explicit_bzero(text, strlen(text));
	free(text);
	return r;
}

static char *base64(const char *s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(s), o = 0;
	char *out = malloc(4 * (n / 3 + 1) + 1);

	for (size_t i = 0; out && i < n; i += 3) {
		unsigned v = (unsigned)(unsigned char)s[i] << 16;

		if (i + 1 < n)
			v |= (unsigned)(unsigned char)s[i + 1] << 8;
		if (i + 2 < n)
			v |= (unsigned char)s[i + 2];
		out[o++] = digits[v >> 18];
		out[o++] = digits[v >> 12 & 63];
		out[o++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
		out[o++] = i + 2 < n ? digits[v & 63] : '=';
	}
	if (out)
		out[o] = '\0';
	return out;
}

static json_t *entry(const char *user, const char *password)
{
	char *plain = str_printf("%s:%s", user, password), *code = plain ? base64(plain) : NULL;
	json_t *j = code ? json_pack("{s:s}", "auth", code) : NULL;

	if (plain)
		explicit_bzero(plain, strlen(plain));
	if (code)
		explicit_bzero(code, strlen(code));
	free(plain);
	free(code);
	return j;
}

/* Every spelling of @key in @auths; the number of them. */
static size_t drop_key(json_t *auths, const char *key)
{
	const char *k;
	void *next;
	json_t *v;
	size_t n = 0;

	json_object_foreach_safe(auths, next, k, v)
	{
		auto_free char *normal = auth_normal_key(k);

		if (!normal || strcmp(normal, key) != 0)
			continue;
		(void)json_object_del(auths, k); /* is there */
		n++;
	}
	return n;
}

int auth_store(const char *path, const char *key, const char *user, const char *password,
	       struct rl_err *err)
{
	struct auth_file f = { .lock_fd = FD_NONE };
	auto_free char *helper = NULL, *host = host_of(key);
	json_t *auths, *own;
	int r = host ? file_read(path, &f, err) : rl_oom(err);

	if (r == 0)
		r = get_auths(&f, &auths, err);
	if (r == 0)
		r = auth_find_helper(f.root, host, f.path, &helper, err);
	if (r == 0 && helper)
		r = give_to_helper(helper, host, user, password, err);
	if (r == 0) {
		own = helper ? json_object() : entry(user, password);
		(void)drop_key(auths, key);
		r = json_object_set_new(auths, key, own) < 0 ? rl_oom(err) : file_write(&f, err);
	}
	file_done(&f);
	return r;
}

static int erase_all(struct auth_file *f, json_t *auths, struct rl_err *err)
{
	const char *k;
	json_t *v;

	json_object_foreach (auths, k, v) {
		auto_free char *helper = NULL, *host = host_of(k);
		struct rl_err ignored;

		if (host && auth_find_helper(f->root, host, f->path, &helper, &ignored) == 0 &&
		    helper)
			RL_IGNORE(run_helper(helper, "erase", auth_helper_key(host), &ignored));
	}
	(void)json_object_clear(auths);
	return file_write(f, err);
}

static int erase_one(struct auth_file *f, json_t *auths, const char *key, struct rl_err *err)
{
	auto_free char *helper = NULL, *host = host_of(key);
	bool had = drop_key(auths, key) > 0;
	int r = host ? auth_find_helper(f->root, host, f->path, &helper, err) : rl_oom(err);

	if (r == 0 && helper) {
		r = run_helper(helper, "erase", auth_helper_key(host), err);
		had |= r == 0;
	}
	if (r == 0 && !had)
		return rl_fail(err, ENOENT, "not logged into %s", key);
	return r < 0 ? r : file_write(f, err);
}

int auth_erase(const char *path, const char *key, struct rl_err *err)
{
	struct auth_file f = { .lock_fd = FD_NONE };
	json_t *auths;
	int r = 0;

	if (access(path, F_OK) < 0)
		return key ? rl_fail(err, ENOENT, "not logged into %s", key) : 0;
	r = file_read(path, &f, err);
	if (r == 0)
		r = get_auths(&f, &auths, err);
	if (r == 0)
		r = key ? erase_one(&f, auths, key, err) : erase_all(&f, auths, err);
	file_done(&f);
	return r;
}
