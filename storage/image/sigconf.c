/* SPDX-License-Identifier: Apache-2.0 */
/* sigconf.c - the folder registries.d; the header is the manual */
#include "config.h"

#include "storage/image/sigconf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"

#define DEPTH_MAX 3
#define KEY_MAX   600

struct reader {
	const char *what, *image;
	unsigned line;
	int *best;
	struct sigconf *ret;
	/* the mappings we are in, outermost first */
	int indent[DEPTH_MAX];
	char key[DEPTH_MAX][KEY_MAX];
	int depth;
	struct rl_err *err;
};

static int bad(const struct reader *r, const char *why)
{
	return rl_fail(r->err, EINVAL, "%s line %u: %s", r->what, r->line, why);
}

/* Does @scope cover the image? A host, a folder of repositories, a repository, or the whole name. */
static bool covers(const char *scope, const char *image)
{
	size_t n = strlen(scope);

	if (strncmp(scope, image, n) != 0)
		return false;
	return image[n] == '\0' || image[n] == '/' || image[n] == '@' ||
	       (image[n] == ':' && strchr(scope, '/'));
}

/* One setting; @scope "" = default-docker. */
static int setting(struct reader *r, const char *scope, const char *key, const char *value)
{
	int weight = (int)strlen(scope);
	bool yes;

	if ((*scope && !covers(scope, r->image)) || weight < *r->best)
		return 0;
	if (weight > *r->best) { /* what a less specific section said does not count */
		sigconf_done(r->ret);
		r->ret->attachments = -1;
		*r->best = weight;
	}
	if (strcmp(key, "use-sigstore-attachments") == 0) {
		if (parse_bool(value, &yes) < 0)
			return bad(r, "use-sigstore-attachments is true or false");
		r->ret->attachments = yes;
	} else if (strcmp(key, "lookaside") == 0 ||
		   (strcmp(key, "sigstore") == 0 && !r->ret->lookaside)) {
		free(r->ret->lookaside);
		r->ret->lookaside = strdup(value);
		if (!r->ret->lookaside)
			return rl_oom(r->err);
	}
	return 0; /* the staging places are for those who sign */
}

/* "key", 'key' or key, and what is behind its colon; both cut out of @s in place. */
static int split(const struct reader *r, char *s, char **key, char **value)
{
	char *end;

	if (*s == '"' || *s == '\'') {
		*key = s + 1;
		end = strchr(s + 1, *s);
		if (!end || end[1] != ':' || (end[2] && end[2] != ' '))
			return bad(r, "no key and colon");
		*end++ = '\0';
	} else {
		*key = s;
		end = strstr(s, ": ");
		if (!end && *s && s[strlen(s) - 1] == ':')
			end = s + strlen(s) - 1;
		if (!end || strchr("-[{&*!|>%@`", *s))
			return bad(r, "not 'key: value'; rl reads plain mappings only");
	}
	*end++ = '\0';
	while (*end == ' ')
		end++;
	if (*end == '"' || *end == '\'') {
		char quote = *end++, *close = strchr(end, quote);

		if (!close || close[1])
			return bad(r, "a quote is not closed, or something is behind it");
		*close = '\0';
	} else if (*end && strchr("[{&*!|>%@`", *end)) {
		return bad(r, "rl reads plain values only");
	}
	*value = end;
	return strlen(*key) < KEY_MAX ? 0 : bad(r, "the key is too long");
}

static int take(struct reader *r, int indent, const char *key, const char *value)
{
	while (r->depth > 0 && r->indent[r->depth - 1] >= indent)
		r->depth--;
	if (r->depth == 0 && indent > 0)
		return bad(r, "indented, but below nothing");
	if (!*value) { /* a mapping begins */
		if (r->depth == DEPTH_MAX)
			return bad(r, "nested too deep");
		r->indent[r->depth] = indent;
		memcpy(r->key[r->depth++], key, strlen(key) + 1);
		return 0;
	}
	if (r->depth == 1 && strcmp(r->key[0], "default-docker") == 0)
		return setting(r, "", key, value);
	if (r->depth == 2 && strcmp(r->key[0], "docker") == 0)
		return *r->key[1] ? setting(r, r->key[1], key, value) : bad(r, "an empty scope");
	return bad(r, "a setting that belongs to neither 'docker' nor 'default-docker'");
}

static int take_line(struct reader *r, char *s)
{
	char *p = s, *key = NULL, *value = NULL, *hash = s;
	size_t n;

	while (*p == ' ')
		p++;
	if (*p == '\t')
		return bad(r, "a tab as indentation");
	/* a comment begins at the start or behind a blank; not inside quotes, which no URL has */
	while ((hash = strchr(hash, '#'))) {
		if (hash == s || hash[-1] == ' ' || hash[-1] == '\t') {
			*hash = '\0';
			break;
		}
		hash++;
	}
	n = strlen(p);
	while (n > 0 && strchr(" \t\r", p[n - 1]))
		p[--n] = '\0';
	if (n == 0 || strcmp(p, "---") == 0)
		return 0;
	if (strcmp(p, "{}") == 0)
		return 0;
	return split(r, p, &key, &value) < 0 ? -r->err->code : take(r, (int)(p - s), key, value);
}

int sigconf_parse(const char *text, size_t len, const char *what, const char *image, int *best,
		  struct sigconf *ret, struct rl_err *err)
{
	struct reader r = { .what = what, .image = image, .best = best, .ret = ret, .err = err };
	auto_free char *copy = strndup(text, len);
	char *p = copy, *next;

	if (!copy)
		return rl_oom(err);
	if (strlen(copy) != len)
		return rl_fail(err, EINVAL, "%s: not a text", what);
	for (; p; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = '\0';
		r.line++;
		if (take_line(&r, p) < 0)
			return -err->code;
	}
	return 0;
}

static int is_yaml(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

int sigconf_load(const char *dir, const char *image, struct sigconf *ret, struct rl_err *err)
{
	struct dirent **v = NULL;
	int best = -1, r = 0, n = scandir(dir, &v, is_yaml, alphasort);

	*ret = (struct sigconf){ .attachments = -1 };
	if (n < 0)
		return errno == ENOENT ? 0 : rl_fail_sys(err, errno, "read '%s'", dir);
	for (int i = 0; i < n; i++) {
		auto_free char *path = str_printf("%s/%s", dir, v[i]->d_name);
		auto_buf struct buf text = { 0 };

		free(v[i]);
		if (r < 0)
			continue;
		r = path ? io_read_named(path, SIGCONF_FILE_MAX, &text, err) : rl_oom(err);
		if (r == 0)
			r = sigconf_parse(text.data ? text.data : "", text.len, path, image, &best,
					  ret, err);
	}
	free(v);
	if (r < 0)
		sigconf_done(ret);
	return r;
}

void sigconf_done(struct sigconf *c)
{
	free(c->lookaside);
	*c = (struct sigconf){ .attachments = -1 };
}
