/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_request.c - from a name as typed to the list of places that rl-image tries
 *
 * All that depends on the user's surroundings is looked up here, in the user's own namespaces:
 * registries.conf, auth files, credential helpers, certificate folders. The helper program needs
 * neither HOME nor a keyring.
 */
#include "config.h"

#include "storage/fetch_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/parse.h"
#include "storage/auth.h"
#include "storage/confdir.h"
#include "storage/fetch_search.h"
#include "storage/policy.h"
#include "storage/ref.h"
#include "storage/registries.h"
#include "storage/stores.h"

/* Registries whose tokens come from another host of the same operator. */
static const struct {
	const char *registry, *host, *realm;
} known_pairs[] = {
	{ "docker.io", "registry-1.docker.io", "auth.docker.io" },
	{ "registry.gitlab.com", NULL, "gitlab.com" },
};

static int put(json_t *o, const char *key, json_t *take, struct rl_err *err)
{
	return json_object_set_new(o, key, take) < 0 ? rl_oom(err) : 0;
}

int fetch_put_str(json_t *o, const char *key, const char *s, struct rl_err *err)
{
	json_t *v;

	if (!s)
		return 0;
	v = json_string(s);
	if (!v)
		return rl_fail(err, EINVAL, "'%s' holds text that is not UTF-8", key);
	return put(o, key, v, err);
}

int fetch_request_new(const struct session *s, bool quiet, json_t **ret, struct rl_err *err)
{
	json_auto_t *o = json_object();
	char uids[IDMAP_TEXT], gids[IDMAP_TEXT];

	if (!o)
		return rl_oom(err);
	(void)idmap_format(&s->uids, uids);
	(void)idmap_format(&s->gids, gids);
	if (fetch_put_str(o, "uids", uids, err) < 0 || fetch_put_str(o, "gids", gids, err) < 0 ||
	    put(o, "one_id", json_boolean(s->rung == SESSION_ONE_ID), err) < 0 ||
	    put(o, "quiet", json_boolean(quiet), err) < 0)
		return -err->code;
	*ret = TAKE_PTR(o);
	return 0;
}

/* Absolute certs.d folders in the order of their rank. */
static json_t *ca_dirs(void)
{
	auto_free char *user = confdir_user("certs.d");
	json_auto_t *list = json_array();

	if (!list || (user && json_array_append_new(list, json_string(user)) < 0) ||
	    json_array_append_new(list, json_string("/etc/containers/certs.d")) < 0 ||
	    json_array_append_new(list, json_string("/etc/docker/certs.d")) < 0)
		return NULL;
	return TAKE_PTR(list);
}

static int put_login(json_t *src, const struct login *l, struct rl_err *err)
{
	if (fetch_put_str(src, "user", l->user, err) < 0 ||
	    fetch_put_str(src, "password", l->password, err) < 0 ||
	    fetch_put_str(src, "refresh_token", l->refresh_token, err) < 0 ||
	    fetch_put_str(src, "login_from", l->from, err) < 0)
		return -err->code;
	return 0;
}

static int put_realms(json_t *src, const char *registry, const struct login *l, struct rl_err *err)
{
	json_auto_t *list = json_array();

	if (!list)
		return rl_oom(err);
	for (size_t i = 0; i < ARRAY_LEN(known_pairs); i++)
		if (strcmp(registry, known_pairs[i].registry) == 0 &&
		    json_array_append_new(list, json_string(known_pairs[i].realm)) < 0)
			return rl_oom(err);
	/* who has the very same login already learns nothing new */
	for (size_t i = 0; i < l->twins.n; i++)
		if (json_array_append_new(list, json_string(l->twins.v[i])) < 0)
			return rl_oom(err);
	return put(src, "realm_hosts", TAKE_PTR(list), err);
}

static const char *host_of(const char *registry)
{
	for (size_t i = 0; i < ARRAY_LEN(known_pairs); i++)
		if (known_pairs[i].host && strcmp(registry, known_pairs[i].registry) == 0)
			return known_pairs[i].host;
	return registry;
}

static int find_login(const struct pull_req *req, const struct endpoint *ep, struct login *l,
		      struct rl_err *err)
{
	if (req->creds && !ep->is_mirror)
		return auth_parse_creds(req->creds, l, err);
	return auth_find(req->authfile, &ep->ref, l, err);
}

static int put_tls(json_t *src, const struct pull_req *req, bool insecure, struct rl_err *err)
{
	bool lax = req->tls_verify == 0 || (req->tls_verify < 0 && insecure);

	if (put(src, "insecure", json_boolean(lax), err) < 0 ||
	    put(src, "verify", json_boolean(!lax), err) < 0 ||
	    put(src, "ca_dirs", ca_dirs(), err) < 0 ||
	    fetch_put_str(src, "cert_dir", req->cert_dir, err) < 0)
		return -err->code;
	return 0;
}

static int put_source(json_t *list, const struct pull_req *req, const char *image,
		      const struct endpoint *ep, struct rl_err *err)
{
	auto_login struct login l = { 0 };
	json_auto_t *src = json_object();
	const char *target = ep->ref.digest ? ep->ref.digest : ep->ref.tag;

	if (!src)
		return rl_oom(err);
	if (find_login(req, ep, &l, err) < 0)
		return -err->code;
	if (fetch_put_str(src, "image", image, err) < 0 ||
	    fetch_put_str(src, "target", target ? target : "latest", err) < 0 ||
	    fetch_put_str(src, "name", ep->ref.registry, err) < 0 ||
	    fetch_put_str(src, "host", host_of(ep->ref.registry), err) < 0 ||
	    fetch_put_str(src, "repo", ep->ref.repo, err) < 0 ||
	    put(src, "mirror", json_boolean(ep->is_mirror), err) < 0 ||
	    put_tls(src, req, ep->insecure, err) < 0 || put_login(src, &l, err) < 0 ||
	    put_realms(src, ep->ref.registry, &l, err) < 0)
		return -err->code;
	return json_array_append_new(list, TAKE_PTR(src)) < 0 ? rl_oom(err) : 0;
}

/* The name it is recorded under: with a digest the tag says nothing. */
static char *image_name(const struct ref *ref)
{
	auto_free char *repo = NULL;

	if (!ref->digest)
		return ref_print(ref);
	repo = ref_print_repo(ref);
	return repo ? str_printf("%s@%s", repo, ref->digest) : NULL;
}

static int put_candidate(json_t *list, const struct registries *reg, const struct pull_req *req,
			 const char *name, struct rl_err *err)
{
	struct endpoint ep[ENDPOINTS_MAX] = { 0 };
	auto_ref struct ref ref = { 0 };
	auto_free char *image = NULL;
	int n, r = ref_parse(name, strlen(name), &ref, err);

	if (r < 0)
		return r;
	image = image_name(&ref);
	if (!image)
		return rl_oom(err);
	n = registries_endpoints(reg, &ref, ep, err);
	for (int i = 0; i < n && r == 0; i++)
		r = put_source(list, req, image, &ep[i], err);
	for (int i = 0; i < n; i++)
		ref_done(&ep[i].ref);
	return n < 0 ? n : r;
}

int fetch_request_trust(json_t *root, struct rl_err *err)
{
	auto_free char *file = NULL, *user = confdir_user("registries.d");
	const char *dir = user && access(user, F_OK) == 0 ? user : "/etc/containers/registries.d";

	if (policy_file(&file, err) < 0 || fetch_put_str(root, "policy", file, err) < 0 ||
	    fetch_put_str(root, "sig_dir", dir, err) < 0)
		return -err->code;
	return 0;
}

/* "RL_FETCH_LIMITS=connect,header,stall" in ms: tests do not wait a minute. */
static int put_limits(json_t *root, struct rl_err *err)
{
	static const char *const names[] = { "connect_ms", "header_ms", "stall_ms" };
	const char *s = getenv("RL_FETCH_LIMITS");
	auto_strv struct strv v = { 0 };
	json_auto_t *o = json_object();

	if (!s)
		return 0;
	if (!o || strv_split(&v, s, ',') < 0)
		return rl_oom(err);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		uint64_t ms;

		if (i >= v.n || parse_uint(v.v[i], 3600000, &ms) < 0)
			return rl_fail(err, EINVAL, "RL_FETCH_LIMITS wants three numbers");
		if (put(o, names[i], json_integer((json_int_t)ms), err) < 0)
			return -err->code;
	}
	return put(root, "limits", TAKE_PTR(o), err);
}

static int put_options(json_t *root, const struct pull_req *req, struct rl_err *err)
{
	int64_t delay = req->retry_delay_ms > 0 ? req->retry_delay_ms : 1000;

	if (fetch_put_str(root, "platform", req->platform, err) < 0 ||
	    put(root, "all_tags", json_boolean(req->all_tags), err) < 0 ||
	    put(root, "retries", json_integer((json_int_t)req->retries), err) < 0 ||
	    put(root, "retry_delay_ms", json_integer(delay), err) < 0)
		return -err->code;
	return put_limits(root, err);
}

static int put_stores(json_t *root, struct rl_err *err)
{
	auto_strv struct strv paths = { 0 };
	json_auto_t *list = json_array();

	if (stores_more(&paths, err) < 0)
		return -err->code;
	for (size_t i = 0; i < paths.n; i++)
		if (json_array_append_new(list, json_string(paths.v[i])) < 0)
			return rl_oom(err);
	return put(root, "stores", TAKE_PTR(list), err);
}

int fetch_request_pull(json_t *root, const struct pull_req *req, struct rl_err *err)
{
	auto_registries struct registries *reg = NULL;
	auto_strv struct strv names = { 0 };
	json_auto_t *list = json_array();
	const char *name = req->name;

	if (strncmp(name, "docker://", 9) == 0)
		name += 9;
	if (!list)
		return rl_oom(err);
	if (registries_exist() && registries_load(&reg, err) < 0)
		return -err->code;
	if (registries_candidates(reg, name, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.n; i++)
		if (put_candidate(list, reg, req, names.v[i], err) < 0)
			return -err->code;
	if (put(root, "sources", TAKE_PTR(list), err) < 0 || fetch_request_trust(root, err) < 0 ||
	    put_stores(root, err) < 0)
		return -err->code;
	return put_options(root, req, err);
}

static int put_home(json_t *list, const struct registries *reg, const struct pull_req *req,
		    const struct ref *ref, struct rl_err *err)
{
	struct endpoint ep[ENDPOINTS_MAX] = { 0 };
	auto_free char *image = image_name(ref);
	int n = image ? registries_endpoints(reg, ref, ep, err) : rl_oom(err), r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++)
		if (!ep[i].is_mirror)
			r = put_source(list, req, image, &ep[i], err);
	for (int i = 0; i < n; i++)
		ref_done(&ep[i].ref);
	return r;
}

int fetch_request_push(json_t *root, const struct pull_req *req, struct rl_err *err)
{
	auto_registries struct registries *reg = NULL;
	auto_ref struct ref ref = { 0 };
	json_auto_t *list = json_array();

	if (!list)
		return rl_oom(err);
	if (registries_exist() && registries_load(&reg, err) < 0)
		return -err->code;
	if (ref_parse(req->name, strlen(req->name), &ref, err) < 0 ||
	    put_home(list, reg, req, &ref, err) < 0 ||
	    put(root, "sources", TAKE_PTR(list), err) < 0)
		return -err->code;
	return put_options(root, req, err);
}

/* --- search --- */

/* docker.io answers searches at another host, to everybody: no login is shown there. */
static int put_registry(json_t *list, const struct registries *reg, const struct search_req *req,
			const char *name, struct rl_err *err)
{
	auto_free char *text = str_printf("%s/search", name); /* any repository */
	auto_ref struct ref ref = { 0 };
	json_t *src;

	if (!text)
		return rl_oom(err);
	if (ref_parse(text, strlen(text), &ref, err) < 0)
		return -err->code;
	if (strcmp(name, "docker.io") != 0)
		return put_home(list, reg, &req->to, &ref, err);
	if (put_home(list, reg, &req->to, &ref, err) < 0)
		return -err->code;
	src = json_array_get(list, json_array_size(list) - 1);
	if (strcmp(json_string_value(json_object_get(src, "name")), name) != 0)
		return 0;                   /* registries.conf has it elsewhere */
	(void)json_object_del(src, "user"); /* what is not there need not go */
	(void)json_object_del(src, "password");
	(void)json_object_del(src, "refresh_token");
	return fetch_put_str(src, "host", "index.docker.io", err);
}

/* "REGISTRY/TERM": length of the first part; 0 = a term alone. */
static size_t registry_len(const char *term)
{
	size_t n = strcspn(term, "/");

	if (!term[n])
		return 0;
	return memchr(term, '.', n) || memchr(term, ':', n) ||
			       (n == 9 && strncmp(term, "localhost", n) == 0)
		       ? n
		       : 0;
}

static int put_search(json_t *root, json_t *list, const struct registries *reg,
		      const struct search_req *req, struct rl_err *err)
{
	const char *term = req->to.name;
	const struct strv *search = reg ? registries_search(reg) : NULL;
	size_t n = registry_len(term);
	int r = 0;

	if (fetch_put_str(root, "query", n ? term + n + 1 : term, err) < 0)
		return -err->code;
	if (n > 0) {
		auto_free char *one = strndup(term, n);

		return one ? put_registry(list, reg, req, one, err) : rl_oom(err);
	}
	if (!search || search->n == 0)
		return put_registry(list, reg, req, "docker.io", err);
	for (size_t i = 0; i < search->n && r == 0; i++)
		r = put_registry(list, reg, req, search->v[i], err);
	return r;
}

static int put_repository(json_t *list, const struct registries *reg, const struct search_req *req,
			  struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	const char *name = req->to.name;
	int r = registries_candidates(reg, name, &names, err);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		auto_ref struct ref ref = { 0 };

		r = ref_parse(names.v[i], strlen(names.v[i]), &ref, err);
		if (r == 0)
			r = put_home(list, reg, &req->to, &ref, err);
	}
	return r;
}

int fetch_request_search(json_t *root, const struct search_req *req, struct rl_err *err)
{
	auto_registries struct registries *reg = NULL;
	struct search_req plain = *req;
	json_auto_t *list = json_array();
	int r;

	if (strncmp(req->to.name, "docker://", 9) == 0)
		plain.to.name += 9;
	if (!list)
		return rl_oom(err);
	if (registries_exist() && registries_load(&reg, err) < 0)
		return -err->code;
	r = req->list_tags ? put_repository(list, reg, &plain, err)
			   : put_search(root, list, reg, &plain, err);
	if (r == 0)
		r = put(root, "limit", json_integer((json_int_t)req->limit), err);
	if (r == 0)
		r = put(root, "sources", TAKE_PTR(list), err);
	return r < 0 ? r : put_options(root, &req->to, err);
}
