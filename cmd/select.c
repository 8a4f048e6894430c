/* SPDX-License-Identifier: Apache-2.0 */
/* select.c - which containers a command is for; the header is the manual */
#include "config.h"

#include "cmd/select.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cmd/ps_filter.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/ctr_state.h"

/* The id in a file that --cidfile wrote. 0 or -errno. */
static int select_read_cidfile(const char *path, char ret_id[65], struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = io_read_file(AT_FDCWD, path, 4096, &b, err);

	if (r < 0)
		return r;
	if (strspn(b.data ? b.data : "", "0123456789abcdef") != CTR_ID_LEN ||
	    b.data[CTR_ID_LEN + strspn(b.data + CTR_ID_LEN, "\r\n")])
		return rl_fail(err, EINVAL, "'%s' holds no container's id", path);
	memcpy(ret_id, b.data, CTR_ID_LEN);
	ret_id[CTR_ID_LEN] = '\0';
	return 0;
}

static int add_cidfiles(const struct select_opts *o, struct strv *ret, struct rl_err *err)
{
	for (size_t i = 0; i < o->cidfile.n; i++) {
		char id[CTR_ID_LEN + 1];
		int r = select_read_cidfile(o->cidfile.v[i], id, err);

		if (r == -ENOENT && o->ignore)
			continue;
		if (r == 0 && strv_add(ret, id) < 0)
			r = rl_oom(err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_from(const json_t *row, enum select_from from)
{
	const char *state = json_string_value(json_object_get(row, "State"));
	bool runs = state && (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 ||
			      strcmp(state, "restarting") == 0);

	return from == SELECT_ANY || runs == (from == SELECT_RUNNING);
}

/* Of the containers that were named, those that --filter fits; unknown names stay, to be told of. */
static int add_named_fitting(struct rl *rl, const struct select_opts *o, const struct strv *named,
			     struct strv *ret, struct rl_err *err)
{
	auto_filters struct filters f = { 0 };
	int r = ps_filters_new(rl, &o->filter, &f, err);

	for (size_t i = 0; r == 0 && i < named->n; i++) {
		json_auto_t *row = NULL;
		struct rl_err ignored;
		struct ctr c;
		bool fits = true;

		if (ctr_find(rl, named->v[i], &c, &ignored) == 0) {
			row = ps_row(rl, c.id);
			fits = row && ps_filters_match(&f, row);
			ctr_done(&c);
		}
		if (fits && strv_add(ret, named->v[i]) < 0)
			r = rl_oom(err);
	}
	return r;
}

/* --all and --filter; a container that is damaged is told by ps_row() and left out. */
static int add_fitting(struct rl *rl, const struct select_opts *o, enum select_from from,
		       struct strv *ret, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	auto_filters struct filters f = { 0 };
	int r = ctr_list(rl, &ids, err);

	if (r == 0 && from == SELECT_ANY && o->filter.n == 0)
		return strv_copy(ret, &ids) < 0 ? rl_oom(err) : 0; /* damaged ones, too */
	if (r == 0)
		r = ps_filters_new(rl, &o->filter, &f, err);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		json_auto_t *row = ps_row(rl, ids.v[i]);

		if (row && is_from(row, from) && ps_filters_match(&f, row) &&
		    strv_add(ret, ids.v[i]) < 0)
			r = rl_oom(err);
	}
	return r;
}

static int add_latest(struct rl *rl, struct strv *ret, struct rl_err *err)
{
	auto_strv struct strv ids = { 0 };
	const char *newest = NULL;
	json_int_t at = 0;
	int r = ctr_list(rl, &ids, err);

	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		json_auto_t *row = ps_row(rl, ids.v[i]);
		json_int_t ns = json_integer_value(json_object_get(row, "CreatedNs"));

		if (row && (!newest || ns > at)) {
			newest = ids.v[i];
			at = ns;
		}
	}
	if (r == 0 && !newest)
		return rl_fail(err, ENOENT, "there is no container, so none is the latest");
	return r == 0 && strv_add(ret, newest) < 0 ? rl_oom(err) : r;
}

int select_containers(struct rl *rl, const char *verb, const struct cmd_args *args,
		      const struct select_opts *o, enum select_from from, struct strv *ret,
		      struct rl_err *err)
{
	bool named = args->n > 0 || o->cidfile.n > 0, many = o->all || o->filter.n > 0;
	auto_strv struct strv names = { 0 };
	int r = 0;

	if ((named && o->all) || (o->latest && (named || many)))
		return rl_fail(err, EINVAL,
			       "%s: --all, names and --latest exclude each other, as do --filter "
			       "and --latest",
			       verb);
	if (!named && !many && !o->latest) {
		rl_fail(err, EINVAL, "%s needs the name of a container", verb);
		return rl_hint(err, "or another way to say which: see 'rl %s --help'", verb);
	}
	for (size_t i = 0; r == 0 && i < args->n; i++)
		r = strv_add(many ? &names : ret, args->v[i]) < 0 ? rl_oom(err) : 0;
	if (r == 0)
		r = add_cidfiles(o, many ? &names : ret, err);
	if (r == 0 && many)
		r = named ? add_named_fitting(rl, o, &names, ret, err)
			  : add_fitting(rl, o, from, ret, err);
	if (r == 0 && o->latest)
		r = add_latest(rl, ret, err);
	return r;
}

int select_each(struct rl *rl, const char *verb, const struct strv *names,
		int (*one)(struct rl *rl, const char *name, const void *opts, struct rl_err *err),
		const void *opts)
{
	int status = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct rl_err why = { 0 };

		if (one(rl, names->v[i], opts, &why) >= 0)
			continue;
		rl_wrap(&why, "%s '%s'", verb, names->v[i]);
		cmd_report(rl, &why);
		status = why.exit_code ? why.exit_code : EXIT_RL;
	}
	return status;
}

int select_run(struct rl *rl, const char *verb, const struct cmd_args *args,
	       const struct select_opts *o, enum select_from from,
	       int (*one)(struct rl *rl, const char *name, const void *opts, struct rl_err *err),
	       const void *opts, struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	int r = select_containers(rl, verb, args, o, from, &names, err);

	return r < 0 ? r : select_each(rl, verb, &names, one, opts);
}

int select_single(struct rl *rl, const char *verb, const struct cmd_args *args, bool latest,
		  const char *cidfile, struct strv *ret, size_t *ret_words, struct rl_err *err)
{
	char id[65];
	int r;

	if (latest && cidfile)
		return rl_fail(err, EINVAL, "%s: --latest and --cidfile exclude each other", verb);
	*ret_words = !latest && !cidfile;
	if (latest)
		return add_latest(rl, ret, err);
	if (*ret_words && args->n == 0)
		return rl_fail(err, EINVAL, "%s needs the name of a container, or --latest", verb);
	if (*ret_words)
		return strv_add(ret, args->v[0]) < 0 ? rl_oom(err) : 0;
	r = select_read_cidfile(cidfile, id, err);
	return r < 0 ? r : strv_add(ret, id) < 0 ? rl_oom(err) : 0;
}
