/* SPDX-License-Identifier: Apache-2.0 */
/* blob.c - packed layers in the store; the header is the manual */
#include "config.h"

#include "storage/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/strv.h"
#include "storage/digest.h"
#include "storage/image.h"
#include "storage/image_store.h"

#define FOLDER "blobs/sha256"

static void path_of(const char *digest, char out[96])
{
	(void)snprintf(out, 96, FOLDER "/%.64s", digest_hex(digest));
}

/* A packed layer that another store has: a link of ours with its path (blob_refer()). */
static int open_referred(const struct rl *rl, const char *path, struct rl_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(rl->data_fd, path, target, sizeof(target) - 1);
	auto_fd int fd = FD_NONE;
	struct stat st;

	if (n < 0)
		return rl_fail_sys(err, errno, "open '%s'", path);
	target[n] = '\0';
	fd = open(target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "open the packed layer '%s' of another store",
				   target);
	return S_ISREG(st.st_mode) ? TAKE_FD(fd)
				   : rl_fail(err, EINVAL, "'%s' is no packed layer", target);
}

int blob_refer(const struct rl *rl, const char *digest, const char *target)
{
	struct rl_err ignored;
	char path[96];

	if (io_mkdirs(rl->data_fd, FOLDER, 0700, &ignored) < 0)
		return -ignored.code;
	path_of(digest, path);
	return symlinkat(target, rl->data_fd, path) < 0 && errno != EEXIST ? -errno : 0;
}

int blob_open(const struct rl *rl, const char *digest, int64_t *ret_size, struct rl_err *err)
{
	auto_fd int fd = FD_NONE;
	struct stat st;
	char path[96];

	if (!digest_is_valid(digest))
		return rl_fail(err, EINVAL, "'%.100s' is not a digest", digest);
	path_of(digest, path);
	fd = openat(rl->data_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP) {
		fd = open_referred(rl, path, err);
		if (fd < 0)
			return fd;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "open the packed layer '%.19s'", digest);
	*ret_size = st.st_size;
	return TAKE_FD(fd);
}

bool blob_exists(const struct rl *rl, const char *digest)
{
	char path[96];

	path_of(digest, path);
	return io_exists(rl->data_fd, path);
}

int blob_new(const struct rl *rl)
{
	struct rl_err ignored;
	int fd;

	if (io_mkdirs(rl->data_fd, FOLDER, 0700, &ignored) < 0)
		return -ignored.code;
	fd = openat(rl->data_fd, FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* Who lets others read his packed layers (chmod of the folder) means those to come as well. */
static void share(const struct rl *rl, const char *path)
{
	struct stat st;

	if (fstatat(rl->data_fd, FOLDER, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & 044) &&
	    fchmodat(rl->data_fd, path, 0600 | (st.st_mode & 044), 0) < 0)
		log_debug("chmod '%s': %s", path, strerror(errno));
}

int blob_keep(const struct rl *rl, int fd, const char *digest, struct rl_err *err)
{
	char path[96], self[40];

	if (!digest_is_valid(digest))
		return rl_fail(err, EINVAL, "'%.100s' is not a digest", digest);
	path_of(digest, path);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, rl->data_fd, path, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return rl_fail_sys(err, errno, "keep '%s'", path);
	share(rl, path);
	return 0;
}

void blob_drop(const struct rl *rl, const char *digest)
{
	char path[96];

	path_of(digest, path);
	(void)unlinkat(rl->data_fd, path, 0); /* gone already is fine */
}

/* --- parts --- */

#define PART       ".part-"
#define PART_AGE_S 86400

static void part_path(const char *digest, char out[96])
{
	(void)snprintf(out, 96, FOLDER "/" PART "%.64s", digest_hex(digest));
}

/* Locked, and still the file that the name stands for. 0, -EAGAIN or -errno. */
static int lock_part(int dir_fd, const char *path, int fd, int64_t *ret_size)
{
	struct stat own, named;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (fstat(fd, &own) < 0 || fstatat(dir_fd, path, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (own.st_ino != named.st_ino || !S_ISREG(own.st_mode))
		return -EAGAIN; /* finished or removed just now */
	*ret_size = own.st_size;
	return 0;
}

int blob_part(const struct rl *rl, const char *digest, int64_t *ret_have)
{
	auto_fd int fd = FD_NONE;
	struct rl_err ignored;
	char path[96];
	int64_t size;
	int r;

	if (!digest_is_valid(digest))
		return -EINVAL;
	if (io_mkdirs(rl->data_fd, FOLDER, 0700, &ignored) < 0)
		return -ignored.code;
	part_path(digest, path);
	fd = openat(rl->data_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = lock_part(rl->data_fd, path, fd, &size);
	if (r == 0 && lseek(fd, size, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return r;
	*ret_have = size;
	return TAKE_FD(fd);
}

int blob_part_keep(const struct rl *rl, const char *digest, struct rl_err *err)
{
	char from[96], to[96];

	part_path(digest, from);
	path_of(digest, to);
	if (renameat(rl->data_fd, from, rl->data_fd, to) < 0)
		return rl_fail_sys(err, errno, "keep '%s'", to);
	share(rl, to);
	return 0;
}

void blob_part_drop(const struct rl *rl, const char *digest)
{
	char path[96];

	part_path(digest, path);
	(void)unlinkat(rl->data_fd, path, 0); /* else the sweep comes by */
}

static void sweep_part(int dir_fd, const char *name, time_t now)
{
	auto_fd int fd = FD_NONE;
	struct stat st;
	int64_t size;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || now - st.st_mtime < PART_AGE_S)
		return;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && lock_part(dir_fd, name, fd, &size) == 0)
		(void)unlinkat(dir_fd, name, 0); /* next time then */
}

void blob_part_sweep(const struct rl *rl)
{
	int fd = openat(rl->data_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	time_t now = time(NULL);
	const struct dirent *e;

	if (!d) {
		fd_close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (strncmp(e->d_name, PART, strlen(PART)) == 0)
			sweep_part(fd, e->d_name, now);
}

/* --- removal --- */

static int add_layers(const struct rl *rl, const char *id, struct strv *needed, struct rl_err *err)
{
	json_auto_t *j = NULL;
	const json_t *layers, *l;
	auto_image struct image img = { 0 };
	char path[128];
	size_t i;
	int r = image_record_read(rl, id, &img, err);

	/* a plain layer serves as well where another image of the same files came packed */
	for (size_t k = 0; r == 0 && k < img.diff_ids.n; k++)
		if (strv_add(needed, digest_hex(img.diff_ids.v[k])) < 0)
			return rl_oom(err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "images/%.64s/manifest.json", id);
	r = json_read_file(rl->data_fd, path, IMAGE_MANIFEST_MAX, &j, err);
	if (r == -ENOENT)
		return 0; /* an image may have none */
	if (r < 0)
		return r;
	layers = json_object_get(j, "layers");
	json_array_foreach (layers, i, l) {
		const char *digest = json_string_value(json_object_get(l, "digest"));

		if (digest && digest_is_valid(digest) && strv_add(needed, digest_hex(digest)) < 0)
			return rl_oom(err);
	}
	return 0;
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int needed_blobs(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	const char *id;
	int r = image_dir(rl, &d, err);

	while (r == 0 && d && (id = image_next_id(d)))
		r = add_layers(rl, id, ret, err);
	if (r == 0 && ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), text_order);
	return r;
}

static bool is_needed(const struct strv *needed, const char *name)
{
	return needed->n > 0 &&
	       bsearch(&name, needed->v, needed->n, sizeof(*needed->v), text_order);
}

/* Of plain layers that are no more */
static void sweep_notes(const struct rl *rl, const struct strv *needed)
{
	int fd = openat(rl->data_fd, BLOB_NOTES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d)
		fd_close(fd);
	while (d && (e = readdir(d))) {
		char hex[65];

		(void)snprintf(hex, sizeof(hex), "%.64s", e->d_name);
		if (e->d_name[0] != '.' && !is_needed(needed, hex))
			(void)unlinkat(fd, e->d_name, 0); /* next time then */
	}
}

int blob_sweep(const struct rl *rl, struct rl_err *err)
{
	int fd = openat(rl->data_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	auto_strv struct strv needed = { 0 };
	const struct dirent *e;

	if (!d) {
		r = errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open folder '" FOLDER "'");
		fd_close(fd);
		return r;
	}
	r = needed_blobs(rl, &needed, err);
	if (r < 0)
		return r;
	sweep_notes(rl, &needed);
	while ((e = readdir(d))) {
		const char *name = e->d_name;

		if (name[0] == '.' || is_needed(&needed, name))
			continue;
		if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
			return rl_fail_sys(err, errno, "remove '" FOLDER "/%.64s'", name);
	}
	return 0;
}
