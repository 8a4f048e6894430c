/* SPDX-License-Identifier: Apache-2.0 */
/* volopt.c - the words of -v, --tmpfs, --mount and --device; the header is the manual */
#include "config.h"

#include "cmd/engine/volopt.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cmd/engine/spec_text.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/idmount.h"
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

static bool value_fits(const char *key, const char *value)
{
	uint64_t n;

	if (strcmp(key, "mode=") == 0 || strcmp(key, "ptmxmode=") == 0)
		return parse_octal(value, 07777, &n) == 0;
	if (strcmp(key, "uid=") == 0 || strcmp(key, "gid=") == 0 || strcmp(key, "max=") == 0)
		return parse_uint(value, UINT32_MAX - 1, &n) == 0;
	return *value &&
	       strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzKMGT%_") == strlen(value);
}

/*
 * Options of tmpfs(5), of a ramfs and of a devpts that a container may have; each ends up in the
 * mount's data.
 */
static int data_option(struct volopt *v, const char *o, struct rl_err *err)
{
	static const struct {
		const char *key;
		enum volopt_kind kind;
	} keys[] = {
		{ "size=", VOLOPT_TMPFS },      { "mode=", VOLOPT_TMPFS },
		{ "uid=", VOLOPT_TMPFS },       { "gid=", VOLOPT_TMPFS },
		{ "nr_inodes=", VOLOPT_TMPFS }, { "nr_blocks=", VOLOPT_TMPFS },
		{ "huge=", VOLOPT_TMPFS },      { "mode=", VOLOPT_RAMFS },
		{ "uid=", VOLOPT_DEVPTS },      { "gid=", VOLOPT_DEVPTS },
		{ "mode=", VOLOPT_DEVPTS },     { "ptmxmode=", VOLOPT_DEVPTS },
		{ "max=", VOLOPT_DEVPTS },
	};
	static const char *const names[] = {
		[VOLOPT_TMPFS] = "tmpfs", [VOLOPT_RAMFS] = "ramfs", [VOLOPT_DEVPTS] = "devpts"
	};
	const char *value = strchr(o, '=');

	for (size_t i = 0; value && i < ARRAY_LEN(keys); i++)
		if (keys[i].kind == v->kind && strncmp(o, keys[i].key, strlen(keys[i].key)) == 0 &&
		    value_fits(keys[i].key, value + 1))
			return strv_add(&v->data, o) < 0 ? rl_oom(err) : 0;
	return rl_fail(err, EINVAL, "unknown or malformed %s option '%s'", names[v->kind], o);
}

static bool has_data(const struct volopt *v)
{
	return v->kind == VOLOPT_TMPFS || v->kind == VOLOPT_RAMFS || v->kind == VOLOPT_DEVPTS;
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

/* @map: what follows the '=', or NULL */
static int set_idmap(struct volopt *v, const char *map, struct rl_err *err)
{
	if (map && idmount_check(map, err) < 0)
		return -err->code;
	free(v->idmap);
	v->idmap = str_printf("idmap%s%s", map ? "=" : "", map ? map : "");
	return v->idmap ? 0 : rl_oom(err);
}

static int add_option(struct volopt *v, const char *o, struct rl_err *err)
{
	if (!*o || common_option(v, o))
		return 0;
	if (strcmp(o, "U") == 0) {
		v->chown = true;
		return 0;
	}
	if (has_data(v)) {
		if (strcmp(o, "notmpcopyup") == 0 || strcmp(o, "tmpcopyup") == 0) {
			v->no_copy = *o == 'n';
			return 0;
		}
		return data_option(v, o, err);
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
	if (strcmp(o, "O") == 0) {
		v->overlay = true;
		return 0;
	}
	if (strcmp(o, "idmap") == 0 || strncmp(o, "idmap=", 6) == 0)
		return set_idmap(v, o[5] ? o + 6 : NULL, err);
	rl_fail(err, EINVAL, "unknown volume option '%s'", o);
	return rl_hint(
		err,
		"ro, rw, z, Z, U, O, exec, dev, suid, copy, nocopy, private, shared, slave, idmap: "
		"see --volume and --mount in rl-run(1)");
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
	if (r == 0 && v->kind != VOLOPT_BIND && v->kind != VOLOPT_GLOB &&
	    strcmp(v->propagation, "rprivate") != 0 && strcmp(v->propagation, "private") != 0)
		r = rl_fail(err, EINVAL, "propagation '%s' is for binds only", v->propagation);
	if (r == 0 && v->overlay && (v->chown || v->idmap || v->subpath))
		r = rl_fail(err, EINVAL, "option 'O' goes with neither 'U' nor 'idmap'");
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

/* "tmpfs-size=..." and the same without the beginning */
static int data_value(struct volopt *v, const char *key, const char *value, struct rl_err *err)
{
	auto_free char *o = NULL;
	int64_t bytes = 0;

	if (strcmp(key, "size") == 0 && parse_size(value, &bytes) < 0)
		return rl_fail(err, EINVAL, "'size=%s' is not a size", value);
	o = strcmp(key, "size") == 0 ? str_printf("size=%lld", (long long)bytes)
				     : str_printf("%s=%s", key, value);
	return o ? data_option(v, o, err) : rl_oom(err);
}

static int set_subpath(struct volopt *v, const char *value, struct rl_err *err)
{
	auto_free char *abs = str_printf("/%s", value), *clean = NULL;
	int r;

	if (v->kind != VOLOPT_VOLUME && v->kind != VOLOPT_BIND)
		return rl_fail(err, ENOTSUP, "'subpath=' is for volumes and binds only");
	if (!abs)
		return rl_oom(err);
	r = text_clean_path(abs, "subpath", &clean, err);
	if (r < 0)
		return r;
	free(v->subpath);
	v->subpath = clean[1] ? strdup(clean + 1) : NULL;
	return v->subpath || !clean[1] ? 0 : rl_oom(err);
}

static int mount_source(struct volopt *v, const char *key, const char *value, struct rl_err *err)
{
	int r;

	if (v->source || has_data(v))
		return rl_fail(err, EINVAL, "'%s=%s' does not fit here", key, value);
	r = v->kind == VOLOPT_VOLUME ? volume_check_name(value, err) : 0;
	v->source = r == 0 ? strdup(value) : NULL;
	return r < 0 ? r : v->source ? 0 : rl_oom(err);
}

/* Docker's "bind-recursive": what becomes of the mounts below the source. */
static int recursive_value(struct volopt *v, const char *value, struct rl_err *err)
{
	v->not_recursive = strcmp(value, "disabled") == 0;
	v->top_only = strcmp(value, "writable") == 0;
	if (v->not_recursive || v->top_only || key_is(value, "enabled", "readonly", NULL))
		return 0;
	return rl_fail(err, EINVAL,
		       "'bind-recursive=%s': expected enabled, disabled, writable or readonly",
		       value);
}

/* Keys whose value is true, false or left out. 1: not one of these. */
static int mount_flag(struct volopt *v, const char *key, const char *value, struct rl_err *err)
{
	static const struct {
		const char *name;
		size_t offset;
	} flags[] = {
		{ "ro", offsetof(struct volopt, read_only) },
		{ "readonly", offsetof(struct volopt, read_only) },
		{ "volume-nocopy", offsetof(struct volopt, no_copy) },
		{ "nocopy", offsetof(struct volopt, no_copy) },
		{ "notmpcopyup", offsetof(struct volopt, no_copy) },
		{ "bind-nonrecursive", offsetof(struct volopt, not_recursive) },
		{ "bind-create-src", offsetof(struct volopt, create) },
		{ "U", offsetof(struct volopt, chown) },
		{ "chown", offsetof(struct volopt, chown) },
	};
	bool b = true;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strcmp(key, flags[i].name) == 0)
			return mount_bool(key, value, (bool *)((char *)v + flags[i].offset), err);
	if (!key_is(key, "rw", "readwrite", "copy") && strcmp(key, "tmpcopyup") != 0)
		return 1;
	r = mount_bool(key, value, &b, err);
	if (*key == 'r')
		v->read_only = !b;
	else
		v->no_copy = !b;
	return r;
}

/* Keys of a volume, of a bind. 1: not one of these. */
static int kind_value(struct volopt *v, const char *key, const char *value, struct rl_err *err)
{
	if (key_is(key, "bind-propagation", "propagation", NULL))
		return add_option(v, value, err);
	if (strcmp(key, "bind-recursive") == 0)
		return recursive_value(v, value, err);
	if (key_is(key, "subpath", "volume-subpath", NULL))
		return set_subpath(v, value, err);
	if (key_is(key, "volume-label", "volume-opt", NULL))
		return strv_add(key[7] == 'l' ? &v->labels : &v->options, value) < 0 ? rl_oom(err)
										     : 0;
	if (strcmp(key, "volume-driver") == 0 && strcmp(value, "local") != 0)
		return rl_fail(err, ENOTSUP, "there is no volume driver '%s'", value);
	if (strcmp(key, "idmap") == 0)
		return set_idmap(v, value && *value ? value : NULL, err);
	return key_is(key, "consistency", "relabel", "volume-driver") ? 0 : 1;
}

/* One "key[=value]" of --mount; type= has been taken before. */
static int mount_key(struct volopt *v, const char *key, const char *value, struct rl_err *err)
{
	int r = mount_flag(v, key, value, err);

	if (r <= 0 || strcmp(key, "type") == 0)
		return r < 0 ? r : 0;
	if (!value)
		return add_option(v, key, err);
	if (key_is(key, "dst", "destination", "target"))
		return set_dest(v, value, err);
	if (key_is(key, "src", "source", NULL))
		return mount_source(v, key, value, err);
	r = kind_value(v, key, value, err);
	if (r <= 0)
		return r;
	if (strncmp(key, "tmpfs-", 6) == 0)
		return v->kind == VOLOPT_TMPFS
			       ? data_value(v, key + 6, value, err)
			       : rl_fail(err, EINVAL, "'%s' is for type=tmpfs only", key);
	if (has_data(v))
		return data_value(v, key, value, err);
	return rl_fail(err, EINVAL, "unknown or not supported key '%s'", key);
}

static int mount_type(const struct strv *l, struct volopt *v, struct rl_err *err)
{
	static const struct {
		const char *name;
		enum volopt_kind kind;
	} types[] = {
		{ "bind", VOLOPT_BIND },   { "volume", VOLOPT_VOLUME }, { "tmpfs", VOLOPT_TMPFS },
		{ "ramfs", VOLOPT_RAMFS }, { "devpts", VOLOPT_DEVPTS }, { "image", VOLOPT_IMAGE },
		{ "glob", VOLOPT_GLOB },
	};

	v->kind = VOLOPT_VOLUME; /* docker's and podman's default */
	for (size_t i = 0; i < l->n; i++) {
		const char *t = l->v[i];

		if (strncmp(t, "type=", 5) != 0)
			continue;
		t += 5;
		for (size_t k = 0; t && k < ARRAY_LEN(types); k++)
			if (strcmp(t, types[k].name) == 0) {
				v->kind = types[k].kind;
				t = NULL;
			}
		if (t)
			return rl_fail(err, EINVAL,
				       "type '%s' is not bind, volume, tmpfs, ramfs, devpts, image "
				       "or glob",
				       t);
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
	v.read_only = v.kind == VOLOPT_IMAGE; /* unless "rw" says otherwise */
	for (size_t i = 0; r == 0 && i < l.n; i++) {
		char *eq = strchr(l.v[i], '=');

		if (eq)
			*eq = '\0';
		r = mount_key(&v, l.v[i], eq ? eq + 1 : NULL, err);
	}
	if (r == 0 && !v.dest && v.kind != VOLOPT_GLOB)
		r = rl_fail(err, EINVAL, "no destination (dst=PATH)");
	if (r == 0 && v.kind != VOLOPT_VOLUME && !has_data(&v) && (!v.source || !*v.source))
		r = rl_fail(err, EINVAL, "no source (src=PATH)");
	if (r < 0)
		rl_wrap(err, "mount '%s'", s);
	return finish(&v, r, ret, err);
}

void volopt_done(struct volopt *v)
{
	free(v->source);
	free(v->dest);
	free(v->subpath);
	free(v->idmap);
	strv_done(&v->data);
	strv_done(&v->labels);
	strv_done(&v->options);
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
