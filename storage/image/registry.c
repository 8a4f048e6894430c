/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c - jobs of one repository, from request to answer; the header is the manual */
#include "config.h"

#include "storage/image/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/manifest.h"
#include "storage/image/registry_job.h"

#define PROGRESS_MS   100
#define PROGRESS_MADE (16 << 20) /* bytes after which the count of tries starts anew */

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void registry_conf_done(struct registry_conf *c)
{
	free(c->name);
	free(c->host);
	free(c->repo);
	wipe(c->user);
	wipe(c->password);
	wipe(c->refresh_token);
	free(c->login_from);
	strv_done(&c->realm_hosts);
	strv_done(&c->ca_dirs);
	free(c->cert_dir);
	free(c->mount_from);
	*c = (struct registry_conf){ 0 };
}

void registry_note(struct registry *reg, const char *fmt, ...)
{
	struct fetch_report rep = { .event = FETCH_NOTE };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rep.err.msg, sizeof(rep.err.msg), fmt, ap);
	va_end(ap);
	reg->report(reg->arg, &rep);
}

/* Doubled each time, and up to half more so that many clients do not come back together. */
int64_t registry_backoff(const struct registry *reg, unsigned tries)
{
	int64_t ms = reg->conf->retry_delay_ms << (tries > 5 ? 5 : tries);
	unsigned r = 0;

	if (getrandom(&r, sizeof(r), 0) < 0)
		r = 0; /* no jitter then */
	return ms + ms * (int64_t)(r % 512) / 1024;
}

static int set_origin(struct registry *reg, bool plain)
{
	auto_free char *url = str_printf("%s://%s/", plain ? "http" : "https", reg->conf->host);

	free(reg->origin);
	reg->plain = plain;
	reg->origin = url ? http_origin(url) : NULL;
	return reg->origin ? 0 : -ENOMEM;
}

static char *first_url(const struct job *j)
{
	const struct registry *reg = j->reg;
	const char *repo = reg->conf->repo;

	switch ((enum fetch_kind)j->want.kind) {
	case FETCH_MANIFEST:
		return str_printf("%s/v2/%s/manifests/%s", reg->origin, repo, j->want.target);
	case FETCH_DOC:
	case FETCH_LAYER:
		return str_printf("%s/v2/%s/blobs/%s", reg->origin, repo, j->want.digest);
	case PUSH_BLOB:
	case PUSH_MANIFEST:
	case PUSH_PING:
		return push_url(j);
	case FETCH_URL:
	case FETCH_LIST:
		break;
	}
	if (j->want.target[0] == '/')
		return str_printf("%s%s", reg->origin, j->want.target);
	if (j->want.target[0]) /* resolved and judged by take_link() */
		return strdup(j->want.target);
	return str_printf("%s/v2/%s/tags/list?n=1000", reg->origin, repo);
}

/* --- starting --- */

static bool is_push(const struct job *j)
{
	return j->want.kind >= PUSH_BLOB;
}

static int set_headers(struct job *j, bool home)
{
	const char *auth;

	strv_done(&j->headers);
	if (is_push(j))
		return push_prepare(j) < 0 || ((auth = home ? auth_header(j) : NULL) &&
					       strv_add(&j->headers, auth) < 0)
			       ? -ENOMEM
			       : 0;
	if (j->want.kind == FETCH_MANIFEST && strv_add(&j->headers, "Accept: " MANIFEST_ACCEPT) < 0)
		return -ENOMEM;
	auth = home && j->want.kind != FETCH_URL ? auth_header(j) : NULL;
	if (auth && strv_add(&j->headers, auth) < 0)
		return -ENOMEM;
	if (j->got > 0 && !j->no_range) {
		if (strv_take(&j->headers, str_printf("Range: bytes=%lld-", (long long)j->got)) < 0)
			return -ENOMEM;
		if (j->etag && strv_take(&j->headers, str_printf("If-Range: %s", j->etag)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void job_done(struct http_req *r, CURLcode code);

static void job_start(struct job *j)
{
	struct registry *reg = j->reg;
	auto_free char *origin = NULL;
	struct rl_err err = { 0 };
	int r;

	if (!j->url)
		j->url = first_url(j);
	origin = j->url ? http_origin(j->url) : NULL;
	j->req.away = !origin || strcmp(origin, reg->origin) != 0;
	/* an URL of the user's configuration may lead anywhere, where it redirects to may not */
	j->req.chosen = j->want.kind == FETCH_URL && j->redirects == 0;
	if (!j->url || set_headers(j, !j->req.away) < 0) {
		rl_oom(&err);
		job_finish(j, &err);
		return;
	}
	j->req.url = j->url;
	j->req.headers = &j->headers;
	j->req.body = job_body;
	j->req.done = job_done;
	j->req.arg = j;
	j->begun = false;
	j->err.code = 0;
	j->error_body.len = 0;
	j->state = JOB_RUNNING;
	r = http_start(reg->http, &j->req, &err);
	if (r < 0)
		job_finish(j, &err);
}

void job_again(struct job *j, int64_t delay_ms)
{
	free(j->url); /* a signed URL of the last attempt may be stale */
	j->url = NULL;
	j->redirects = 0;
	j->at_ms = now_ms() + delay_ms;
	j->state = JOB_WAITING;
}

/* --- ending --- */

static void job_release(struct job *j)
{
	http_stop(&j->req);
	http_resp_done(&j->req.resp);
	for (size_t i = 0; i < j->headers.n; i++)
		explicit_bzero(j->headers.v[i], strlen(j->headers.v[i]));
	strv_done(&j->headers);
	job_body_done(j);
	fd_close(j->out_fd);
	fd_close(j->keep_fd);
	free(j->url);
	free(j->upload);
	*j = (struct job){ .state = JOB_FREE, .out_fd = FD_NONE, .keep_fd = FD_NONE };
}

/* Where a list of tags goes on; same origin or nowhere (S42). */
static void take_link(const struct job *j, struct fetch_report *rep)
{
	const char *l = j->req.resp.link, *end = l && *l == '<' ? strchr(l, '>') : NULL;
	auto_free char *rel = end ? strndup(l + 1, (size_t)(end - l - 1)) : NULL;
	auto_free char *next = rel ? http_resolve(j->url, rel) : NULL;
	auto_free char *origin = next ? http_origin(next) : NULL;

	if (origin && strcmp(origin, j->reg->origin) == 0 && strlen(next) < sizeof(rep->next))
		memcpy(rep->next, next, strlen(next) + 1);
}

void job_finish(struct job *j, const struct rl_err *err)
{
	struct registry *reg = j->reg;
	struct fetch_report rep = { .event = FETCH_DONE, .id = j->want.id, .bytes = j->got };

	if (err)
		rep.err = *err;
	rep.resumed = j->resumed;
	rep.how = j->how;
	(void)snprintf(rep.type, sizeof(rep.type), "%s", j->req.resp.type);
	(void)snprintf(rep.digest, sizeof(rep.digest), "%s", j->req.resp.digest);
	if (!err && j->want.kind == FETCH_LIST)
		take_link(j, &rep);
	/* told before the pipe closes: whoever reads the pipe's end may already know how it ended */
	reg->report(reg->arg, &rep);
	job_release(j);
}

void job_retry(struct job *j, const struct rl_err *err, int64_t wait_s)
{
	struct registry *reg = j->reg;
	int64_t ms;

	if (j->got - j->got_at_retry >= PROGRESS_MADE)
		j->tries = 0;
	if (j->tries >= reg->conf->retries || wait_s > REGISTRY_RETRY_WAIT_MAX) {
		job_finish(j, err);
		return;
	}
	j->got_at_retry = j->got;
	if (j->got > 0)
		j->resumed = true;
	if (is_push(j))
		push_broken(j);
	ms = wait_s >= 0 ? wait_s * 1000 : registry_backoff(reg, j->tries);
	j->tries++;
	registry_note(reg, "%s; trying again in %lld.%lld s", err->msg, (long long)(ms / 1000),
		      (long long)(ms % 1000 / 100));
	job_again(j, ms);
}

static void complete(struct job *j)
{
	struct rl_err err = { 0 };
	int r;

	if (j->want.size >= 0 && j->got < j->want.size) {
		rl_fail(&err, EIO, "'%s' ended the transfer after %lld of %lld bytes",
			j->reg->conf->name, (long long)j->got, (long long)j->want.size);
		job_retry(j, &err, -1);
		return;
	}
	r = job_complete(j);
	if (r == -EAGAIN) {
		j->state = JOB_FLUSHING;
		return;
	}
	if (r < 0) {
		err = j->err;
		job_finish(j, &err);
		return;
	}
	job_finish(j, NULL);
}

static void follow(struct job *j)
{
	struct registry *reg = j->reg;
	const char *to = j->req.resp.location;
	auto_free char *next = to ? http_resolve(j->url, to) : NULL;
	struct rl_err err = { 0 };

	if (!next)
		rl_fail(&err, EPROTO, "'%s' redirects to nowhere: '%.200s'", reg->conf->name,
			to ? to : "");
	else if (++j->redirects > REGISTRY_REDIRECTS_MAX)
		rl_fail(&err, ELOOP, "'%s' redirects more than %d times", reg->conf->name,
			REGISTRY_REDIRECTS_MAX);
	else if (strncmp(j->url, "https:", 6) == 0 && strncmp(next, "https:", 6) != 0)
		rl_fail(&err, EACCES, "'%s' redirects from https to '%.200s': refused",
			reg->conf->name, next);
	if (err.code) {
		job_finish(j, &err);
		return;
	}
	free(j->url);
	j->url = TAKE_PTR(next);
	job_start(j);
}

static void transfer_failed(struct job *j, CURLcode code)
{
	struct registry *reg = j->reg;
	struct rl_err err = { 0 };

	if (j->err.code == EAGAIN) {
		job_retry(j, &j->err, -1);
		return;
	}
	if (j->err.code) {
		err = j->err;
		job_finish(j, &err);
		return;
	}
	/* the registry itself: an upload or a lookaside may be elsewhere, for good */
	if (reg->conf->insecure && (!reg->contacted || reg->plain) && !j->req.away &&
	    j->want.kind != FETCH_URL && strncmp(j->url, "https:", 6) == 0 &&
	    (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_COULDNT_CONNECT)) {
		/* allowed by the user, tried second; another job may have found out before */
		if (reg->plain || set_origin(reg, true) == 0) {
			job_again(j, 0);
			return;
		}
	}
	http_error(&j->req, code, &err);
	if (code == CURLE_COULDNT_CONNECT && !reg->contacted && j->tries > 0)
		job_finish(j, &err); /* nobody there: said after two tries, not after ten seconds */
	else if (http_is_transient(code) && !j->req.refused_reach)
		job_retry(j, &err, -1);
	else
		job_finish(j, &err);
}

static void keep_etag(struct job *j)
{
	const char *e = j->req.resp.etag;

	if (j->etag || !e || strncmp(e, "W/", 2) == 0 || strlen(e) > 200)
		return;
	j->etag = strdup(e); /* without it a resumed transfer is only checked by its digest */
}

static void answered(struct job *j)
{
	long status = j->req.resp.status;
	struct rl_err err = { 0 };

	j->reg->contacted = true;
	if (is_push(j) && push_answered(j))
		return;
	switch (status) {
	case 200:
	case 206:
		complete(j);
		return;
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		follow(j);
		return;
	case 401:
		if (!j->req.away && j->want.kind != FETCH_URL) {
			auth_answer(j);
			return;
		}
		break;
	case 412:
	case 416:
		if (j->got > 0 && !j->no_range) {
			j->no_range = true;
			job_again(j, 0);
			return;
		}
		break;
	default:
		break;
	}
	job_status_error(j, &err);
	if (status == 429)
		job_retry(j, &err, j->req.resp.retry_after);
	else if (status >= 500 || status == 408)
		job_retry(j, &err, j->req.resp.retry_after);
	else
		job_finish(j, &err);
}

static void job_done(struct http_req *r, CURLcode code)
{
	struct job *j = r->arg;
	long status = r->resp.status;

	keep_etag(j);
	if (code == CURLE_OK)
		answered(j);
	else if (status >= 300 && (code == CURLE_WRITE_ERROR || code == CURLE_PARTIAL_FILE ||
				   code == CURLE_SEND_ERROR))
		answered(j); /* the status says enough */
	else
		transfer_failed(j, code);
}

/* --- the loop --- */

static unsigned collect_fds(struct registry *reg, struct curl_waitfd *v, struct job **who)
{
	unsigned n = 0;

	for (size_t i = 0; i < REGISTRY_JOBS_MAX; i++) {
		struct job *j = &reg->jobs[i];

		if (j->state == JOB_FREE || j->pending.len == 0)
			continue;
		who[n] = j;
		v[n++] = (struct curl_waitfd){ .fd = j->out_fd, .events = CURL_WAIT_POLLOUT };
	}
	return n;
}

/* What an earlier try has left goes first; the rest is asked for by Range. */
static void fill(struct job *j)
{
	int r = job_fill(j);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		struct rl_err err = j->err;

		job_finish(j, &err);
		return;
	}
	j->resumed = true;
	j->got_at_retry = j->got;
	if (j->got == j->want.size)
		complete(j);
	else
		job_again(j, 0);
}

static void flush(struct job *j)
{
	struct rl_err err = { 0 };
	int r = job_flush(j);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		rl_fail_sys(&err, -r, "hand over the layer");
		job_finish(j, &err);
		return;
	}
	if (j->state == JOB_FILLING)
		fill(j);
	else if (j->state == JOB_FLUSHING)
		complete(j);
	else
		http_resume(&j->req);
}

static int64_t start_due(struct registry *reg)
{
	int64_t now = now_ms(), next;

	auth_tick(reg, now);
	next = auth_next(reg);
	for (size_t i = 0; i < REGISTRY_JOBS_MAX; i++) {
		struct job *j = &reg->jobs[i];

		if (j->state == JOB_WAITING && j->at_ms <= now)
			job_start(j);
		if (j->state == JOB_WAITING && (next < 0 || j->at_ms < next))
			next = j->at_ms;
	}
	if (reg->bytes != reg->reported_bytes && now - reg->reported_at >= PROGRESS_MS) {
		struct fetch_report rep = { .event = FETCH_PROGRESS, .bytes = reg->bytes };

		reg->reported_at = now;
		reg->reported_bytes = reg->bytes;
		reg->report(reg->arg, &rep);
	}
	return next;
}

int registry_poll(struct registry *reg, int fd, int timeout_ms, bool *ret_readable,
		  struct rl_err *err)
{
	struct curl_waitfd v[REGISTRY_JOBS_MAX + 1];
	struct job *who[REGISTRY_JOBS_MAX];
	int64_t next, now;
	unsigned n;
	int r, ended = http_work(reg->http, err);

	if (ended < 0)
		return ended;
	/* only now: a pipe may have become full, which stops its transfer until there is room */
	next = start_due(reg);
	now = now_ms();
	n = collect_fds(reg, v, who);
	if (next >= 0 && (timeout_ms < 0 || next - now < timeout_ms))
		timeout_ms = next > now ? (int)(next - now) : 0;
	v[n] = (struct curl_waitfd){ .fd = fd, .events = CURL_WAIT_POLLIN };
	r = http_wait(reg->http, v, n + 1, ended ? 0 : timeout_ms, err);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n; i++)
		if (who[i]->state != JOB_FREE && who[i]->pending.len > 0 && v[i].revents)
			flush(who[i]);
	*ret_readable = v[n].revents != 0;
	return 0;
}

void registry_submit(struct registry *reg, const struct fetch_job *want, const int fds_take[2])
{
	struct job *j = NULL;
	struct rl_err err = { 0 };

	for (size_t i = 0; i < REGISTRY_JOBS_MAX && !j; i++)
		if (reg->jobs[i].state == JOB_FREE)
			j = &reg->jobs[i];
	if (!j) {
		struct fetch_report rep = { .event = FETCH_DONE, .id = want->id };

		fd_close(fds_take[0]);
		fd_close(fds_take[1]);
		rl_fail(&rep.err, EMFILE, "too many transfers at once");
		reg->report(reg->arg, &rep);
		return;
	}
	*j = (struct job){ .state = JOB_WAITING,
			   .reg = reg,
			   .want = *want,
			   .out_fd = fds_take[0],
			   .keep_fd = fds_take[1] };
	http_resp_done(&j->req.resp);
	if (fcntl(j->out_fd, F_SETFL, O_WRONLY | O_NONBLOCK) < 0 || job_body_new(j) < 0) {
		rl_oom(&err);
		job_finish(j, &err);
	} else if (want->have > 0 && j->keep_fd >= 0) {
		j->state = JOB_FILLING;
		fill(j);
	}
}

int registry_new(const struct registry_conf *conf,
		 void (*report)(void *arg, const struct fetch_report *rep), void *arg,
		 struct registry **ret, struct rl_err *err)
{
	struct registry *reg = calloc(1, sizeof(*reg));
	struct http_conf hc = { .limits = conf->limits,
				.verify = conf->verify,
				.ca_dirs = &conf->ca_dirs,
				.cert_dir = conf->cert_dir };
	int r;

	if (!reg)
		return rl_oom(err);
	*reg = (struct registry){ .conf = conf, .report = report, .arg = arg };
	for (size_t i = 0; i < REGISTRY_JOBS_MAX; i++)
		reg->jobs[i].out_fd = reg->jobs[i].keep_fd = FD_NONE;
	http_resp_done(&reg->token.req.resp);
	r = http_new(&hc, &reg->http, err);
	if (r == 0 && (set_origin(reg, false) < 0 || auth_new(reg) < 0))
		r = rl_oom(err);
	if (r < 0) {
		registry_free(reg);
		return r;
	}
	*ret = reg;
	return 0;
}

void registry_free(struct registry *reg)
{
	if (!reg)
		return;
	for (size_t i = 0; i < REGISTRY_JOBS_MAX; i++)
		if (reg->jobs[i].state != JOB_FREE)
			job_release(&reg->jobs[i]);
	auth_done(reg);
	http_free(reg->http);
	free(reg->origin);
	free(reg);
}
