/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_auth.c - who we are to a registry: Basic, and Bearer tokens
 *
 * Theory of operation: requests start without authorisation. A 401 says what the registry wants.
 * Basic: the same request again with user and password. Bearer: one token is fetched for all jobs
 * (they wait meanwhile) and sent from then on; a 401 in spite of a token means that it is too
 * old or too weak: a new one is fetched, twice at most per job.
 *
 * Threat: a hostile registry names a token service of its choice as the realm, or a redirect leads
 * elsewhere, to collect passwords (CVE-2020-15157 and its kin).
 * Defence: what is sent depends on the origin of the very URL that it is sent to. The password
 * goes to the registry's own origin and to hosts that the user's configuration (or the built-in
 * pair of docker.io) names; a foreign realm is asked anonymously, which public images need.
 * Must not: ask for more than pull (and push, when that is what the user wants) on this one
 * repository, and pull on the one that a layer is mounted from, whatever scope the challenge names.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/image/registry_job.h"

#define TOKEN_BODY_MAX (1 << 20)
#define TOKEN_LEN_MAX  65536
#define AUTH_ROUNDS    2

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static void wipe_list(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		explicit_bzero(l->v[i], strlen(l->v[i]));
	strv_done(l);
}

int auth_new(struct registry *reg)
{
	const struct registry_conf *c = reg->conf;
	auto_free char *plain = NULL, *code = NULL;
	size_t n;

	if (!c->user || !c->password)
		return 0;
	plain = str_printf("%s:%s", c->user, c->password);
	if (!plain)
		return -ENOMEM;
	n = strlen(plain);
	code = malloc(4 * (n / 3 + 1) + 1);
	if (code)
		(void)EVP_EncodeBlock((unsigned char *)code, (unsigned char *)plain, (int)n);
	reg->login = code ? str_printf("Authorization: Basic %s", code) : NULL;
	explicit_bzero(plain, n);
	if (code)
		explicit_bzero(code, strlen(code));
	return reg->login ? 0 : -ENOMEM;
}

static void token_request_done(struct token *t)
{
	http_stop(&t->req);
	http_resp_done(&t->req.resp);
	wipe_list(&t->headers);
	wipe(t->post);
	free(t->url);
	if (t->body.data)
		explicit_bzero(t->body.data, t->body.len);
	buf_done(&t->body);
	t->url = t->post = NULL;
}

void auth_done(struct registry *reg)
{
	token_request_done(&reg->token);
	challenge_done(&reg->token.challenge);
	wipe(reg->token.header);
	wipe(reg->login);
	reg->login = reg->token.header = NULL;
}

const char *auth_header(struct job *j)
{
	struct registry *reg = j->reg;

	j->token_used = 0;
	j->sent_login = false;
	if (reg->token.state == TOKEN_READY) {
		j->token_used = reg->token.generation;
		return reg->token.header;
	}
	if (reg->basic && reg->login) {
		j->sent_login = true;
		return reg->login;
	}
	return NULL;
}

/* --- the token request --- */

/* All jobs that wait for a token: go on (NULL), or end with @err. */
static void wake_jobs(struct registry *reg, const struct rl_err *err)
{
	for (size_t i = 0; i < REGISTRY_JOBS_MAX; i++) {
		struct job *j = &reg->jobs[i];

		if (j->state != JOB_TOKEN)
			continue;
		if (err)
			job_finish(j, err);
		else
			job_again(j, 0);
	}
}

static void token_failed(struct registry *reg, const struct rl_err *err)
{
	reg->token.state = TOKEN_NONE;
	token_request_done(&reg->token);
	wake_jobs(reg, err);
}

static int take_token(struct registry *reg, const char *host, struct rl_err *err)
{
	struct token *t = &reg->token;
	const char *text = t->body.data ? t->body.data : "", *token;
	json_auto_t *j = NULL;
	auto_free char *what = str_printf("token from '%s'", host);

	if (!what)
		return rl_oom(err);
	if (json_read(text, t->body.len, TOKEN_BODY_MAX, what, &j, err) < 0)
		return -err->code;
	if (json_get_str(j, "token", what, &token, err) < 0)
		return -err->code;
	if (!token && json_get_str(j, "access_token", what, &token, err) < 0)
		return -err->code;
	if (!token || !*token || strlen(token) > TOKEN_LEN_MAX)
		return rl_fail(err, EPROTO, "%s: there is none in the answer", what);
	for (const char *p = token; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f) /* would end the header line */
			return rl_fail(err, EPROTO, "%s: it holds forbidden bytes", what);
	wipe(t->header);
	t->header = str_printf("Authorization: Bearer %s", token);
	return t->header ? 0 : rl_oom(err);
}

static int token_refused(const struct registry *reg, const char *host, struct rl_err *err)
{
	const struct registry_conf *c = reg->conf;
	const struct token *t = &reg->token;
	long status = t->req.resp.status;
	char text[256];

	registry_error_text(&t->body, text, sizeof(text));
	if (status == 401 || status == 403) {
		if (t->with_login) {
			rl_fail(err, EACCES, "the login%s%s%s is refused by '%s'%s%s",
				c->user ? " of user '" : "", c->user ? c->user : "",
				c->user ? "'" : "", host, *text ? ": " : "", text);
			return rl_hint(err, "credentials came from %s; 'rl login %s' replaces them",
				       c->login_from ? c->login_from : "--creds", c->name);
		}
		rl_fail(err, EACCES, "'%s' gives no access to '%s' without a login%s%s", host,
			c->repo, *text ? ": " : "", text);
		if (c->user || c->refresh_token)
			return rl_hint(
				err,
				"it is another host than the registry, so your login was not "
				"sent there; if it is the same operator's: rl login %s",
				host);
		return rl_hint(err, "log in with 'rl login %s', or name an --authfile", c->name);
	}
	return rl_fail(err, EPROTO, "the token service '%s' answers with status %ld%s%s", host,
		       status, *text ? ": " : "", text);
}

static void start_token(struct registry *reg);

static bool retry_token(struct registry *reg, int64_t wait_s)
{
	struct token *t = &reg->token;

	if (t->tries >= reg->conf->retries || wait_s > REGISTRY_RETRY_WAIT_MAX)
		return false;
	t->at_ms = now_ms() + (wait_s > 0 ? wait_s * 1000 : registry_backoff(reg, t->tries));
	t->tries++;
	return true;
}

static void token_done(struct http_req *req, CURLcode code)
{
	struct registry *reg = req->arg;
	struct token *t = &reg->token;
	auto_free char *host = http_host(t->url);
	const char *h = host ? host : "?";
	struct rl_err err = { 0 };
	long status = req->resp.status;

	if (code == CURLE_OK && status == 200) {
		if (take_token(reg, h, &err) < 0) {
			token_failed(reg, &err);
			return;
		}
		t->state = TOKEN_READY;
		t->generation++;
		token_request_done(t);
		wake_jobs(reg, NULL);
		return;
	}
	if ((code != CURLE_OK && http_is_transient(code)) ||
	    (code == CURLE_OK && (status >= 500 || status == 429))) {
		if (retry_token(reg, status == 429 ? req->resp.retry_after : -1))
			return;
	}
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && status >= 300))
		http_error(req, code, &err);
	else
		token_refused(reg, h, &err);
	rl_wrap(&err, "get a token");
	token_failed(reg, &err);
}

static size_t token_body(struct http_req *req, const void *p, size_t n)
{
	struct registry *reg = req->arg;

	if (reg->token.body.len + n > TOKEN_BODY_MAX || buf_add(&reg->token.body, p, n) < 0)
		return 0;
	return n;
}

/* May the password be shown to the service at @url? */
static bool realm_is_trusted(const struct registry *reg, const char *url)
{
	auto_free char *origin = http_origin(url), *host = http_host(url);

	if (!origin || !host)
		return false;
	if (strcmp(origin, reg->origin) == 0)
		return true;
	return strncmp(url, "https:", 6) == 0 && strv_has(&reg->conf->realm_hosts, host);
}

static char *escape(const char *s)
{
	char *e = curl_easy_escape(NULL, s, 0), *out = e ? strdup(e) : NULL;

	curl_free(e);
	return out;
}

/* "&scope=repository:REPO:pull", escaped; none for a login. NULL = out of memory. */
static char *scopes(const struct registry_conf *c, const char *lead, const char *between)
{
	auto_free char *repo = escape(c->repo), *from = escape(c->mount_from ? c->mount_from : "");

	if (!repo || !from)
		return NULL;
	if (!*repo)
		return c->catalog ? str_printf("%sscope=registry%%3Acatalog%%3A%%2A", lead)
				  : strdup("");
	return str_printf("%sscope=repository%%3A%s%%3Apull%s%s%s%s", lead, repo,
			  c->push ? "%2Cpush" : "", *from ? between : "", from,
			  *from ? "%3Apull" : "");
}

/* GET realm?service=...&scope=..., or the OAuth2 form with a refresh token. */
static int build_request(struct registry *reg, struct rl_err *err)
{
	const struct registry_conf *c = reg->conf;
	struct token *t = &reg->token;
	const char *realm = t->challenge.realm;
	auto_free char *service = escape(t->challenge.service ? t->challenge.service : "");
	auto_free char *scope = NULL;
	bool trusted = realm_is_trusted(reg, realm);

	if (!service)
		return rl_oom(err);
	t->with_login = trusted && (reg->login || c->refresh_token);
	if (trusted && c->refresh_token) {
		auto_free char *secret = escape(c->refresh_token);

		scope = scopes(c, "&", "+repository%3A");
		t->url = strdup(realm);
		t->post = secret && scope
				  ? str_printf("grant_type=refresh_token&service=%s&client_id=rl"
					       "%s&refresh_token=%s",
					       service, scope, secret)
				  : NULL;
		if (secret)
			explicit_bzero(secret, strlen(secret));
		return t->url && t->post ? 0 : rl_oom(err);
	}
	scope = scopes(c, "&", "&scope=repository%3A");
	t->url = scope ? str_printf("%s%sservice=%s%s", realm, strchr(realm, '?') ? "&" : "?",
				    service, scope)
		       : NULL;
	if (!t->url)
		return rl_oom(err);
	if (trusted && reg->login && strv_add(&t->headers, reg->login) < 0)
		return rl_oom(err);
	return 0;
}

static void start_token(struct registry *reg)
{
	struct token *t = &reg->token;
	struct rl_err err = { 0 };
	auto_free char *origin = NULL;

	token_request_done(t);
	t->state = TOKEN_RUNNING;
	t->at_ms = 0;
	if (!reg->plain && strncmp(t->challenge.realm, "https:", 6) != 0) {
		rl_fail(&err, EACCES,
			"the registry wants its tokens to be fetched without TLS, from '%.200s': "
			"refused",
			t->challenge.realm);
		token_failed(reg, &err);
		return;
	}
	if (build_request(reg, &err) < 0) {
		token_failed(reg, &err);
		return;
	}
	origin = http_origin(t->url);
	t->req.url = t->url;
	t->req.headers = &t->headers;
	t->req.post = t->post;
	t->req.away = !origin || strcmp(origin, reg->origin) != 0;
	t->req.body = token_body;
	t->req.done = token_done;
	t->req.arg = reg;
	if (http_start(reg->http, &t->req, &err) < 0)
		token_failed(reg, &err);
}

int64_t auth_next(const struct registry *reg)
{
	return reg->token.state == TOKEN_RUNNING && reg->token.at_ms ? reg->token.at_ms : -1;
}

void auth_tick(struct registry *reg, int64_t now)
{
	if (reg->token.state == TOKEN_RUNNING && reg->token.at_ms && reg->token.at_ms <= now)
		start_token(reg);
}

/* --- a 401 --- */

static void want_token(struct job *j)
{
	struct registry *reg = j->reg;
	struct token *t = &reg->token;

	if (t->state == TOKEN_READY && t->generation != j->token_used) {
		job_again(j, 0); /* somebody else has renewed it meanwhile */
		return;
	}
	j->state = JOB_TOKEN;
	if (t->state == TOKEN_RUNNING)
		return;
	challenge_done(&t->challenge);
	t->challenge = j->req.resp.challenge;
	j->req.resp.challenge = (struct challenge){ 0 };
	t->tries = 0;
	start_token(reg);
}

void auth_answer(struct job *j)
{
	struct registry *reg = j->reg;
	enum challenge_scheme scheme = j->req.resp.challenge.scheme;
	struct rl_err err = { 0 };

	if (scheme == CHALLENGE_BEARER && j->auth_rounds < AUTH_ROUNDS) {
		j->auth_rounds++;
		want_token(j);
	} else if (scheme == CHALLENGE_BASIC && reg->login && !j->sent_login) {
		reg->basic = true;
		job_again(j, 0);
	} else {
		job_status_error(j, &err);
		job_finish(j, &err);
	}
}
