/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_usermnt.c - mounts that somebody asked for: binds, tmpfs, devices, volumes
 *
 * Sources of binds are paths of the caller, who is trusted; destinations are text here and are
 * resolved in the container's root by core. Places below /proc and the files of the fresh /dev
 * are refused: masks and devices of the container would be hidden (SECURITY S5 to S10).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/engine/spec_mounts.h"
#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/ctr.h"
#include "storage/volume.h"

/* Files of /proc that lxcfs and its kin replace by the container's own view. */
static const char *const proc_files[] = {
	"/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",
	"/proc/swaps",   "/proc/uptime",    "/proc/loadavg", "/proc/slabinfo",
};

static bool listed(const char *s, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, v[i]) == 0)
			return true;
	return false;
}

int usermnt_check_dest(const char *dest, struct rl_err *err)
{
	if (text_path_below(dest, "/proc") && !listed(dest, proc_files, ARRAY_LEN(proc_files)))
		return rl_fail(err, EINVAL,
			       "nothing may be mounted at '%s': /proc is the "
			       "container's own",
			       dest);
	if (strcmp(dest, "/dev") == 0)
		return rl_fail(err, EINVAL,
			       "nothing may be mounted over '/dev': it is the "
			       "container's own");
	return spec_is_own_device(dest)
		       ? rl_fail(err, EINVAL, "'%s' is made by rl, it cannot be replaced", dest)
		       : 0;
}

static int keep_for_later(struct usermnt *u, struct volopt *v, struct rl_err *err)
{
	struct volopt *p = realloc(u->v, (u->n + 1) * sizeof(*p));

	if (!p) {
		volopt_done(v);
		return rl_oom(err);
	}
	u->v = p;
	u->v[u->n++] = *v;
	*v = (struct volopt){ 0 };
	return 0;
}

/* The place is taken now, so that another wish for it is seen; what is mounted there comes later. */
static int take_place(struct usermnt *u, struct mntlist *l, struct volopt *v, struct rl_err *err)
{
	int r = usermnt_check_dest(v->dest, err);

	if (r == 0)
		r = mntlist_add(l, MNT_USER, v->dest, "bind", v->source ? v->source : "",
				(const char *const[]){ v->read_only ? "ro" : "",
						       v->subpath ? v->subpath : "", NULL },
				err);
	return r ? (r < 0 ? r : 0) : keep_for_later(u, v, err);
}

/* Owns @v, even when it fails. */
static int take(struct spec_ctx *x, struct usermnt *u, struct mntlist *l, struct volopt *v,
		struct rl_err *err)
{
	int r = 0;

	switch (v->kind) {
	case VOLOPT_TMPFS:
		r = usermnt_tmpfs(x, l, v, err);
		break;
	case VOLOPT_RAMFS:
	case VOLOPT_DEVPTS:
		r = usermnt_kernel(x, l, v, err);
		break;
	case VOLOPT_GLOB:
		r = usermnt_glob(l, v, err);
		break;
	case VOLOPT_BIND:
		r = v->overlay ? take_place(u, l, v, err) : usermnt_bind(l, v, err);
		break;
	case VOLOPT_IMAGE:
	case VOLOPT_VOLUME:
		r = take_place(u, l, v, err);
		break;
	}
	volopt_done(v); /* empty when it is kept */
	return r;
}

static int take_words(struct spec_ctx *x, struct usermnt *u, struct mntlist *l,
		      const struct strv *words,
		      int (*parse)(const char *, struct volopt *, struct rl_err *),
		      const char *flag, struct rl_err *err)
{
	for (size_t i = 0; i < words->n; i++) {
		struct volopt v = { 0 };

		if (parse(words->v[i], &v, err) < 0)
			return -err->code; /* names the word already */
		if (take(x, u, l, &v, err) < 0)
			return rl_wrap(err, "%s '%s'", flag, words->v[i]);
	}
	return 0;
}

/* "/dev" asked for as a bind: the devices themselves, on the fresh /dev. */
static bool is_dev_bind(const char *w)
{
	return strncmp(w, "/dev:/dev", 9) == 0 && (w[9] == '\0' || w[9] == ':');
}

static int take_volumes(struct spec_ctx *x, struct usermnt *u, struct mntlist *l,
			bool *ret_all_devices, struct rl_err *err)
{
	auto_strv struct strv words = { 0 };

	for (size_t i = 0; i < x->req->volume.n; i++) {
		if (is_dev_bind(x->req->volume.v[i]))
			*ret_all_devices = true;
		else if (strv_add(&words, x->req->volume.v[i]) < 0)
			return rl_oom(err);
	}
	return take_words(x, u, l, &words, volopt_volume, "-v", err);
}

/* VOLUME of the image, HOSTILE: a place like any other, never below /proc, /sys or /dev. */
static int image_volume(struct spec_ctx *x, struct usermnt *u, struct mntlist *l, const char *dest,
			struct rl_err *err)
{
	struct volopt v = { .kind = VOLOPT_VOLUME, .propagation = "rprivate" };
	const char *how = x->req->image_volume ? x->req->image_volume : "anonymous";
	int r = text_clean_path(dest, "place", &v.dest, err);

	if (r == 0 && (strcmp(v.dest, "/") == 0 || text_path_below(v.dest, "/proc") ||
		       text_path_below(v.dest, "/sys") || text_path_below(v.dest, "/dev")))
		r = rl_fail(err, EINVAL, "not a place for a volume");
	if (r < 0) {
		volopt_done(&v);
		rl_wrap(err, "VOLUME '%.200s' of the image", dest);
		return rl_hint(err, "--image-volume ignore runs the image without its volumes");
	}
	if (mntlist_has(l, v.dest)) {
		volopt_done(&v);
		return 0; /* the user's own wish for this place */
	}
	if (strcmp(how, "tmpfs") == 0) {
		v.kind = VOLOPT_TMPFS;
		v.exec = 1;
		return take(x, u, l, &v, err);
	}
	return take(x, u, l, &v, err);
}

static int image_volumes(struct spec_ctx *x, struct usermnt *u, struct mntlist *l,
			 struct rl_err *err)
{
	const char *how = x->req->image_volume ? x->req->image_volume : "anonymous";
	const char *key;
	json_t *v;

	if (strcmp(how, "ignore") == 0)
		return 0;
	if (strcmp(how, "anonymous") != 0 && strcmp(how, "bind") != 0 && strcmp(how, "tmpfs") != 0)
		return rl_fail(err, EINVAL,
			       "invalid value '%s' for '--image-volume': expected anonymous, tmpfs "
			       "or ignore",
			       how);
	json_object_foreach (x->img.volumes, key, v) {
		int r = image_volume(x, u, l, key, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The places from entry @from on, for those who list the container's mounts. */
static int note_places(struct spec_ctx *x, const struct mntlist *l, size_t from, struct rl_err *err)
{
	if (!x->out->mounts)
		x->out->mounts = json_array();
	for (size_t i = from; i < l->n; i++)
		if (json_array_append_new(x->out->mounts, json_string(l->v[i].dest)) < 0)
			return rl_oom(err);
	return 0;
}

int usermnt_check(struct spec_ctx *x, struct usermnt *u, struct mntlist *l, struct rl_err *err)
{
	bool all_devices = x->req->privileged;
	size_t n;
	int r = take_volumes(x, u, l, &all_devices, err);

	if (r == 0)
		r = take_words(x, u, l, &x->req->mount, volopt_mount, "--mount", err);
	if (r == 0)
		r = take_words(x, u, l, &x->req->tmpfs, volopt_tmpfs, "--tmpfs", err);
	if (r == 0)
		r = note_places(x, l, 0, err);
	if (r == 0)
		r = spec_devices_asked(x, l, err);
	n = l->n;
	if (r == 0)
		r = image_volumes(x, u, l, err);
	if (r == 0)
		r = note_places(x, l, n, err);
	if (r == 0 && all_devices)
		r = spec_devices_all(l, err);
	return r;
}

static int note_volume(struct spec_out *o, const struct volume *v, const char *dest,
		       struct rl_err *err)
{
	struct spec_volume *p = realloc(o->volumes, (o->n_volumes + 1) * sizeof(*p));

	if (!p)
		return rl_oom(err);
	o->volumes = p;
	p += o->n_volumes++;
	/* one that was named here belongs to the container that it was made for */
	*p = (struct spec_volume){ strdup(v->name), strdup(dest), v->copy_up,
				   v->anonymous && v->created };
	return p->name && p->dest ? 0 : rl_oom(err);
}

/*
 * A volume with options (rl volume create -o): the tmpfs or the folder behind it, as if it had been asked
 * for by --tmpfs or -v; what was said for this mount is added.
 */
static int mount_behind(const struct spec_ctx *x, struct mntlist *l, const struct volopt *o,
			const struct volume *v, struct rl_err *err)
{
	const char *type = json_string_value(json_object_get(v->options, "type"));
	const char *device = json_string_value(json_object_get(v->options, "device"));
	const char *words = json_string_value(json_object_get(v->options, "o"));
	bool is_tmpfs = type && strcmp(type, "tmpfs") == 0;
	auto_volopt struct volopt w = { 0 };
	auto_free char *text = NULL;
	int r;

	if (is_tmpfs)
		text = str_printf("%s%s%s", o->dest, words ? ":" : "", words ? words : "");
	else
		text = str_printf("%s:%s%s%s", device ? device : "", o->dest, words ? ":" : "",
				  words ? words : "");
	if (!text)
		return rl_oom(err);
	r = is_tmpfs ? volopt_tmpfs(text, &w, err) : volopt_volume(text, &w, err);
	if (r < 0)
		return rl_wrap(err, "options of volume '%s'", v->name);
	w.read_only |= o->read_only;
	w.no_copy = true;
	w.dev = o->dev ? o->dev : w.dev;
	w.suid = o->suid ? o->suid : w.suid;
	w.exec = o->exec ? o->exec : w.exec;
	w.chown |= o->chown;
	if (o->idmap) {
		free(w.idmap);
		w.idmap = strdup(o->idmap);
		if (!w.idmap)
			return rl_oom(err);
	}
	if (o->subpath) {
		free(w.subpath);
		w.subpath = strdup(o->subpath);
		if (!w.subpath)
			return rl_oom(err);
	}
	mntlist_forget(l, o->dest);
	r = is_tmpfs ? usermnt_tmpfs(x, l, &w, err) : usermnt_bind(l, &w, err);
	return r < 0 ? rl_wrap(err, "volume '%s'", v->name) : 0;
}

static int make_volume(struct spec_ctx *x, struct mntlist *l, const struct volopt *o,
		       struct rl_err *err)
{
	char random[VOLUME_RANDOM_LEN + 1];
	const struct volume_req q = { .name = o->source ? o->source : random,
				      .anonymous = !o->source,
				      .labels = &o->labels,
				      .options = &o->options,
				      .no_copy = o->no_copy,
				      .no_sync = !o->source && x->req->rm };
	auto_volume struct volume v = { 0 };
	auto_free char *sub = NULL;
	int r = 0;

	if (!o->source) { /* noted before it is made: a crash must not leave it */
		volume_random_name(random);
		r = ctr_note_volume(x->in->ctr_fd, random, err);
	}
	if (r == 0)
		r = volume_get(x->in->rl, &q, &v, err);
	if (r < 0)
		return r;
	r = note_volume(x->out, &v, o->dest, err);
	if (r < 0)
		return r;
	if (volume_is_elsewhere(&v))
		return mount_behind(x, l, o, &v, err);
	if (o->overlay)
		return usermnt_over(x, l, o, v.path, err);
	if (o->subpath) {
		sub = str_printf("subpath=%s", o->subpath);
		if (!sub)
			return rl_oom(err);
	}
	return mntlist_set(
		l, o->dest, v.path,
		(const char *const[]){
			"rbind",
			"rprivate",
			o->read_only ? "rro" : "rw",
			sub ? sub : "",
			o->chown ? "U" : "",
			o->idmap ? o->idmap : "",
			v.copy_up && !sub ? "copyup" : "", /* core/mounts.c, if it is empty */
			o->dev > 0 ? "" : "nodev",
			o->suid < 0 ? "nosuid" : "",
			o->exec < 0 ? "noexec" : "",
			NULL,
		},
		err);
}

int usermnt_make_volumes(struct spec_ctx *x, const struct usermnt *u, struct mntlist *l,
			 struct rl_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->n; i++) {
		const struct volopt *o = &u->v[i];

		r = o->kind == VOLOPT_IMAGE  ? usermnt_image(x, l, o, err)
		    : o->kind == VOLOPT_BIND ? usermnt_over(x, l, o, NULL, err)
					     : make_volume(x, l, o, err);
	}
	return r;
}

void usermnt_undo(struct spec_ctx *x)
{
	for (size_t i = 0; i < x->out->n_volumes; i++) {
		const struct spec_volume *v = &x->out->volumes[i];
		auto_free char *path = v->name ? str_printf("volumes/%s", v->name) : NULL;
		struct rl_err err;

		/* just made, nothing was ever mounted on it */
		if (v->anonymous && path && io_remove_tree(x->in->rl->data_fd, path, &err) < 0)
			log_debug("%s", err.msg);
	}
}

void usermnt_done(struct usermnt *u)
{
	for (size_t i = 0; i < u->n; i++)
		volopt_done(&u->v[i]);
	free(u->v);
	*u = (struct usermnt){ 0 };
}
