/* SPDX-License-Identifier: Apache-2.0 */
/* gpg.c - simple signatures through gpgme; the header is the manual */
#include "config.h"

#include "storage/image/gpg.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HAVE_GPGME
#include <gpgme.h>
#endif

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/calls.h"
#include "storage/image/child.h"
#include "storage/image/sigstore.h"

/* --- keys --- */

void gpg_keys_done(struct gpg_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		buf_done(&k->v[i]);
	k->n = 0;
}

static int add_file(const char *path, struct gpg_keys *k, struct rl_err *err)
{
	if (k->n == GPG_KEYS_MAX)
		return rl_fail(err, E2BIG, "the policy names more than %d files of keys",
			       GPG_KEYS_MAX);
	if (path[0] != '/')
		return rl_fail(err, EINVAL, "the path of a key, '%.200s', is not absolute", path);
	k->v[k->n] = (struct buf){ 0 };
	if (io_read_named(path, GPG_KEY_MAX, &k->v[k->n++], err) < 0)
		return rl_wrap(err, "public key");
	return 0;
}

int gpg_read_keys(json_t *q, struct gpg_keys *ret, struct rl_err *err)
{
	const char *type = json_string_value(json_object_get(q, "keyType"));
	const char *path = json_string_value(json_object_get(q, "keyPath"));
	const char *data = json_string_value(json_object_get(q, "keyData"));
	json_t *v;
	size_t i;

	if (!type || strcmp(type, "GPGKeys") != 0)
		return rl_fail(err, EINVAL, "keyType '%.60s' of 'signedBy' is not 'GPGKeys'",
			       type ? type : "");
	if (path && add_file(path, ret, err) < 0)
		return -err->code;
	json_array_foreach (json_object_get(q, "keyPaths"), i, v)
		if (add_file(json_string_value(v), ret, err) < 0)
			return -err->code;
	if (!data)
		return 0;
	ret->v[ret->n] = (struct buf){ 0 };
	if (sigstore_base64(data, &ret->v[ret->n++]) < 0)
		return rl_fail(err, EINVAL, "a keyData of the policy is not base64");
	return 0;
}

#ifndef HAVE_GPGME
bool gpg_is_built_in(void)
{
	return false;
}

int gpg_open(const struct rl *rl, const struct gpg_keys *keys, const struct buf *message,
	     struct buf *payload, struct rl_err *err)
{
	(void)rl;
	(void)keys;
	(void)message;
	(void)payload;
	return rl_fail(err, ENOSYS, "rl was built without gpgme");
}
#else

/* --- the library, opened when it is needed --- */

#define GPG             "the check by gpg"
#define GPG_LIBRARY     "libgpgme.so.11"
#define GPG_MEMORY_MAX  ((size_t)256 << 20)
#define GPG_FILE_MAX    (32 << 20)
#define GPG_SECONDS_MAX 20

#define GPG_FUNCTIONS(X)             \
	X(gpgme_check_version)       \
	X(gpgme_new)                 \
	X(gpgme_ctx_set_engine_info) \
	X(gpgme_set_offline)         \
	X(gpgme_data_new_from_mem)   \
	X(gpgme_data_new_from_cbs)   \
	X(gpgme_op_import)           \
	X(gpgme_op_import_result)    \
	X(gpgme_op_verify)           \
	X(gpgme_op_verify_result)    \
	X(gpgme_strerror)

struct lib {
#define GPG_FIELD(name) __typeof__(name) *name;
	GPG_FUNCTIONS(GPG_FIELD)
#undef GPG_FIELD
};

bool gpg_is_built_in(void)
{
	return true;
}

static int load(struct lib *lib, struct rl_err *err)
{
	void *so = dlopen(GPG_LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!so) {
		rl_fail(err, ENOSYS, "the library " GPG_LIBRARY " (gpgme) is not installed");
		return rl_hint(err, "GPG signatures need gpgme and gpg; 'rl trust add' with a "
				    "sigstore key needs neither");
	}
#define GPG_LOAD(name)                           \
	*(void **)&lib->name = dlsym(so, #name); \
	if (!lib->name)                          \
		return rl_fail(err, ENOSYS, GPG_LIBRARY " has no function '%s'", #name);
	GPG_FUNCTIONS(GPG_LOAD)
#undef GPG_LOAD
	return 0;
}

/* --- in the confined child, which is not tidied up: it ends --- */

static int bad(const struct lib *lib, gpgme_error_t e, int code, const char *what,
	       struct rl_err *err)
{
	if (gpgme_err_code(e) == GPG_ERR_INV_ENGINE) {
		rl_fail(err, ENOSYS, "%s: gpg cannot be run", what);
		return rl_hint(err, "install gpg (GnuPG)");
	}
	return rl_fail(err, code, "%s: %s", what, lib->gpgme_strerror(e));
}

static int import(const struct lib *lib, gpgme_ctx_t ctx, const struct gpg_keys *keys,
		  struct rl_err *err)
{
	for (size_t i = 0; i < keys->n; i++) {
		const struct buf *b = &keys->v[i];
		gpgme_data_t d = NULL;
		gpgme_import_result_t got;
		gpgme_error_t e =
			lib->gpgme_data_new_from_mem(&d, b->data ? b->data : "", b->len, 0);

		if (!e)
			e = lib->gpgme_op_import(ctx, d);
		if (e)
			return bad(lib, e, EINVAL, "public keys", err);
		got = lib->gpgme_op_import_result(ctx);
		if (!got || got->imported + got->unchanged == 0)
			return rl_fail(err, EINVAL,
				       "a file of keys of the policy holds no OpenPGP public key");
	}
	return 0;
}

static ssize_t take_payload(void *arg, const void *p, size_t n)
{
	struct buf *out = arg;

	if (out->len + n > SIGSTORE_PAYLOAD_MAX || buf_add(out, p, n) < 0) {
		errno = EFBIG;
		return -1;
	}
	return (ssize_t)n;
}

static int judge(const struct lib *lib, gpgme_ctx_t ctx, const struct gpg_keys *keys,
		 struct rl_err *err)
{
	static const struct {
		gpgme_err_code_t code;
		const char *text;
	} known[] = {
		{ GPG_ERR_SIG_EXPIRED, "the signature has expired" },
		{ GPG_ERR_KEY_EXPIRED, "the key of the signature has expired" },
		{ GPG_ERR_CERT_REVOKED, "the key of the signature was revoked" },
	};
	gpgme_verify_result_t got = lib->gpgme_op_verify_result(ctx);
	gpgme_signature_t s = got ? got->signatures : NULL;
	gpgme_err_code_t code;

	if (!s || s->next)
		return rl_fail(err, EACCES, "a signature file holds %s",
			       s ? "more than one signature" : "no signature");
	code = gpgme_err_code(s->status);
	if (code == GPG_ERR_NO_ERROR && !s->wrong_key_usage)
		return 0;
	if (code == GPG_ERR_NO_PUBKEY)
		return rl_fail(err, EACCES, "the signature was not made with %s",
			       keys->n == 1 ? "this key" : "any of these keys");
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (code == known[i].code)
			return rl_fail(err, EACCES, "%s", known[i].text);
	return rl_fail(err, EACCES, "the signature is not good: %s",
		       code ? lib->gpgme_strerror(s->status) : "its key is not for signing");
}

static int check(const struct lib *lib, const char *home, const struct gpg_keys *keys,
		 const struct buf *message, struct buf *out, struct rl_err *err)
{
	struct gpgme_data_cbs cbs = { .write = take_payload };
	gpgme_data_t sig = NULL, plain = NULL;
	gpgme_ctx_t ctx = NULL;
	gpgme_error_t e;

	if (!(lib->gpgme_check_version)(NULL)) /* in brackets: it is a macro, too */
		return rl_fail(err, ENOSYS, "gpgme does not start");
	e = lib->gpgme_new(&ctx);
	if (!e)
		e = lib->gpgme_ctx_set_engine_info(ctx, GPGME_PROTOCOL_OpenPGP, NULL, home);
	if (!e)
		e = lib->gpgme_data_new_from_mem(&sig, message->data, message->len, 0);
	if (!e)
		e = lib->gpgme_data_new_from_cbs(&plain, &cbs, out);
	if (e)
		return bad(lib, e, EIO, "gpgme", err);
	lib->gpgme_set_offline(ctx, 1);
	if (import(lib, ctx, keys, err) < 0)
		return -err->code;
	e = lib->gpgme_op_verify(ctx, sig, NULL, plain);
	if (e)
		return bad(lib, e, EACCES, "the signature is none", err);
	return judge(lib, ctx, keys, err);
}

/* What no part of gpg has a use for; the first row that fits counts. */
static const struct sandbox_call refused[] = {
	SANDBOX_WHEN(socket, SANDBOX_IS(0, AF_UNIX)),
	{ .nr = SYS_socket, .verdict = EPERM },
	{ .nr = SYS_ptrace, .verdict = EPERM },
	{ .nr = SYS_process_vm_writev, .verdict = EPERM },
	{ .nr = SYS_mount, .verdict = EPERM },
	{ .nr = SYS_umount2, .verdict = EPERM },
	{ .nr = SYS_pivot_root, .verdict = EPERM },
	{ .nr = SYS_chroot, .verdict = EPERM },
	{ .nr = SYS_setns, .verdict = EPERM },
	{ .nr = SYS_unshare, .verdict = EPERM },
	{ .nr = SYS_bpf, .verdict = EPERM },
	{ .nr = SYS_keyctl, .verdict = EPERM },
	{ .nr = SYS_add_key, .verdict = EPERM },
	{ .nr = SYS_perf_event_open, .verdict = EPERM },
	{ .nr = SYS_userfaultfd, .verdict = EPERM },
	SANDBOX_END,
};

/*
 * Threat: the message is anybody's, and what reads it is a large old program that starts others.
 * Defence: no_new_privs, no capabilities, no sockets to anywhere, one folder to write to, limits; the
 * settings keep gpg from starting helpers and from asking key servers.
 * Must not: read the user's own key ring, or come back with more than the signed bytes.
 */
static int enter(int home_fd, int fd, struct rl_err *err)
{
	static const char settings[] = "batch\nno-tty\nno-autostart\nno-auto-key-retrieve\n"
				       "no-auto-key-locate\nno-auto-check-trustdb\n"
				       "trust-model always\ndisable-dirmngr\n";
	const struct rlimit cpu = { GPG_SECONDS_MAX, GPG_SECONDS_MAX };
	const struct sandbox_dir dirs[] = {
		{ home_fd, SANDBOX_WRITE },
		{ open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), SANDBOX_RUN },
		{ open("/dev/null", O_PATH | O_CLOEXEC), SANDBOX_WRITE },
	};
	const struct sandbox s = { .calls = { refused },
				   .other = SANDBOX_ALLOW,
				   .dirs = dirs,
				   .n_dirs = ARRAY_LEN(dirs),
				   .fds = &fd,
				   .n_fds = 1,
				   .memory = GPG_MEMORY_MAX,
				   .files = CALLS_FILES,
				   .file_size = GPG_FILE_MAX };

	if (dirs[1].fd < 0 || dirs[2].fd < 0)
		return rl_fail_sys(err, errno, "open '/' and '/dev/null'");
	if (io_replace_file(home_fd, "gpg.conf", settings, sizeof(settings) - 1, 0600, IO_NOSYNC,
			    err) < 0)
		return -err->code;
	if (setrlimit(RLIMIT_CPU, &cpu) < 0)
		return rl_fail_sys(err, errno, "set a limit on time");
	(void)alarm(GPG_SECONDS_MAX * 2); /* ends this child, and with it gpg's pipes */
	return sandbox_enter(&s, err);
}

static _Noreturn void work(const char *home, int home_fd, const struct gpg_keys *keys,
			   const struct buf *message, int fd)
{
	struct rl_err err = { 0 };
	struct buf out = { 0 };
	struct lib lib;

	if (load(&lib, &err) < 0 || enter(home_fd, fd, &err) < 0 ||
	    check(&lib, home, keys, message, &out, &err) < 0)
		child_answer(fd, &err, NULL, 0);
	child_answer(fd, NULL, out.data ? out.data : "", out.len);
}

int gpg_open(const struct rl *rl, const struct gpg_keys *keys, const struct buf *message,
	     struct buf *payload, struct rl_err *err)
{
	auto_free char *home = str_printf("%s/.tmp-gpg-XXXXXX", rl->run_dir);
	auto_fd int home_fd = FD_NONE;
	struct rl_err ignored;
	struct child c;
	int fd, r;

	if (!home)
		return rl_oom(err);
	if (!mkdtemp(home))
		return rl_fail_sys(err, errno, "make a folder for gpg in '%s'", rl->run_dir);
	home_fd = io_open_dir(AT_FDCWD, home, err);
	r = home_fd < 0 ? home_fd : child_fork(GPG, &c, &fd, err);
	if (r == 0)
		work(home, home_fd, keys, message, fd);
	if (r > 0)
		r = child_result(&c, GPG, SIGSTORE_PAYLOAD_MAX, payload, err);
	RL_IGNORE(io_remove_tree(AT_FDCWD, home,
				 &ignored)); /* the run dir does not outlive a login */
	return r;
}
#endif
