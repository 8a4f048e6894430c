/* SPDX-License-Identifier: Apache-2.0 */
/* volume.c - named volumes; the header is the manual */
#include "config.h"

#include "storage/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/ctr.h"
#include "core/events.h"
#include "storage/fetch.h"

#define HOLD_WAIT_MS      10000
#define MAKE_TRIES        5 /* a sweep may take a folder in the moment before it is locked */
#define VOLUME_VERSION    1
#define VOLUME_RECORD_MAX (1 << 20)

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int volume_check_name(const char *name, struct rl_err *err)
{
	size_t n = strlen(name);

	if (n == 0)
		return rl_fail(err, EINVAL, "the name of the volume is empty");
	if (n > VOLUME_NAME_MAX)
		return rl_fail(err, EINVAL, "volume name '%.40s...' is longer than %d bytes", name,
			       VOLUME_NAME_MAX);
	for (size_t i = 0; i < n; i++) {
		if (is_alnum(name[i]) || (i > 0 && strchr("_.-", name[i])))
			continue;
		rl_fail(err, EINVAL, "invalid volume name '%s': byte 0x%02x", name,
			(unsigned)(unsigned char)name[i]);
		return rl_hint(err, "letters, digits, '_', '.' and '-' make a name; a folder "
				    "starts with '/' or './'");
	}
	return 0;
}

/* The folder @path, if it is still there and nobody else holds its flock; -EAGAIN else. */
static int open_locked(int dir_fd, const char *path)
{
	auto_fd int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 || st.st_nlink == 0)
		return -EAGAIN;
	return TAKE_FD(fd);
}

/* "key=value" lines to an object */
static json_t *pairs_object(const struct strv *pairs)
{
	json_t *o = json_object();

	for (size_t i = 0; o && pairs && i < pairs->n; i++) {
		const char *s = pairs->v[i], *eq = strchr(s, '=');
		auto_free char *key = eq ? strndup(s, (size_t)(eq - s)) : strdup(s);

		if (!key || json_object_set_new(o, key, json_string(eq ? eq + 1 : "")) < 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static int write_record(const struct rl *rl, const struct volume_req *req, const char *name,
			const char *dir, struct rl_err *err)
{
	auto_free char *path = str_printf("%s/volume.json", dir);
	char now[32];
	json_t *j;
	int r;

	time_rfc3339(now, wall_ns());
	j = json_pack("{s:i,s:s,s:s,s:s,s:o,s:o,s:b,s:b}", "version", VOLUME_VERSION, "name", name,
		      "driver", "local", "created", now, "labels", pairs_object(req->labels),
		      "options", pairs_object(req->options), "anonymous",
		      req->anonymous || !req->name, "copy_up", !req->no_copy);
	if (!j || !path) {
		json_decref(j);
		return rl_oom(err);
	}
	r = json_write_file(rl->data_fd, path, j, !req->no_sync, err);
	json_decref(j);
	return r;
}

/* A folder volumes/.tmp-*, flocked: fd; the sweep takes those that nobody holds. */
static int make_temporary(const struct rl *rl, const char *tmp, struct rl_err *err)
{
	for (int i = 0; i < MAKE_TRIES; i++) {
		auto_fd int fd = FD_NONE;
		int r = io_mkdirs(rl->data_fd, tmp, 0700, err);

		if (r < 0)
			return r;
		fd = open_locked(rl->data_fd, tmp);
		if (fd >= 0)
			return TAKE_FD(fd);
	}
	return rl_fail(err, EAGAIN, "create '%s'", tmp);
}

/* Make volumes/<name> whole or not at all. 1: made, 0: somebody else has made it. */
static int make(const struct rl *rl, const struct volume_req *req, const char *name,
		struct rl_err *err)
{
	auto_free char *dir = str_printf("volumes/%s", name), *tmp = NULL, *data = NULL;
	auto_fd int lock = FD_NONE;
	char tag[17];
	int r;

	rand_hex(tag, 8);
	tmp = str_printf("volumes/.tmp-%s", tag);
	data = str_printf("volumes/.tmp-%s/_data", tag);
	if (!dir || !tmp || !data)
		return rl_oom(err);
	lock = make_temporary(rl, tmp, err);
	if (lock < 0)
		return lock;
	r = io_mkdirs(rl->data_fd, data, 0755, err);
	if (r == 0)
		r = write_record(rl, req, name, tmp, err);
	/* umask must not decide who may enter a folder that many users of a container share */
	if (r == 0 && fchmodat(rl->data_fd, data, 0755, 0) < 0)
		r = rl_fail_sys(err, errno, "chmod '%s'", data);
	if (r == 0) {
		if (renameat(rl->data_fd, tmp, rl->data_fd, dir) == 0)
			return 1;
		if (errno != EEXIST && errno != ENOTEMPTY)
			r = rl_fail_sys(err, errno, "create volume '%s'", name);
	}
	RL_IGNORE(io_remove_tree(rl->data_fd, tmp,
				 &(struct rl_err){ 0 })); /* volume_sweep() if it stays */
	return r;
}

static int read_record(const struct rl *rl, const char *name, json_t **ret, struct rl_err *err)
{
	auto_free char *path = str_printf("volumes/%s/volume.json", name);
	int64_t version;
	json_t *j;
	int r;

	if (!path)
		return rl_oom(err);
	r = json_read_file(rl->data_fd, path, VOLUME_RECORD_MAX, &j, err);
	if (r < 0)
		return r;
	r = json_get_int(j, "version", path, &version, err);
	if (r == 0 && version != VOLUME_VERSION)
		r = rl_fail(err, EINVAL,
			    "volume '%s' has record version %lld, this rl knows version %d", name,
			    (long long)version, VOLUME_VERSION);
	if (r < 0) {
		json_decref(j);
		return r;
	}
	*ret = j;
	return 0;
}

/* @v has its name and path. */
static int open_existing(const struct rl *rl, const char *name, struct volume *v,
			 struct rl_err *err)
{
	const char *created = NULL;
	int r = read_record(rl, name, &v->record, err);

	if (r < 0)
		return r;
	r = json_get_bool(v->record, "copy_up", name, &v->copy_up, err);
	if (r == 0)
		r = json_get_bool(v->record, "anonymous", name, &v->anonymous, err);
	if (r == 0)
		r = json_get_obj(v->record, "labels", name, &v->labels, err);
	if (r == 0)
		r = json_get_obj(v->record, "options", name, &v->options, err);
	if (r == 0)
		r = json_get_str(v->record, "created", name, &created, err);
	if (r == 0 && created && time_parse_rfc3339(created, &v->created_ns) < 0)
		v->created_ns = 0;
	return r;
}

static int set_name(const struct rl *rl, const char *name, struct volume *v, struct rl_err *err)
{
	v->name = strdup(name);
	v->path = str_printf("%s/volumes/%s/_data", rl->data_dir, name);
	return v->name && v->path ? 0 : rl_oom(err);
}

int volume_load(const struct rl *rl, const char *name, struct volume *ret, struct rl_err *err)
{
	auto_volume struct volume v = { 0 };
	int r = volume_check_name(name, err);

	if (r == 0)
		r = set_name(rl, name, &v, err);
	if (r == 0)
		r = open_existing(rl, name, &v, err);
	if (r == -ENOENT || r == -ENOTDIR)
		return rl_fail(err, ENOENT, "no such volume");
	if (r < 0)
		return r;
	*ret = v;
	v = (struct volume){ 0 };
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int volume_list(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	int fd = openat(rl->data_fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	size_t before = ret->n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (!d)
		return rl_fail_sys(err, errno, "read '%s/volumes'", rl->data_dir);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && strv_add(ret, e->d_name) < 0)
			return rl_oom(err);
	if (ret->n > before + 1)
		qsort(ret->v + before, ret->n - before, sizeof(*ret->v), by_name);
	return 0;
}

/* The volumes of containers/<folder>; nothing when it has none. */
static int add_users(int containers_fd, const char *folder, struct strv *ret)
{
	auto_free char *path = str_printf("%s/" CTR_VOLUMES, folder);
	const char *id = strncmp(folder, ".new-", 5) == 0 ? folder + 5 : folder;
	auto_strv struct strv lines = { 0 };
	auto_buf struct buf text = { 0 };
	struct rl_err why;
	int r;

	if (!path || io_read_file(containers_fd, path, CTR_VOLUMES_MAX, &text, &why) < 0)
		return path ? 0 : -ENOMEM;
	r = strv_split(&lines, text.data ? text.data : "", '\n');
	for (size_t i = 0; i < lines.n && r == 0; i++)
		if (strlen(lines.v[i]) > 2)
			r = strv_take(ret, str_printf("%s %s", lines.v[i] + 2, id));
	return r;
}

int volume_users(const struct rl *rl, struct strv *ret, struct rl_err *err)
{
	int fd = openat(rl->data_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (!d)
		return rl_fail_sys(err, errno, "read '%s/containers'", rl->data_dir);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strncmp(e->d_name, ".trash-", 7) != 0 &&
		    add_users(dirfd(d), e->d_name, ret) < 0)
			return rl_oom(err);
	return 0;
}

/* As the user; what belongs to subordinate ids needs uid 0 of S. */
static int delete_tree(const struct rl *rl, const struct session *s, const char *path,
		       struct rl_err *err)
{
	int r = io_remove_tree(rl->data_fd, path, err);

	if ((r == -EACCES || r == -EPERM || r == -ENOTEMPTY) && s)
		r = fetch_remove_tree(rl, s, path, err);
	return r;
}

void volume_sweep(const struct rl *rl, const struct session *s)
{
	int fd = openat(rl->data_fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct session own = { .userns_fd = FD_NONE };
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		bool is_new = strncmp(e->d_name, ".tmp-", 5) == 0;
		auto_free char *path = NULL;
		auto_fd int lock = FD_NONE;
		struct rl_err err;

		/* who makes one holds its flock; a removal may go on beside us, which hurts neither */
		if (!is_new && strncmp(e->d_name, ".trash-", 7) != 0)
			continue;
		lock = is_new ? open_locked(fd, e->d_name) : FD_NONE;
		if (is_new && lock < 0)
			continue;
		path = str_printf("volumes/%s", e->d_name);
		if (!path || delete_tree(rl, s, path, &err) == 0)
			continue;
		if (!s && session_open(rl, &own, &err) == 0)
			s = &own;
		if (!s || delete_tree(rl, s, path, &err) < 0)
			log_debug("sweep: %s", err.msg);
	}
	session_close(&own);
}

int volume_users_of(const struct rl *rl, const char *name, struct strv *ret, struct rl_err *err)
{
	auto_strv struct strv users = { 0 };
	size_t len = strlen(name);
	int r = volume_users(rl, &users, err);

	for (size_t i = 0; i < users.n && r == 0; i++)
		if (strncmp(users.v[i], name, len) == 0 && users.v[i][len] == ' ' &&
		    strv_add(ret, users.v[i] + len + 1) < 0)
			r = rl_oom(err);
	return r;
}

int volume_hold(const struct rl *rl, struct rl_err *err)
{
	int fd = io_flock(rl->data_fd, "volumes/.lock", false, true, err);

	return fd == -ENOENT ? FD_NONE : fd; /* no volumes, nothing to hold */
}

static int check_unused(const struct rl *rl, const char *name, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	auto_buf struct buf list = { 0 };
	int r = volume_users_of(rl, name, &ids, err);

	if (r < 0 || ids.n == 0)
		return r;
	for (size_t i = 0; i < ids.n && i < 5; i++)
		if (buf_printf(&list, "%s%.12s", i ? ", " : "", ids.v[i]) < 0)
			return rl_oom(err);
	rl_fail(err, EBUSY, "volume is being used by the following container(s): %s%s", list.data,
		ids.n > 5 ? ", ..." : "");
	err->exit_code = 2;
	return rl_hint(err, "remove them first, or use volume rm -f");
}

/* Nobody gets a new reference to it in the meantime: who makes containers holds the lock shared. */
static int hide(const struct rl *rl, const char *name, const char *trash, struct rl_err *err)
{
	auto_free char *dir = str_printf("volumes/%s", name);
	auto_fd int lock = FD_NONE;
	int r;

	if (!dir)
		return rl_oom(err);
	lock = io_flock_wait(rl->data_fd, "volumes/.lock", HOLD_WAIT_MS, err);
	r = lock == -ENOENT ? 0 : lock < 0 ? lock : check_unused(rl, name, err);
	if (r < 0)
		return r;
	if (renameat(rl->data_fd, dir, rl->data_fd, trash) == 0)
		return 0;
	if (errno != ENOENT)
		return rl_fail_sys(err, errno, "remove '%s'", name);
	rl_fail(err, ENOENT, "no such volume");
	err->exit_code = 1;
	return -ENOENT;
}

int volume_remove(const struct rl *rl, const struct session *s, const char *name,
		  struct rl_err *err)
{
	auto_free char *trash = NULL;
	char tag[17];
	int r = volume_check_name(name, err);

	if (r < 0)
		return r;
	rand_hex(tag, 8);
	trash = str_printf("volumes/.trash-%s", tag);
	if (!trash)
		return rl_oom(err);
	r = hide(rl, name, trash, err);
	return r < 0 ? r : delete_tree(rl, s, trash, err);
}

void volume_random_name(char ret[VOLUME_RANDOM_LEN + 1])
{
	rand_hex(ret, VOLUME_RANDOM_LEN / 2);
}

int volume_get(const struct rl *rl, const struct volume_req *req, struct volume *ret,
	       struct rl_err *err)
{
	auto_volume struct volume v = { 0 };
	char random[VOLUME_RANDOM_LEN + 1];
	const char *name = req->name;
	int r;

	if (!name) {
		volume_random_name(random);
		name = random;
	}
	r = volume_check_name(name, err);
	if (r < 0)
		return r;
	r = set_name(rl, name, &v, err);
	if (r < 0)
		return r;
	r = req->name ? open_existing(rl, name, &v, err) : -ENOENT;
	if (r == -ENOENT) {
		r = make(rl, req, name, err);
		if (r < 0)
			return rl_wrap(err, "volume '%s'", name);
		v.created = r == 1;
		if (v.created)
			events_thing(rl, "volume", "create", NULL, v.name);
		r = open_existing(rl, name, &v, err);
	}
	if (r < 0)
		return rl_wrap(err, "volume '%s'", name);
	if (req->no_copy)
		v.copy_up = false;
	*ret = v;
	v = (struct volume){ 0 };
	return 0;
}

int volume_set_copied(const struct rl *rl, const char *name, struct rl_err *err)
{
	auto_free char *path = NULL;
	json_t *j = NULL;
	int r = volume_check_name(name, err);

	if (r == 0)
		r = read_record(rl, name, &j, err);
	if (r < 0)
		return r;
	path = str_printf("volumes/%s/volume.json", name);
	if (!path || json_object_set_new(j, "copy_up", json_false()) < 0)
		r = rl_oom(err);
	else
		r = json_write_file(rl->data_fd, path, j, true, err);
	json_decref(j);
	return r;
}

bool volume_is_elsewhere(const struct volume *v)
{
	return json_object_get(v->options, "type") || json_object_get(v->options, "device");
}

void volume_done(struct volume *v)
{
	free(v->name);
	free(v->path);
	json_decref(v->record);
	*v = (struct volume){ 0 };
}
