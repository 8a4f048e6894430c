/* SPDX-License-Identifier: Apache-2.0 */
/* userdb.c - users and groups of an image; the header is the manual */
#include "config.h"

#include "cmd/engine/userdb.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/parse.h"

static int open_in_root(int root_fd, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* A folder that hides what lower layers have at its place: overlayfs, "userxattr". */
static bool is_opaque(int dir_fd)
{
	char path[64], v[4];

	/* xattr calls refuse O_PATH descriptors, the link in /proc/self/fd serves them */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	return getxattr(path, "user.overlay.opaque", v, sizeof(v)) == 1 && (*v == 'y' || *v == 'x');
}

/*
 * What one layer says about dir/name. fd > 0: here it is. -ENOENT: nothing, ask the layer below.
 * -ENOTDIR: this layer hides what is below.
 */
static int open_in_layer(int layer_fd, const char *dir, const char *name)
{
	auto_fd int d = open_in_root(layer_fd, dir, O_PATH | O_NOFOLLOW), f = FD_NONE;
	char path[128];
	struct stat st;

	if (d < 0)
		return d;
	if (fstat(d, &st) < 0)
		return -errno;
	if (is_whiteout(&st))
		return -ENOTDIR;
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (S_ISDIR(st.st_mode)) {
		f = openat(d, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (f < 0) {
			int e = errno; /* is_opaque() has an errno of its own */

			return e == ENOENT && is_opaque(d) ? -ENOTDIR : -e;
		}
		if (fstat(f, &st) < 0)
			return -errno;
		if (is_whiteout(&st))
			return -ENOTDIR;
		fd_close(TAKE_FD(f));
	}
	/* links are followed inside this layer only: one that leads to another is no user file */
	f = open_in_root(layer_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	return f == -ENOENT ? -ENOTDIR : TAKE_FD(f);
}

/**
 * userdb_open() - Open a file of an image, as the stacked layers show it
 * @layer_fds:	O_PATH folders, bottom first; a single one for --rootfs
 * @dir, @name:	"etc", "passwd"
 *
 * Return: fd, -ENOENT (no such file, or removed by an upper layer), or -errno with @err
 */
static int userdb_open(const int *layer_fds, size_t n_layers, const char *dir, const char *name,
		       struct rl_err *err)
{
	for (size_t i = n_layers; i-- > 0;) {
		int fd = open_in_layer(layer_fds[i], dir, name);

		if (fd >= 0)
			return fd;
		if (fd == -ENOENT)
			continue;
		if (fd == -ENOTDIR || fd == -ELOOP)
			break;
		return rl_fail_sys(err, -fd, "open '/%s/%s' of the image", dir, name);
	}
	return rl_fail(err, ENOENT, "the image has no '/%s/%s'", dir, name);
}

int userdb_read(const int *layer_fds, size_t n_layers, const char *dir, const char *name,
		struct buf *out, struct rl_err *err)
{
	auto_fd int fd = userdb_open(layer_fds, n_layers, dir, name, err);
	struct stat st;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &st) < 0)
		return rl_fail_sys(err, errno, "stat '/%s/%s' of the image", dir, name);
	if (!S_ISREG(st.st_mode))
		return rl_fail(err, EINVAL, "'/%s/%s' of the image is not a regular file", dir,
			       name);
	r = st.st_size > USERDB_FILE_MAX ? -EFBIG : io_read_all(fd, USERDB_FILE_MAX, out);
	if (r == -EFBIG)
		return rl_fail(err, EFBIG, "'/%s/%s' of the image is larger than %d bytes", dir,
			       name, USERDB_FILE_MAX);
	return r < 0 ? rl_fail_sys(err, -r, "read '/%s/%s' of the image", dir, name) : 0;
}

/* One line of a file in pieces between ':'; missing ones are empty. */
#define FIELDS_MAX 7
struct line {
	const char *s[FIELDS_MAX];
	size_t len[FIELDS_MAX];
};

/* The next line from *@p; false at the end. Lines with a NUL or without a name are skipped. */
static bool next_line(const char **p, const char *end, struct line *l)
{
	while (*p < end) {
		const char *start = *p, *nl = memchr(start, '\n', (size_t)(end - start));
		const char *stop = nl ? nl : end, *s = start;
		size_t i = 0;

		*p = nl ? nl + 1 : end;
		*l = (struct line){ 0 };
		if (stop > start && stop[-1] == '\r')
			stop--;
		if (stop == start || *start == '#' || memchr(start, '\0', (size_t)(stop - start)))
			continue;
		for (; i < FIELDS_MAX; i++) {
			const char *c = memchr(s, ':', (size_t)(stop - s));

			l->s[i] = s;
			l->len[i] = (size_t)((c ? c : stop) - s);
			if (!c)
				break;
			s = c + 1;
		}
		if (l->len[0] > 0 && l->len[0] <= USERDB_NAME_MAX)
			return true;
	}
	return false;
}

static bool field_is(const struct line *l, size_t i, const char *word)
{
	return l->s[i] && l->len[i] == strlen(word) && memcmp(l->s[i], word, l->len[i]) == 0;
}

/* An id in a field; entries with anything else in it are not entries. */
static bool field_id(const struct line *l, size_t i, uint32_t *ret)
{
	char text[16];
	uint64_t v;

	if (!l->s[i] || l->len[i] == 0 || l->len[i] >= sizeof(text))
		return false;
	memcpy(text, l->s[i], l->len[i]);
	text[l->len[i]] = '\0';
	if (parse_uint(text, UINT32_MAX - 1, &v) < 0)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static void take_entry(const struct line *l, struct userdb_user *u)
{
	memcpy(u->name, l->s[0], l->len[0]);
	u->name[l->len[0]] = '\0';
	u->home[0] = '\0';
	if (l->s[5] && l->len[5] > 0 && l->len[5] < sizeof(u->home) && l->s[5][0] == '/') {
		memcpy(u->home, l->s[5], l->len[5]);
		u->home[l->len[5]] = '\0';
		for (const char *c = u->home; *c; c++)
			if ((unsigned char)*c < 0x20)
				u->home[0] = '\0';
	}
	u->has_entry = true;
}

/* Find by @name, or by u->uid when it is NULL. */
static bool find_user(const struct buf *passwd, const char *name, struct userdb_user *u)
{
	const char *p = passwd->data, *end = p ? p + passwd->len : NULL;
	struct line l;

	while (p && next_line(&p, end, &l)) {
		uint32_t uid, gid;

		if (!field_id(&l, 2, &uid) || !field_id(&l, 3, &gid))
			continue;
		if (name ? !field_is(&l, 0, name) : uid != u->uid)
			continue;
		u->uid = uid;
		u->gid = gid;
		take_entry(&l, u);
		return true;
	}
	return false;
}

char *userdb_name_of(const struct buf *file, uint32_t id)
{
	const char *p = file->data, *end = p ? p + file->len : NULL;
	struct line l;
	uint32_t v;

	while (p && next_line(&p, end, &l))
		if (field_id(&l, 2, &v) && v == id)
			return strndup(l.s[0], l.len[0]);
	return NULL;
}

static bool has_member(const struct line *l, const char *name)
{
	const char *s = l->s[3], *end = s ? s + l->len[3] : NULL;
	size_t n = strlen(name);

	while (s && s < end) {
		const char *c = memchr(s, ',', (size_t)(end - s));
		size_t len = (size_t)((c ? c : end) - s);

		if (len == n && memcmp(s, name, n) == 0)
			return true;
		s += len + 1;
	}
	return false;
}

static void find_groups(const struct buf *group, struct userdb_user *u)
{
	const char *p = group->data, *end = p ? p + group->len : NULL;
	struct line l;

	while (p && next_line(&p, end, &l)) {
		uint32_t gid;
		bool seen;

		if (!has_member(&l, u->name) || !field_id(&l, 2, &gid) || gid == u->gid)
			continue;
		seen = false;
		for (size_t i = 0; i < u->n_groups; i++)
			seen |= u->groups[i] == gid;
		if (seen)
			continue;
		if (u->n_groups == USERDB_GROUPS_MAX) {
			log_warn("user '%s' is in more than %d groups of the image, ignoring the "
				 "rest",
				 u->name, USERDB_GROUPS_MAX);
			return;
		}
		u->groups[u->n_groups++] = gid;
	}
}

static bool all_digits(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s < '0' || *s > '9')
			return false;
	return true;
}

static bool good_name(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > USERDB_NAME_MAX || *s == '-' || *s == '+')
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f || strchr(":,/", *s))
			return false;
	return true;
}

/* @what is "user" or "group". 0: a number, in @ret; 1: a name; negative: refused. */
static int number_or_name(const char *word, const char *what, uint32_t *ret, struct rl_err *err)
{
	uint64_t v;

	if (all_digits(word)) {
		if (parse_uint(word, UINT32_MAX - 1, &v) < 0)
			return rl_fail(err, ERANGE, "%s '%.40s' is out of range: ids end at %u",
				       what, word, UINT32_MAX - 1);
		*ret = (uint32_t)v;
		return 0;
	}
	if (!good_name(word))
		return rl_fail(err, EINVAL, "invalid %s '%.80s': neither a name nor a number", what,
			       word);
	return 1;
}

int userdb_group(const char *word, const struct buf *group, uint32_t *ret, struct rl_err *err)
{
	const char *p = group->data, *end = p ? p + group->len : NULL;
	struct line l;
	int r = number_or_name(word, "group", ret, err);

	if (r <= 0)
		return r;
	while (p && next_line(&p, end, &l))
		if (field_is(&l, 0, word) && field_id(&l, 2, ret))
			return 0;
	rl_fail(err, ENOENT, "group '%s' is not in the image's /etc/group", word);
	return rl_hint(err, "give the number of the group instead of its name");
}

static int resolve_user(const char *word, const struct buf *passwd, struct userdb_user *u,
			struct rl_err *err)
{
	int r = number_or_name(word, "user", &u->uid, err);

	if (r < 0)
		return r;
	if (find_user(passwd, r == 1 ? word : NULL, u) || r == 0)
		return 0;
	rl_fail(err, ENOENT, "user '%s' is not in the image's /etc/passwd", word);
	return rl_hint(err, "give the number of the user instead of its name");
}

int userdb_resolve(const char *spec, const struct buf *passwd, const struct buf *group,
		   struct userdb_user *ret, struct rl_err *err)
{
	const char *colon = spec ? strchr(spec, ':') : NULL;
	auto_free char *user = NULL;
	struct userdb_user *u = ret; /* large: built in place, zeroed again on failure */
	int r;

	*u = (struct userdb_user){ 0 };
	if (!spec || !*spec)
		spec = "0";
	user = colon ? strndup(spec, (size_t)(colon - spec)) : strdup(spec);
	if (!user)
		return rl_oom(err);
	if (!*user)
		return rl_fail(err, EINVAL, "user '%.80s' has a group but no user", spec);
	if (colon && !colon[1])
		return rl_fail(err, EINVAL, "user '%.80s' ends in ':' but has no group", spec);
	r = resolve_user(user, passwd, u, err);
	if (r == 0 && colon)
		r = userdb_group(colon + 1, group, &u->gid, err);
	else if (r == 0 && u->has_entry)
		find_groups(group, u);
	if (r < 0)
		*u = (struct userdb_user){ 0 };
	return r;
}
