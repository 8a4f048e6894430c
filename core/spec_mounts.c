/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_mounts.c - the "mounts" list of an OCI runtime spec: options to flags and parameters
 *
 * Option words are those of mount(8) that the OCI spec lists; a word that is none of them is a
 * parameter of the file system ("size=64m") and an error for a bind mount, which has none.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/idmount.h"
#include "core/mnt.h"
#include "core/spec_int.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000 /* Linux 5.14 */
#endif

static const struct {
	const char *word;
	uint64_t set, clear;
} attr_words[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
};

/* Words without effect here: defaults, labels, and what the engine has seen to already. */
static const char *const idle_words[] = {
	"defaults",   "async",   "auto",       "noauto",        "user",
	"nouser",     "_netdev", "loud",       "silent",        "mand",
	"nomand",     "Z",       "z",          "noU",           "copy",
	"nocopy",     "atime",   "norelatime", "nostrictatime", "notmpcopyup",
	"noiversion",
};

/* Words that ask for something which rl does not do; silence would be a lie. */
static const char *const refused_words[] = {
	"remount", "ridmap", "iversion", "sync", "dirsync",
};

static bool is_in(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

uint64_t spec_propagation(const char *word, bool *ret_rec)
{
	static const struct {
		const char *word;
		uint64_t flag;
	} words[] = {
		{ "private", MS_PRIVATE },
		{ "shared", MS_SHARED },
		{ "slave", MS_SLAVE },
		{ "unbindable", MS_UNBINDABLE },
	};
	bool rec = *word == 'r';

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].word, word + rec) != 0)
			continue;
		*ret_rec = rec;
		return words[i].flag;
	}
	return 0;
}

static bool take_attr(struct spec_mount *m, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(attr_words); i++) {
		if (strcmp(attr_words[i].word, word) == 0) {
			m->set = (m->set & ~attr_words[i].clear) | attr_words[i].set;
			m->clear = (m->clear & ~attr_words[i].set) | attr_words[i].clear;
			return true;
		}
		/* rro, rnosuid, ...: the same for every mount below */
		if (*word == 'r' && i < 8 && strcmp(attr_words[i].word, word + 1) == 0) {
			m->set_rec = (m->set_rec & ~attr_words[i].clear) | attr_words[i].set;
			return true;
		}
	}
	return false;
}

static int take_word(struct spec_mount *m, const char *word, struct rl_err *err)
{
	uint64_t propagation;
	bool rec;

	if (strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0) {
		m->is_bind = true;
		m->recursive = *word == 'r';
		return 1;
	}
	propagation = spec_propagation(word, &rec);
	if (propagation) {
		m->propagation = propagation;
		m->propagation_rec = rec;
		return 1;
	}
	if (take_attr(m, word))
		return 1;
	/* Podman's word for a tmpfs; the other is ours, for the bind mount that a volume is */
	if (strcmp(word, "tmpcopyup") == 0 || strcmp(word, "copyup") == 0) {
		m->copyup = true;
		return 1;
	}
	if (strcmp(word, "U") == 0 || strcmp(word, "idmap") == 0) {
		*(*word == 'U' ? &m->chown : &m->idmap) = true;
		return 1;
	}
	if (strncmp(word, "idmap=", 6) == 0) {
		m->idmap = true;
		m->idmap_map = word + 6;
		return idmount_check(m->idmap_map, err) < 0 ? -err->code : 1;
	}
	if (strncmp(word, "subpath=", 8) == 0) {
		m->subpath = word + 8;
		return 1;
	}
	if (is_in(idle_words, ARRAY_LEN(idle_words), word))
		return 1;
	if (is_in(refused_words, ARRAY_LEN(refused_words), word))
		return rl_fail(err, ENOTSUP, "mount '%s': option '%s' is not supported", m->dest,
			       word);
	return 0;
}

/* Split the parameters in @text (words separated by NUL, @n of them) at '='. */
static void split_params(struct spec_mount *m, size_t n)
{
	char *p = m->opt_text;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(p);
		char *eq = strchr(p, '=');

		if (eq)
			*eq = '\0';
		m->opts[i] = (struct mnt_opt){ p, eq ? eq + 1 : NULL };
		p += len + 1;
	}
	m->n_opts = n;
}

static int parse_options(const json_t *o, struct spec_mount *m, struct rl_err *err)
{
	auto_free const char **words = NULL;
	size_t n, kept = 0, bytes = 0;
	int r = spec_strings(o, "options", "mounts", SPEC_OPTIONS_MAX, SPEC_STRING_MAX, &words, &n,
			     err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = take_word(m, words[i], err);
		if (r < 0)
			return r;
		if (r == 0) {
			bytes += strlen(words[i]) + 1; /* 128 words of 128 KiB at most */
			words[kept++] = words[i];
		}
	}
	if (kept == 0)
		return 0;
	m->opts = calloc(kept, sizeof(*m->opts));
	m->opt_text = calloc(bytes, 1);
	if (!m->opts || !m->opt_text)
		return rl_oom(err);
	bytes = 0;
	for (size_t i = 0; i < kept; i++) {
		size_t len = strlen(words[i]) + 1;

		memcpy(m->opt_text + bytes, words[i], len);
		bytes += len;
	}
	split_params(m, kept);
	return 0;
}

static int check_mount(struct spec_mount *m, struct rl_err *err)
{
	if (m->is_bind)
		m->type = "bind";
	if (m->is_bind && !m->source)
		return rl_fail(err, EINVAL, "mount '%s': a bind mount needs a source", m->dest);
	if (m->is_bind && *m->source != '/')
		return rl_fail(err, EINVAL, "mount '%s': source '%s' is not an absolute path",
			       m->dest, m->source);
	if (m->is_bind && m->n_opts)
		return rl_fail(err, EINVAL, "mount '%s': unknown option '%.64s'", m->dest,
			       m->opts[0].key);
	if (!m->type)
		return rl_fail(err, EINVAL, "mount '%s': type is missing", m->dest);
	m->read_only = m->set & MOUNT_ATTR_RDONLY;
	return 0;
}

static int parse_mount(const json_t *o, struct spec_mount *m, struct rl_err *err)
{
	json_t *maps;
	size_t n;
	int r = spec_path(o, "destination", "mounts", &m->dest, err);

	if (r < 0)
		return r;
	if (!m->dest)
		return rl_fail(err, EINVAL, "mounts: 'destination' is missing");
	r = spec_str(o, "type", "mounts", 64, &m->type, err);
	if (r == 0)
		r = spec_str(o, "source", "mounts", SPEC_PATH_MAX, &m->source, err);
	if (r == 0)
		r = spec_list(o, "uidMappings", "mounts", SPEC_ITEMS_MAX, &maps, &n, err);
	if (r < 0)
		return r;
	if (n)
		return rl_fail(err, ENOTSUP, "mount '%s': id-mapped mounts need root", m->dest);
	m->is_bind = m->type && strcmp(m->type, "bind") == 0;
	m->recursive = m->is_bind; /* a plain bind may not reveal what lies below submounts */
	r = parse_options(o, m, err);
	return r < 0 ? r : check_mount(m, err);
}

int spec_mounts(const json_t *root, struct spec *s, struct rl_err *err)
{
	json_t *list, *item;
	size_t i, n;
	int r = spec_list(root, "mounts", "spec", SPEC_ITEMS_MAX, &list, &n, err);

	if (r < 0 || n == 0)
		return r;
	s->mounts = calloc(n, sizeof(*s->mounts));
	if (!s->mounts)
		return rl_oom(err);
	json_array_foreach (list, i, item) {
		if (!json_is_object(item))
			return rl_fail(err, EINVAL, "mounts: entry %zu is not an object", i);
		s->n_mounts = i + 1; /* also a half-parsed one is released */
		r = parse_mount(item, &s->mounts[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
