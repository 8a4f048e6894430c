/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push_list.c - a manifest list to a registry: its images first, each by digest, then the index
 *
 * Each entry gets a fetcher of its own, with the right to read from the repository where its parts
 * may be. Where an image's manifest is written anew (packed layers, other format), the index
 * follows. Without entries in the request the index alone is sent.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "storage/image/push.h"

/* What the index says of an entry is what was pushed. */
static int correct(json_t *descriptor, const struct digest *digest, const char *type, size_t size,
		   struct rl_err *err)
{
	if (!descriptor ||
	    json_object_set_new(descriptor, "digest", json_string(digest->text)) < 0 ||
	    json_object_set_new(descriptor, "mediaType", json_string(type)) < 0 ||
	    json_object_set_new(descriptor, "size", json_integer((json_int_t)size)) < 0)
		return rl_oom(err);
	return 0;
}

static int read_entry(struct push *p, const json_t *e, struct rl_err *err)
{
	const char *id = NULL, *text = NULL, *from = NULL;
	int r = json_get_str(e, "id", "request", &id, err);

	if (r == 0)
		r = json_get_str(e, "manifest", "request", &text, err);
	if (r == 0)
		r = json_get_str(e, "mount_from", "request", &from, err);
	if (r < 0)
		return r;
	free(TAKE_PTR(p->src->conf.mount_from));
	if (id) {
		r = push_read_image(p, id, err);
		if (r == 0 && !from)
			push_find_mount(p);
	} else {
		r = text && buf_str(&p->manifest, text) == 0 ? push_read_manifest(p, err)
							     : rl_oom(err);
	}
	if (r == 0 && from) {
		p->src->conf.mount_from = strdup(from);
		r = p->src->conf.mount_from ? 0 : rl_oom(err);
	}
	return r;
}

static int push_entry(struct push *p, const json_t *e, json_t *descriptor, struct rl_err *err)
{
	struct digest digest;
	char type[128];
	int r = read_entry(p, e, err);

	if (r == 0)
		r = fetcher_start(&p->src->conf, NULL, NULL, &p->fetcher, err);
	if (r == 0) {
		r = push_parts(p, NULL, &digest, type, err);
		fetcher_stop(&p->fetcher);
	}
	if (r == 0)
		r = correct(descriptor, &digest, type, p->manifest.len, err);
	push_forget(p);
	return r;
}

static int push_index(struct push *p, const json_t *index, struct rl_err *err)
{
	const char *type = json_string_value(json_object_get(index, "mediaType"));
	auto_free char *text = json_dumps(index, JSON_COMPACT);
	auto_buf struct buf b = { 0 };
	struct digest digest;
	int r = text ? buf_str(&b, text) : -ENOMEM;

	if (r < 0)
		return rl_oom(err);
	r = fetcher_start(&p->src->conf, NULL, NULL, &p->fetcher, err);
	if (r < 0)
		return r;
	r = push_document(p, &b, type ? type : "", p->src->target, &digest, err);
	fetcher_stop(&p->fetcher);
	return r < 0 ? r : request_result(p->req->id, p->src->image, digest.text, err);
}

int push_list(struct push *p, struct rl_err *err)
{
	json_t *index = NULL, *entries = NULL, *list = NULL, *e;
	size_t i;
	int r = json_get_obj(p->req->list, "index", "request", &index, err);

	if (r == 0)
		r = json_get_arr(p->req->list, "entries", "request", &entries, err);
	if (r == 0)
		r = json_get_arr(index, "manifests", "request", &list, err);
	if (r == 0 && (!p->req->id || !list ||
		       (entries && json_array_size(entries) != json_array_size(list))))
		r = rl_fail(err, EINVAL, "request: not a list to push");
	json_array_foreach (entries, i, e) {
		if (r == 0)
			r = push_entry(p, e, json_array_get(list, i), err);
		if (r < 0)
			return rl_wrap(err, "entry %zu", i + 1);
	}
	return r < 0 ? r : push_index(p, index, err);
}
