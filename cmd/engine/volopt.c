/* SPDX-License-Identifier: Apache-2.0 */
/* volopt.c - the words of -v, --tmpfs, --mount and --device; the header is the manual */
#include "config.h"

#include "cmd/engine/volopt.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "storage/volume.h"

#define VOLOPT_LEN_MAX 16384 /* two paths and options; longer words are refused unread */

static const char *const propagations[] = {
	"private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable",
};

static int check_word(const char *flag, const char *s, struct rl_err *err)
{
	if (!*s)
		return rl_fail(err, EINVAL, "the value of '%s' is empty", flag);
	if (!text_is_plain(s, VOLOPT_LEN_MAX))
		return rl_fail(err, EINVAL, "the value of '%s' has control bytes or is too long",
			       flag);
	return 0;
}

static int set_dest(struct volopt *v, const char *dest, struct rl_err *err)
{
	int r;

	if (v->dest)
		return rl_fail(err, EINVAL, "two destinations: '%s' and '%s'", v->dest, dest);
	r = text_clean_path(dest, "destination", &v->dest, err);
	if (r == 0 && strcmp(v->dest, "/") == 0)
		r = rl_fail(err, EINVAL, "destination '%s' is the root of the container", dest);
	return r;
}

/* Options of tmpfs(5) that a container may have; each ends up in the mount's data. */
static int tmpfs_option(struct volopt *v, const char *o, struct rl_err *err)
{
	static const char *const keys[] = { "size=",      "mode=",      "uid=", "gid=",
					    "nr_inodes=", "nr_blocks=", "huge=" };
	const char *value = strchr(o, '=');
	uint64_t n;

	for (size_t i = 0; value && i < ARRAY_LEN(keys); i++) {
		if (strncmp(o, keys[i], strlen(keys[i])) != 0)
			continue;
		value++;
		if (strcmp(keys[i], "mode=") == 0 && parse_octal(value, 07777, &n) < 0)
			break;
		if ((strcmp(keys[i], "uid=") == 0 || strcmp(keys[i], "gid=") == 0) &&
		    parse_uint(value, UINT32_MAX - 1, &n) < 0)
			break;
		if (!*value ||
		    strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzKMGT%_") != strlen(value))
			break;
		return strv_add(&v->data, o) < 0 ? rl_oom(err) : 0;
	}
	return rl_fail(err, EINVAL, "unknown or malformed tmpfs option '%s'", o);
}

static int unsupported(const char *o, const char *why, struct rl_err *err)
{
	return rl_fail(err, ENOTSUP, "not supported yet: mount option '%s' (%s)", o, why);
}

/* Flags that mean the same for every kind. 1: taken, 0: not one of these. */
static int common_option(struct volopt *v, const char *o)
{
	if (strcmp(o, "rw") == 0 || strcmp(o, "ro") == 0) {
		v->read_only = o[1] == 'o';
	} else if (strcmp(o, "dev") == 0 || strcmp(o, "nodev") == 0) {
		v->dev = *o == 'd' ? 1 : -1;
	} else if (strcmp(o, "suid") == 0 || strcmp(o, "nosuid") == 0) {
		v->suid = *o == 's' ? 1 : -1;
	} else if (strcmp(o, "exec") == 0 || strcmp(o, "noexec") == 0) {
		v->exec = *o == 'e' ? 1 : -1;
	} else {
		return 0;
	}
	return 1;
}

static int add_option(struct volopt *v, const char *o, struct rl_err *err)
{
	if (!*o || common_option(v, o))
		return 0;
	if (v->kind == VOLOPT_TMPFS) {
		if (strcmp(o, "notmpcopyup") == 0 || strcmp(o, "tmpcopyup") == 0) {
			v->no_copy = *o == 'n';
			return 0;
		}
		return tmpfs_option(v, o, err);
	}
	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		if (strcmp(o, propagations[i]) == 0) {
			v->propagation = propagations[i];
			return 0;
		}
	}
	if (strcmp(o, "bind") == 0 || strcmp(o, "rbind") == 0) {
		v->not_recursive = *o == 'b';
		return 0;
	}
	if (strcmp(o, "nocopy") == 0 || strcmp(o, "copy") == 0) {
		v->no_copy = *o == 'n';
		return 0;
	}
	if (strcmp(o, "z") == 0 || strcmp(o, "Z") == 0 || strcmp(o, "cached") == 0 ||
	    strcmp(o, "delegated") == 0 || strcmp(o, "consistent") == 0)
		return 0; /* SELinux labels and macOS caches: nothing to do on a plain Linux */
	if (strcmp(o, "U") == 0)
		return unsupported(o, "it would change owners on the host", err);
	if (strcmp(o, "O") == 0)
		return unsupported(o, "overlay of a host folder", err);
	if (strncmp(o, "idmap", 5) == 0)
		return unsupported(o, "the kernel keeps idmapped mounts for root", err);
	return rl_fail(err, EINVAL, "unknown volume option '%s'", o);
}

static int add_options(struct volopt *v, const char *opts, struct rl_err *err)
{
	auto_strv struct strv l = { 0 };
	int r = strv_split(&l, opts, ',') < 0 ? rl_oom(err) : 0;

	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = add_option(v, l.v[i], err);
	return r;
}

static int set_source(struct volopt *v, const char *s, struct rl_err *err)
{
	int r = 0;

	if (*s == '/' || *s == '.') {
		v->kind = VOLOPT_BIND;
	} else {
		v->kind = VOLOPT_VOLUME;
		r = volume_check_name(s, err);
	}
	if (r == 0) {
		v->source = strdup(s);
		r = v->source ? 0 : rl_oom(err);
	}
	return r;
}

/* All three end here: hand over what was built, or free it. */
static int finish(struct volopt *v, int r, struct volopt *ret, struct rl_err *err)
{
	if (r == 0 && v->kind != VOLOPT_BIND && strcmp(v->propagation, "rprivate") != 0 &&
	    strcmp(v->propagation, "private") != 0)
		r = rl_fail(err, EINVAL, "propagation '%s' is for binds only", v->propagation);
	if (r == 0)
		*ret = *v;
	else
		volopt_done(v);
	return r;
}

int volopt_volume(const char *s, struct volopt *ret, struct rl_err *err)
{
	struct volopt v = { .kind = VOLOPT_VOLUME, .propagation = "rprivate" };
	auto_strv struct strv l = { 0 };
	int r = check_word("-v", s, err);

	if (r < 0)
		return r;
	if (strv_split(&l, s, ':') < 0)
		return rl_oom(err);
	if (l.n > 3)
		return rl_fail(err, EINVAL, "volume '%s' has more than three parts", s);
	if (l.n > 1)
		r = set_source(&v, l.v[0], err);
	if (r == 0)
		r = set_dest(&v, l.v[l.n > 1 ? 1 : 0], err);
	if (r == 0 && l.n == 3)
		r = add_options(&v, l.v[2], err);
	if (r < 0)
		rl_wrap(err, "volume '%s'", s);
	return finish(&v, r, ret, err);
}

int volopt_tmpfs(const char *s, struct volopt *ret, struct rl_err *err)
{
	struct volopt v = { .kind = VOLOPT_TMPFS, .propagation = "rprivate" };
	const char *colon;
	auto_free char *dest = NULL;
	int r = check_word("--tmpfs", s, err);

	if (r < 0)
		return r;
	colon = strchr(s, ':');
	dest = colon ? strndup(s, (size_t)(colon - s)) : strdup(s);
	if (!dest)
		return rl_oom(err);
	r = set_dest(&v, dest, err);
	if (r == 0 && colon)
		r = add_options(&v, colon + 1, err);
	if (r < 0)
		rl_wrap(err, "tmpfs '%s'", s);
	return finish(&v, r, ret, err);
}

/* "key" and "key=true" are the same for --mount. */
static int mount_bool(const char *key, const char *value, bool *ret, struct rl_err *err)
{
	if (!value) {
		*ret = true;
		return 0;
	}
	if (parse_bool(value, ret) < 0)
		return rl_fail(err, EINVAL, "'%s=%s': expected true or false", key, value);
	return 0;
}

static bool key_is(const char *key, const char *a, const char *b, const char *c)
{
	return strcmp(key, a) == 0 || (b && strcmp(key, b) == 0) || (c && strcmp(key, c) == 0);
}

static int tmpfs_value(struct volopt *v, const char *key, const char *value, struct rl_err *err)
{
	auto_free char *o = str_printf("%s=%s", key, value);
	int64_t bytes;

	if (!o)
		return rl_oom(err);
	if (v->kind != VOLOPT_TMPFS)
		return rl_fail(err, EINVAL, "'tmpfs-%s' is for type=tmpfs only", key);
	if (strcmp(key, "size") == 0 && parse_size(value, &bytes) < 0)
		return rl_fail(err, EINVAL, "'tmpfs-size=%s' is not a size", value);
	if (strcmp(key, "size") == 0) {
		free(o);
		o = str_printf("size=%lld", (long long)bytes);
		if (!o)
			return rl_oom(err);
	}
	return tmpfs_option(v, o, err);
}

/* One "key[=value]" of --mount; type= has been taken before. */
static int mount_key(struct volopt *v, const char *key, const char *value, struct rl_err *err)
{
	bool b = false;
	int r;

	if (strcmp(key, "type") == 0)
		return 0;
	if (key_is(key, "ro", "readonly", NULL))
		return mount_bool(key, value, &v->read_only, err);
	if (strcmp(key, "rw") == 0) {
		r = mount_bool(key, value, &b, err);
		v->read_only = !b;
		return r;
	}
	if (key_is(key, "volume-nocopy", "nocopy", NULL))
		return mount_bool(key, value, &v->no_copy, err);
	if (strcmp(key, "bind-nonrecursive") == 0)
		return mount_bool(key, value, &v->not_recursive, err);
	if (!value)
		return add_option(v, key, err);
	if (key_is(key, "dst", "destination", "target"))
		return set_dest(v, value, err);
	if (key_is(key, "src", "source", NULL)) {
		if (v->source || v->kind == VOLOPT_TMPFS)
			return rl_fail(err, EINVAL, "'%s=%s' does not fit here", key, value);
		r = v->kind == VOLOPT_VOLUME ? volume_check_name(value, err) : 0;
		v->source = r == 0 ? strdup(value) : NULL;
		return r < 0 ? r : v->source ? 0 : rl_oom(err);
	}
	if (key_is(key, "bind-propagation", "propagation", NULL))
		return add_option(v, value, err);
	if (strncmp(key, "tmpfs-", 6) == 0)
		return tmpfs_value(v, key + 6, value, err);
	if (v->kind == VOLOPT_TMPFS && key_is(key, "size", "mode", NULL))
		return tmpfs_value(v, key, value, err);
	if (key_is(key, "consistency", "relabel", NULL))
		return 0;
	return rl_fail(err, EINVAL, "unknown or not supported key '%s'", key);
}

static int mount_type(const struct strv *l, struct volopt *v, struct rl_err *err)
{
	v->kind = VOLOPT_VOLUME; /* docker's and podman's default */
	for (size_t i = 0; i < l->n; i++) {
		const char *t = l->v[i];

		if (strncmp(t, "type=", 5) != 0)
			continue;
		t += 5;
		if (strcmp(t, "bind") == 0)
			v->kind = VOLOPT_BIND;
		else if (strcmp(t, "tmpfs") == 0)
			v->kind = VOLOPT_TMPFS;
		else if (strcmp(t, "volume") != 0)
			return rl_fail(err, EINVAL, "type '%s' is not bind, volume or tmpfs", t);
	}
	return 0;
}

int volopt_mount(const char *s, struct volopt *ret, struct rl_err *err)
{
	struct volopt v = { .propagation = "rprivate" };
	auto_strv struct strv l = { 0 };
	int r = check_word("--mount", s, err);

	if (r < 0)
		return r;
	if (strv_split(&l, s, ',') < 0)
		return rl_oom(err);
	r = mount_type(&l, &v, err);
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		char *eq = strchr(l.v[i], '=');

		if (eq)
			*eq = '\0';
		r = mount_key(&v, l.v[i], eq ? eq + 1 : NULL, err);
	}
	if (r == 0 && !v.dest)
		r = rl_fail(err, EINVAL, "no destination (dst=PATH)");
	if (r == 0 && v.kind == VOLOPT_BIND && (!v.source || !*v.source))
		r = rl_fail(err, EINVAL, "no source (src=PATH)");
	if (r < 0)
		rl_wrap(err, "mount '%s'", s);
	return finish(&v, r, ret, err);
}

void volopt_done(struct volopt *v)
{
	free(v->source);
	free(v->dest);
	strv_done(&v->data);
	*v = (struct volopt){ 0 };
}

static int check_perms(const char *perms, struct rl_err *err)
{
	if (!*perms || strspn(perms, "rwm") != strlen(perms))
		return rl_fail(err, EINVAL, "permissions '%s' are not made of r, w and m", perms);
	if (strchr(perms, 'r') && strchr(perms, 'w'))
		return 0;
	rl_fail(err, ENOTSUP, "permissions '%s' cannot be enforced without root", perms);
	return rl_hint(err, "the device's own owner and mode decide; use rw or rwm");
}

int volopt_device(const char *s, struct devopt *ret, struct rl_err *err)
{
	auto_devopt struct devopt d = { 0 };
	auto_strv struct strv l = { 0 };
	const char *dest = NULL;
	int r = check_word("--device", s, err);

	if (r < 0)
		return r;
	if (strv_split(&l, s, ':') < 0)
		return rl_oom(err);
	if (l.n > 3)
		r = rl_fail(err, EINVAL, "more than three parts");
	/* "SRC:PERMS" and "SRC:DST" differ by the slash */
	else if (l.n == 2 && *l.v[1] != '/')
		r = check_perms(l.v[1], err);
	else if (l.n >= 2)
		dest = l.v[1];
	if (r == 0 && l.n == 3)
		r = check_perms(l.v[2], err);
	if (r == 0)
		r = text_clean_path(l.v[0], "device", &d.source, err);
	if (r == 0)
		r = text_clean_path(dest ? dest : l.v[0], "destination", &d.dest, err);
	if (r == 0 && strcmp(d.dest, "/") == 0)
		r = rl_fail(err, EINVAL, "destination is the root of the container");
	if (r < 0)
		return rl_wrap(err, "device '%s'", s);
	*ret = d;
	d = (struct devopt){ 0 };
	return 0;
}

void devopt_done(struct devopt *d)
{
	free(d->source);
	free(d->dest);
	*d = (struct devopt){ 0 };
}
