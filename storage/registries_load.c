/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registries_load.c - registries.conf files into struct registries
 *
 * Theory of operation: files are read in order, each parsed whole (storage/toml.h) and merged into
 * the result: search list and mode replaced, aliases and registries replaced by key. Keys that rl
 * does not know are ignored, as the manual asks of a reader; values of a wrong type are errors,
 * because a misread "blocked" would open what somebody wanted closed.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/confdir.h"
#include "storage/registries.h"
#include "storage/registries_conf.h"
#include "storage/toml.h"

#define SYSTEM_FILE "/etc/containers/registries.conf"
#define SYSTEM_DIR  "/etc/containers/registries.conf.d"
#define FILES_MAX   1000
#define ALIASES_MAX 10000
#define REGS_MAX    1000

struct loader {
	struct registries *reg;
	const char *file;
	struct rl_err *err;
};

static int bad(const struct loader *l, unsigned line, const char *fmt, ...) RL_PRINTF(3, 4);
static int bad(const struct loader *l, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine, it is a message */
	va_end(ap);
	return rl_fail(l->err, EINVAL, "%s line %u: %s", l->file, line, text);
}

static int get_bool(const struct loader *l, const struct toml *t, const char *key, bool *ret)
{
	const struct toml *v = toml_get(t, key);

	if (v && v->type != TOML_BOOL)
		return bad(l, v->line, "'%s' is neither true nor false", key);
	*ret = v && v->b;
	return 0;
}

/* Borrowed; NULL when missing. */
static int get_str(const struct loader *l, const struct toml *t, const char *key, const char **ret)
{
	const struct toml *v = toml_get(t, key);

	if (v && v->type != TOML_STRING)
		return bad(l, v->line, "'%s' is not a string", key);
	*ret = v ? v->str : NULL;
	return 0;
}

/* --- locations --------------------------------------------------------------------------- */

/*
 * "host[:port][/path][:tag|@digest]" without a trailing slash. Checked by putting it in front of
 * a repository, as will be done with it later.
 */
static int clean_location(const struct loader *l, unsigned line, const char *key, const char *s,
			  char **ret)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *full = NULL, *own = strdup(s);
	struct rl_err why = { 0 };
	size_t n = strlen(s);

	if (!own)
		return rl_oom(l->err);
	if (strstr(s, "://"))
		return bad(l, line, "%s '%s' has a scheme; use 'insecure' for plain HTTP", key, s);
	while (n > 0 && own[n - 1] == '/')
		own[--n] = '\0';
	if (n == 0)
		return bad(l, line, "%s is empty", key);
	/* behind a host or a folder a repository can follow, behind a tag or a digest nothing */
	full = strchr(own, '/') ? strdup(own) : str_printf("%s/x", own);
	if (!full)
		return rl_oom(l->err);
	if (ref_parse(full, strlen(full), &ref, &why) < 0)
		return bad(l, line, "%s '%s': %s", key, s, why.msg);
	if (ref.is_short)
		return bad(l, line,
			   "%s '%s' does not begin with a registry (a host with a '.' or a port)",
			   key, s);
	*ret = TAKE_PTR(own);
	return 0;
}

static int clean_prefix(const struct loader *l, unsigned line, const char *s, char **ret)
{
	auto_free char *plain = NULL;

	if (s[0] != '*')
		return clean_location(l, line, "prefix", s, ret);
	if (s[1] != '.' || strpbrk(s, "/:@"))
		return bad(l, line, "prefix '%s': a wildcard must be '*.' before a plain host name",
			   s);
	if (clean_location(l, line, "prefix", s + 2, &plain) < 0)
		return -EINVAL;
	*ret = strdup(s);
	return *ret ? 0 : rl_oom(l->err);
}

/* --- [[registry]] ------------------------------------------------------------------------ */

static void registry_done(struct registry *r)
{
	for (size_t i = 0; i < r->n_mirrors; i++)
		free(r->mirrors[i].location);
	free(r->mirrors);
	free(r->prefix);
	free(r->location);
	free(r->file);
	*r = (struct registry){ 0 };
}

static int mirror_use(const struct loader *l, const struct registry *r, const struct toml *t,
		      enum mirror_use *ret)
{
	const char *s = NULL;

	if (get_str(l, t, "pull-from-mirror", &s) < 0)
		return -EINVAL;
	if (s && *s && r->mirror_by_digest_only)
		return bad(l, t->line,
			   "'pull-from-mirror' cannot be set together with the registry's "
			   "'mirror-by-digest-only'");
	if (!s || !*s || strcmp(s, "all") == 0)
		*ret = MIRROR_ALL;
	else if (strcmp(s, "digest-only") == 0)
		*ret = MIRROR_DIGEST_ONLY;
	else if (strcmp(s, "tag-only") == 0)
		*ret = MIRROR_TAG_ONLY;
	else
		return bad(l, t->line,
			   "'pull-from-mirror' is '%s', not 'all', 'digest-only' or 'tag-only'", s);
	return 0;
}

static int load_mirrors(const struct loader *l, const struct toml *t, struct registry *r)
{
	const struct toml *list = toml_get(t, "mirror");

	if (!list)
		return 0;
	if (list->type != TOML_ARRAY)
		return bad(l, list->line, "'mirror' is not a list of tables: [[registry.mirror]]");
	if (list->n >= ENDPOINTS_MAX)
		return bad(l, list->line, "more than %d mirrors", ENDPOINTS_MAX - 1);
	r->mirrors = calloc(list->n + 1, sizeof(*r->mirrors));
	if (!r->mirrors)
		return rl_oom(l->err);
	for (size_t i = 0; i < list->n; i++) {
		const struct toml *m = list->v[i];
		struct mirror *to = &r->mirrors[r->n_mirrors++];
		const char *location = NULL;
		int rc;

		to->line = m->line;
		if (m->type != TOML_TABLE)
			return bad(l, m->line, "a mirror is not a table");
		if (get_str(l, m, "location", &location) < 0 ||
		    get_bool(l, m, "insecure", &to->insecure) < 0 ||
		    mirror_use(l, r, m, &to->use) < 0)
			return -EINVAL;
		if (!location)
			return bad(l, m->line, "the mirror has no location");
		rc = clean_location(l, m->line, "location", location, &to->location);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load_names(const struct loader *l, const struct toml *t, struct registry *r)
{
	const char *prefix = NULL, *location = NULL;
	int rc = 0;

	if (get_str(l, t, "prefix", &prefix) < 0 || get_str(l, t, "location", &location) < 0)
		return -EINVAL;
	if (prefix && !*prefix)
		prefix = NULL;
	if (location && *location) {
		rc = clean_location(l, t->line, "location", location, &r->location);
	} else if (!prefix || prefix[0] != '*') {
		if (!prefix)
			return bad(l, t->line, "the registry has neither a location nor a prefix");
		rc = clean_location(l, t->line, "prefix", prefix, &r->location);
	} else {
		r->location = strdup("");
	}
	if (rc < 0)
		return rc;
	if (!r->location)
		return rl_oom(l->err);
	if (prefix)
		return clean_prefix(l, t->line, prefix, &r->prefix);
	r->prefix = strdup(r->location);
	return r->prefix ? 0 : rl_oom(l->err);
}

static int load_registry(const struct loader *l, const struct toml *t, struct registry *r)
{
	int rc;

	if (t->type != TOML_TABLE)
		return bad(l, t->line, "a registry is not a table");
	r->line = t->line;
	r->file = strdup(l->file);
	if (!r->file)
		return rl_oom(l->err);
	if (get_bool(l, t, "insecure", &r->insecure) < 0 ||
	    get_bool(l, t, "blocked", &r->blocked) < 0 ||
	    get_bool(l, t, "mirror-by-digest-only", &r->mirror_by_digest_only) < 0)
		return -EINVAL;
	rc = load_names(l, t, r);
	return rc < 0 ? rc : load_mirrors(l, t, r);
}

/* Put @r in, replacing one of the same prefix from an earlier file; owns the content of @r. */
static int put_registry(const struct loader *l, struct registry *r)
{
	struct registries *reg = l->reg;
	struct registry *v;

	for (size_t i = 0; i < reg->n_regs; i++) {
		v = &reg->regs[i];
		if (strcmp(v->prefix, r->prefix) != 0)
			continue;
		if (strcmp(v->file, r->file) == 0 &&
		    (v->blocked != r->blocked || v->insecure != r->insecure))
			return bad(l, r->line, "registry '%s' is defined differently on line %u",
				   r->prefix, v->line);
		registry_done(v);
		*v = *r;
		*r = (struct registry){ 0 };
		return 0;
	}
	if (reg->n_regs == REGS_MAX)
		return bad(l, r->line, "more than %d registries", REGS_MAX);
	v = reallocarray(reg->regs, reg->n_regs + 1, sizeof(*v));
	if (!v)
		return rl_oom(l->err);
	reg->regs = v;
	reg->regs[reg->n_regs++] = *r;
	*r = (struct registry){ 0 };
	return 0;
}

static int load_registries(const struct loader *l, const struct toml *root)
{
	const struct toml *list = toml_get(root, "registry");

	if (!list)
		return 0;
	if (list->type != TOML_ARRAY)
		return bad(l, list->line, "'registry' is not a list of tables: [[registry]]");
	for (size_t i = 0; i < list->n; i++) {
		struct registry r = { 0 };
		int rc = load_registry(l, list->v[i], &r);

		if (rc == 0)
			rc = put_registry(l, &r);
		registry_done(&r);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- [aliases] and the rest -------------------------------------------------------------- */

static int check_alias(const struct loader *l, const struct toml *t)
{
	struct rl_err why;
	bool is_short = false;

	if (t->type != TOML_STRING)
		return bad(l, t->line, "alias '%s' is not a string", t->key);
	if (strpbrk(t->key, ":@") || ref_check(t->key, strlen(t->key), &is_short, &why) < 0 ||
	    !is_short)
		return bad(l, t->line, "alias '%s' is not a short name without tag and digest",
			   t->key);
	if (!*t->str)
		return 0; /* removes the alias */
	if (ref_check(t->str, strlen(t->str), &is_short, &why) < 0 || is_short ||
	    strchr(t->str, '@') || strchr(strrchr(t->str, '/'), ':'))
		return bad(l, t->line,
			   "alias '%s': '%s' is not a full name (registry/repository) without tag "
			   "and digest",
			   t->key, t->str);
	return 0;
}

static int put_alias(const struct loader *l, const struct toml *t)
{
	struct registries *reg = l->reg;
	struct alias *v;

	for (size_t i = 0; i < reg->n_aliases; i++) {
		char *value;

		v = &reg->aliases[i];
		if (strcmp(v->name, t->key) != 0)
			continue;
		if (!*t->str) {
			free(v->name);
			free(v->value);
			*v = reg->aliases[--reg->n_aliases];
			return 0;
		}
		value = strdup(t->str);
		if (!value)
			return rl_oom(l->err);
		free(v->value);
		v->value = value;
		return 0;
	}
	if (!*t->str)
		return 0;
	if (reg->n_aliases == ALIASES_MAX)
		return bad(l, t->line, "more than %d aliases", ALIASES_MAX);
	if ((reg->n_aliases & (reg->n_aliases - 1)) == 0) { /* capacity: the power of two above */
		v = reallocarray(reg->aliases, reg->n_aliases ? reg->n_aliases * 2 : 1, sizeof(*v));
		if (!v)
			return rl_oom(l->err);
		reg->aliases = v;
	}
	v = &reg->aliases[reg->n_aliases];
	*v = (struct alias){ strdup(t->key), strdup(t->str) };
	if (!v->name || !v->value) {
		free(v->name);
		free(v->value);
		return rl_oom(l->err);
	}
	reg->n_aliases++;
	return 0;
}

static int load_aliases(const struct loader *l, const struct toml *root)
{
	const struct toml *t = toml_get(root, "aliases");
	int r;

	if (!t)
		return 0;
	if (t->type != TOML_TABLE)
		return bad(l, t->line, "'aliases' is not a table: [aliases]");
	for (size_t i = 0; i < t->n; i++) {
		r = check_alias(l, t->v[i]);
		if (r == 0)
			r = put_alias(l, t->v[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_mode(const struct loader *l, const struct toml *root)
{
	const struct toml *t = toml_get(root, "short-name-mode");
	const char *s = NULL;

	if (get_str(l, root, "short-name-mode", &s) < 0)
		return -EINVAL;
	if (!s || !*s)
		return 0;
	if (strcmp(s, "enforcing") == 0)
		l->reg->mode = SHORT_NAME_ENFORCING;
	else if (strcmp(s, "permissive") == 0)
		l->reg->mode = SHORT_NAME_PERMISSIVE;
	else if (strcmp(s, "disabled") == 0)
		l->reg->mode = SHORT_NAME_DISABLED;
	else
		return bad(l, t->line,
			   "short-name-mode is '%s', not 'enforcing', 'permissive' or 'disabled'",
			   s);
	return 0;
}

static int load_search(const struct loader *l, const struct toml *root)
{
	const struct toml *t = toml_get(root, "unqualified-search-registries");
	auto_strv struct strv list = { 0 };
	int r;

	if (!t)
		return 0;
	if (t->type != TOML_ARRAY)
		return bad(l, t->line, "'unqualified-search-registries' is not a list");
	for (size_t i = 0; i < t->n; i++) {
		auto_free char *clean = NULL;
		const struct toml *v = t->v[i];

		if (v->type != TOML_STRING)
			return bad(l, v->line, "a search registry is not a string");
		r = clean_location(l, v->line, "search registry", v->str, &clean);
		if (r < 0)
			return r;
		if (strv_take(&list, TAKE_PTR(clean)) < 0)
			return rl_oom(l->err);
	}
	strv_done(&l->reg->search);
	l->reg->search = list;
	l->reg->has_search = true;
	list = (struct strv){ 0 };
	return 0;
}

static int load_text(struct loader *l, const char *text, size_t len)
{
	auto_toml struct toml *root = NULL;
	const struct toml *old;
	int r = toml_parse(text, len, l->file, &root, l->err);

	if (r < 0)
		return r;
	old = toml_get(root, "registries");
	if (old) {
		bad(l, old->line,
		    "[registries...] is the format of version 1, which rl does not read");
		return rl_hint(l->err, "use unqualified-search-registries and [[registry]], see "
				       "containers-registries.conf(5)");
	}
	r = load_search(l, root);
	if (r == 0)
		r = load_mode(l, root);
	if (r == 0)
		r = load_aliases(l, root);
	return r < 0 ? r : load_registries(l, root);
}

/* --- files ------------------------------------------------------------------------------- */

static int load_file(struct loader *l, const char *path)
{
	auto_buf struct buf b = { 0 };

	if (io_read_named(path, TOML_SIZE_MAX, &b, l->err) < 0)
		return -l->err->code;
	log_debug("registries: reading '%s'", path);
	l->file = path;
	return load_text(l, b.data ? b.data : "", b.len);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int load_dir(struct loader *l, const char *path)
{
	auto_dir DIR *d = path ? opendir(path) : NULL;
	auto_strv struct strv names = { 0 };
	const struct dirent *e;

	if (!d)
		return !path || errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : rl_fail_sys(l->err, errno, "open folder '%s'", path);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n <= 5 || strcmp(e->d_name + n - 5, ".conf") != 0)
			continue;
		if (names.n == FILES_MAX)
			return rl_fail(l->err, EFBIG, "more than %d files in '%s'", FILES_MAX,
				       path);
		if (strv_add(&names, e->d_name) < 0)
			return rl_oom(l->err);
	}
	if (names.n > 0)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *file = str_printf("%s/%s", path, names.v[i]);
		int r = file ? load_file(l, file) : rl_oom(l->err);

		if (r < 0)
			return r;
	}
	return 0;
}

static bool exists(const char *path)
{
	return path && access(path, F_OK) == 0;
}

int registries_load_paths(const struct registries_paths *paths, struct registries **ret,
			  struct rl_err *err)
{
	auto_registries struct registries *reg = calloc(1, sizeof(*reg));
	struct loader l = { .reg = reg, .err = err };
	bool user = !paths->file && exists(paths->user_file);
	int r = 0;

	if (!reg)
		return rl_oom(err);
	if (paths->file)
		r = load_file(&l, paths->file); /* named by the user, so it must be there */
	else if (user)
		r = load_file(&l, paths->user_file);
	else if (exists(paths->system_file))
		r = load_file(&l, paths->system_file);
	if (r == 0 && !user)
		r = load_dir(&l, paths->system_dir);
	if (r == 0)
		r = load_dir(&l, paths->user_dir);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(reg);
	return 0;
}

static const char *env_file(void)
{
	const char *s = getenv("CONTAINERS_REGISTRIES_CONF");

	return s && *s ? s : NULL;
}

int registries_load(struct registries **ret, struct rl_err *err)
{
	auto_free char *file = confdir_user("registries.conf"),
		       *dir = confdir_user("registries.conf.d");
	const struct registries_paths paths = {
		.file = env_file(),
		.user_file = file,
		.system_file = SYSTEM_FILE,
		.user_dir = dir,
		.system_dir = SYSTEM_DIR,
	};

	return registries_load_paths(&paths, ret, err);
}

bool registries_exist(void)
{
	auto_free char *file = confdir_user("registries.conf"),
		       *dir = confdir_user("registries.conf.d");

	return env_file() || exists(file) || exists(dir) || exists(SYSTEM_FILE) ||
	       exists(SYSTEM_DIR);
}

void registries_free(struct registries *reg)
{
	if (!reg)
		return;
	for (size_t i = 0; i < reg->n_regs; i++)
		registry_done(&reg->regs[i]);
	for (size_t i = 0; i < reg->n_aliases; i++) {
		free(reg->aliases[i].name);
		free(reg->aliases[i].value);
	}
	free(reg->regs);
	free(reg->aliases);
	strv_done(&reg->search);
	free(reg);
}
