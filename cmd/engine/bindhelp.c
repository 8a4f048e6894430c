/* SPDX-License-Identifier: Apache-2.0 */
/* bindhelp.c - engine: owners in bind mounts; the header is the manual */
#include "config.h"

#include "cmd/engine/bindhelp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/chtree.h"
#include "core/mnt.h"
#include "core/sources.h"
#include "storage/inside.h"

#define OVERFLOW_ID 65534 /* whoever is not mapped */

static bool is_volume(const struct container *c, const char *dest)
{
	for (size_t i = 0; i < c->n_volumes; i++)
		if (strcmp(c->volumes[i].dest, dest) == 0)
			return true;
	return false;
}

static bool is_asked(const struct container *c, const char *dest)
{
	const json_t *place;
	size_t i;

	json_array_foreach (c->mounts, i, place)
		if (json_is_string(place) && strcmp(json_string_value(place), dest) == 0)
			return true;
	return false;
}

/* Did the user ask for it, and is it a folder or file of his? */
static bool is_users_bind(const struct container *c, const struct spec_mount *m)
{
	return m->is_bind && !is_volume(c, m->dest) && is_asked(c, m->dest);
}

static bool is_in_store(const struct container *c, const char *path)
{
	size_t n = strlen(c->rl->data_dir);

	return strncmp(path, c->rl->data_dir, n) == 0 && path[n] == '/';
}

/* What the first folder below an overlay is, or NULL */
static const char *lower_of(const struct spec_mount *m)
{
	for (size_t i = 0; i < m->n_opts; i++)
		if (strcmp(m->opts[i].key, "lowerdir+") == 0)
			return m->opts[i].val;
	return NULL;
}

/* A bind, a volume with device=, option O: all were found by real paths (spec_mntkinds.c). */
void bindhelp_pin(struct container *c)
{
	for (size_t i = 0; i < c->spec.n_mounts; i++) {
		struct spec_mount *m = &c->spec.mounts[i];
		const char *source = strcmp(m->type, "overlay") == 0 ? lower_of(m)
				     : m->is_bind                    ? m->source
								     : NULL;

		m->is_real = is_users_bind(c, m) ||
			     (source && is_asked(c, m->dest) && !is_in_store(c, source));
	}
}

/* --- why not ------------------------------------------------------------------------------- */

/* An id of the container as the host knows it, or -1. */
static int64_t host_id(const struct idmap *c, const struct idmap *s, uint32_t id)
{
	int64_t in_s = idmap_to_outside(c, id);

	return in_s < 0 ? -1 : idmap_to_outside(s, (uint32_t)in_s);
}

static bool has_group(const struct container *c, gid_t gid)
{
	if (host_id(&c->gids, &c->session.gids, c->spec.gid) == (int64_t)gid)
		return true;
	for (size_t i = 0; i < c->spec.n_groups; i++)
		if (host_id(&c->gids, &c->session.gids, c->spec.groups[i]) == (int64_t)gid)
			return true;
	return false;
}

/* The bits that the mode gives to the container's user, as in "rwx". */
static unsigned granted(const struct container *c, const struct stat *st)
{
	if (host_id(&c->uids, &c->session.uids, c->spec.uid) == (int64_t)st->st_uid)
		return st->st_mode >> 6 & 7;
	return has_group(c, st->st_gid) ? st->st_mode >> 3 & 7 : st->st_mode & 7;
}

/* Its root may do everything to files of its own ids. */
static bool is_mighty(const struct container *c, const struct stat *st)
{
	int64_t in_s = idmap_to_inside(&c->session.uids, st->st_uid);

	return c->spec.uid == 0 && in_s >= 0 && idmap_to_inside(&c->uids, (uint32_t)in_s) >= 0;
}

char *bindhelp_why(const struct container *c)
{
	for (size_t i = 0; i < c->spec.n_mounts && !c->spec.keep_groups; i++) {
		const struct spec_mount *m = &c->spec.mounts[i];
		const bool ro = m->read_only || m->set_rec & MOUNT_ATTR_RDONLY;
		struct stat st;
		unsigned has, want;

		if (!is_users_bind(c, m) || stat(m->source, &st) < 0 || is_mighty(c, &st))
			continue;
		want = (S_ISDIR(st.st_mode) ? 5 : S_ISREG(st.st_mode) ? 4 : 0) | (ro ? 0 : 2);
		has = granted(c, &st);
		if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
			continue;
		if ((has & want) == want)
			continue;
		return str_printf("the container's user %u may not %s '%s' (owner %u:%u, mode "
				  "%04o): --me or --userns keep-id:uid=%u,gid=%u makes your files "
				  "that user's",
				  c->spec.uid, has & 4 ? "write to" : "read", m->source, st.st_uid,
				  st.st_gid, (unsigned)st.st_mode & 07777, c->spec.uid,
				  c->spec.gid);
	}
	return NULL;
}

/* --- giving back --------------------------------------------------------------------------- */

/* As S shows them: 0 is the caller. A group alone may be one of the caller's own, on purpose. */
static bool is_subordinate(uid_t uid, gid_t gid)
{
	return uid != 0 || (gid != 0 && gid != OVERFLOW_ID);
}

struct giving {
	const char *source, *subpath;
	int out;
};

static int give_inside(void *arg, struct rl_err *err)
{
	const struct giving *g = arg;
	auto_fd int fd = sources_open_path(g->source, g->subpath, true);
	int32_t n;

	if (fd == -ELOOP)
		return rl_fail(err, ELOOP,
			       "'%s' has become a link: nothing behind it is given back",
			       g->source);
	if (fd < 0)
		return fd == -ENOENT ? 0 : rl_fail_sys(err, -fd, "open '%s'", g->source);
	n = chtree_give(fd, 0, 0, is_subordinate, err);
	if (n < 0)
		return rl_wrap(err, "'%s'", g->source);
	return io_write_all(g->out, &n, sizeof(n));
}

static int give_one(const struct container *c, const struct spec_mount *m, struct rl_err *err)
{
	struct giving g = { .source = m->source, .subpath = m->subpath };
	auto_fd int in = FD_NONE, out = FD_NONE;
	int32_t n = 0;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return rl_fail_sys(err, errno, "make a pipe");
	in = p[0];
	out = g.out = p[1];
	r = inside_run(&c->session, give_inside, &g, -1, err);
	if (r == 0 && read(in, &n, sizeof(n)) != (ssize_t)sizeof(n))
		n = 0; /* the source is gone */
	return r < 0 ? r : n;
}

int bindhelp_give_back(const struct container *c, struct rl_err *err)
{
	int total = 0;

	for (size_t i = 0; i < c->spec.n_mounts; i++) {
		const struct spec_mount *m = &c->spec.mounts[i];
		int r;

		if (!is_users_bind(c, m) || m->read_only || m->set_rec & MOUNT_ATTR_RDONLY ||
		    c->session.rung == SESSION_ONE_ID)
			continue;
		r = give_one(c, m, err);
		if (r < 0)
			return r;
		total += r;
	}
	return total;
}
