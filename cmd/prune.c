/* SPDX-License-Identifier: Apache-2.0 */
/* prune.c - removing what nobody uses; the header is the manual */
#include "config.h"

#include "cmd/prune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/life.h"
#include "cmd/engine/volume_use.h"
#include "cmd/image_filter.h"
#include "cmd/mounting.h"
#include "cmd/network_view.h"
#include "cmd/ps_filter.h"
#include "cmd/volume_view.h"
#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/events.h"
#include "storage/du.h"
#include "storage/image.h"
#include "storage/layer.h"
#include "storage/mlist.h"

/* The bytes below @path when they are asked for; 0 when S cannot be had. */
static int64_t bytes_of(const struct rl *rl, const struct pruned *p, const struct session *s,
			const char *path)
{
	struct rl_err why = { 0 };
	int64_t n = 0;

	if (!p->count || !s || !path)
		return 0;
	if (du_trees(rl, s, &path, 1, &n, &why) < 0)
		log_debug("%s", why.msg);
	return n;
}

/* --- containers -------------------------------------------------------------------------- */

/* Only what tells age and labels makes sense here. */
static int check_keys(const struct strv *filters, struct rl_err *err)
{
	static const char *const keys[] = { "label=", "label!=", "until=" };

	for (size_t i = 0; i < filters->n; i++) {
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(keys); k++)
			known = known || strncmp(filters->v[i], keys[k], strlen(keys[k])) == 0;
		if (known)
			continue;
		rl_fail(err, EINVAL, "'%s' is no filter for prune", filters->v[i]);
		return rl_hint(err, "label=, label!= and until= are");
	}
	return 0;
}

/* What the filters of ps look at */
static json_t *filter_row(const struct ctr *c)
{
	json_t *labels = json_object_get(c->record, "labels");
	const char *created = json_string_value(json_object_get(c->record, "created"));
	int64_t ns = 0;

	if (!created || time_parse_rfc3339(created, &ns) < 0)
		ns = 0;
	return json_pack("{s:s, s:o, s:I, s:[s]}", "Id", c->id, "Labels",
			 labels ? json_incref(labels) : json_object(), "CreatedNs", (json_int_t)ns,
			 "Names", c->name);
}

static int prune_container(const struct rl *rl, const char *id, const struct filters *f,
			   const struct session *s, struct pruned *ret, struct rl_err *err)
{
	auto_free char *upper = str_printf("containers/%s/upper", id);
	json_auto_t *row = NULL;
	struct rl_err why = { 0 };
	struct ctr_state st;
	int64_t bytes;
	struct ctr c;
	int r = ctr_open(rl, id, &c, &why);

	if (r < 0)
		return 0; /* gone already */
	r = life_state(rl, &c, &st, &why);
	row = filter_row(&c);
	if (r == 0 && row && (st.status == CTR_CREATED || st.status == CTR_EXITED) &&
	    st.monitor <= 0 && ps_filters_match(f, row)) {
		bytes = bytes_of(rl, ret, s, upper);
		r = life_remove(rl, &c, NULL, &why);
		if (r == 0) {
			mounting_forget(rl, id);
			ret->bytes += bytes;
			r = strv_add(&ret->names, id) < 0 ? rl_oom(err) : 0;
		} else if (r != -EBUSY && r != -ENOENT) {
			log_warn("container %.12s stays: %s", id, why.msg);
		}
	}
	ctr_done(&c);
	return r == -ENOMEM ? r : 0;
}

int prune_containers(const struct rl *rl, const struct strv *filters, struct pruned *ret,
		     struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	auto_strv struct strv ids = { 0 };
	auto_filters struct filters f = { 0 };
	struct rl_err ignored;
	int r = check_keys(filters, err);

	if (r == 0)
		r = ps_filters_new(rl, filters, &f, err);
	if (r == 0)
		r = ctr_list(rl, &ids, err);
	if (r == 0 && ids.n > 0) {
		bool has_session = ret->count && session_open(rl, &s, &ignored) == 0;

		for (size_t i = 0; i < ids.n && r == 0; i++)
			r = prune_container(rl, ids.v[i], &f, has_session ? &s : NULL, ret, err);
		ctr_sweep(rl, true);
		session_close(&s);
	}
	return r;
}

/* --- images ------------------------------------------------------------------------------ */

static int64_t all_layers(const struct rl *rl)
{
	json_auto_t *sizes = NULL;
	struct rl_err ignored;
	const char *key;
	json_t *v;
	int64_t n = 0;

	if (layer_sizes(rl, &sizes, &ignored) < 0)
		return 0;
	json_object_foreach (sizes, key, v)
		n += json_integer_value(v);
	return n;
}

static bool is_used(const struct strv *users, const char *id)
{
	for (size_t i = 0; i < users->n; i++)
		if (strncmp(users->v[i], id, 64) == 0)
			return true;
	return false;
}

static int prune_image(const struct rl *rl, struct image *img, bool all, const struct strv *users,
		       const struct filters *f, struct pruned *ret, struct rl_err *err)
{
	struct image_removed done = { 0 };
	struct rl_err why = { 0 };
	int r = 0;

	if ((!all && img->names.n > 0) || is_used(users, img->id))
		return 0;
	if (image_filters_need_config(f) && image_load_config(rl, img, &why) < 0) {
		log_warn("image %.12s stays: %s", img->id, why.msg);
		return 0;
	}
	if (!image_filters_match(f, img, 0))
		return 0;
	r = image_remove(rl, img->id, true, &done, &why);
	mounting_forget(rl, done.deleted);
	if (r == 0)
		r = strv_add(&ret->names, img->id) < 0 ? rl_oom(err) : 0;
	else if (r != -EBUSY && r != -ENOENT)
		log_warn("image %.12s stays: %s", img->id, why.msg);
	strv_done(&done.untagged);
	return r == -ENOMEM ? r : 0;
}

int prune_check(const struct rl *rl, bool images, const struct strv *filters, struct rl_err *err)
{
	auto_filters struct filters i = { 0 };
	auto_filters struct filters c = { 0 };
	int r = images ? 0 : check_keys(filters, err);

	if (r == 0)
		r = images ? image_filters_new(rl, filters, NULL, &i, err)
			   : ps_filters_new(rl, filters, &c, err);
	return r;
}

int prune_images(const struct rl *rl, bool all, const struct strv *filters, struct pruned *ret,
		 struct rl_err *err)
{
	auto_filters struct filters f = { 0 };
	auto_strv struct strv users = { 0 };
	struct image *v = NULL, *lists = NULL;
	struct rl_err why = { 0 };
	int64_t before = ret->count ? all_layers(rl) : 0;
	size_t n = 0, n_lists = 0;
	int r = image_filters_new(rl, filters, NULL, &f, err);

	if (r == 0)
		r = image_list(rl, &v, &n, err);
	if (r == 0)
		r = mlist_all(rl, &lists, &n_lists, err);
	if (r == 0)
		r = image_users(rl, &users, err);
	for (size_t i = 0; i < n_lists && r == 0; i++)
		r = prune_image(rl, &lists[i], all, &users, &f, ret, err);
	if (r == 0 && !all) /* what a list holds is no leftover, with or without a name */
		r = mlist_members(rl, &users, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = prune_image(rl, &v[i], all, &users, &f, ret, err);
	image_list_done(v, n);
	image_list_done(lists, n_lists);
	if (image_collect(rl, &why) < 0 || image_sweep_layers(rl, &why) < 0)
		log_warn("files of removed layers stay until the next time: %s", why.msg);
	if (ret->count)
		ret->bytes += before - all_layers(rl);
	return r;
}

/* --- volumes ----------------------------------------------------------------------------- */

struct candidates {
	bool all;
	struct strv *names;
};

static int candidate(void *arg, const struct volume *v, size_t users, struct rl_err *err)
{
	const struct candidates *c = arg;

	if (users > 0 || (!c->all && !v->anonymous))
		return 0;
	return strv_add(c->names, v->name) < 0 ? rl_oom(err) : 0;
}

int prune_volumes_list(const struct rl *rl, bool all, const struct strv *filters, struct strv *ret,
		       struct rl_err *err)
{
	auto_filters struct filters f = { 0 };
	struct candidates c = { all, ret };
	int r = volume_filters_new(rl, filters, &f, err);

	if (r == 0) {
		c.all = all || volume_filters_all(&f);
		r = volume_each(rl, &f, candidate, &c, err);
	}
	return r;
}

int prune_volumes(const struct rl *rl, bool all, const struct strv *filters, struct pruned *ret,
		  struct rl_err *err)
{
	struct session s = { .userns_fd = FD_NONE };
	auto_strv struct strv names = { 0 };
	struct rl_err why = { 0 };
	int r = prune_volumes_list(rl, all, filters, &names, err);
	bool has_session = r == 0 && names.n > 0 && session_open(rl, &s, &why) == 0;

	for (size_t i = 0; i < names.n && r == 0; i++) {
		auto_free char *path = str_printf("volumes/%s/_data", names.v[i]);
		int64_t bytes = bytes_of(rl, ret, has_session ? &s : NULL, path);
		int one = engine_volume_remove(rl, has_session ? &s : NULL, names.v[i], false, 0,
					       &why);

		if (one == 0) {
			ret->bytes += bytes;
			r = strv_add(&ret->names, names.v[i]) < 0 ? rl_oom(err) : 0;
		} else if (one != -EBUSY && one != -ENOENT) {
			log_warn("volume '%s' stays: %s", names.v[i], why.msg);
		}
	}
	volume_sweep(rl, has_session ? &s : NULL);
	session_close(&s);
	return r;
}

/* --- networks ---------------------------------------------------------------------------- */

struct networks {
	const struct rl *rl;
	struct pruned *p;
};

static int prune_network(void *arg, const struct network *n, struct rl_err *err)
{
	const struct networks *x = arg;
	struct rl_err why = { 0 };
	int r = network_remove(x->rl, n->name, &why);

	if (r == 0) {
		events_thing(x->rl, "network", "remove", n->id, n->name);
		return strv_add(&x->p->names, n->name) < 0 ? rl_oom(err) : 0;
	}
	if (r != -EBUSY && r != -ENOENT)
		log_warn("network '%s' stays: %s", n->name, why.msg);
	return 0;
}

int prune_networks(const struct rl *rl, const struct strv *filters, struct pruned *ret,
		   struct rl_err *err)
{
	struct networks x = { rl, ret };
	auto_filters struct filters f = { 0 };
	int r = network_filters_new(rl, filters, &f, err);

	if (r == 0)
		r = network_each(rl, &f, prune_network, &x, err);
	return r;
}
