/* SPDX-License-Identifier: Apache-2.0 */
/* registry_error.c - the words for an answer that is no success */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "storage/image/registry_job.h"

/* { "errors": [ { "code": "...", "message": "..." } ] } (distribution spec, "Error Codes") */
static bool from_json(const struct buf *body, char *out, size_t room)
{
	struct rl_err ignored;
	json_auto_t *j = NULL;
	const char *code = NULL, *msg = NULL;
	json_t *e;

	if (json_read(body->data, body->len, 65536, "error", &j, &ignored) < 0)
		return false;
	e = json_array_get(json_object_get(j, "errors"), 0);
	code = json_string_value(json_object_get(e, "code"));
	msg = json_string_value(json_object_get(e, "message"));
	if (!msg)
		msg = json_string_value(json_object_get(j, "details")); /* Docker Hub's tokens */
	if (!code && !msg)
		return false;
	(void)snprintf(out, room, "%.60s%s%.160s", code ? code : "", code && msg ? ": " : "",
		       msg ? msg : "");
	return true;
}

void registry_error_text(const struct buf *body, char *out, size_t room)
{
	out[0] = '\0';
	if (body->len > 0 && from_json(body, out, room))
		log_clean(out);
}

static int unauthorised(const struct job *j, const char *text, struct rl_err *err)
{
	const struct registry_conf *c = j->reg->conf;
	const char *sep = *text ? ": " : "";

	if (j->sent_login || j->reg->token.with_login) {
		rl_fail(err, EACCES, "'%s' refuses the login%s%s%s%s%s", c->name,
			c->user ? " of user '" : "", c->user ? c->user : "", c->user ? "'" : "",
			sep, text);
		return rl_hint(err, "credentials came from %s; 'rl login %s' replaces them",
			       c->login_from ? c->login_from : "--creds", c->name);
	}
	/* the big registries answer so for what does not exist, too */
	rl_fail(err, EACCES, "'%s' has no image '%s', or wants a login for it%s%s", c->name,
		c->repo, sep, text);
	return rl_hint(err, "check the name; if it is private: 'rl login %s', or --authfile",
		       c->name);
}

static int rate_limited(const struct job *j, const char *text, struct rl_err *err)
{
	const struct registry_conf *c = j->reg->conf;
	int64_t wait = j->req.resp.retry_after;

	if (wait > REGISTRY_RETRY_WAIT_MAX && wait < 100 * 86400)
		rl_fail(err, EBUSY,
			"'%s' limits requests and asks to wait %lld s, rl waits %d s at most%s%s",
			c->name, (long long)wait, REGISTRY_RETRY_WAIT_MAX, *text ? ": " : "", text);
	else if (wait > REGISTRY_RETRY_WAIT_MAX)
		rl_fail(err, EBUSY, "'%s' limits requests and asks to wait for ages%s%s", c->name,
			*text ? ": " : "", text);
	else
		rl_fail(err, EBUSY, "'%s' limits requests (429 too many)%s%s", c->name,
			*text ? ": " : "", text);
	if (!c->user && !c->refresh_token)
		return rl_hint(err, "a login often has a higher limit: rl login %s", c->name);
	return -err->code;
}

static const char *thing(const struct job *j)
{
	switch ((enum fetch_kind)j->want.kind) {
	case FETCH_MANIFEST:
		return "manifest";
	case FETCH_DOC:
		return "config";
	case FETCH_LAYER:
		return "layer";
	case FETCH_LIST:
		return "list";
	case FETCH_URL:
		return "signature";
	case PUSH_BLOB:
		return "layer";
	case PUSH_MANIFEST:
		return "manifest";
	case PUSH_PING:
		return "greeting";
	}
	return "answer";
}

int job_status_error(const struct job *j, struct rl_err *err)
{
	const struct registry_conf *c = j->reg->conf;
	auto_free char *host = http_host(j->url);
	long status = j->req.resp.status;
	char text[256];
	const char *sep;

	registry_error_text(&j->error_body, text, sizeof(text));
	sep = *text ? ": " : "";
	if (j->want.kind == FETCH_URL)
		return rl_fail(err, status == 404 ? ENOENT : EIO, "'%s' answers with status %ld",
			       host ? host : "?", status);
	if (j->req.away)
		return rl_fail(err, EIO, "'%s', where '%s' keeps the %s, answers with status %ld",
			       host ? host : "?", c->name, thing(j), status);
	switch (status) {
	case 401:
		return unauthorised(j, text, err);
	case 403:
		rl_fail(err, EACCES, "'%s' denies access to '%s'%s%s", c->name, c->repo, sep, text);
		return rl_hint(err, "'rl login %s' as a user who may %s it", c->name,
			       c->push ? "push" : "pull");
	case 404:
		if (j->want.kind != FETCH_MANIFEST)
			return rl_fail(err, ENOENT, "'%s' does not have the %s it announces%s%s",
				       c->name, thing(j), sep, text);
		rl_fail(err, ENOENT, "manifest unknown: '%s' has no '%s' of '%s'", c->name,
			j->want.target, c->repo);
		return rl_hint(err, "check the spelling of name and tag");
	case 429:
		return rate_limited(j, text, err);
	default:
		if (strncasecmp(j->req.resp.type, "text/html", 9) == 0 && status < 500) {
			rl_fail(err, EPROTO,
				"'%s' is not a registry: it answers with a web page (status %ld)",
				c->name, status);
			return -err->code;
		}
		return rl_fail(err, EIO, "'%s' answers with status %ld%s%s", c->name, status, sep,
			       text);
	}
}
