/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volumes_from.c - engine: --volumes-from
 *
 * Theory of operation: state.json of the other container lists the places that its user asked for
 * ("mounts") and its named volumes; config.json has the sources. Each becomes a word of -v, which
 * is then checked and made as if the user had typed it.
 */
#include "config.h"

#include "cmd/engine/volumes_from.h"

#include <errno.h>
#include <string.h>

#include "cmd/engine/volopt.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/ctr_state.h"

#define RECORD_MAX (8U << 20)

struct other {
	json_t *state, *config;
};

static int open_other(const struct rl *rl, const char *name, struct other *ret, struct rl_err *err)
{
	struct ctr c;
	int r = ctr_find(rl, name, &c, err);

	if (r < 0)
		return r;
	r = json_read_file(c.dir_fd, "state.json", RECORD_MAX, &ret->state, err);
	if (r == 0)
		r = json_read_file(c.dir_fd, "config.json", RECORD_MAX, &ret->config, err);
	ctr_done(&c);
	return r;
}

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool has_string(const json_t *a, const char *s)
{
	const json_t *v;
	size_t i;

	json_array_foreach (a, i, v)
		if (json_is_string(v) && strcmp(json_string_value(v), s) == 0)
			return true;
	return false;
}

static bool is_read_only(const json_t *options)
{
	return has_string(options, "ro") || has_string(options, "rro");
}

/* Is @dest the place of one of these -v words? */
static bool is_taken(const struct strv *words, const char *dest)
{
	for (size_t i = 0; i < words->n; i++) {
		auto_volopt struct volopt v = { 0 };
		struct rl_err ignored;

		if (volopt_volume(words->v[i], &v, &ignored) == 0 && strcmp(v.dest, dest) == 0)
			return true;
	}
	return false;
}

/* The name of the volume at @dest, or NULL. */
static const char *volume_at(const json_t *state, const char *dest)
{
	const json_t *v;
	size_t i;

	json_array_foreach (json_object_get(state, "volumes"), i, v)
		if (strcmp(str(v, "dest"), dest) == 0)
			return str(v, "name");
	return NULL;
}

/* "idmap=...", which has a value */
static int idmap_of(const json_t *options, struct buf *more)
{
	const json_t *o;
	size_t i;

	json_array_foreach (options, i, o)
		if (strncmp(json_string_value(o), "idmap=", 6) == 0)
			return buf_printf(more, ",%s", json_string_value(o));
	return 0;
}

static int take_mount(const struct other *o, const json_t *m, const char *mode,
		      const struct strv *own, struct strv *ret, struct rl_err *err)
{
	static const char *const kept[] = { "nosuid", "noexec", "rshared", "shared",
					    "rslave", "slave",  "bind",    "idmap" };
	const char *dest = str(m, "destination"), *volume = volume_at(o->state, dest);
	const char *from = volume ? volume : str(m, "source");
	bool ro = *mode == 'r' || is_read_only(json_object_get(m, "options"));
	auto_free char *word = NULL;
	auto_buf struct buf more = { 0 };
	int r;

	if (!volume && (strcmp(str(m, "type"), "bind") != 0 ||
			!has_string(json_object_get(o->state, "mounts"), dest)))
		return 0; /* ours, or a tmpfs */
	if (is_taken(own, dest) || is_taken(ret, dest))
		return 0;
	if (strchr(from, ':') || strchr(dest, ':'))
		return rl_fail(err, ENOTSUP, "'%s' has a ':' in it",
			       strchr(from, ':') ? from : dest);
	/* options of -v that the other one was mounted with */
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (has_string(json_object_get(m, "options"), kept[i]) &&
		    buf_printf(&more, ",%s", kept[i]) < 0)
			return rl_oom(err);
	r = idmap_of(json_object_get(m, "options"), &more);
	if (r < 0)
		return rl_oom(err);
	word = str_printf("%s:%s:%s%s", from, dest, ro ? "ro" : "rw", more.data ? more.data : "");
	return word && strv_add(ret, word) == 0 ? 0 : rl_oom(err);
}

/* "ro", "rw", and labels that mean nothing here: @ret is "ro" or "" */
static int take_mode(const char *words, const char **ret, struct rl_err *err)
{
	static const char *const known[] = { "", "rw", "z", "Z" };
	auto_strv struct strv l = { 0 };

	if (strv_split(&l, words, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; i < l.n; i++) {
		size_t k = 0;

		if (strcmp(l.v[i], "ro") == 0) {
			*ret = "ro";
			continue;
		}
		while (k < ARRAY_LEN(known) && strcmp(known[k], l.v[i]) != 0)
			k++;
		if (k == ARRAY_LEN(known))
			return rl_fail(err, EINVAL, "unknown option '%s'", l.v[i]);
	}
	return 0;
}

static int take_all(const struct rl *rl, const char *word, const struct strv *own, struct strv *ret,
		    struct rl_err *err)
{
	const char *colon = strchr(word, ':'), *mode = "";
	auto_free char *name = strndup(word, colon ? (size_t)(colon - word) : strlen(word));
	struct other o = { 0 };
	const json_t *m;
	size_t i;
	int r;

	if (!name)
		return rl_oom(err);
	r = take_mode(colon ? colon + 1 : "", &mode, err);
	if (r < 0)
		return r;
	r = open_other(rl, name, &o, err);
	if (r == 0)
		json_array_foreach (json_object_get(o.config, "mounts"), i, m) {
			r = take_mount(&o, m, mode, own, ret, err);
			if (r < 0)
				break;
		}
	json_decref(o.state);
	json_decref(o.config);
	return r;
}

int volumes_from(const struct rl *rl, const struct strv *words, const struct strv *own,
		 struct strv *ret, struct rl_err *err)
{
	for (size_t i = 0; i < words->n; i++)
		if (take_all(rl, words->v[i], own, ret, err) < 0)
			return rl_wrap(err, "--volumes-from '%s'", words->v[i]);
	return 0;
}
