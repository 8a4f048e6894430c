/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mlist_push.c - what rl-image needs to push a manifest list; the header is the manual
 *
 * An entry's image is in this store, or in a registry. In the registry that the list goes to its
 * parts are mounted from the one repository into the other; from elsewhere they come by a pull.
 */
#include "config.h"

#include "storage/mlist_push.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "storage/image_store.h"
#include "storage/ref.h"

struct work {
	const struct rl *rl;
	const struct pull_req *to;
	struct ref dest;
	struct strv pulled; /* names to remove afterwards */
};

static const char *text(const json_t *e, const char *key)
{
	return json_string_value(json_object_get(e, key));
}

/* Does the user have it under this very name? Then it stays afterwards. */
static bool is_there(const struct rl *rl, const char *name)
{
	auto_ref struct ref ref = { 0 };
	auto_free char *path = NULL;
	struct rl_err ignored;

	return ref_parse(name, strlen(name), &ref, &ignored) == 0 &&
	       name_path(&ref, &path, &ignored) == 0 && io_exists(rl->data_fd, path);
}

/* The image of another registry into the store. */
static int pull(struct work *w, const char *source, json_t **ret, struct rl_err *err)
{
	const struct pull_req req = { .name = source,
				      .authfile = w->to->authfile,
				      .tls_verify = w->to->tls_verify,
				      .retries = w->to->retries,
				      .retry_delay_ms = w->to->retry_delay_ms,
				      .quiet = true };
	const bool there = is_there(w->rl, source);
	auto_strv struct strv ids = { 0 };
	int r = fetch_pull(w->rl, &req, &ids, err);

	if (r == 0 && ids.n != 1)
		r = rl_fail(err, EPROTO, "'%s' is no single image", source);
	if (r == 0 && !there && strv_add(&w->pulled, source) < 0)
		r = rl_oom(err);
	if (r < 0)
		return r;
	*ret = json_pack("{s:s}", "id", ids.v[0]);
	return *ret ? 0 : rl_oom(err);
}

static int entry(struct work *w, const json_t *e, json_t **ret, struct rl_err *err)
{
	const char *id = text(e, "image"), *source = text(e, "source");
	auto_free char *name = NULL;
	auto_ref struct ref ref = { 0 };
	struct rl_err ignored;
	char found[65];
	int r;

	if (id && image_resolve(w->rl, id, NULL, found, &name, &ignored) == 0) {
		*ret = json_pack("{s:s}", "id", id);
		return *ret ? 0 : rl_oom(err);
	}
	if (!source) {
		rl_fail(err, ENOENT, "image %.12s of the list is not in the store any more",
			id ? id : mlist_digest(e));
		return rl_hint(err, "add it again, or take it out: rl manifest remove LIST %s",
			       mlist_digest(e));
	}
	r = ref_parse(source, strlen(source), &ref, err);
	if (r < 0)
		return r;
	if (strcmp(ref.registry, w->dest.registry) != 0)
		return pull(w, source, ret, err);
	*ret = json_pack("{s:s, s:s*}", "manifest", text(e, "manifest"), "mount_from",
			 strcmp(ref.repo, w->dest.repo) == 0 ? NULL : ref.repo);
	return *ret ? 0 : rl_oom(err);
}

static int compose(struct work *w, const struct mlist *l, bool docker, bool all, json_t **ret,
		   struct rl_err *err)
{
	json_auto_t *j = json_object();
	json_t *index = NULL, *list = all ? json_array() : NULL, *e;
	size_t i;
	int r = j ? mlist_index(l, docker, &index, err) : rl_oom(err);

	if (r == 0 && (json_object_set_new(j, "index", index) < 0 ||
		       (all && json_object_set_new(j, "entries", list) < 0)))
		r = rl_oom(err);
	json_array_foreach (all ? mlist_entries(l) : NULL, i, e) {
		json_t *one = NULL;

		if (r == 0)
			r = entry(w, e, &one, err);
		if (r == 0 && json_array_append_new(list, one) < 0)
			r = rl_oom(err);
	}
	if (r == 0)
		*ret = json_incref(j);
	return r;
}

int mlist_push(const struct rl *rl, const struct mlist *l, struct push_req *req, bool all,
	       char **ret_digest, struct rl_err *err)
{
	const bool docker = req->format && strcmp(req->format, "oci") != 0;
	struct work w = { .rl = rl, .to = &req->to };
	json_auto_t *list = NULL;
	struct rl_err why = { 0 };
	int r = ref_parse(req->to.name, strlen(req->to.name), &w.dest, err);

	if (r == 0)
		r = compose(&w, l, docker, all, &list, err);
	req->id = l->id;
	req->list = list;
	if (r == 0)
		r = fetch_push(rl, req, ret_digest, err);
	req->list = NULL;
	for (size_t i = 0; i < w.pulled.n; i++) {
		struct image_removed done = { 0 };

		if (image_remove(rl, w.pulled.v[i], false, &done, &why) < 0)
			log_warn("'%s' stays in the store: %s", w.pulled.v[i], why.msg);
		strv_done(&done.untagged);
	}
	if (w.pulled.n && image_sweep_layers(rl, &why) < 0)
		log_warn("files of removed layers stay until the next time: %s", why.msg);
	strv_done(&w.pulled);
	ref_done(&w.dest);
	return r;
}
