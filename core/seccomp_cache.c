/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp_cache.c - finished filters in data_dir/cache/seccomp
 *
 * Threat: a filter that is taken from the cache is not the one that was asked for: another one
 * with the same hash, half of one after a power loss, one that somebody else has put there.
 * Defence: the whole key is in the file and compared; the value has a checksum; the file must be
 * regular, ours, and writable by nobody else. A container that may write the store could forge
 * all of that, as it could forge config.json: such a bind is the user's own choice.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/siphash.h"
#include "core/seccomp_int.h"

#define DIR_NAME    "cache/seccomp"
#define FILE_MAX    (4 << 20)
#define ENTRIES_MAX 64 /* one per profile and capability set; more is garbage of the past */
#define MAGIC       UINT64_C(0x31706d6f63636573) /* changes with the format */

struct header {
	uint64_t magic, key_len, value_len, check;
};

/* Fixed keys: the hash only names and checks, see the header comment. */
static const uint64_t name_key[2] = { 0x726c, 1 }, check_key[2] = { 0x726c, 2 };

static void entry_name(enum seccomp_cached kind, const char *key, size_t len, char out[64])
{
	(void)snprintf(out, 64, DIR_NAME "/%s-%016llx",
		       kind == SECCOMP_BY_OBJECT ? "object" : "profile",
		       (unsigned long long)siphash(key, len, name_key));
}

/* The whole file, if it is one that we may have written. */
static int read_own(int dir_fd, const char *name, char **ret, size_t *ret_len)
{
	auto_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_free char *p = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) ||
	    st.st_size < (off_t)sizeof(struct header) || st.st_size > FILE_MAX)
		return -EPERM;
	p = malloc((size_t)st.st_size);
	if (!p)
		return -ENOMEM;
	if (io_read_full(fd, p, (size_t)st.st_size) != st.st_size)
		return -EIO;
	*ret = TAKE_PTR(p);
	*ret_len = (size_t)st.st_size;
	return 0;
}

int seccomp_cache_get(const struct rl *rl, enum seccomp_cached kind, const char *key,
		      size_t key_len, void **ret, size_t *ret_len)
{
	auto_free char *file = NULL;
	char name[64];
	struct header h;
	size_t len, room;
	int r;

	entry_name(kind, key, key_len, name);
	r = read_own(rl->data_fd, name, &file, &len);
	if (r < 0) {
		if (r != -ENOENT)
			log_debug("cache entry '%s' is not usable: %s", name, strerror(-r));
		return 0;
	}
	memcpy(&h, file, sizeof(h));
	room = len - sizeof(h);
	if (h.magic != MAGIC || h.key_len != key_len || key_len > room ||
	    h.value_len != room - key_len || memcmp(file + sizeof(h), key, key_len) != 0 ||
	    siphash(file + sizeof(h) + key_len, h.value_len, check_key) != h.check) {
		log_debug("cache entry '%s' is stale or damaged", name);
		return 0;
	}
	/* the caller gets the start of the allocation, with a NUL behind the value */
	memmove(file, file + sizeof(h) + key_len, h.value_len);
	file[h.value_len] = '\0'; /* there is room: the header was in front */
	*ret = TAKE_PTR(file);
	*ret_len = h.value_len;
	return 1;
}

/* Sets of options come and go with the user's habits: start over when there are too many. */
static void sweep(const struct rl *rl)
{
	auto_dir DIR *d = NULL;
	struct rl_err err;
	size_t n = 0;
	int fd = io_open_dir(rl->data_fd, DIR_NAME, &err);

	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		fd_close(fd);
		return;
	}
	while (readdir(d))
		n++;
	if (n > ENTRIES_MAX && io_remove_tree(rl->data_fd, DIR_NAME, &err) < 0)
		log_debug("%s", err.msg);
}

void seccomp_cache_put(const struct rl *rl, enum seccomp_cached kind, const char *key,
		       size_t key_len, const void *value, size_t len)
{
	const struct header h = { MAGIC, key_len, len, siphash(value, len, check_key) };
	auto_buf struct buf b = { 0 };
	struct rl_err err = { 0 };
	char name[64];
	int r;

	entry_name(kind, key, key_len, name);
	sweep(rl);
	r = io_mkdirs(rl->data_fd, DIR_NAME, 0700, &err);
	if (r == 0 && (buf_add(&b, &h, sizeof(h)) < 0 || buf_add(&b, key, key_len) < 0 ||
		       buf_add(&b, value, len) < 0))
		r = rl_oom(&err);
	if (r == 0)
		r = io_replace_file(rl->data_fd, name, b.data, b.len, 0600, IO_NOSYNC, &err);
	if (r < 0)
		log_debug("%s", err.msg);
}
