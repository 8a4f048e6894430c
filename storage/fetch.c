/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c - the client side of rl-image; the header is the manual */
#include "config.h"

#include "storage/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "core/base/waiting.h"
#include "core/events.h"
#include "storage/elsewhere.h"
#include "storage/fetch_helper.h"
#include "storage/fetch_request.h"
#include "storage/ref.h"
#include "storage/stack.h"

#define RESULT_MAX (8 << 20)

int pull_policy_parse(const char *s, enum pull_policy *ret, struct rl_err *err)
{
	static const struct {
		const char *name;
		enum pull_policy policy;
	} names[] = {
		{ "missing", PULL_MISSING },   { "", PULL_MISSING },
		{ "ifmissing", PULL_MISSING }, { "false", PULL_MISSING },
		{ "always", PULL_ALWAYS },     { "true", PULL_ALWAYS },
		{ "never", PULL_NEVER },       { "newer", PULL_NEWER },
		{ "ifnewer", PULL_NEWER },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(s, names[i].name) == 0) {
			*ret = names[i].policy;
			return 0;
		}
	}
	return rl_fail(err, EINVAL,
		       "unknown pull policy '%s': expected always, missing, never or newer", s);
}

/* --- running the helper --- */

struct helper {
	pid_t pid;
	int pidfd, out, sigfd;
	sigset_t old_mask;
	int signal; /* that the user sent us, 0 = none */
	const struct rl *rl;
	const char *event; /* what each result is called in the log of events */
};

int fetch_request_fd(const json_t *request, struct rl_err *err)
{
	auto_fd int fd = memfd_create("rl-request", MFD_CLOEXEC);
	char *text = json_dumps(request, JSON_COMPACT);
	int r;

	if (!text)
		return rl_oom(err);
	r = fd < 0 ? -errno : io_write_all(fd, text, strlen(text));
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	explicit_bzero(text, strlen(text));
	free(text);
	return r < 0 ? rl_fail_sys(err, -r, "write the request for rl-image") : TAKE_FD(fd);
}

static int proxy_env(struct strv *env)
{
	static const char *const names[] = {
		"http_proxy", "https_proxy", "no_proxy", "all_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i]);

		if (v && strv_take(env, str_printf("%s=%s", names[i], v)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* From here to signals_back() the deadly signals are ours to read: the helper must end first. */
static int signals_take(struct helper *h, struct rl_err *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	h->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->sigfd < 0)
		return rl_fail_sys(err, errno, "signalfd");
	if (sigprocmask(SIG_BLOCK, &set, &h->old_mask) < 0)
		return rl_fail_sys(err, errno, "block signals");
	return 0;
}

static void signals_back(struct helper *h)
{
	if (h->sigfd < 0)
		return;
	(void)sigprocmask(SIG_SETMASK, &h->old_mask, NULL); /* a mask that was valid before */
	fd_close(h->sigfd);
	h->sigfd = FD_NONE;
}

#define WORDS_MAX 6 /* of a subcommand, its name included */

static int helper_start(const struct rl *rl, const struct session *s, const char *const *words,
			const struct proc_fd *fds, size_t n_fds, struct helper *h,
			struct rl_err *err)
{
	auto_free char *path = proc_find_own("rl-image", err);
	auto_strv struct strv env = { 0 };
	auto_fd int rd = FD_NONE, wr = FD_NONE;
	struct proc_fd all[4] = { 0 };
	const char *argv[3 + WORDS_MAX + 1] = { path, "--root", rl->data_dir };
	size_t n = 0;
	int v[2], r;

	if (!path)
		return -err->code;
	for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
		argv[3 + i] = words[i];
	if (proxy_env(&env) < 0)
		return rl_oom(err);
	if (pipe2(v, O_CLOEXEC) < 0)
		return rl_fail_sys(err, errno, "start rl-image: pipe");
	rd = v[0];
	wr = v[1];
	if (n_fds > 0 && fds[0].to == 0)
		all[n++] = fds[0];
	all[n++] = (struct proc_fd){ wr, 1 };
	for (size_t i = 0; i < n_fds && n < ARRAY_LEN(all); i++)
		if (fds[i].to > 1)
			all[n++] = fds[i];
	r = proc_spawn(&(struct proc_spec){ .argv = argv,
					    .env = (const char *const *)env.v,
					    .fds = all,
					    .n_fds = n,
					    .join_userns = s->userns_fd,
					    .die_with_parent = SIGTERM },
		       &h->pid, &h->pidfd, err);
	if (r == 0)
		h->out = TAKE_FD(rd);
	return r;
}

/* Everything that the helper says, handing signals on meanwhile. */
static int helper_read(struct helper *h, struct buf *out, struct rl_err *err)
{
	char block[4096];

	for (;;) {
		struct pollfd p[2] = { { .fd = h->out, .events = POLLIN },
				       { .fd = h->sigfd, .events = POLLIN } };
		struct signalfd_siginfo si;
		ssize_t n;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return rl_fail_sys(err, errno, "wait for rl-image");
		if (p[1].revents && read(h->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
			h->signal = (int)si.ssi_signo;
			(void)proc_pidfd_signal(h->pidfd, SIGTERM); /* gone already is fine */
		}
		if (!p[0].revents)
			continue;
		n = read(h->out, block, sizeof(block));
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return rl_fail_sys(err, errno, "read from rl-image");
		if (n > 0 &&
		    (out->len + (size_t)n > RESULT_MAX || buf_add(out, block, (size_t)n) < 0))
			return rl_fail(err, EFBIG, "rl-image says too much");
	}
}

static int take_line(const struct helper *h, const char *line, size_t len, struct strv *names,
		     struct strv *ids, struct rl_err *err)
{
	const char *text, *hint, *id, *name, *digest;
	json_auto_t *j = NULL;
	int64_t code;

	if (json_read(line, len, RESULT_MAX, "rl-image", &j, err) < 0 ||
	    json_get_str(j, "error", "rl-image", &text, err) < 0 ||
	    json_get_str(j, "hint", "rl-image", &hint, err) < 0 ||
	    json_get_str(j, "id", "rl-image", &id, err) < 0 ||
	    json_get_str(j, "name", "rl-image", &name, err) < 0 ||
	    json_get_str(j, "digest", "rl-image", &digest, err) < 0 ||
	    json_get_int(j, "code", "rl-image", &code, err) < 0)
		return -err->code;
	if (text) {
		rl_fail(err, code > 0 && code < 4096 ? (int)code : EIO, "%s", text);
		if (hint && *hint)
			rl_hint(err, "%s", hint);
		return -err->code;
	}
	if (!id)
		return rl_fail(err, EPROTO, "rl-image gives a result without an id");
	if (h->event)
		events_thing(h->rl, "image", h->event, id, name ? name : id);
	if ((ids && strv_add(ids, id) < 0) || (names && strv_add(names, name ? name : id) < 0) ||
	    (ids && digest && h->event && strcmp(h->event, "push") == 0 &&
	     strv_add(ids, digest) < 0))
		return rl_oom(err);
	return 0;
}

static int take_lines(const struct helper *h, const struct buf *out, struct strv *names,
		      struct strv *ids, struct rl_err *err)
{
	const char *p = out->data ? out->data : "";

	while (*p) {
		const char *e = strchrnul(p, '\n');

		if (e > p && take_line(h, p, (size_t)(e - p), names, ids, err) < 0)
			return -err->code;
		p = *e ? e + 1 : e;
	}
	return 0;
}

static int interrupted(int signo, struct rl_err *err)
{
	rl_fail(err, EINTR, "interrupted");
	err->exit_code = 128 + signo;
	return -EINTR;
}

static int helper_finish(struct helper *h, const struct buf *out, struct strv *names,
			 struct strv *ids, struct rl_err *err)
{
	int status = 0;
	int r = proc_wait(h->pidfd, h->pid, -1, &status);

	if (r < 0)
		return rl_fail_sys(err, -r, "wait for rl-image");
	r = take_lines(h, out, names, ids, err);
	if (h->signal)
		return interrupted(h->signal, err);
	if (r == -EINTR) /* the terminal's Ctrl-C reached it before us */
		return interrupted(SIGINT, err);
	if (r < 0)
		return r;
	if (WIFSIGNALED(status))
		return rl_fail(err, EIO, "rl-image died by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return rl_fail(err, EIO, "rl-image exited with %d", WEXITSTATUS(status));
	return 0;
}

static const char *event_name(const char *word)
{
	return strcmp(word, "load") == 0     ? "loadFromArchive"
	       : strcmp(word, "login") == 0  ? NULL
	       : strcmp(word, "fsck") == 0   ? NULL
	       : strcmp(word, "remote") == 0 ? NULL
					     : word;
}

int fetch_helper_run(const struct rl *rl, const struct session *s, const char *const *words,
		     const struct proc_fd *fds, size_t n_fds, struct strv *names, struct strv *ids,
		     struct rl_err *err)
{
	struct helper h = { .pidfd = FD_NONE,
			    .out = FD_NONE,
			    .sigfd = FD_NONE,
			    .rl = rl,
			    .event = event_name(words[0]) };
	auto_buf struct buf out = { 0 };
	auto_waiting struct waiting w = { 0 };
	int r = signals_take(&h, err);

	if (r == 0)
		r = helper_start(rl, s, words, fds, n_fds, &h, err);
	if (r == 0) {
		waiting_begin(&w, "rl-image %s (process %d)", words[0], (int)h.pid);
		r = helper_read(&h, &out, err);
		if (r < 0)
			(void)proc_pidfd_signal(h.pidfd, SIGKILL); /* we do not understand it */
		r = r < 0 ? r : helper_finish(&h, &out, names, ids, err);
	}
	signals_back(&h);
	fd_close(h.out);
	fd_close(h.pidfd);
	return r;
}

/* --- pull --- */

/* JSON values hold passwords here, too. */
static void wiping_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

int fetch_secret_request(const struct session *s, bool quiet, fetch_compose compose,
			 const void *arg, struct rl_err *err)
{
	json_malloc_t old_malloc;
	json_free_t old_free;
	json_t *root = NULL;
	int r;

	/* while passwords are in memory: no core file, no debugger */
	(void)prctl(PR_SET_DUMPABLE, 0); /* cannot fail with this value */
	json_get_alloc_funcs(&old_malloc, &old_free);
	json_set_alloc_funcs(malloc, wiping_free);
	r = fetch_request_new(s, quiet, &root, err);
	if (r == 0)
		r = compose(root, arg, err);
	if (r == 0)
		r = fetch_request_fd(root, err);
	json_decref(root);
	json_set_alloc_funcs(old_malloc, old_free);
	(void)prctl(PR_SET_DUMPABLE, 1); /* the same */
	return r;
}

static int compose_pull(json_t *root, const void *arg, struct rl_err *err)
{
	return fetch_request_pull(root, arg, err);
}

/* Transports that others have and we do not; as a name each would only be a puzzling error. */
static int check_transport(const char *name, struct rl_err *err)
{
	static const char *const unknown[] = { "docker-daemon:", "ostree:", "sif:", "tarball:" };

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		if (strncmp(name, unknown[i], strlen(unknown[i])) != 0)
			continue;
		rl_fail(err, ENOTSUP, "images of '%s' cannot be read", unknown[i]);
		return rl_hint(err, "docker://, docker-archive:, oci-archive:, oci: and dir: can");
	}
	return 0;
}

#define DIR_TRANSPORT "dir:" /* a folder with one image; its path may hold a ':' */

/* "oci-archive:FILE[:NAME]" and its kin: the part after the prefix, or NULL. */
static const char *archive_part(const char *name)
{
	static const char *const transports[] = { "docker-archive:", "oci-archive:", "oci:",
						  DIR_TRANSPORT };

	for (size_t i = 0; i < ARRAY_LEN(transports); i++)
		if (strncmp(name, transports[i], strlen(transports[i])) == 0)
			return name + strlen(transports[i]);
	return NULL;
}

#define OWN_STORE "containers-storage:" /* what is here already, as others call it */

static const char *own_part(const char *name)
{
	return strncmp(name, OWN_STORE, strlen(OWN_STORE)) == 0 ? name + strlen(OWN_STORE) : NULL;
}

static int pull_own(const struct rl *rl, const char *name, struct strv *ret_ids, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	int r = image_find(rl, name, NULL, &img, err);

	if (r < 0)
		return r;
	return strv_add(ret_ids, img.id) < 0 ? rl_oom(err) : 0;
}

static int pull_archive(const struct rl *rl, const char *name, const char *part, bool quiet,
			struct strv *ret_ids, struct rl_err *err)
{
	const bool is_dir = strncmp(name, DIR_TRANSPORT, strlen(DIR_TRANSPORT)) == 0;
	const char *colon = is_dir ? NULL : strchr(part, ':');
	auto_free char *path = colon ? strndup(part, (size_t)(colon - part)) : strdup(part);

	if (!path)
		return rl_oom(err);
	return fetch_load(rl, path, colon ? colon + 1 : NULL, quiet, NULL, ret_ids, err);
}

static bool is_builtin(const char *name)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *text = NULL;
	struct rl_err ignored;

	if (ref_parse(name, strlen(name), &ref, &ignored) < 0)
		return false;
	text = ref_print(&ref);
	return text && strcmp(text, FETCH_BUILTIN) == 0;
}

static int load_from(const struct rl *rl, const char *path, const char *want, bool quiet,
		     bool is_own, struct strv *ret_names, struct strv *ret_ids, struct rl_err *err);

static int load_builtin(const struct rl *rl, struct strv *ret_ids, struct rl_err *err)
{
	auto_free char *path = proc_find_data("rl-busybox.tar", err);

	if (!path)
		return -err->code;
	return load_from(rl, path, NULL, true, true, NULL, ret_ids, err);
}

/* Layers with files in another store get the one that stands for them now, not at the first start. */
static int settle(const struct rl *rl, const struct session *s, const struct strv *ids,
		  struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ids->n && elsewhere_any(rl); i++) {
		auto_image struct image img = { 0 };
		struct stack st = { 0 };

		r = image_load(rl, ids->v[i], &img, err);
		if (r == 0)
			r = stack_open(rl, s, &img.diff_ids, &st, err);
		stack_close(&st);
	}
	return r;
}

int fetch_pull(const struct rl *rl, const struct pull_req *req, struct strv *ret_ids,
	       struct rl_err *err)
{
	static const char *const words[] = { "pull", NULL };
	const char *part = archive_part(req->name);
	struct session s = { .userns_fd = FD_NONE };
	auto_fd int fd = FD_NONE;
	int r;

	if (check_transport(req->name, err) < 0)
		return -err->code;
	if (own_part(req->name))
		return pull_own(rl, own_part(req->name), ret_ids, err);
	if (part)
		return pull_archive(rl, req->name, part, req->quiet, ret_ids, err);
	if (is_builtin(req->name))
		return load_builtin(rl, ret_ids, err);
	r = session_open(rl, &s, err);
	if (r < 0)
		return r;
	fd = fetch_secret_request(&s, req->quiet, compose_pull, req, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { fd, 3 } }, 1, NULL,
				      ret_ids, err);
	if (r == 0)
		r = settle(rl, &s, ret_ids, err);
	session_close(&s);
	if (r < 0)
		events_thing(rl, "image", "pull-error", NULL, req->name);
	return r;
}

/* --- policies --- */

static int find_local(const struct rl *rl, const struct pull_req *req, struct image *ret,
		      struct rl_err *err)
{
	const char *name = own_part(req->name) ? own_part(req->name) : req->name;
	struct platform p;
	int r;

	if (strncmp(name, "docker://", 9) == 0)
		name += 9;
	if (!req->platform)
		return image_find(rl, name, NULL, ret, err);
	r = platform_parse(req->platform, &p, err);
	return r < 0 ? r : image_find(rl, name, &p, ret, err);
}

static int pull_and_load(const struct rl *rl, const struct pull_req *req, struct image *ret,
			 struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	int r = fetch_pull(rl, req, &ids, err);

	if (r < 0)
		return r;
	/* by name, so that the record says which; by id where it has none of its own */
	if (!archive_part(req->name) && find_local(rl, req, ret, err) == 0 && ids.n > 0 &&
	    strcmp(ret->id, ids.v[0]) == 0)
		return 0;
	if (ids.n == 0)
		return rl_fail(err, EPROTO, "rl-image brought no image");
	return image_load(rl, ids.v[0], ret, err);
}

int fetch_image(const struct rl *rl, const struct pull_req *req, enum pull_policy policy,
		struct image *ret, struct rl_err *err)
{
	struct rl_err why;
	int r;

	if (check_transport(req->name, err) < 0)
		return -err->code;
	if (archive_part(req->name) && policy == PULL_NEVER)
		return rl_fail(err, EINVAL, "'%s' cannot be used with '--pull never'", req->name);
	if (own_part(req->name))
		return find_local(rl, req, ret, err);
	/* layers that are there already are not read again */
	if (policy == PULL_ALWAYS || archive_part(req->name))
		return pull_and_load(rl, req, ret, err);
	if (policy == PULL_NEWER) {
		r = pull_and_load(rl, req, ret, &why);
		if (r == 0)
			return 0;
		if (r != -EINTR && find_local(rl, req, ret, err) == 0) {
			log_warn("%s: %s; using the local image", req->name, why.msg);
			return 0;
		}
		*err = why;
		return r;
	}
	r = find_local(rl, req, ret, err);
	if (r != -ENOENT)
		return r;
	if (policy == PULL_NEVER)
		return rl_hint(err, "it is not pulled because of '--pull never'");
	return pull_and_load(rl, req, ret, err);
}

/* --- load --- */

static int open_archive(const char *path, struct rl_err *err)
{
	int fd;

	if (!path || strcmp(path, "-") == 0) {
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		if (fd >= 0 && isatty(fd)) {
			fd_close(fd);
			return rl_fail(err, EINVAL,
				       "stdin is a terminal: name a file with -i, or use a pipe");
		}
		return fd < 0 ? rl_fail_sys(err, errno, "read stdin") : fd;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? rl_fail_sys(err, errno, "open '%s'", path) : fd;
}

static int load_request(const struct session *s, const char *path, const char *want, bool quiet,
			bool is_own, struct rl_err *err)
{
	auto_free char *real = path && strcmp(path, "-") != 0 ? realpath(path, NULL) : NULL;
	json_auto_t *root = NULL;
	int r = fetch_request_new(s, quiet, &root, err);

	if (r == 0)
		r = fetch_put_str(root, "want", want, err);
	if (r == 0 && !is_own)
		r = fetch_request_trust(root, err);
	if (r == 0)
		r = fetch_put_str(root, "source", real, err);
	return r < 0 ? r : fetch_request_fd(root, err);
}

/* @is_own: it is the image that comes with rl, for which no policy counts. */
static int load_from(const struct rl *rl, const char *path, const char *want, bool quiet,
		     bool is_own, struct strv *ret_names, struct strv *ret_ids, struct rl_err *err)
{
	static const char *const words[] = { "load", NULL };
	struct session s = { .userns_fd = FD_NONE };
	auto_fd int in = open_archive(path, err), fd = FD_NONE;
	int r;

	if (in < 0)
		return in;
	r = session_open(rl, &s, err);
	if (r < 0)
		return r;
	fd = load_request(&s, path, want, quiet, is_own, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { in, 0 }, { fd, 3 } }, 2,
				      ret_names, ret_ids, err);
	session_close(&s);
	return r;
}

int fetch_load(const struct rl *rl, const char *path, const char *want, bool quiet,
	       struct strv *ret_names, struct strv *ret_ids, struct rl_err *err)
{
	return load_from(rl, path, want, quiet, false, ret_names, ret_ids, err);
}

/* --- add --- */

int fetch_add(const struct rl *rl, const struct session *s, int tar_fd, json_t *add,
	      char ret_id[65], struct rl_err *err)
{
	static const char *const words[] = { "add", NULL };
	auto_strv struct strv ids = { 0 };
	json_auto_t *root = NULL;
	auto_fd int fd = FD_NONE;
	int r = fetch_request_new(s, true, &root, err);

	if (r == 0 && json_object_set(root, "add", add) < 0)
		r = rl_oom(err);
	fd = r < 0 ? r : fetch_request_fd(root, err);
	if (fd < 0)
		return fd;
	r = fetch_helper_run(rl, s, words, (struct proc_fd[]){ { tar_fd, 0 }, { fd, 3 } }, 2, NULL,
			     &ids, err);
	if (r == 0 && (ids.n != 1 || strlen(ids.v[0]) != 64))
		return rl_fail(err, EPROTO, "rl-image made no image");
	if (r == 0)
		memcpy(ret_id, ids.v[0], 65);
	return r;
}

/* --- extract --- */

int fetch_extract(const struct rl *rl, const struct fetch_extract *x, struct rl_err *err)
{
	char as[32];
	const char *const owners[] = { NULL, as, "keep" };
	const struct session none = { .userns_fd = FD_NONE };
	const struct proc_fd fds[] = { { x->in_fd, 0 }, { x->dest_fd, 3 }, { x->enter_fd, 4 } };
	const bool enters = x->enter_fd >= 0;
	const char *words[WORDS_MAX + 1] = { "extract" };
	size_t n = 1;

	(void)snprintf(as, sizeof(as), "as=%u:%u", (unsigned)x->uid, (unsigned)x->gid);
	if (enters)
		words[n++] = "enter";
	if (owners[x->owner])
		words[n++] = owners[x->owner];
	if (x->set_id)
		words[n++] = "set-id";
	if (x->overwrite)
		words[n++] = "overwrite";
	return fetch_helper_run(rl, x->session ? x->session : &none, words, fds, enters ? 3 : 2,
				NULL, NULL, err);
}

/* --- removal --- */

int fetch_shift_layers(const struct rl *rl, const struct session *s, const char *layers,
		       const struct idmap *uids, const struct idmap *gids, struct rl_err *err)
{
	char uid_text[IDMAP_TEXT] = "", gid_text[IDMAP_TEXT] = "";
	const char *const words[] = { "shift", layers, uid_text, gid_text, NULL };

	if (uids)
		(void)idmap_format(uids, uid_text);
	if (gids)
		(void)idmap_format(gids, gid_text);
	return fetch_helper_run(rl, s, words, NULL, 0, NULL, NULL, err);
}

int fetch_flatten(const struct rl *rl, const struct session *s, const char *diff_id,
		  const char *from, const char *to, const struct idmap *uids,
		  const struct idmap *gids, struct rl_err *err)
{
	char uid_text[IDMAP_TEXT], gid_text[IDMAP_TEXT];
	const char *const words[] = { "flatten", diff_id, to, uid_text, gid_text, from, NULL };

	(void)idmap_format(uids, uid_text);
	(void)idmap_format(gids, gid_text);
	return fetch_helper_run(rl, s, words, NULL, 0, NULL, NULL, err);
}

int fetch_merge(const struct rl *rl, const struct session *s, const char *diff_id, const char *from,
		const char *to, struct rl_err *err)
{
	const char *const words[] = { "merge", diff_id, to, from, NULL };

	return fetch_helper_run(rl, s, words, NULL, 0, NULL, NULL, err);
}

int fetch_remove_tree(const struct rl *rl, const struct session *s, const char *rel_path,
		      struct rl_err *err)
{
	const char *const words[] = { "rmtree", rel_path, NULL };

	return fetch_helper_run(rl, s, words, NULL, 0, NULL, NULL, err);
}

int fetch_remove_trees(const struct rl *rl, const struct session *s, const struct strv *rel_paths,
		       struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < rel_paths->n;) {
		const char *words[WORDS_MAX + 1] = { "rmtree" };

		for (size_t n = 1; n < WORDS_MAX && i < rel_paths->n; n++)
			words[n] = rel_paths->v[i++];
		r = fetch_helper_run(rl, s, words, NULL, 0, NULL, NULL, err);
	}
	return r;
}
