/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - stored logins; the header is the manual */
#include "config.h"

#include "storage/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/proc.h"
#include "storage/auth_int.h"

#define HELPER_MS  60000 /* it may ask a person to unlock something */
#define HELPER_MAX 65536
#define DOCKER_HUB "https://index.docker.io/v1/" /* Docker's own key for docker.io */

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void login_done(struct login *l)
{
	free(l->user);
	wipe(l->password);
	wipe(l->refresh_token);
	free(l->from);
	strv_done(&l->twins);
	*l = (struct login){ 0 };
}

int auth_parse_creds(const char *creds, struct login *ret, struct rl_err *err)
{
	const char *colon = strchr(creds, ':');

	if (!colon || colon == creds || !colon[1])
		return rl_fail(err, EINVAL, "--creds wants USER:PASSWORD");
	*ret = (struct login){ .user = strndup(creds, (size_t)(colon - creds)),
			       .password = strdup(colon + 1),
			       .from = strdup("--creds") };
	if (ret->user && ret->password && ret->from)
		return 0;
	login_done(ret);
	return rl_oom(err);
}

/* --- base64 (rl links no libcrypto) --- */

static int b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* A new string without NUL inside, or NULL. */
static char *b64_decode(const char *s)
{
	size_t len = strlen(s), n = 0;
	char *out = malloc(len / 4 * 3 + 4);
	unsigned acc = 0, bits = 0;

	while (len > 0 && s[len - 1] == '=')
		len--;
	for (size_t i = 0; out && i < len; i++) {
		int v = b64_value(s[i]);

		if (v < 0)
			goto bad;
		acc = (acc << 6 | (unsigned)v) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n] = (char)(acc >> bits & 0xff);
			if (!out[n++])
				goto bad;
		}
	}
	if (out)
		out[n] = '\0';
	return out;
bad:
	out[n] = '\0';
	wipe(out);
	return NULL;
}

/* --- keys --- */

/* "https://index.docker.io/v1/" and "index.docker.io" mean docker.io; schemes and "/v1/" go. */
char *auth_normal_key(const char *key)
{
	const char *s = key, *slash;
	char *out;
	size_t n;

	if (strncmp(s, "https://", 8) == 0)
		s += 8;
	else if (strncmp(s, "http://", 7) == 0)
		s += 7;
	slash = strchr(s, '/');
	if (slash && (strncmp(slash, "/v1", 3) == 0 || strncmp(slash, "/v2", 3) == 0) &&
	    (!slash[3] || strcmp(slash + 3, "/") == 0))
		n = (size_t)(slash - s);
	else
		n = strlen(s);
	while (n > 0 && s[n - 1] == '/')
		n--;
	if (strncmp(s, "index.docker.io", 15) == 0 && (n == 15 || s[15] == '/')) {
		s += 6; /* what follows "index." */
		n -= 6;
	} else if (strncmp(s, "registry-1.docker.io", 20) == 0 && n == 20) {
		s += 11;
		n -= 11;
	}
	out = strndup(s, n);
	for (char *p = out; p && *p && *p != '/'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	return out;
}

/* Length of @key when it is the registry or a leading part of registry/repo, else 0. */
static size_t key_match(const char *key, const char *full)
{
	size_t n = strlen(key);

	return n > 0 && strncmp(key, full, n) == 0 && (!full[n] || full[n] == '/') ? n : 0;
}

/* --- one file --- */

static int login_of(const json_t *e, const char *path, struct login *l, struct rl_err *err)
{
	auto_free char *plain = NULL;
	const char *auth, *token, *user, *password;
	char *colon;

	if (json_get_str(e, "auth", path, &auth, err) < 0 ||
	    json_get_str(e, "identitytoken", path, &token, err) < 0 ||
	    json_get_str(e, "username", path, &user, err) < 0 ||
	    json_get_str(e, "password", path, &password, err) < 0)
		return -err->code;
	l->from = strdup(path);
	if (token && *token) {
		l->refresh_token = strdup(token);
		return l->from && l->refresh_token ? 1 : rl_oom(err);
	}
	if (!auth || !*auth) {
		if (!user || !password)
			return 0; /* {}: a helper has it */
		l->user = strdup(user);
		l->password = strdup(password);
		return l->from && l->user && l->password ? 1 : rl_oom(err);
	}
	plain = b64_decode(auth);
	colon = plain ? strchr(plain, ':') : NULL;
	if (!colon) {
		if (plain)
			explicit_bzero(plain, strlen(plain));
		return rl_fail(err, EINVAL,
			       "auth file '%s': an 'auth' is not base64 of user:password", path);
	}
	*colon = '\0';
	l->user = strdup(plain);
	l->password = strdup(colon + 1);
	explicit_bzero(colon + 1, strlen(colon + 1));
	return l->from && l->user && l->password ? 1 : rl_oom(err);
}

/* Other entries with the same "auth": whoever is behind them knows this login already. */
static int add_twins(const json_t *auths, const json_t *own, struct login *l, struct rl_err *err)
{
	const char *secret = json_string_value(json_object_get(own, "auth")), *key, *s;
	json_t *e;

	if (!secret || !*secret)
		return 0;
	json_object_foreach ((json_t *)(uintptr_t)auths, key, e) {
		s = json_string_value(json_object_get(e, "auth"));
		if (e == own || !s || strcmp(s, secret) != 0)
			continue;
		if (strv_take(&l->twins, auth_normal_key(key)) < 0)
			return rl_oom(err);
	}
	return 0;
}

static int best_entry(const json_t *auths, const char *full, const json_t **ret, struct rl_err *err)
{
	size_t best = 0;
	const char *key;
	json_t *e;

	*ret = NULL;
	json_object_foreach ((json_t *)(uintptr_t)auths, key, e) {
		auto_free char *k = auth_normal_key(key);
		size_t n;

		if (!k)
			return rl_oom(err);
		n = key_match(k, full);
		if (n > best && json_is_object(e)) {
			best = n;
			*ret = e;
		}
	}
	return 0;
}

/* credHelpers for the host, else credsStore. */
int auth_find_helper(const json_t *root, const char *host, const char *path, char **ret,
		     struct rl_err *err)
{
	json_t *helpers, *v;
	const char *store, *name = NULL, *key;

	if (json_get_obj(root, "credHelpers", path, &helpers, err) < 0 ||
	    json_get_str(root, "credsStore", path, &store, err) < 0)
		return -err->code;
	json_object_foreach (helpers, key, v) {
		auto_free char *k = auth_normal_key(key);

		if (!k)
			return rl_oom(err);
		if (strcmp(k, host) == 0)
			name = json_string_value(v);
	}
	if (!name)
		name = store;
	if (!name || !*name)
		return 0;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
		    strlen(name) ||
	    strlen(name) > 64)
		return rl_fail(err, EINVAL, "auth file '%s': '%.80s' is no helper's name", path,
			       name);
	*ret = strdup(name);
	return *ret ? 0 : rl_oom(err);
}

int auth_find_in(const char *text, size_t len, const char *path, const struct ref *ref,
		 struct login *ret, char **ret_helper, struct rl_err *err)
{
	auto_free char *full = str_printf("%s/%s", ref->registry, ref->repo);
	auto_login struct login l = { 0 };
	json_auto_t *root = NULL;
	const json_t *e;
	json_t *auths;
	int r;

	*ret_helper = NULL;
	if (!full)
		return rl_oom(err);
	if (json_read(text, len, AUTH_FILE_MAX, path, &root, err) < 0)
		return rl_wrap(err, "auth file");
	if (json_get_obj(root, "auths", path, &auths, err) < 0)
		return -err->code;
	if (!auths && !json_object_get(root, "credHelpers") && !json_object_get(root, "credsStore"))
		auths = root; /* ~/.dockercfg has no outer object */
	if (best_entry(auths, full, &e, err) < 0)
		return -err->code;
	r = e ? login_of(e, path, &l, err) : 0;
	if (r > 0 && add_twins(auths, e, &l, err) < 0)
		return -err->code;
	if (r == 0 && auths != root)
		r = auth_find_helper(root, ref->registry, path, ret_helper, err);
	if (r > 0) {
		*ret = l;
		l = (struct login){ 0 };
	}
	return r;
}

/* --- helpers --- */

static int add_env(struct strv *env, const char *name)
{
	const char *v = getenv(name);

	return v ? strv_take(env, str_printf("%s=%s", name, v)) : 0;
}

/* What a keyring needs to find the user's session, and no more. */
static int helper_env(struct strv *env)
{
	static const char *const names[] = {
		"HOME",
		"USER",
		"XDG_RUNTIME_DIR",
		"XDG_CONFIG_HOME",
		"DBUS_SESSION_BUS_ADDRESS",
		"DISPLAY",
		"WAYLAND_DISPLAY",
		"GPG_TTY",
		"GNUPGHOME",
		"PASSWORD_STORE_DIR",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (add_env(env, names[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int helper_pipes(const char *input, int *ret_in, int *ret_rd, int *ret_wr)
{
	int in[2], out[2], r;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	*ret_in = in[0];
	r = io_write_all(in[1], input, strlen(input)); /* limited: fits into any pipe */
	fd_close(in[1]);
	if (r < 0)
		return r;
	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	*ret_rd = out[0];
	*ret_wr = out[1];
	return 0;
}

static int run_helper(const char *path, const char *verb, const char *input, struct buf *out,
		      int *ret_status, struct rl_err *err)
{
	auto_strv struct strv env = { 0 };
	auto_fd int in = FD_NONE, rd = FD_NONE, wr = FD_NONE, pidfd = FD_NONE;
	const char *const argv[] = { path, verb, NULL };
	pid_t pid;
	int r;

	if (helper_env(&env) < 0)
		return rl_oom(err);
	r = helper_pipes(input, &in, &rd, &wr);
	if (r < 0)
		return rl_fail_sys(err, -r, "pipe to '%s'", path);
	r = proc_spawn(&(struct proc_spec){ .argv = argv,
					    .env = (const char *const *)env.v,
					    .fds = (struct proc_fd[]){ { in, 0 }, { wr, 1 } },
					    .n_fds = 2,
					    .join_userns = FD_NONE,
					    .die_with_parent = 9 },
		       &pid, &pidfd, err);
	if (r < 0)
		return r;
	fd_close(TAKE_FD(wr));
	r = io_read_all(rd, HELPER_MAX, out);
	if (r < 0 || proc_wait(pidfd, pid, HELPER_MS, ret_status) < 0) {
		(void)proc_pidfd_signal(pidfd, 9);                /* over in any case */
		RL_IGNORE(proc_wait(pidfd, pid, -1, ret_status)); /* killed: it ends */
		return rl_fail(err, EIO, "'%s' gives no usable answer", path);
	}
	return 0;
}

static int take_answer(const struct buf *out, const char *path, struct login *ret,
		       struct rl_err *err)
{
	const char *user, *secret;
	json_auto_t *j = NULL;

	if (json_read(out->data, out->len, HELPER_MAX, path, &j, err) < 0 ||
	    json_get_str(j, "Username", path, &user, err) < 0 ||
	    json_get_str(j, "Secret", path, &secret, err) < 0)
		return -err->code;
	if (!user || !secret)
		return rl_fail(err, EINVAL, "'%s': no Username and Secret in its answer", path);
	ret->from = strdup(path);
	if (strcmp(user, "<token>") == 0) { /* docker-credential-helpers' mark */
		ret->refresh_token = strdup(secret);
	} else {
		ret->user = strdup(user);
		ret->password = strdup(secret);
	}
	return ret->from && (ret->refresh_token || (ret->user && ret->password)) ? 1 : rl_oom(err);
}

int auth_helper(const char *name, const char *verb, const char *input, struct buf *out,
		int *ret_status, char **ret_path, struct rl_err *err)
{
	auto_free char *program = str_printf("docker-credential-%s", name);
	auto_free char *path = program ? proc_find(program) : NULL;
	int r;

	if (!path)
		return rl_fail(err, ENOENT,
			       "the credential helper '%s' is not in the system's program folders",
			       program ? program : name);
	if (strlen(input) > AUTH_HELPER_INPUT_MAX)
		return rl_fail(err, EFBIG, "credentials of more than %d bytes",
			       AUTH_HELPER_INPUT_MAX);
	r = run_helper(path, verb, input, out, ret_status, err);
	if (r == 0)
		*ret_path = TAKE_PTR(path);
	return r;
}

const char *auth_helper_key(const char *registry)
{
	return strcmp(registry, "docker.io") == 0 ? DOCKER_HUB : registry;
}

static int ask_helper(const char *name, const struct ref *ref, struct login *ret,
		      struct rl_err *err)
{
	auto_login struct login l = { 0 };
	auto_free char *path = NULL;
	struct buf out = { 0 };
	int status = 0, r;

	r = auth_helper(name, "get", auth_helper_key(ref->registry), &out, &status, &path, err);
	/* "credentials not found in native keychain" and the like: nobody then */
	if (r == 0 && status == 0 && out.data)
		r = take_answer(&out, path, &l, err);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_done(&out);
	if (r > 0) {
		*ret = l;
		l = (struct login){ 0 };
	}
	return r;
}

/* --- all files --- */

/* 1 = found, 0 = not, -errno. The file may be a link: it is the user's own. */
static int look_in(const char *path, const struct ref *ref, struct login *ret, struct rl_err *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	auto_free char *helper = NULL;
	struct buf text = { 0 };
	struct stat st;
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "open auth file '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return rl_fail(err, EINVAL, "auth file '%s' is not a regular file", path);
	r = io_read_all(fd, AUTH_FILE_MAX, &text);
	if (r < 0)
		rl_fail_sys(err, -r, "read auth file '%s'", path);
	else if (text.len > 0)
		r = auth_find_in(text.data, text.len, path, ref, ret, &helper, err);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_done(&text);
	if (r == 0 && helper)
		r = ask_helper(helper, ref, ret, err);
	return r;
}

static int list_file(struct strv *l, const char *env, const char *tail, const char *home_tail)
{
	const char *dir = env ? getenv(env) : NULL, *home = getenv("HOME");

	if (dir && *dir == '/')
		return strv_take(l, str_printf("%s/%s", dir, tail));
	if (home && *home == '/' && home_tail)
		return strv_take(l, str_printf("%s/%s", home, home_tail));
	return 0;
}

int auth_find(const char *authfile, const struct ref *ref, struct login *ret, struct rl_err *err)
{
	auto_strv struct strv files = { 0 };
	struct rl_err e = { 0 };
	int r = 0;

	*ret = (struct login){ 0 };
	if (!authfile || !*authfile)
		authfile = getenv("REGISTRY_AUTH_FILE");
	if (authfile && *authfile) {
		r = look_in(authfile, ref, ret, err);
		return r < 0 ? r : 0;
	}
	if (list_file(&files, "DOCKER_CONFIG", "config.json", NULL) < 0 ||
	    list_file(&files, "XDG_RUNTIME_DIR", "containers/auth.json", NULL) < 0 ||
	    list_file(&files, "XDG_CONFIG_HOME", "containers/auth.json",
		      ".config/containers/auth.json") < 0 ||
	    list_file(&files, NULL, NULL, ".docker/config.json") < 0 ||
	    list_file(&files, NULL, NULL, ".dockercfg") < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < files.n; i++) {
		r = look_in(files.v[i], ref, ret, &e);
		if (r == -ENOENT && access(files.v[i], F_OK) < 0)
			r = 0; /* most users have none of them */
	}
	if (r < 0)
		*err = e;
	return r < 0 ? r : 0;
}
