/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_create.c - `rl volume create`: make a volume
 *
 * Options (-o) are those of mount(8) as docker and podman take them: type, device and o. A folder of
 * ours has none. Behind "type=tmpfs" is memory, behind "o=bind" a folder of the user; file systems that
 * only root may mount are refused now and not when a container starts.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "storage/inside.h"
#include "storage/volume.h"

struct create_opts {
	bool ignore;
	const char *driver, *uid, *gid;
	struct strv labels, options;
};

static const struct opt create_options[] = {
	OPT_STR('d', "driver", struct create_opts, driver, "local", "the only one there is"),
	OPT_BOOL(0, "ignore", struct create_opts, ignore, "one of that name is fine"),
	OPT_LIST('l', "label", struct create_opts, labels, "KEY=VALUE", "label of the volume"),
	OPT_LIST('o', "opt", struct create_opts, options, "type=|device=|o=",
		 "what is mounted: type=tmpfs, or type=none with device=FOLDER and o=bind"),
	OPT_STR(0, "uid", struct create_opts, uid, "UID", "owner of the folder (0, which is you)"),
	OPT_STR(0, "gid", struct create_opts, gid, "GID", "group of the folder (0)"),
	OPT_LATER(0, "availability"),
	OPT_LATER(0, "group"),
	OPT_LATER(0, "limit-bytes"),
	OPT_LATER(0, "required-bytes"),
	OPT_LATER(0, "scope"),
	OPT_LATER(0, "secret"),
	OPT_LATER(0, "sharing"),
	OPT_LATER(0, "topology-preferred"),
	OPT_LATER(0, "topology-required"),
	OPT_LATER(0, "type"),
	OPT_END,
};

/* One of the comma-separated words of o= */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

/* Owner and mode of a folder of ours */
struct dress {
	uint64_t uid, gid, mode;
	bool any, has_mode;
	char *path;
};

/* "uid=", "gid=", "mode=" of o=. 1: some other word. */
static int dress_word(struct dress *d, const char *w, struct rl_err *err)
{
	int r = 1;

	if (strncmp(w, "uid=", 4) == 0)
		r = parse_uint(w + 4, UINT32_MAX - 1, &d->uid);
	else if (strncmp(w, "gid=", 4) == 0)
		r = parse_uint(w + 4, UINT32_MAX - 1, &d->gid);
	else if (strncmp(w, "mode=", 5) == 0)
		r = parse_octal(w + 5, 07777, &d->mode);
	d->has_mode |= r == 0 && *w == 'm';
	d->any |= r == 0;
	return r < 0 ? rl_fail(err, EINVAL, "'%s' is not a number that fits", w) : r;
}

/* o= of a volume without a type: what its folder is like. Sizes cannot be kept without root. */
static int plain_words(struct dress *d, const char *o, struct rl_err *err)
{
	auto_strv struct strv l = { 0 };

	if (strv_split(&l, o, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; i < l.n; i++) {
		int r = dress_word(d, l.v[i], err);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (strncmp(l.v[i], "size=", 5) == 0 || strncmp(l.v[i], "inodes=", 7) == 0) {
			rl_fail(err, ENOTSUP, "'%s': quotas of a folder are root's", l.v[i]);
			return rl_hint(err, "-o type=tmpfs has a size");
		}
		return rl_fail(err, EINVAL,
			       "a volume without a type needs 'o=bind', or uid=, gid= "
			       "and mode=, not '%s'",
			       l.v[i]);
	}
	return 0;
}

static int dress_inside(void *arg, struct rl_err *err)
{
	const struct dress *d = arg;
	auto_fd int fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fchown(fd, (uid_t)d->uid, (gid_t)d->gid) < 0 ||
	    (d->has_mode && fchmod(fd, (mode_t)d->mode) < 0)) {
		rl_fail_sys(err, errno, "owner %llu:%llu of the volume", (unsigned long long)d->uid,
			    (unsigned long long)d->gid);
		return err->code == EINVAL ? rl_hint(err, "it is not among the ids that you have")
					   : -err->code;
	}
	return 0;
}

static int dress(const struct rl *rl, struct dress *d, const struct volume *v, struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	int r = session_open(rl, &s, err);

	d->path = v->path;
	if (r == 0)
		r = inside_run(&s, dress_inside, d, -1, err);
	if (r < 0)
		RL_IGNORE(volume_remove(rl, &s, v->name, &(struct rl_err){ 0 })); /* just made */
	session_close(&s);
	return r;
}

static int check_options(const struct strv *l, struct dress *d, struct rl_err *err)
{
	const char *type = strv_getenv(l, "type"), *device = strv_getenv(l, "device");
	const char *o = strv_getenv(l, "o");
	bool is_bind = has_word(o ? o : "", "bind") || has_word(o ? o : "", "rbind");

	for (size_t i = 0; i < l->n; i++) {
		const char *s = l->v[i];

		if (strncmp(s, "type=", 5) != 0 && strncmp(s, "device=", 7) != 0 &&
		    strncmp(s, "o=", 2) != 0) {
			rl_fail(err, EINVAL, "'%s' is no option of a volume", s);
			return rl_hint(err, "type=, device= and o= are");
		}
	}
	if (l->n == 0 || (type && strcmp(type, "tmpfs") == 0))
		return 0;
	if (type && strcmp(type, "none") != 0 && strcmp(type, "bind") != 0) {
		rl_fail(err, ENOTSUP, "a volume of type '%s' can only be mounted by root", type);
		return rl_hint(err, "mount it on the host, and use -v FOLDER:PLACE");
	}
	if (!type && !device && o && !is_bind)
		return plain_words(d, o, err);
	if (!is_bind && !(type && strcmp(type, "bind") == 0))
		return rl_fail(err, EINVAL, "a volume without a type needs 'o=bind'");
	if (!device || device[0] != '/')
		return rl_fail(err, EINVAL,
			       "a bind volume needs 'device=' with an absolute path, not '%s'",
			       device ? device : "");
	return 0;
}

/* --uid, --gid */
static int take_owner(const struct create_opts *o, struct dress *d, struct rl_err *err)
{
	bool elsewhere = strv_getenv(&o->options, "type") || strv_getenv(&o->options, "device");

	d->any |= o->uid || o->gid;
	if (d->any && elsewhere)
		return rl_fail(err, EINVAL, "'--uid' and '--gid' are for folders of rl's own");
	if (o->uid && parse_uint(o->uid, UINT32_MAX - 1, &d->uid) < 0)
		return rl_fail(err, EINVAL, "'--uid %s' is not an id", o->uid);
	if (o->gid && parse_uint(o->gid, UINT32_MAX - 1, &d->gid) < 0)
		return rl_fail(err, EINVAL, "'--gid %s' is not an id", o->gid);
	return 0;
}

static int volume_create(struct rl *rl, const struct cmd_args *args, const void *opts,
			 struct rl_err *err)
{
	const struct create_opts *o = opts;
	const struct volume_req q = { .name = args->n ? args->v[0] : NULL,
				      .labels = &o->labels,
				      .options = &o->options,
				      .no_copy = o->options.n > 0 };
	auto_volume struct volume v = { 0 };
	struct dress d = { 0 };
	int r = 0;

	if (o->driver && strcmp(o->driver, "local") != 0)
		r = rl_fail(err, ENOTSUP, "there is no volume driver '%s', only 'local'",
			    o->driver);
	if (r == 0)
		r = check_options(&o->options, &d, err);
	if (r == 0)
		r = take_owner(o, &d, err);
	if (r == 0)
		r = volume_get(rl, &q, &v, err);
	if (r < 0)
		return r;
	if (!v.created && !o->ignore) {
		rl_fail(err, EEXIST, "a volume of the name '%s' exists already", v.name);
		return rl_hint(err, "--ignore makes that fine");
	}
	if (v.created && d.any && dress(rl, &d, &v, err) < 0)
		return -err->code;
	(void)puts(v.name); /* a closed stdout is seen when it is flushed at exit */
	return 0;
}

const struct cmd cmd_volume_create = {
	.name = "volume create",
	.args = "[NAME]",
	.summary = "Make a volume",
	.about = "Makes a volume, a folder that outlives containers, and prints its name. Without "
		 "NAME it is anonymous and gets a random one. What an image has at the place where "
		 "an empty volume is mounted first, is copied into it.\n\n"
		 "-o type=tmpfs makes a volume of memory: each container that uses it has one of its "
		 "own, empty at every start. -o type=none -o device=FOLDER -o o=bind gives a folder "
		 "of yours a name.",
	.examples = {
		{ "rl volume create -l app=web data",
		  "Make 'data', with a label." },
		{ "rl volume create -o type=tmpfs -o o=size=64m,mode=1777 scratch",
		  "A volume of memory." },
		{ "rl volume create -o type=none -o device=/srv/site -o o=bind,ro site",
		  "A name for a folder, mounted read-only." },
	},
	.options = create_options,
	.opts_size = sizeof(struct create_opts),
	.max_args = 1,
	.run = volume_create,
};
