/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login.c - `rl login`: check a user and password with a registry and remember them
 *
 * Without -u and -p a login that is known already is checked again; else what is missing is asked
 * for on the terminal. Nothing is remembered that the registry did not take.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/auth.h"
#include "storage/fetch_out.h"
#include "storage/secret.h"

struct login_opts {
	bool get, from_stdin, verbose;
	int tls_verify; /* -1 = not given */
	const char *authfile, *compat_authfile, *cert_dir, *user, *password, *secret;
};

static const struct opt login_options[] = {
	OPT_STR(0, "authfile", struct login_opts, authfile, "FILE", "keep the login in FILE"),
	OPT_STR(0, "cert-dir", struct login_opts, cert_dir, "DIR",
		"use certificates and keys in DIR"),
	OPT_STR(0, "compat-auth-file", struct login_opts, compat_authfile, "FILE",
		"the same, in the form of docker's config.json"),
	OPT_BOOL(0, "get-login", struct login_opts, get, "print who is logged in"),
	OPT_STR('p', "password", struct login_opts, password, "PASSWORD",
		"password; others on this machine may see it, --password-stdin is better"),
	OPT_BOOL(0, "password-stdin", struct login_opts, from_stdin,
		 "read the password from stdin"),
	OPT_STR(0, "secret", struct login_opts, secret, "NAME",
		"the password is this secret of 'rl secret'; the user, too, has its name"),
	OPT_TRI(0, "tls-verify", struct login_opts, tls_verify,
		"check certificates; =false also allows plain http"),
	OPT_STR('u', "username", struct login_opts, user, "USER", "name of the user"),
	OPT_BOOL('v', "verbose", struct login_opts, verbose, "say where the login is kept"),
	OPT_END,
};

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
}
#define auto_wiped __attribute__((cleanup(wipe)))

/* All of stdin but its last newline. */
static int read_stdin(char **ret, struct rl_err *err)
{
	struct buf b = { 0 };
	int r = io_read_all(STDIN_FILENO, SECRET_MAX, &b);

	if (r < 0)
		return rl_fail_sys(err, -r, "read the password from stdin");
	while (b.len > 0 && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\r'))
		b.data[--b.len] = '\0';
	*ret = b.len > 0 ? strndup(b.data, b.len) : strdup("");
	if (b.data)
		explicit_bzero(b.data, b.cap);
	buf_done(&b);
	return *ret ? 0 : rl_oom(err);
}

/* One line from the terminal; @hidden: without showing it. */
static int ask(const char *prompt, bool hidden, char **ret, struct rl_err *err)
{
	struct termios was, quiet;
	size_t room = 0;
	ssize_t n;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &was) < 0) {
		rl_fail(err, EINVAL,
			"user and password are needed, and stdin is no terminal to ask on");
		return rl_hint(err, "use --username and --password-stdin");
	}
	(void)fprintf(stderr, "%s: ", prompt);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (hidden)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet); /* shown then, but taken */
	n = getline(ret, &room, stdin);
	if (hidden) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		(void)fputc('\n', stderr);
	}
	if (n <= 0)
		return rl_fail(err, ECANCELED, "no %s was given",
			       hidden ? "password" : "user name");
	(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return 0;
}

/* "https://quay.io/v2/" and "quay.io" alike; a path of a repository may stay. */
static int read_registry(const char *word, char **ret, struct ref *ref, struct rl_err *err)
{
	auto_free char *probe = NULL;
	size_t n;

	if (strncmp(word, "https://", 8) == 0)
		word += 8;
	else if (strncmp(word, "http://", 7) == 0)
		word += 7;
	n = strlen(word);
	while (n > 0 && word[n - 1] == '/')
		n--;
	if (n > 3 && (strncmp(word + n - 3, "/v1", 3) == 0 || strncmp(word + n - 3, "/v2", 3) == 0))
		n -= 3;
	if (n == 15 && strncmp(word, "index.docker.io", n) == 0) {
		word += 6;
		n -= 6;
	}
	*ret = strndup(word, n);
	probe = str_printf("%.*s/login", (int)n, word);
	if (!*ret || !probe)
		return rl_oom(err);
	if (ref_parse(probe, strlen(probe), ref, err) < 0)
		return -err->code;
	if (strncmp(ref->registry, *ret, strcspn(*ret, "/")) != 0)
		return rl_fail(err, EINVAL, "'%s' is not a registry's host name", word);
	return 0;
}

static int verify(const struct rl *rl, const struct login_opts *o, const struct ref *ref,
		  const char *user, const char *password, struct rl_err *err)
{
	char *creds = str_printf("%s:%s", user, password);
	const struct pull_req req = {
		.creds = creds, .cert_dir = o->cert_dir, .tls_verify = o->tls_verify, .retries = 1
	};
	int r = creds ? fetch_login(rl, ref->registry, &req, err) : rl_oom(err);

	wipe(&creds);
	return r;
}

static int get_login(const char *registry, const struct login *known, struct rl_err *err)
{
	if (!known->user)
		return rl_fail(err, ENOENT, "not logged into %s", registry);
	(void)puts(known->user); /* a closed stdout is seen at exit */
	return 0;
}

/* Its last newline is none of the password, as with --password-stdin. */
static int from_secret(const struct rl *rl, const struct login_opts *o, char **user,
		       char **password, struct rl_err *err)
{
	auto_secret struct secret s = { 0 };
	size_t n;

	if (secret_load(rl, o->secret, true, &s, err) < 0)
		return -err->code;
	n = s.data.len;
	while (n > 0 && (s.data.data[n - 1] == '\n' || s.data.data[n - 1] == '\r'))
		n--;
	if (n > 0 && memchr(s.data.data, '\0', n))
		return rl_fail(err, EINVAL, "secret '%s' is no text, so no password", s.name);
	*user = strdup(o->user ? o->user : s.name);
	*password = n > 0 ? strndup(s.data.data, n) : strdup("");
	return *user && *password ? 0 : rl_oom(err);
}

static int complete(const struct rl *rl, const struct login_opts *o, char **user, char **password,
		    struct rl_err *err)
{
	int r = 0;

	if (o->secret)
		return from_secret(rl, o, user, password, err);
	*user = o->user ? strdup(o->user) : NULL;
	*password = o->password ? strdup(o->password) : NULL;
	if ((o->user && !*user) || (o->password && !*password))
		return rl_oom(err);
	if (o->from_stdin && !o->user)
		return rl_fail(err, EINVAL, "--password-stdin needs --username");
	if (!*user)
		r = ask("Username", false, user, err);
	if (r == 0 && o->from_stdin)
		r = read_stdin(password, err);
	else if (r == 0 && !*password)
		r = ask("Password", true, password, err);
	return r;
}

static int check(const char *user, const char *password, struct rl_err *err)
{
	if (!*user || strchr(user, ':'))
		return rl_fail(err, EINVAL, "'%s' cannot be a user's name", user);
	return *password ? 0 : rl_fail(err, EINVAL, "the password is empty");
}

/* A login that is there already, when no other was given. 1 = still good, 0 = go on asking. */
static int try_known(const struct rl *rl, const struct login_opts *o, const struct ref *ref,
		     const struct login *known)
{
	struct rl_err ignored;

	if (o->user || o->password || o->from_stdin || o->secret || !known->user ||
	    !known->password)
		return 0;
	(void)puts("Authenticating with existing credentials...");
	if (verify(rl, o, ref, known->user, known->password, &ignored) == 0) {
		(void)printf("Existing credentials are valid. Already logged in to %s\n",
			     ref->registry);
		return 1;
	}
	(void)puts("Existing credentials are invalid, please enter valid username and password");
	return 0;
}

static int login(struct rl *rl, const struct cmd_args *args, const void *opts, struct rl_err *err)
{
	const struct login_opts *o = opts;
	const char *word = args->n > 0 ? args->v[0] : "docker.io";
	const char *authfile = o->authfile ? o->authfile : o->compat_authfile;
	auto_free char *key = NULL, *path = NULL;
	auto_wiped char *user = NULL, *password = NULL;
	auto_login struct login known = { 0 };
	auto_ref struct ref ref = { 0 };
	int r = read_registry(word, &key, &ref, err);

	if (r == 0 && o->authfile && o->compat_authfile)
		r = rl_fail(err, EINVAL, "--authfile and --compat-auth-file exclude each other");
	if (r == 0 && o->password && o->from_stdin)
		r = rl_fail(err, EINVAL, "--password and --password-stdin exclude each other");
	if (r == 0 && o->secret && (o->password || o->from_stdin))
		r = rl_fail(err, EINVAL,
			    "--secret and the other ways to give a password exclude each other");
	if (r == 0)
		r = auth_write_file(authfile, &path, err);
	if (r == 0 && access(path, F_OK) == 0)
		r = auth_find(authfile, &ref, &known, err);
	if (r < 0)
		return r;
	if (o->get)
		return get_login(key, &known, err);
	if (try_known(rl, o, &ref, &known) > 0)
		return 0;
	r = complete(rl, o, &user, &password, err);
	if (r == 0)
		r = check(user, password, err);
	if (r == 0)
		r = verify(rl, o, &ref, user, password, err);
	if (r == 0)
		r = auth_store(path, key, user, password, err);
	if (r < 0)
		return rl_wrap(err, "login '%s'", key);
	if (o->verbose)
		(void)printf("Used: %s\n", path);
	(void)puts("Login Succeeded!");
	return 0;
}

const struct cmd cmd_login = {
	.name = "login",
	.args = "[REGISTRY]",
	.summary = "Log in to a registry",
	.about = "Checks a user and password with REGISTRY (docker.io when none is named) "
		 "and remembers them for pull and push, in auth.json of the runtime "
		 "folder, which does not outlive a reboot, or in --authfile. Where that "
		 "file names a credential helper, the helper keeps the secret.\n\n"
		 "What is not given is asked for on the terminal. A login that is known "
		 "already is only checked again.",
	.examples = {
		{ "rl login quay.io", "Log in, be asked for user and password." },
		{ "pass registry | rl login -u ci --password-stdin registry.example",
		  "Log in from a script." },
		{ "rl login --secret quay -u ci quay.io", "Use the secret 'quay' of 'rl secret create'." },
		{ "rl login --get-login quay.io", "Print the user's name." },
	},
	.options = login_options,
	.defaults = &(const struct login_opts){ .tls_verify = -1 },
	.opts_size = sizeof(struct login_opts),
	.max_args = 1,
	.run = login,
};
