/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - the request of rl; the header is the manual */
#include "config.h"

#include "storage/image/request.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/digest.h"

static const char what[] = "request";

/* JSON values hold passwords here. */
static void wiping_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* A copy of a string; missing is NULL. */
static int dup_str(const json_t *o, const char *key, char **ret, struct rl_err *err)
{
	const char *s;

	if (json_get_str(o, key, what, &s, err) < 0)
		return -err->code;
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? rl_oom(err) : 0;
}

static int dup_list(const json_t *o, const char *key, struct strv *ret, struct rl_err *err)
{
	json_t *list, *v;
	size_t i;

	if (json_get_arr(o, key, what, &list, err) < 0 || json_check_strings(list, what, err) < 0)
		return -err->code;
	json_array_foreach (list, i, v)
		if (strv_add(ret, json_string_value(v)) < 0)
			return rl_oom(err);
	return 0;
}

static int read_limits(const json_t *root, struct http_limits *l, struct rl_err *err)
{
	json_t *o;

	*l = (struct http_limits){ .connect_ms = 30000, .header_ms = 60000, .stall_ms = 60000 };
	if (json_get_obj(root, "limits", what, &o, err) < 0)
		return -err->code;
	if (!o)
		return 0;
	if (json_get_int(o, "connect_ms", what, &l->connect_ms, err) < 0 ||
	    json_get_int(o, "header_ms", what, &l->header_ms, err) < 0 ||
	    json_get_int(o, "stall_ms", what, &l->stall_ms, err) < 0)
		return -err->code;
	return 0;
}

static int read_source(const json_t *root, const json_t *o, struct source *s, struct rl_err *err)
{
	struct registry_conf *c = &s->conf;
	int64_t retries;

	if (dup_str(o, "image", &s->image, err) < 0 || dup_str(o, "target", &s->target, err) < 0 ||
	    json_get_bool(o, "mirror", what, &s->mirror, err) < 0 ||
	    dup_str(o, "name", &c->name, err) < 0 || dup_str(o, "host", &c->host, err) < 0 ||
	    dup_str(o, "repo", &c->repo, err) < 0 ||
	    json_get_bool(o, "insecure", what, &c->insecure, err) < 0 ||
	    json_get_bool(o, "verify", what, &c->verify, err) < 0 ||
	    dup_str(o, "user", &c->user, err) < 0 ||
	    dup_str(o, "password", &c->password, err) < 0 ||
	    dup_str(o, "refresh_token", &c->refresh_token, err) < 0 ||
	    dup_str(o, "login_from", &c->login_from, err) < 0 ||
	    dup_list(o, "realm_hosts", &c->realm_hosts, err) < 0 ||
	    dup_list(o, "ca_dirs", &c->ca_dirs, err) < 0 ||
	    dup_str(o, "cert_dir", &c->cert_dir, err) < 0 ||
	    json_get_int(root, "retries", what, &retries, err) < 0 ||
	    json_get_int(root, "retry_delay_ms", what, &c->retry_delay_ms, err) < 0)
		return -err->code;
	if (!s->image || !s->target || !c->name || !c->host || !c->repo || retries < 0)
		return rl_fail(err, EINVAL, "request: a source is not complete");
	c->retries = (uint64_t)retries;
	return read_limits(root, &c->limits, err);
}

static int read_session(const json_t *root, struct session *s, struct rl_err *err)
{
	const char *uids, *gids;
	bool one;

	s->userns_fd = FD_NONE;
	if (json_get_str(root, "uids", what, &uids, err) < 0 ||
	    json_get_str(root, "gids", what, &gids, err) < 0 ||
	    json_get_bool(root, "one_id", what, &one, err) < 0)
		return -err->code;
	if (!uids || !gids || idmap_parse(uids, &s->uids) < 0 || idmap_parse(gids, &s->gids) < 0)
		return rl_fail(err, EINVAL, "request: no usable id maps");
	s->rung = one ? SESSION_ONE_ID : SESSION_FULL;
	return 0;
}

static int read_platform(const json_t *root, struct request *req, struct rl_err *err)
{
	const char *text;

	if (json_get_str(root, "platform", what, &text, err) < 0)
		return -err->code;
	req->platform_given = text;
	if (text)
		return platform_parse(text, &req->platform, err);
	platform_host(&req->platform);
	return 0;
}

static int read_images(const json_t *root, struct request *req, struct rl_err *err)
{
	json_t *list, *o;
	size_t i;

	if (json_get_arr(root, "images", what, &list, err) < 0)
		return -err->code;
	req->images = calloc(json_array_size(list) + 1, sizeof(*req->images));
	if (!req->images)
		return rl_oom(err);
	json_array_foreach (list, i, o) {
		struct request_image *v = &req->images[req->n_images++];

		if (dup_str(o, "id", &v->id, err) < 0 || dup_list(o, "names", &v->names, err) < 0)
			return -err->code;
		if (!v->id || !digest_is_hex64(v->id, strlen(v->id)))
			return rl_fail(err, EINVAL, "request: no image id");
	}
	return 0;
}

static int read_all(const json_t *root, struct request *req, struct rl_err *err)
{
	json_t *list, *o, *add, *index;
	size_t i;

	if (read_session(root, &req->session, err) < 0 || read_platform(root, req, err) < 0 ||
	    json_get_bool(root, "quiet", what, &req->quiet, err) < 0 ||
	    json_get_bool(root, "all_tags", what, &req->all_tags, err) < 0 ||
	    dup_list(root, "stores", &req->stores, err) < 0 ||
	    dup_str(root, "query", &req->query, err) < 0 ||
	    json_get_int(root, "limit", what, &req->limit, err) < 0 ||
	    dup_str(root, "policy", &req->policy, err) < 0 ||
	    dup_str(root, "sig_dir", &req->sig_dir, err) < 0 ||
	    dup_str(root, "source", &req->source, err) < 0 ||
	    dup_str(root, "want", &req->want, err) < 0 || dup_str(root, "id", &req->id, err) < 0 ||
	    dup_str(root, "format", &req->format, err) < 0 ||
	    dup_str(root, "compression", &req->compression, err) < 0 ||
	    json_get_int(root, "level", what, &req->level, err) < 0 ||
	    json_get_bool(root, "force", what, &req->force, err) < 0 ||
	    json_get_obj(root, "list", what, &index, err) < 0 || read_images(root, req, err) < 0 ||
	    json_get_obj(root, "add", what, &add, err) < 0 ||
	    json_get_arr(root, "sources", what, &list, err) < 0)
		return -err->code;
	req->add = json_incref(add);
	req->list = json_incref(index);
	req->sources = calloc(json_array_size(list) + 1, sizeof(*req->sources));
	if (!req->sources)
		return rl_oom(err);
	json_array_foreach (list, i, o) {
		req->n_sources = i + 1;
		if (read_source(root, o, &req->sources[i], err) < 0)
			return -err->code;
	}
	return 0;
}

int request_read(struct request *ret, struct rl_err *err)
{
	struct request req = { 0 };
	struct buf text = { 0 };
	json_t *root = NULL;
	int r;

	json_set_alloc_funcs(malloc, wiping_free);
	r = io_read_all(REQUEST_FD, REQUEST_MAX, &text);
	(void)close(REQUEST_FD); /* handed to us for this */
	if (r < 0)
		r = rl_fail_sys(err, -r, "read the request");
	else
		r = json_read(text.data ? text.data : "", text.len, REQUEST_MAX, what, &root, err);
	if (r == 0)
		r = read_all(root, &req, err);
	json_decref(root);
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_done(&text);
	if (r < 0) {
		request_done(&req);
		return r;
	}
	*ret = req;
	return 0;
}

void request_done(struct request *req)
{
	for (size_t i = 0; i < req->n_sources; i++) {
		registry_conf_done(&req->sources[i].conf);
		free(req->sources[i].image);
		free(req->sources[i].target);
	}
	free(req->sources);
	for (size_t i = 0; i < req->n_images; i++) {
		free(req->images[i].id);
		strv_done(&req->images[i].names);
	}
	free(req->images);
	strv_done(&req->stores);
	free(req->query);
	free(req->policy);
	free(req->sig_dir);
	free(req->source);
	free(req->want);
	free(req->id);
	free(req->format);
	free(req->compression);
	json_decref(req->add);
	json_decref(req->list);
	*req = (struct request){ 0 };
}

int request_result(const char *id, const char *name, const char *digest, struct rl_err *err)
{
	json_auto_t *j = json_pack("{s:s, s:s*, s:s*}", "id", id, "name", name, "digest", digest);
	auto_free char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	auto_free char *line = text ? str_printf("%s\n", text) : NULL;
	int r;

	if (!line)
		return rl_oom(err);
	r = io_write_all(STDOUT_FILENO, line, strlen(line));
	return r < 0 ? rl_fail_sys(err, -r, "report the result") : 0;
}

int request_signals(struct rl_err *err)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return rl_fail_sys(err, errno, "block signals");
	(void)signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? rl_fail_sys(err, errno, "signalfd") : fd;
}
