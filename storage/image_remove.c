/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_remove.c - taking names, images and layers away; the header storage/image.h is the manual
 *
 * Theory of operation: everything happens under images/.lock, names first, then the record, then
 * layers, so that a crash leaves things that are still whole, only less wanted. A layer is needed
 * while any record lists its diff_id; if one record cannot be read, nobody knows, and no layer
 * goes. Layers are deleted only while nobody holds layers/.gc; what is left then goes with the
 * next removal. Their files belong to subordinate owners, so they are only renamed here and
 * deleted later inside S (image_sweep.c).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/events.h"
#include "storage/blob.h"
#include "storage/image_store.h"
#include "storage/mlist.h"

#define LAYER_RECORD_MAX (64 << 10)

/* --- names ------------------------------------------------------------------------------- */

/* Take @id, an image or a list, from the name @name. */
static int untag(const struct rl *rl, const char *name, const char *id, struct image_removed *ret,
		 struct rl_err *err)
{
	int r = name_drop(rl, name, id, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* gone already is what we want */
	events_thing(rl, "image", "untag", id, name);
	return strv_add(&ret->untagged, name) < 0 ? rl_oom(err) : 0;
}

/* --- who uses it ------------------------------------------------------------------------- */

/* "<image id> <container id>" from containers/<name>/image; nothing when there is no such file. */
static int add_user(int containers_fd, const char *name, struct strv *ret)
{
	auto_free char *path = str_printf("%s/image", name);
	auto_buf struct buf b = { 0 };
	struct rl_err why = { 0 };
	const char *ctr = strncmp(name, ".new-", 5) == 0 ? name + 5 : name;

	if (!path || io_read_file(containers_fd, path, 128, &b, &why) < 0 || b.len < 64 ||
	    !digest_is_hex64(b.data, 64))
		return 0;
	return strv_take(ret, str_printf("%.64s %s", b.data, ctr));
}

int image_users(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_fd int fd =
		openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	int dir;

	if (fd < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open folder 'containers'");
	dir = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	d = dir < 0 ? NULL : fdopendir(dir);
	if (!d) {
		fd_close(dir);
		return rl_fail_sys(err, errno, "read folder 'containers'");
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strncmp(e->d_name, ".trash-", 7) != 0 && add_user(fd, e->d_name, ret) < 0)
			return rl_oom(err);
	return 0;
}

static int check_unused(const struct rl *rl, const char *id, struct rl_err *err)
{
	auto_strv struct strv users = { 0 };
	int r = image_users(rl, &users, err);

	for (size_t i = 0; i < users.n && r == 0; i++) {
		if (strncmp(users.v[i], id, 64) != 0)
			continue;
		r = rl_fail(err, EBUSY, "image %.12s is used by container %.12s", id,
			    users.v[i] + 65);
		rl_hint(err, "remove that container first: rl rm -f %.12s", users.v[i] + 65);
		err->exit_code = 2;
	}
	return r;
}

/* --- layers ------------------------------------------------------------------------------ */

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* diff_ids that some record lists, sorted. -EBADMSG when not all records can be read. */
static int needed_layers(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_dir DIR *d = NULL;
	const char *id;
	int r = image_dir(rl, &d, err);

	while (r == 0 && d && (id = image_next_id(d))) {
		auto_image struct image img = { 0 };

		r = image_record_read(rl, id, &img, err);
		if (r == 0 && strv_copy(ret, &img.diff_ids) < 0)
			r = rl_oom(err);
	}
	if (r == 0 && ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), text_order);
	return r;
}

static bool is_needed(const struct strv *needed, const char *diff_id)
{
	return needed->n > 0 &&
	       bsearch(&diff_id, needed->v, needed->n, sizeof(*needed->v), text_order);
}

/* The diff_id that layers/<key>/layer.json names, or NULL: such a layer is left alone. */
static char *layer_diff_id(int layers_fd, const char *key)
{
	auto_free char *path = str_printf("%s/layer.json", key);
	json_auto_t *j = NULL;
	struct rl_err why = { 0 };
	const char *s = NULL;

	if (!path || json_read_file(layers_fd, path, LAYER_RECORD_MAX, &j, &why) < 0 ||
	    json_get_str(j, "diff_id", path, &s, &why) < 0 || !digest_is_valid(s))
		return NULL;
	return strdup(s);
}

static int hide_layers(int layers_fd, const struct strv *needed, struct rl_err *err)
{
	int dir = fcntl(layers_fd, F_DUPFD_CLOEXEC, 3);
	auto_dir DIR *d = dir < 0 ? NULL : fdopendir(dir);
	const struct dirent *e;

	if (!d) {
		fd_close(dir);
		return rl_fail_sys(err, errno, "read folder 'layers'");
	}
	while ((e = readdir(d))) {
		auto_free char *diff_id = NULL;
		char trash[64] = ".trash-";

		if (e->d_name[0] == '.')
			continue;
		diff_id = layer_diff_id(layers_fd, e->d_name);
		if (!diff_id || is_needed(needed, diff_id))
			continue;
		rand_hex(trash + strlen(trash), 8);
		if (renameat(layers_fd, e->d_name, layers_fd, trash) < 0 && errno != ENOENT)
			return rl_fail_sys(err, errno, "move layer '%s' away", e->d_name);
	}
	return 0;
}

static int collect_layers(const struct rl *rl, struct rl_err *err)
{
	auto_fd int fd =
		openat(rl->data_fd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int lock = FD_NONE;
	auto_strv struct strv needed = { 0 };
	struct rl_err why = { 0 };
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "open folder 'layers'");
	lock = io_flock(fd, ".gc", true, false, &why);
	if (lock < 0) {
		log_debug("layers stay for now: %s", why.msg);
		return 0;
	}
	r = needed_layers(rl, &needed, &why);
	if (r < 0) {
		log_warn("no layer is removed while not every image can be read: %s", why.msg);
		return 0;
	}
	r = hide_layers(fd, &needed, err);
	if (r == 0 && blob_sweep(rl, &why) < 0)
		log_warn("packed layers stay for now: %s", why.msg);
	return r;
}

/* --- images ------------------------------------------------------------------------------ */

/* Folders of dead writers; every live one holds the lock that we hold. */
static void sweep_images(const struct rl *rl)
{
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	struct rl_err why = { 0 };

	if (image_dir(rl, &d, &why) < 0 || !d)
		return;
	while ((e = readdir(d)))
		if (strncmp(e->d_name, ".tmp-", 5) == 0 || strncmp(e->d_name, ".trash-", 7) == 0)
			RL_IGNORE(io_remove_tree(dirfd(d), e->d_name, &why)); /* next time, then */
}

static int delete_image(const struct rl *rl, const char *id, struct rl_err *err)
{
	char path[128], trash[64] = "images/.trash-";

	(void)snprintf(path, sizeof(path), "images/%s", id); /* 64 digits */
	rand_hex(trash + strlen(trash), 8);
	if (renameat(rl->data_fd, path, rl->data_fd, trash) < 0)
		return rl_fail_sys(err, errno, "move '%s' away", path);
	sweep_images(rl);
	return collect_layers(rl, err);
}

int image_collect(const struct rl *rl, struct rl_err *err)
{
	auto_fd int lock = image_lock(rl, err);

	if (lock < 0)
		return lock;
	sweep_images(rl);
	return collect_layers(rl, err);
}

static int several_names(const char *what, const char *id, const struct strv *names,
			 struct rl_err *err)
{
	rl_fail(err, EINVAL, "%s %.12s has %zu names, such as '%s' and '%s'", what, id, names->n,
		names->v[0], names->v[1]);
	return rl_hint(err, "remove the names one by one, or all with 'rl rmi -f %.12s'", id);
}

/* @name: as it was found by, or NULL */
static int remove_found(const struct rl *rl, const char *id, const char *name, bool is_list,
			bool force, struct image_removed *ret, struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	int r = names_of(rl, id, &names, err);

	if (r == 0 && name && names.n > 1)
		return untag(rl, name, id, ret, err);
	if (r == 0 && names.n > 1 && !force)
		r = several_names(is_list ? "list" : "image", id, &names, err);
	if (r == 0 && !is_list)
		r = check_unused(rl, id, err);
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = untag(rl, names.v[i], id, ret, err);
	if (r == 0)
		r = is_list ? mlist_delete(rl, id, err) : delete_image(rl, id, err);
	if (r == 0) {
		memcpy(ret->deleted, id, sizeof(ret->deleted));
		events_thing(rl, "image", "remove", id, name ? name : id);
	}
	return r;
}

int image_remove(const struct rl *rl, const char *word, bool force, struct image_removed *ret,
		 struct rl_err *err)
{
	auto_fd int lock = image_lock(rl, err);
	auto_free char *name = NULL;
	bool is_list = false;
	char id[65];
	int r;

	*ret = (struct image_removed){ 0 };
	if (lock < 0)
		return lock;
	r = image_resolve_any(rl, word, id, &name, &is_list, err);
	if (r == -ENOENT)
		err->exit_code = 1;
	return r < 0 ? r : remove_found(rl, id, name, is_list, force, ret, err);
}

int image_untag(const struct rl *rl, const char id[65], const char *name, struct rl_err *err)
{
	auto_fd int lock = image_lock(rl, err);
	auto_strv struct strv names = { 0 };
	struct image_removed done = { 0 };
	int r = lock < 0 ? lock : names_of(rl, id, &names, err);

	if (r == 0 && name && !strv_has(&names, name))
		r = rl_fail(err, ENOENT, "image %.12s has no name '%s'", id, name);
	for (size_t i = 0; i < names.n && r == 0; i++)
		if (!name || strcmp(names.v[i], name) == 0)
			r = untag(rl, names.v[i], id, &done, err);
	strv_done(&done.untagged);
	return r;
}
