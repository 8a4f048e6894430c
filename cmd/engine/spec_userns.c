/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_userns.c - the id maps of a container: --userns, --uidmap, --gidmap, --me and kin
 *
 * Theory of operation: all maps lead into S, whose ids are what Podman calls intermediate: 0 is the
 * caller, 1 and up are the subordinate ids. The user namespace is the container's own whatever the
 * mode ("host" is the identity too), unless it joins another one. A line of a map is cut where a line of
 * S's own map ends: the kernel takes none that spans two. What needs the image's users (--me, auto)
 * is done later, by spec_map_user().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/engine/autoids.h"
#include "cmd/engine/spec_parts.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "core/subid.h"

#define AUTO_MIN 1024  /* ids of --userns auto without a size, as in Podman */
#define MAP_MAX  16384 /* bytes of a map that is taken from /proc */
#define NOBODY   65534 /* stands in every passwd, and means nobody */

static int identity(struct spec_ctx *x, struct rl_err *err)
{
	int r = idmap_identity(&x->in->session->uids, &x->out->uids, err);

	return r < 0 ? r : idmap_identity(&x->in->session->gids, &x->out->gids, err);
}

/* What needs other ids than the caller's own */
static int need_subids(const struct spec_ctx *x, const char *what, struct rl_err *err)
{
	if (x->in->session->rung != SESSION_ONE_ID)
		return 0;
	rl_fail(err, ENODATA, "--userns %s: it needs subordinate ids, and you have none", what);
	return rl_hint(err, "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "
			    "$USER; with your own id alone there is --userns keep-id");
}

/* --- keep-id, nomap ------------------------------------------------------------------------ */

static int keep_id_value(struct spec_ctx *x, const char *word, uint32_t *size, struct rl_err *err)
{
	uint32_t *to = strncmp(word, "uid=", 4) == 0    ? &x->keep_uid
		       : strncmp(word, "gid=", 4) == 0  ? &x->keep_gid
		       : strncmp(word, "size=", 5) == 0 ? size
							: NULL;
	uint64_t v;

	if (!to)
		return rl_fail(err, EINVAL, "it knows uid=, gid= and size=, not '%s'", word);
	if (parse_uint(strchr(word, '=') + 1, UINT32_MAX - 1, &v) < 0 || (to == size && v == 0))
		return rl_fail(err, EINVAL, "'%s' is not a number of ids", word);
	*to = (uint32_t)v;
	return 0;
}

static int keep(struct spec_ctx *x, uint32_t uid, uint32_t gid, struct rl_err *err)
{
	int r = idmap_keep_id(&x->in->session->uids, uid, &x->out->uids, err);

	return r < 0 ? r : idmap_keep_id(&x->in->session->gids, gid, &x->out->gids, err);
}

static int keep_id(struct spec_ctx *x, const char *opts, struct rl_err *err)
{
	auto_strv struct strv l = { 0 };
	uint32_t size = UINT32_MAX;
	int r = 0;

	x->keep_id = true;
	x->keep_uid = x->in->rl->uid;
	x->keep_gid = x->in->rl->gid;
	if (*opts == ':' && strv_split(&l, opts + 1, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = keep_id_value(x, l.v[i], &size, err);
	if (r == 0 && (size <= x->keep_uid || size <= x->keep_gid))
		r = rl_fail(err, EINVAL, "size=%u leaves out your own ids %u:%u", size, x->keep_uid,
			    x->keep_gid);
	if (r == 0)
		r = keep(x, x->keep_uid, x->keep_gid, err);
	idmap_truncate(&x->out->uids, size);
	idmap_truncate(&x->out->gids, size);
	return r < 0 ? rl_wrap(err, "--userns keep-id") : 0;
}

/* Everything but the caller: [0, n) is [1, n + 1) of S. */
static int all_others(const struct idmap *s, struct idmap *ret, struct rl_err *err)
{
	struct idmap m = { .v = { { 0, 1, (uint32_t)idmap_count(s) - 1 } }, .n = 1 };

	return idmap_within(&m, s, ret, err);
}

static int nomap(struct spec_ctx *x, struct rl_err *err)
{
	int r = need_subids(x, "nomap", err);

	if (r == 0)
		r = all_others(&x->in->session->uids, &x->out->uids, err);
	if (r == 0)
		r = all_others(&x->in->session->gids, &x->out->gids, err);
	return r;
}

/* --- explicit maps ------------------------------------------------------------------------- */

/* One "[+][u][g]IN:[@]OUT[:N]". */
struct line {
	bool extends, uids, gids;
	bool is_host; /* "@": an id of the host, not of S */
	uint32_t in, out, n;
};

static int parse_line(const char *s, struct line *ret, struct rl_err *err)
{
	struct line l = { .n = 1 };
	auto_strv struct strv p = { 0 };
	const char *at = s;
	uint64_t v[3] = { 0, 0, 1 };

	for (; *at == '+' || *at == 'u' || *at == 'g'; at++) {
		l.extends |= *at == '+';
		l.uids |= *at == 'u';
		l.gids |= *at == 'g';
	}
	if (strv_split(&p, at, ':') < 0)
		return rl_oom(err);
	if (p.n < 2 || p.n > 3)
		return rl_fail(err, EINVAL, "'%s' is not IN:OUT[:N]", s);
	for (size_t i = 0; i < p.n; i++) {
		const char *t = p.v[i];

		if (i == 1 && *t == '@') {
			l.is_host = true;
			t++;
		}
		if (parse_uint(t, UINT32_MAX - 1, &v[i]) < 0)
			return rl_fail(err, EINVAL, "'%s': '%s' is not an id", s, t);
	}
	if (v[2] == 0)
		return rl_fail(err, EINVAL, "'%s' maps no id at all", s);
	l.in = (uint32_t)v[0];
	l.out = (uint32_t)v[1];
	l.n = (uint32_t)v[2];
	*ret = l;
	return 0;
}

/* Put @l into @m. A host's id is looked up in S, piece by piece where S has several lines. */
static int put_line(struct idmap *m, const struct line *l, const char *text, const struct idmap *s,
		    struct rl_err *err)
{
	for (uint32_t done = 0; done < l->n;) {
		uint32_t n = l->n - done, out = l->out + done;
		int64_t in_s = l->is_host ? idmap_to_inside(s, out) : out;
		int r;

		if (in_s < 0)
			return rl_fail(err, EINVAL,
				       "'%s': id %u of the host is neither yours nor one of your "
				       "subordinate ids",
				       text, out);
		for (size_t i = 0; l->is_host && i < s->n; i++)
			if (out >= s->v[i].outside && out - s->v[i].outside < s->v[i].count &&
			    s->v[i].count - (out - s->v[i].outside) < n)
				n = s->v[i].count - (out - s->v[i].outside);
		r = l->extends ? idmap_put(m, l->in + done, (uint32_t)in_s, n)
			       : idmap_add(m, l->in + done, (uint32_t)in_s, n);
		if (r == -E2BIG)
			return rl_fail(err, E2BIG, "'%s': more lines than rl's maps have", text);
		if (r < 0)
			return rl_fail(err, EINVAL, "'%s': an id is mapped twice or out of range",
				       text);
		done += n;
	}
	return 0;
}

/*
 * The lines of @words (those for the other kind, by a flag "u" or "g", left out) as a map. When all
 * of them extend ("+"), they start from the identity.
 */
static int explicit_map(const struct strv *words, const struct strv *others, char kind,
			const struct idmap *s, struct idmap *ret, struct rl_err *err)
{
	const struct strv *const lists[] = { words, others };
	struct idmap plain = { 0 }, m;
	size_t n_plain = 0;
	int r = 0;

	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1 && n_plain == 0)
			r = idmap_identity(s, &plain, err);
		for (size_t k = 0; r == 0 && k < ARRAY_LEN(lists); k++)
			for (size_t i = 0; r == 0 && i < lists[k]->n; i++) {
				const char *text = lists[k]->v[i];
				struct line l = { 0 };
				bool mine;

				r = parse_line(text, &l, err);
				mine = !l.uids && !l.gids ? k == 0 : kind == 'u' ? l.uids : l.gids;
				if (r < 0 || !mine || l.extends != (pass == 1))
					continue;
				n_plain += !l.extends;
				r = put_line(&plain, &l, text, s, err);
			}
	}
	if (r == 0)
		r = idmap_within(&plain, s, &m, err);
	if (r == 0)
		*ret = m;
	return r;
}

/* The ranges that /etc/subuid or /etc/subgid gives to @name, from id 0 on; all must be S's. */
static int name_map(enum subid_kind kind, const char *name, const struct idmap *s,
		    struct idmap *ret, struct rl_err *err)
{
	const struct subid_who who = {
		.name = name, .uid = UINT32_MAX, .own_id = UINT32_MAX, .low_ok = true
	};
	struct idmap m = { 0 };
	struct subids ids;
	uint32_t next = 0;
	int r = subid_find(kind, &who, &ids, err);

	if (r == 0 && ids.n == 0)
		r = rl_fail(err, ENOENT, "'%s' has no line for '%s'",
			    kind == SUBID_UID ? "/etc/subuid" : "/etc/subgid", name);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct line l = {
			.is_host = true, .in = next, .out = ids.v[i].start, .n = ids.v[i].count
		};

		r = put_line(&m, &l, name, s, err);
		next += ids.v[i].count;
	}
	if (r == 0)
		r = idmap_within(&m, s, ret, err);
	return r;
}

/* As in Podman, what is said for one kind holds for the other when that has no word of its own. */
static int explicit_maps(struct spec_ctx *x, struct rl_err *err)
{
	const struct session *s = x->in->session;
	const struct create_req *q = x->req;
	const struct strv *u = q->uidmap.n ? &q->uidmap : &q->gidmap;
	const struct strv *g = q->gidmap.n ? &q->gidmap : &q->uidmap;
	static const struct strv none;
	const char *un = q->subuidname ? q->subuidname : q->subgidname;
	const char *gn = q->subgidname ? q->subgidname : q->subuidname;
	int r;

	if ((q->userns && *q->userns) || q->me)
		return rl_fail(err, EINVAL, "'%s' and an explicit map exclude each other",
			       q->me ? "--me" : "--userns");
	if ((q->uidmap.n && q->subuidname) || (q->gidmap.n && q->subgidname))
		return rl_fail(err, EINVAL,
			       "'--uidmap' and '--subuidname' (or those for groups) exclude each "
			       "other");
	if (q->subuidname || (q->subgidname && !q->uidmap.n))
		r = name_map(SUBID_UID, un, &s->uids, &x->out->uids, err);
	else
		r = explicit_map(u, u == &q->gidmap || !q->gidmap.n ? &none : &q->gidmap, 'u',
				 &s->uids, &x->out->uids, err);
	if (r < 0)
		return rl_wrap(err, "uid map");
	if (q->subgidname || (q->subuidname && !q->gidmap.n))
		r = name_map(SUBID_GID, gn, &s->gids, &x->out->gids, err);
	else
		r = explicit_map(g, g == &q->uidmap || !q->uidmap.n ? &none : &q->uidmap, 'g',
				 &s->gids, &x->out->gids, err);
	return r < 0 ? rl_wrap(err, "gid map") : 0;
}

/* --- what needs the image ------------------------------------------------------------------ */

/* The highest id that passwd or group (@field 2 in both) name, but for nobody's. */
static uint32_t highest_id(const struct buf *file)
{
	uint32_t max = 0;

	for (const char *at = file->data; at && *at;) {
		const char *end = strchr(at, '\n'), *p = at;
		size_t len = end ? (size_t)(end - at) : strlen(at);
		char number[12];
		uint64_t v;

		for (int i = 0; p && i < 2; i++) {
			p = memchr(p, ':', len - (size_t)(p - at));
			p = p ? p + 1 : NULL;
		}
		if (p) {
			size_t n = strspn(p, "0123456789");

			(void)snprintf(number, sizeof(number), "%.*s", n < 11 ? (int)n : 0, p);
			if (parse_uint(number, UINT32_MAX, &v) == 0 && v < NOBODY && v > max)
				max = (uint32_t)v;
		}
		at = end ? end + 1 : NULL;
	}
	return max;
}

struct auto_opts {
	uint64_t size;
	struct strv uids, gids; /* lines that are to be there as well */
};

static int auto_option(struct auto_opts *o, const char *word, struct rl_err *err)
{
	const char *v = strchr(word, '=');

	if (v && strncmp(word, "size=", 5) == 0) {
		if (parse_uint(v + 1, UINT32_MAX - 1, &o->size) < 0 || o->size == 0)
			return rl_fail(err, EINVAL, "'%s' is not a number of ids", word);
		return 0;
	}
	if (v && strncmp(word, "uidmapping=", 11) == 0)
		return strv_add(&o->uids, v + 1) < 0 ? rl_oom(err) : 0;
	if (v && strncmp(word, "gidmapping=", 11) == 0)
		return strv_add(&o->gids, v + 1) < 0 ? rl_oom(err) : 0;
	return rl_fail(err, EINVAL, "it knows size=, uidmapping= and gidmapping=, not '%s'", word);
}

static int auto_map(const struct strv *more, uint32_t first, uint32_t size, const struct idmap *s,
		    struct idmap *ret, struct rl_err *err)
{
	struct idmap m = { .v = { { 0, first, size } }, .n = 1 };

	for (size_t i = 0; i < more->n; i++) {
		struct line l;
		int r = parse_line(more->v[i], &l, err);

		l.extends = true;
		if (r == 0)
			r = put_line(&m, &l, more->v[i], s, err);
		if (r < 0)
			return r;
	}
	return idmap_within(&m, s, ret, err);
}

/* A run of ids that no other container of this kind has: as many as the image names users. */
static int map_auto(struct spec_ctx *x, struct auto_opts *o, struct rl_err *err)
{
	const struct session *s = x->in->session;
	uint64_t u = idmap_count(&s->uids), g = idmap_count(&s->gids);
	uint32_t last = (uint32_t)((u < g ? u : g) - 1), first, max;
	auto_strv struct strv l = { 0 };
	int r = 0;

	if (*x->auto_ids == ':' && strv_split(&l, x->auto_ids + 1, ',') < 0)
		r = rl_oom(err);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = auto_option(o, l.v[i], err);
	if (r < 0)
		return r;
	max = highest_id(&x->passwd);
	if (highest_id(&x->group) > max)
		max = highest_id(&x->group);
	max = x->user.uid < NOBODY && x->user.uid > max ? x->user.uid : max;
	max = x->user.gid < NOBODY && x->user.gid > max ? x->user.gid : max;
	if (o->size == 0)
		o->size = max < AUTO_MIN ? AUTO_MIN : max + 1;
	r = autoids_take(x->in->rl, (uint32_t)o->size, last, x->in->ctr_fd, &first, err);
	if (r == 0)
		r = auto_map(&o->uids, first, (uint32_t)o->size, &s->uids, &x->out->uids, err);
	if (r == 0)
		r = auto_map(&o->gids, first, (uint32_t)o->size, &s->gids, &x->out->gids, err);
	return r;
}

int spec_map_user(struct spec_ctx *x, struct rl_err *err)
{
	bool is_root = x->user.uid == 0 && x->user.gid == 0;

	if (x->auto_ids) {
		struct auto_opts o = { 0 };
		int r = need_subids(x, "auto", err);

		if (r < 0)
			return r;
		r = map_auto(x, &o, err);
		strv_done(&o.uids);
		strv_done(&o.gids);
		return r < 0 ? rl_wrap(err, "--userns auto") : 0;
	}
	/*
	 * With one id only, a user other than root is the one id: mapped to the caller, so that setuid
	 * works and "id -u" says what the image expects.
	 */
	if (x->req->me || (x->in->session->rung == SESSION_ONE_ID && !x->keep_id &&
			   !x->req->userns && !x->req->uidmap.n && !x->req->gidmap.n && !is_root))
		return keep(x, x->user.uid, x->user.gid, err);
	return 0;
}

/* --- a namespace of somebody's ------------------------------------------------------------- */

/* In a child: enter it, and send what /proc says of it then, which is seen from its parent. */
static _Noreturn void tell_maps(int ns_fd, int out)
{
	auto_buf struct buf u = { 0 }, g = { 0 };
	struct rl_err ignored;

	if (setns(ns_fd, CLONE_NEWUSER) < 0 ||
	    io_read_file(AT_FDCWD, "/proc/self/uid_map", MAP_MAX, &u, &ignored) < 0 ||
	    io_read_file(AT_FDCWD, "/proc/self/gid_map", MAP_MAX, &g, &ignored) < 0 ||
	    buf_str(&u, "/") < 0 || buf_add(&u, g.data, g.len) < 0 ||
	    io_write_all(out, u.data, u.len) < 0)
		_exit(1);
	_exit(0);
}

static int ask_maps(int ns_fd, struct buf *ret)
{
	auto_fd int in = FD_NONE, out = FD_NONE;
	int p[2], r, status;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	in = p[0];
	out = p[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		tell_maps(ns_fd, out);
	fd_close(TAKE_FD(out));
	r = io_read_all(in, 2 * MAP_MAX, ret);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : status != 0 ? -EPERM : 0;
}

static bool is_child_of(int ns_fd, int parent_fd)
{
	auto_fd int up = ioctl(ns_fd, NS_GET_PARENT);
	struct stat a, b;

	return up >= 0 && fstat(up, &a) == 0 && fstat(parent_fd, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

int spec_userns_at(struct spec_ctx *x, const char *path, struct rl_err *err)
{
	auto_fd int fd = *path == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : FD_NONE;
	auto_buf struct buf b = { 0 };
	char *slash;
	int r;

	if (*path != '/')
		return rl_fail(err, EINVAL, "--userns ns:%s: not an absolute path", path);
	if (fd < 0)
		return rl_fail_sys(err, errno, "--userns ns:%s", path);
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWUSER)
		return rl_fail(err, EINVAL, "--userns ns:%s: not a user namespace", path);
	if (!is_child_of(fd, x->in->session->userns_fd)) {
		rl_fail(err, EPERM, "--userns ns:%s: it was made outside of rl's session", path);
		return rl_hint(err, "those of containers can be joined: container:NAME");
	}
	r = ask_maps(fd, &b);
	slash = r == 0 && b.data ? strchr(b.data, '/') : NULL;
	if (slash)
		*slash = '\0';
	if (!slash || idmap_parse(b.data, &x->out->uids) < 0 ||
	    idmap_parse(slash + 1, &x->out->gids) < 0)
		return rl_fail_sys(err, r < 0 ? -r : EINVAL, "--userns ns:%s: read its maps", path);
	return 0;
}

/* --- the door ------------------------------------------------------------------------------ */

int spec_make_userns(struct spec_ctx *x, struct rl_err *err)
{
	const struct create_req *q = x->req;
	const char *v = q->userns ? q->userns : "";

	if (q->uidmap.n || q->gidmap.n || q->subuidname || q->subgidname)
		return explicit_maps(x, err);
	if (q->me && *v)
		return rl_fail(err, EINVAL, "'--me' and '--userns' exclude each other");
	if (strncmp(v, "keep-id", 7) == 0 && (v[7] == '\0' || v[7] == ':'))
		return keep_id(x, v + 7, err);
	if (strcmp(v, "nomap") == 0)
		return nomap(x, err);
	if (strncmp(v, "auto", 4) == 0 && (v[4] == '\0' || v[4] == ':')) {
		x->auto_ids = v + 4;
		return identity(x, err); /* until the image's users are known */
	}
	if (*v && strcmp(v, "private") != 0 && strcmp(v, "host") != 0)
		return rl_fail(
			err, EINVAL,
			"invalid value '%s' for '--userns': expected private, host, keep-id, "
			"nomap, auto, container:NAME or ns:PATH",
			v);
	return identity(x, err);
}
