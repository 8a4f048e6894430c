/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_out.c - running rl-image for push, save and login; the header is the manual */
#include "config.h"

#include "storage/fetch_out.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "storage/digest.h"
#include "storage/fetch_helper.h"
#include "storage/fetch_request.h"

static int compose_push(json_t *root, const void *arg, struct rl_err *err)
{
	const struct push_req *req = arg;

	if (fetch_put_str(root, "id", req->id, err) < 0 ||
	    fetch_put_str(root, "format", req->format, err) < 0 ||
	    fetch_put_str(root, "compression", req->compression, err) < 0)
		return -err->code;
	if (json_object_set_new(root, "level", json_integer(req->level)) < 0 ||
	    json_object_set_new(root, "force", json_boolean(req->force)) < 0 ||
	    (req->list && json_object_set(root, "list", req->list) < 0))
		return rl_oom(err);
	return fetch_request_push(root, &req->to, err);
}

int fetch_push(const struct rl *rl, const struct push_req *req, char **ret_digest,
	       struct rl_err *err)
{
	static const char *const words[] = { "push", NULL };
	struct session s = { .userns_fd = FD_NONE };
	auto_strv struct strv ids = { 0 };
	auto_fd int fd = FD_NONE;
	int r = session_open(rl, &s, err);

	if (r < 0)
		return r;
	fd = fetch_secret_request(&s, req->to.quiet, compose_push, req, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { fd, 3 } }, 1, NULL, &ids,
				      err);
	session_close(&s);
	if (r < 0)
		return r;
	if (ids.n != 2 || !digest_is_valid(ids.v[1]))
		return rl_fail(err, EPROTO, "rl-image does not say what it pushed");
	*ret_digest = strdup(ids.v[1]);
	return *ret_digest ? 0 : rl_oom(err);
}

static int compose_login(json_t *root, const void *arg, struct rl_err *err)
{
	return fetch_request_push(root, arg, err);
}

int fetch_login(const struct rl *rl, const char *registry, const struct pull_req *req,
		struct rl_err *err)
{
	static const char *const words[] = { "login", NULL };
	auto_free char *name = str_printf("%s/login", registry); /* any repository */
	struct session s = { .userns_fd = FD_NONE };
	struct pull_req to = *req;
	auto_fd int fd = FD_NONE;
	int r;

	if (!name)
		return rl_oom(err);
	to.name = name;
	r = session_open(rl, &s, err);
	if (r < 0)
		return r;
	fd = fetch_secret_request(&s, true, compose_login, &to, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { fd, 3 } }, 1, NULL, NULL,
				      err);
	session_close(&s);
	return r;
}

/* --- save --- */

/* The object of the image @id in @list, made when it is its first name. */
static json_t *image_of(json_t *list, const char *id)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o)
		if (strcmp(json_string_value(json_object_get(o, "id")), id) == 0)
			return o;
	o = json_pack("{s:s, s:[]}", "id", id, "names");
	return json_array_append_new(list, o) < 0 ? NULL : o;
}

static int save_request(const struct session *s, const struct strv *ids, const char *format,
			bool quiet, struct rl_err *err)
{
	json_auto_t *root = NULL;
	json_t *list = json_array();
	int r = fetch_request_new(s, quiet, &root, err);

	if (r == 0 && json_object_set_new(root, "images", list) < 0)
		r = rl_oom(err);
	if (r == 0)
		r = fetch_put_str(root, "format", format, err);
	for (size_t i = 0; r == 0 && i < ids->n; i++) {
		const char *space = strchr(ids->v[i], ' ');
		char id[65];
		json_t *o;

		(void)snprintf(id, sizeof(id), "%s", ids->v[i]);
		o = image_of(list, id);
		if (!o || (space && json_array_append_new(json_object_get(o, "names"),
							  json_string(space + 1)) < 0))
			r = rl_oom(err);
	}
	return r < 0 ? r : fetch_request_fd(root, err);
}

int fetch_save(const struct rl *rl, const struct strv *ids, const char *format, bool quiet,
	       int out_fd, struct rl_err *err)
{
	static const char *const words[] = { "save", NULL };
	struct session s = { .userns_fd = FD_NONE };
	auto_fd int fd = FD_NONE;
	int r = session_open(rl, &s, err);

	if (r < 0)
		return r;
	fd = save_request(&s, ids, format, quiet, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { fd, 3 }, { out_fd, 4 } },
				      2, NULL, NULL, err);
	session_close(&s);
	return r;
}
