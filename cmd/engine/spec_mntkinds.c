/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_mntkinds.c - one mount of each kind that -v, --tmpfs and --mount know
 *
 * Sources of binds are paths of the caller, who is trusted. An overlay (option O, an image of several
 * layers) is mounted by core with the options that are written here; what is written to it lies in
 * the container's folder, and goes with it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/engine/spec_mounts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/fetch.h"
#include "storage/stack.h"

#define MOUNT_LAYERS_MAX 120 /* of SPEC_OPTIONS_MAX words */

/* Where on the way to @path the caller may not pass: "permission denied" alone helps nobody. */
static int explain_access(const char *path, struct rl_err *err)
{
	auto_free char *p = strdup(path);

	if (!p)
		return rl_oom(err);
	for (char *s = strchr(p + 1, '/'); s; s = strchr(s + 1, '/')) {
		struct stat st;

		*s = '\0';
		if (access(p, X_OK) < 0 && errno == EACCES && stat(p, &st) == 0) {
			rl_fail(err, EACCES,
				"'%s': folder '%s' (owner %u, mode %04o) does not let you in", path,
				p, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
			return rl_hint(err, "its owner can: chmod o+x '%.150s'", p);
		}
		*s = '/';
	}
	return rl_fail_sys(err, EACCES, "'%s'", path);
}

static int real_source(const char *source, bool create, char **ret, struct rl_err *err)
{
	char *real = realpath(source, NULL);
	int e = errno, r;

	if (!real && e == ENOENT && create) {
		r = io_mkdirs(AT_FDCWD, source, 0755, err);
		if (r < 0)
			return r;
		real = realpath(source, NULL);
		e = errno;
	}
	if (real) {
		*ret = real;
		return 0;
	}
	if (e == EACCES)
		return explain_access(source, err);
	if (e != ENOENT)
		return rl_fail_sys(err, e, "source '%s'", source);
	rl_fail(err, ENOENT, "source '%s' does not exist", source);
	return rl_hint(err, "create it first (mkdir -p), or name a volume: a word without '/'");
}

/*
 * Threat: a slip of the hand ("-v /:/host:U", "-v ~:/data:U") takes the owner of everything away.
 * Defence: the root, what lies directly in it, and the home folder are refused.
 */
static int check_chown(const char *real, struct rl_err *err)
{
	const char *home = getenv("HOME");
	auto_free char *real_home = home ? realpath(home, NULL) : NULL;

	if (strchr(real + 1, '/') && !(real_home && strcmp(real, real_home) == 0))
		return 0;
	rl_fail(err, EPERM, "option U would change the owner of everything in '%s'", real);
	return rl_hint(err, "name a folder further down, or use --me instead of U");
}

int usermnt_bind(struct mntlist *l, const struct volopt *v, struct rl_err *err)
{
	auto_free char *real = NULL, *sub = NULL;
	int r = usermnt_check_dest(v->dest, err);

	if (r == 0)
		r = real_source(v->source, v->create, &real, err);
	if (r == 0 && v->chown)
		r = check_chown(real, err);
	if (r < 0)
		return r;
	if (v->subpath) {
		sub = str_printf("subpath=%s", v->subpath);
		if (!sub)
			return rl_oom(err);
	}
	return mntlist_add(l, MNT_USER, v->dest, "bind", real,
			   (const char *const[]){
				   v->not_recursive ? "bind" : "rbind",
				   v->propagation,
				   /* "ro" alone would leave mounts below the source writable */
				   !v->read_only                     ? "rw"
				   : v->not_recursive || v->top_only ? "ro"
								     : "rro",
				   v->dev < 0 ? "nodev" : "",
				   v->suid < 0 ? "nosuid" : "",
				   v->exec < 0 ? "noexec" : "",
				   v->chown ? "U" : "",
				   v->idmap ? v->idmap : "",
				   sub ? sub : "",
				   NULL,
			   },
			   err);
}

/* As many binds as there are matches: into a folder, or each at the place that it has outside. */
int usermnt_glob(struct mntlist *l, const struct volopt *v, struct rl_err *err)
{
	glob_t g = { 0 };
	int r = glob(v->source, GLOB_NOSORT, NULL, &g) == 0 ? 0 : -ENOENT;

	if (r < 0 || *v->source != '/')
		r = rl_fail(err, ENOENT, "nothing matches '%s', or it is no absolute path",
			    v->source);
	for (size_t i = 0; r == 0 && i < g.gl_pathc; i++) {
		const char *match = g.gl_pathv[i], *slash = strrchr(match, '/');
		struct volopt one = *v;
		auto_free char *dest = v->dest ? str_printf("%s%s", v->dest, slash) : strdup(match);

		one.source = g.gl_pathv[i];
		one.dest = dest; /* borrowed, both */
		r = dest ? usermnt_bind(l, &one, err) : rl_oom(err);
	}
	globfree(&g);
	return r;
}

static int add_words(const char **opts, size_t *n, size_t room, const struct volopt *v,
		     struct rl_err *err)
{
	for (size_t i = 0; i < v->data.n; i++) {
		if (*n >= room)
			return rl_fail(err, E2BIG, "mount '%s' has too many options", v->dest);
		opts[(*n)++] = v->data.v[i];
	}
	return 0;
}

static bool has_word(const struct volopt *v, const char *start)
{
	for (size_t i = 0; i < v->data.n; i++)
		if (strncmp(v->data.v[i], start, strlen(start)) == 0)
			return true;
	return false;
}

int usermnt_tmpfs(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		  struct rl_err *err)
{
	const char *opts[32] = {
		"rprivate",
		v->read_only ? "ro" : "rw",
		v->dev > 0 ? "" : "nodev",
		v->suid > 0 ? "" : "nosuid",
		v->exec > 0 ? "" : "noexec",
		v->no_copy ? "" : "tmpcopyup", /* start with what the image has there */
		v->idmap ? v->idmap : "",
	};
	char uid[16], gid[16];
	size_t n = 7;
	int r = usermnt_check_dest(v->dest, err);

	if (r == 0)
		r = add_words(opts, &n, ARRAY_LEN(opts) - 4, v, err);
	if (r < 0)
		return r;
	if (!has_word(v, "mode="))
		opts[n++] = "mode=1777";
	if (v->chown) {
		(void)snprintf(uid, sizeof(uid), "uid=%u", x->user.uid);
		(void)snprintf(gid, sizeof(gid), "gid=%u", x->user.gid);
		opts[n++] = uid;
		opts[n++] = gid;
	}
	return mntlist_add(l, MNT_USER, v->dest, "tmpfs", "tmpfs", opts, err);
}

int usermnt_kernel(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		   struct rl_err *err)
{
	const char *opts[24] = { "rprivate", v->read_only ? "ro" : "rw", "nosuid",
				 v->exec > 0 ? "" : "noexec" };
	const bool pts = v->kind == VOLOPT_DEVPTS;
	size_t n = 4;
	int r = usermnt_check_dest(v->dest, err);

	if (r == 0)
		r = add_words(opts, &n, ARRAY_LEN(opts) - 6, v, err);
	if (r < 0)
		return r;
	if (!pts) {
		opts[n++] = v->dev > 0 ? "" : "nodev";
		return mntlist_add(l, MNT_USER, v->dest, "ramfs", "ramfs", opts, err);
	}
	opts[n++] = "newinstance";
	if (!has_word(v, "ptmxmode="))
		opts[n++] = "ptmxmode=0666";
	if (!has_word(v, "mode="))
		opts[n++] = "mode=0620";
	if (!has_word(v, "gid=") && idmap_to_outside(&x->out->gids, 5) >= 0)
		opts[n++] = "gid=5"; /* tty */
	return mntlist_add(l, MNT_USER, v->dest, "devpts", "devpts", opts, err);
}

/* --- overlays ------------------------------------------------------------------------------ */

/* over-<n>/upper and work in the container's folder; @ret: "<ctr_dir>/over-<n>" */
static int make_upper(const struct spec_ctx *x, mode_t mode, char **ret, struct rl_err *err)
{
	for (unsigned i = 0; i < MNTLIST_MAX; i++) {
		char name[32], sub[48];

		(void)snprintf(name, sizeof(name), "over-%u", i);
		if (mkdirat(x->in->ctr_fd, name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return rl_fail_sys(err, errno, "create '%s'", name);
		}
		for (int k = 0; k < 2; k++) {
			(void)snprintf(sub, sizeof(sub), "%s/%s", name, k ? "work" : "upper");
			if (mkdirat(x->in->ctr_fd, sub, 0700) < 0 ||
			    (k == 0 && fchmodat(x->in->ctr_fd, sub, mode & 07777, 0) < 0))
				return rl_fail_sys(err, errno, "create '%s'", sub);
		}
		*ret = str_printf("%s/%s", x->in->ctr_dir, name);
		return *ret ? 0 : rl_oom(err);
	}
	return rl_fail(err, E2BIG, "too many overlays");
}

/* @lower: topmost first, the last @data for data only. Without @upper it is read-only. */
static int set_overlay(struct mntlist *l, const struct volopt *v, const struct strv *lower,
		       size_t data, const char *upper, struct rl_err *err)
{
	auto_strv struct strv words = { 0 };
	const char **opts;
	int r = strv_add(&words, "userxattr");

	if (r == 0)
		r = strv_add(&words, v->read_only || !upper ? "ro" : "rw");
	if (r == 0 && v->suid < 0)
		r = strv_add(&words, "nosuid");
	if (r == 0 && v->exec < 0)
		r = strv_add(&words, "noexec");
	for (size_t i = 0; r == 0 && i < lower->n; i++)
		r = strv_take(&words,
			      str_printf("%s+=%s", i < lower->n - data ? "lowerdir" : "datadir",
					 lower->v[i]));
	if (r == 0 && upper)
		r = strv_take(&words, str_printf("upperdir=%s/upper", upper));
	if (r == 0 && upper)
		r = strv_take(&words, str_printf("workdir=%s/work", upper));
	opts = r == 0 ? calloc(words.n + 1, sizeof(*opts)) : NULL;
	if (!opts)
		return rl_oom(err);
	for (size_t i = 0; i < words.n; i++)
		opts[i] = words.v[i];
	mntlist_forget(l, v->dest); /* its place was held until now */
	r = mntlist_add(l, MNT_USER, v->dest, "overlay", "overlay", opts, err);
	free(opts);
	return r;
}

int usermnt_over(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		 const char *path, struct rl_err *err)
{
	auto_free char *real = NULL, *upper = NULL;
	auto_strv struct strv lower = { 0 };
	struct stat st;
	int r = real_source(path ? path : v->source, v->create, &real, err);

	if (r < 0)
		return r;
	if (stat(real, &st) < 0)
		return rl_fail_sys(err, errno, "stat '%s'", real);
	if (!S_ISDIR(st.st_mode))
		return rl_fail(err, ENOTDIR, "option O: '%s' is not a folder", real);
	r = make_upper(x, st.st_mode, &upper, err);
	if (r == 0 && strv_add(&lower, real) < 0)
		r = rl_oom(err);
	return r < 0 ? r : set_overlay(l, v, &lower, 0, upper, err);
}

/* The path of an open folder; the caller frees it. */
static char *fd_name(int fd)
{
	auto_free char *link = str_printf("/proc/self/fd/%d", fd);

	return link ? realpath(link, NULL) : NULL;
}

/* The folders of its layers, topmost first, then those that hold only data. */
static int image_layers(const struct spec_ctx *x, const struct image *img, struct strv *ret,
			size_t *ret_data, struct rl_err *err)
{
	struct stack st = { 0 };
	int r = img->diff_ids.n > MOUNT_LAYERS_MAX
			? rl_fail(err, E2BIG, "it has more than %d layers", MOUNT_LAYERS_MAX)
			: stack_open(x->in->rl, x->in->session, &img->diff_ids, &st, err);

	for (size_t i = st.n; r == 0 && i > 0; i--)
		if (strv_take(ret, fd_name(st.fds[i - 1])) < 0)
			r = rl_oom(err);
	*ret_data = st.n_data;
	stack_close(&st);
	return r < 0 || ret->n ? r : rl_fail(err, ENODATA, "it has no files");
}

int usermnt_image(const struct spec_ctx *x, struct mntlist *l, const struct volopt *v,
		  struct rl_err *err)
{
	const struct pull_req pull = { .name = v->source, .tls_verify = -1, .retries = 3 };
	const bool rw = v->overlay || !v->read_only;
	auto_strv struct strv lower = { 0 };
	auto_free char *upper = NULL;
	struct image img = { 0 };
	size_t data = 0;
	int r = fetch_image(x->in->rl, &pull, PULL_MISSING, &img, err);

	if (r == 0)
		r = image_layers(x, &img, &lower, &data, err);
	image_done(&img);
	if (r == 0 && rw)
		r = make_upper(x, 0755, &upper, err);
	if (r == 0 && (rw || lower.n > 1))
		r = set_overlay(l, v, &lower, data, upper, err);
	else if (r == 0) /* the kernel makes no overlay of one layer alone */
		r = mntlist_set(l, v->dest, lower.v[0],
				(const char *const[]){ "bind", "rprivate", "ro", NULL }, err);
	return r < 0 ? rl_wrap(err, "image '%s'", v->source) : 0;
}
