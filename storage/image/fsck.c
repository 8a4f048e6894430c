/* SPDX-License-Identifier: Apache-2.0 */
/* fsck.c - `rl-image fsck`: names, packed layers, leftovers, containers; fsck.h is the manual */
#include "config.h"

#include "storage/image/fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/blob.h"
#include "storage/digest.h"
#include "storage/image/cmds.h"
#include "storage/image/hash.h"
#include "storage/image_store.h"
#include "storage/layer.h"

#define BLOBS       "blobs/sha256"
#define CTR_REC_MAX (8 << 20)
#define TOLD_MAX    5000

int fsck_tell(struct fsck *f, bool mended, struct rl_err *err, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (f->told++ > TOLD_MAX)
		return rl_fail(err, E2BIG, "more than %d damages", TOLD_MAX);
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return request_result(mended ? FSCK_MENDED : FSCK_LEFT, line, NULL, err);
}

const char *fsck_find(const struct strv *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->v[i], key, 64) == 0)
			return l->v[i][64] ? l->v[i] + 65 : "";
	return NULL;
}

const char *fsck_name(const struct fsck *f, const char *id)
{
	const char *name = fsck_find(&f->names, id);

	return name ? name : "ITS-NAME";
}

bool fsck_is_there(const struct fsck *f, const char *path)
{
	return io_exists(f->rl->data_fd, path);
}

/* --- names --------------------------------------------------------------------------------- */

static bool has_image(const struct fsck *f, const char id[65])
{
	char path[80];

	(void)snprintf(path, sizeof(path), "images/%.64s", id);
	return fsck_is_there(f, path);
}

/* Write a name file with the entries that lead somewhere; without any it goes. */
static int keep_entries(const struct fsck *f, const char *path, struct name_file *n,
			struct rl_err *err)
{
	auto_fd int lock = image_lock(f->rl, err);
	size_t kept = 0;

	if (lock < 0)
		return lock;
	for (size_t i = 0; i < n->n; i++)
		if (has_image(f, n->v[i].id))
			n->v[kept++] = n->v[i];
	n->n = kept;
	return name_write(f->rl, path, n, err);
}

static int bad_name(struct fsck *f, const char *path, const char *name, struct name_file *n,
		    const char *what, struct rl_err *err)
{
	if (f->repair && keep_entries(f, path, n, err) < 0)
		return -err->code;
	return fsck_tell(f, f->repair, err, "name '%.300s' %s%s: 'rl pull %.300s' fetches it", name,
			 what, f->repair ? ", removed" : "", name);
}

static int leftover(struct fsck *f, int dir_fd, const char *where, const char *name,
		    struct rl_err *err)
{
	if (f->repair && io_remove_tree(dir_fd, name, err) < 0)
		return -err->code;
	return fsck_tell(f, f->repair, err, "'%s%.300s' is a temporary file of nobody%s", where,
			 name, f->repair ? ": removed" : ": 'rl fsck --repair' removes it");
}

static bool is_old(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       time(NULL) - st.st_mtime >= FSCK_TEMP_SECONDS;
}

static int check_entries(struct fsck *f, const char *path, const char *name, struct name_file *n,
			 struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n->n; i++) {
		struct name_file again;
		size_t k = 0;

		if (has_image(f, n->v[i].id)) {
			if (strv_take(&f->names, str_printf("%s %s", n->v[i].id, name)) < 0)
				return rl_oom(err);
			continue;
		}
		/* who removes an image takes its names first: is the entry still there? */
		if (name_read(f->rl, path, &again, err) < 0)
			return 0;
		while (k < again.n && strcmp(again.v[k].id, n->v[i].id) != 0)
			k++;
		if (k == again.n)
			continue;
		return bad_name(f, path, name, n, "leads to an image that is not there", err);
	}
	return r;
}

static int check_name(void *arg, const char *path, struct rl_err *err)
{
	struct fsck *f = arg;
	auto_free char *name = NULL;
	struct name_file n = { 0 };
	int r;

	if (name_is_leftover(path))
		return is_old(f->rl->data_fd, path) ? leftover(f, f->rl->data_fd, "", path, err)
						    : 0;
	if (!name_of_path(path, &name))
		return fsck_tell(f, false, err, "'%.300s' is no name of an image: remove that file",
				 path);
	r = name_read(f->rl, path, &n, err);
	if (r == -ENOENT)
		return 0; /* removed while we looked */
	if (r == -EINVAL || r == -EFBIG) {
		n.n = 0;
		return bad_name(f, path, name, &n, "is damaged", err);
	}
	return r < 0 ? r : check_entries(f, path, name, &n, err);
}

/* --- packed layers ------------------------------------------------------------------------- */

static int check_blob(struct fsck *f, int dir_fd, const char *name, int64_t *size,
		      struct rl_err *err)
{
	auto_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct digest d = { "" };
	const char *what = "is damaged";
	char digest[DIGEST_SIZE];
	struct rl_err why;
	struct stat st;
	int r = 0;

	if (fd < 0 && errno == ENOENT)
		return 0;               /* removed while we looked */
	if (fd < 0 && errno == ELOOP) { /* another store has it */
		(void)snprintf(digest, sizeof(digest), DIGEST_PREFIX "%.64s", name);
		fd = blob_open(f->rl, digest, size, &why);
		what = fd < 0 ? "is no longer in the store that it was in"
			      : "is damaged in the store that it is in";
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		r = hash_fd(fd, f->signal_fd, &d, size, err);
	if (r == -EINTR || r == -ENOMEM)
		return r;
	if (r == 0 && *d.text && strcmp(digest_hex(d.text), name) == 0)
		return 0;
	if (f->repair && io_remove_tree(dir_fd, name, err) < 0)
		return -err->code;
	return fsck_tell(f, f->repair, err, "packed layer %.12s %s%s", name, what,
			 f->repair ? ": removed, nothing else needs it"
				   : ": 'rl fsck --repair' removes it, a push makes it anew");
}

static int64_t blobs_size(DIR *d)
{
	const struct dirent *e;
	int64_t sum = 0;
	struct stat st;

	while ((e = readdir(d)))
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			sum += st.st_size;
	rewinddir(d);
	return sum;
}

/* An open folder, or NULL with 0 where there is none. */
static int open_folder(const struct fsck *f, const char *path, DIR **ret, struct rl_err *err)
{
	auto_fd int fd =
		openat(f->rl->data_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*ret = fd < 0 ? NULL : fdopendir(fd);
	if (!*ret)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open folder '%s'", path);
	fd = FD_NONE; /* belongs to *ret */
	return 0;
}

static int check_blobs(struct fsck *f, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	int64_t done = 0;
	int r = open_folder(f, BLOBS, &d, err);

	if (r < 0 || !d)
		return r;
	progress_start(&f->progress, blobs_size(d));
	while (r == 0 && (e = readdir(d))) {
		int64_t size = 0;

		if (e->d_name[0] == '.')
			continue;
		r = check_blob(f, dirfd(d), e->d_name, &size, err);
		done += size;
		progress_update(&f->progress, done);
	}
	progress_end(&f->progress);
	return r;
}

/* --- leftovers and containers -------------------------------------------------------------- */

static int check_leftovers(struct fsck *f, const char *folder, struct rl_err *err)
{
	const bool layers = strcmp(folder, "layers/") == 0;
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	int r = open_folder(f, folder, &d, err);

	while (r == 0 && d && (e = readdir(d))) {
		const bool stage = strncmp(e->d_name, ".tmp-", 5) == 0;

		if (!stage && strncmp(e->d_name, ".trash-", 7) != 0)
			continue;
		if (stage && layers ? layer_stage_is_dead(dirfd(d), e->d_name)
				    : is_old(dirfd(d), e->d_name))
			r = leftover(f, dirfd(d), folder, e->d_name, err);
	}
	return r;
}

static int check_container(struct fsck *f, int dir_fd, const char *id, struct rl_err *err)
{
	static const struct {
		const char *file;
		bool needed;
		const char *help; /* besides rl rm -f */
	} files[] = {
		{ "config.json", true, "" },
		{ "state.json", true, "" },
		{ "run.json", false, "ending and starting it anew mends that, " },
		{ "exit.json", false, "'rl start' mends that, " },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		json_auto_t *j = NULL;
		struct rl_err why = { 0 };
		char path[100];

		(void)snprintf(path, sizeof(path), "%.64s/%s", id, files[i].file);
		if (!files[i].needed && !io_exists(dir_fd, path))
			continue;
		if (json_read_file(dir_fd, path, CTR_REC_MAX, &j, &why) == 0 && json_is_object(j))
			continue;
		if (!io_exists(dir_fd, id) || (!files[i].needed && !io_exists(dir_fd, path)))
			continue; /* removed while we looked */
		if (fsck_tell(f, false, err,
			      "container %.12s: %s is damaged: %s'rl rm -f %.12s' removes it", id,
			      files[i].file, files[i].help, id) < 0)
			return -err->code;
	}
	return 0;
}

static int check_containers(struct fsck *f, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	int r = open_folder(f, "containers", &d, err);

	while (r == 0 && d && (e = readdir(d)))
		if (digest_is_hex64(e->d_name, strlen(e->d_name)))
			r = check_container(f, dirfd(d), e->d_name, err);
	return r;
}

/* --- all ----------------------------------------------------------------------------------- */

/* Nobody brings layers in while some are taken away. */
static int hold_off(const struct fsck *f, struct rl_err *err)
{
	int fd;

	if (!fsck_is_there(f, "layers"))
		return FD_NONE;
	fd = io_flock(f->rl->data_fd, "layers/.gc", true, false, err);
	if (fd != -EAGAIN)
		return fd;
	rl_fail(err, EBUSY, "a pull, load or commit is at work in this store");
	return rl_hint(err, "wait for it, then repair");
}

static int check_all(struct fsck *f, struct rl_err *err)
{
	int r = name_files(f->rl, NULL, check_name, f, err);

	if (r == 0)
		r = fsck_images(f, err);
	if (r == 0)
		r = fsck_layers(f, err);
	if (r == 0 && !f->quick)
		r = fsck_trees(f, err);
	if (r == 0 && !f->quick)
		r = check_blobs(f, err);
	if (r == 0)
		r = check_leftovers(f, "images/", err);
	if (r == 0)
		r = check_leftovers(f, "layers/", err);
	return r < 0 ? r : check_containers(f, err);
}

int cmd_fsck(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct fsck f = { .rl = rl, .signal_fd = FD_NONE };
	auto_fd int held = FD_NONE, signals = FD_NONE;
	int r = request_read(&f.req, err);

	for (int i = 1; i < argc; i++) {
		f.repair = f.repair || strcmp(argv[i], "repair") == 0;
		f.quick = f.quick || strcmp(argv[i], "quick") == 0;
	}
	if (r == 0) {
		signals = f.signal_fd = request_signals(err);
		r = signals < 0 ? signals : 0;
	}
	if (r == 0 && f.repair) {
		held = hold_off(&f, err);
		r = held < 0 && held != FD_NONE ? held : 0;
	}
	progress_init(&f.progress, f.req.quiet);
	if (r == 0)
		r = check_all(&f, err);
	strv_done(&f.names);
	strv_done(&f.needed);
	strv_done(&f.used);
	strv_done(&f.gone);
	request_done(&f.req);
	return r;
}
