/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - requests on libcurl's multi interface; the header is the manual */
#include "config.h"

#include "storage/image/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/image/certs.h"

struct http {
	CURLM *multi;
	struct http_conf conf;
	enum http_reach home_reach; /* where the registry itself lives */
	bool home_known;
	struct http_req *running[64];
	size_t n_running;
};

/* --- URLs --- */

static char *url_part(const char *url, bool with_scheme)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *out = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0)) {
		for (char *p = host; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p | 0x20);
		/* fails when there is none, which leaves NULL */
		(void)curl_url_get(u, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
		out = str_printf("%s%s%s%s%s", with_scheme ? scheme : "", with_scheme ? "://" : "",
				 host, port ? ":" : "", port ? port : "");
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return out;
}

char *http_origin(const char *url)
{
	return url_part(url, true);
}

char *http_host(const char *url)
{
	return url_part(url, false);
}

char *http_resolve(const char *base, const char *location)
{
	CURLU *u = curl_url();
	char *text = NULL, *user = NULL, *out = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
	    /* credentials in a URL that a server made up are not ours to send */
	    curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK) {
		auto_free char *origin = http_origin(text);

		out = origin ? strdup(text) : NULL;
	}
	curl_free(user);
	curl_free(text);
	curl_url_cleanup(u);
	return out;
}

/* --- answers: header lines --- */

void http_resp_done(struct http_resp *p)
{
	free(p->location);
	free(p->etag);
	free(p->link);
	challenge_done(&p->challenge);
	*p = (struct http_resp){
		.length = -1, .range_start = -1, .range_end = -1, .retry_after = -1, .chunk_min = -1
	};
}

static int64_t number(const char *s)
{
	uint64_t v;

	return parse_uint(s, INT64_MAX, &v) == 0 ? (int64_t)v : -1;
}

static int64_t retry_seconds(const char *s)
{
	int64_t n = number(s);
	time_t at;

	if (n >= 0)
		return n;
	if (*s >= '0' && *s <= '9')
		return INT64_MAX; /* a number beyond all bounds */
	at = curl_getdate(s, NULL);
	if (at < 0)
		return -1;
	n = (int64_t)at - wall_ns() / 1000000000;
	return n > 0 ? n : 0;
}

/* "bytes 100-199/200" */
static int64_t range_start(const char *s)
{
	char digits[24];
	size_t n;

	if (strncasecmp(s, "bytes ", 6) != 0)
		return -1;
	s += 6;
	n = strspn(s, "0123456789");
	if (n == 0 || n >= sizeof(digits) || s[n] != '-')
		return -1;
	memcpy(digits, s, n);
	digits[n] = '\0';
	return number(digits);
}

/* "0-1023", "bytes=0-1023" too */
static int64_t range_end(const char *s)
{
	if (strncasecmp(s, "bytes=", 6) == 0)
		s += 6;
	return strncmp(s, "0-", 2) == 0 ? number(s + 2) : -1;
}

static void keep(char **to, const char *v)
{
	free(*to);
	*to = strdup(v); /* NULL only makes the answer poorer */
}

static void short_copy(char *to, size_t room, const char *v)
{
	(void)snprintf(to, room, "%s", v);
}

static void take_header(struct http_resp *p, const char *name, const char *v)
{
	struct rl_err ignored;

	if (strcasecmp(name, "content-type") == 0)
		short_copy(p->type, sizeof(p->type), v);
	else if (strcasecmp(name, "docker-content-digest") == 0)
		short_copy(p->digest, sizeof(p->digest), v);
	else if (strcasecmp(name, "location") == 0)
		keep(&p->location, v);
	else if (strcasecmp(name, "etag") == 0)
		keep(&p->etag, v);
	else if (strcasecmp(name, "link") == 0)
		keep(&p->link, v);
	else if (strcasecmp(name, "content-length") == 0)
		p->length = number(v);
	else if (strcasecmp(name, "content-range") == 0)
		p->range_start = range_start(v);
	else if (strcasecmp(name, "range") == 0)
		p->range_end = range_end(v);
	else if (strcasecmp(name, "oci-chunk-min-length") == 0)
		p->chunk_min = number(v);
	else if (strcasecmp(name, "retry-after") == 0)
		p->retry_after = retry_seconds(v);
	else if (strcasecmp(name, "www-authenticate") == 0)
		/* a malformed one counts as none: the 401 itself is reported then */
		RL_IGNORE(challenge_parse(v, strlen(v), &p->challenge, &ignored));
}

static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
	struct http_req *r = arg;
	struct http_resp *p = &r->resp;
	auto_free char *s = strndup(line, n);
	char *colon, *v, *end;

	(void)one; /* always 1 */
	p->header_bytes += n;
	if (!s || p->header_bytes > HTTP_HEADERS_MAX)
		return 0;
	end = s + strlen(s);
	while (end > s && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
		*--end = '\0';
	if (strncasecmp(s, "HTTP/", 5) == 0) { /* 100 Continue and the like come before */
		size_t bytes = p->header_bytes;

		http_resp_done(p);
		p->header_bytes = bytes;
		return n;
	}
	if (!*s) {
		(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &p->status);
		p->headers_done = p->status >= 200;
		return n;
	}
	colon = strchr(s, ':');
	if (!colon)
		return n;
	*colon = '\0';
	v = colon + 1 + strspn(colon + 1, " \t");
	take_header(p, s, v);
	return n;
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	struct http_req *r = arg;
	size_t took;

	(void)one; /* always 1 */
	took = r->body(r, p, n);
	if (took == HTTP_PAUSE) {
		r->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	return took;
}

/* --- where a connection goes --- */

static enum http_reach reach_v4(const unsigned char *a)
{
	if (a[0] == 127 || a[0] == 0)
		return HTTP_LOOPBACK;
	if (a[0] == 169 && a[1] == 254)
		return HTTP_LINKLOCAL;
	if (a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
	    (a[0] == 100 && (a[1] & 0xc0) == 64))
		return HTTP_PRIVATE;
	return HTTP_PUBLIC;
}

static enum http_reach reach_of(const struct sockaddr *sa)
{
	unsigned char b[16];

	if (sa->sa_family == AF_INET) {
		memcpy(b, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
		return reach_v4(b);
	}
	if (sa->sa_family != AF_INET6)
		return HTTP_LINKLOCAL; /* unix sockets and such: nothing we would go to */
	memcpy(b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	/* ::ffff:a.b.c.d and 64:ff9b::a.b.c.d carry a v4 address */
	if (memcmp(b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0 ||
	    memcmp(b, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12) == 0)
		return reach_v4(b + 12);
	if (memcmp(b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15) == 0 && b[15] <= 1)
		return HTTP_LOOPBACK;
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return HTTP_LINKLOCAL;
	return (b[0] & 0xfe) == 0xfc ? HTTP_PRIVATE : HTTP_PUBLIC;
}

/*
 * Threat: a public registry redirects to 169.254.169.254, 127.0.0.1 or into the user's network and
 * has rl talk to what only this machine can reach (SECURITY S42).
 * Defence: decided on the address that is connected to, so a name that resolves there is caught
 * as well. A registry may send us outwards, or to where it lives itself, never further inwards.
 * Must not: apply to the user's own proxy; behind one the proxy resolves names.
 */
static bool reach_allowed(const struct http *h, enum http_reach to)
{
	if (to == HTTP_PUBLIC)
		return true;
	if (!h->home_known || to == HTTP_LINKLOCAL)
		return h->home_known && h->home_reach == HTTP_LINKLOCAL;
	return h->home_reach == to || (h->home_reach == HTTP_LOOPBACK && to == HTTP_PRIVATE);
}

static bool uses_proxy(const struct http_req *r)
{
	const char *names =
		getenv(strncmp(r->url, "https:", 6) == 0 ? "https_proxy" : "http_proxy");

	if (!names)
		names = getenv("HTTPS_PROXY");
	if (!names)
		names = getenv("all_proxy");
	if (!names)
		names = getenv("ALL_PROXY");
	return names && *names;
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_req *r = arg;
	struct http *h = r->http;
	enum http_reach to = reach_of(&a->addr);

	(void)purpose; /* there is only one */
	if (!r->away) {
		h->home_reach = to;
		h->home_known = true;
	} else if (!r->chosen && !uses_proxy(r) && !reach_allowed(h, to)) {
		r->refused_reach = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* --- requests --- */

static void set_protocols(CURL *e)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

/* Options that cannot fail but by lack of memory, which the transfer itself then meets. */
static void set_common(struct http *h, struct http_req *r)
{
	CURL *e = r->easy;
	long stall_s = (long)((h->conf.limits.stall_ms + 999) / 1000);

	set_protocols(e);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "rl/" PACKAGE_VERSION);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->message);
	(void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 512L * 1024);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)h->conf.limits.connect_ms);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 64L);
	(void)curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, stall_s);
	/* what is meant for the registry must not be shown to a proxy */
	(void)curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	(void)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, h->conf.verify ? 1L : 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, h->conf.verify ? 2L : 0L);
}

static size_t on_upload(char *p, size_t one, size_t n, void *arg)
{
	struct http_req *r = arg;
	ssize_t got;

	n *= one;
	if ((int64_t)n > r->up_left)
		n = (size_t)r->up_left;
	got = n > 0 ? pread(r->up_fd, p, n, (off_t)r->up_at) : 0;
	if (got < 0 || (got == 0 && n > 0))
		return CURL_READFUNC_ABORT; /* shorter than its manifest says, or unreadable */
	r->up_at += got;
	r->up_left -= got;
	if (r->up_count)
		*r->up_count += got;
	/* the answer comes when all is sent */
	r->header_deadline = now_ms() + r->http->conf.limits.header_ms;
	return (size_t)got;
}

static int set_upload(struct http_req *r, struct rl_err *err)
{
	CURL *e = r->easy;
	struct curl_slist *l;

	if (!r->method)
		return 0;
	(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
	if (strcmp(r->method, "HEAD") == 0) {
		(void)curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
		return 0;
	}
	l = curl_slist_append(r->list, "Expect:"); /* who we are is known by now */
	if (!l)
		return rl_oom(err);
	r->list = l;
	(void)curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	/* on a connection used before libcurl would start over by itself, without asking what arrived */
	if (r->up_left > 0)
		(void)curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	(void)curl_easy_setopt(e, CURLOPT_READFUNCTION, on_upload);
	(void)curl_easy_setopt(e, CURLOPT_READDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->up_left);
	(void)curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
	return 0;
}

static int set_request(struct http *h, struct http_req *r, struct rl_err *err)
{
	struct curl_slist *l;

	for (size_t i = 0; r->headers && i < r->headers->n; i++) {
		l = curl_slist_append(r->list, r->headers->v[i]);
		if (!l)
			return rl_oom(err);
		r->list = l;
	}
	if (set_upload(r, err) < 0)
		return -err->code;
	if (curl_easy_setopt(r->easy, CURLOPT_URL, r->url) != CURLE_OK)
		return rl_oom(err);
	(void)curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->list);
	if (r->post)
		(void)curl_easy_setopt(r->easy, CURLOPT_COPYPOSTFIELDS, r->post);
	return certs_apply(&h->conf, r->easy, r->url, !r->away, err);
}

int http_start(struct http *h, struct http_req *r, struct rl_err *err)
{
	int e;

	if (h->n_running == ARRAY_LEN(h->running))
		return rl_fail(err, EMFILE, "too many requests at once");
	http_resp_done(&r->resp);
	r->http = h;
	r->message[0] = '\0';
	r->paused = r->timed_out = r->refused_reach = false;
	r->easy = curl_easy_init();
	if (!r->easy)
		return rl_oom(err);
	set_common(h, r);
	e = set_request(h, r, err);
	if (e == 0 && curl_multi_add_handle(h->multi, r->easy) != CURLM_OK)
		e = rl_oom(err);
	if (e < 0) {
		curl_easy_cleanup(r->easy);
		r->easy = NULL;
		curl_slist_free_all(r->list);
		r->list = NULL;
		return e;
	}
	r->header_deadline = now_ms() + h->conf.limits.connect_ms + h->conf.limits.header_ms;
	h->running[h->n_running++] = r;
	return 0;
}

void http_stop(struct http_req *r)
{
	struct http *h = r->http;

	if (!r->easy)
		return;
	for (size_t i = 0; i < h->n_running; i++)
		if (h->running[i] == r)
			h->running[i] = h->running[--h->n_running];
	(void)curl_multi_remove_handle(h->multi, r->easy);
	curl_easy_cleanup(r->easy);
	r->easy = NULL;
	curl_slist_free_all(r->list);
	r->list = NULL;
}

void http_resume(struct http_req *r)
{
	if (r->easy && r->paused) {
		r->paused = false;
		(void)curl_easy_pause(r->easy, CURLPAUSE_CONT); /* errors end the transfer */
	}
}

static void finish(struct http_req *r, CURLcode code)
{
	http_stop(r);
	r->done(r, code);
}

/* Time of the next header deadline, or -1. Ends those that are over. */
static int64_t check_deadlines(struct http *h)
{
	int64_t now = now_ms(), next = -1;

	for (size_t i = 0; i < h->n_running; i++) {
		struct http_req *r = h->running[i];

		if (r->resp.headers_done)
			continue;
		if (r->header_deadline <= now) {
			r->timed_out = true;
			finish(r, CURLE_OPERATION_TIMEDOUT);
			return now; /* the list has changed: look again soon */
		}
		if (next < 0 || r->header_deadline < next)
			next = r->header_deadline;
	}
	return next;
}

int http_work(struct http *h, struct rl_err *err)
{
	int n, left, ended = 0;
	CURLMsg *m;

	if (curl_multi_perform(h->multi, &n) != CURLM_OK)
		return rl_fail(err, EIO, "libcurl refuses to go on");
	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct http_req *r = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		finish(r, code);
		ended = 1;
	}
	return ended;
}

int http_wait(struct http *h, struct curl_waitfd *extra, unsigned n_extra, int timeout_ms,
	      struct rl_err *err)
{
	int64_t next = check_deadlines(h), now = now_ms();
	int n;

	if (next >= 0 && (timeout_ms < 0 || next - now < timeout_ms))
		timeout_ms = (int)(next > now ? next - now : 0);
	if (timeout_ms < 0 || timeout_ms > 60000)
		timeout_ms = 60000;
	if (curl_multi_poll(h->multi, extra, n_extra, timeout_ms, &n) != CURLM_OK)
		return rl_fail(err, EIO, "libcurl refuses to wait");
	return 0;
}

int http_new(const struct http_conf *conf, struct http **ret, struct rl_err *err)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return rl_oom(err);
	}
	h->conf = *conf;
	h->multi = curl_multi_init();
	if (!h->multi) {
		free(h);
		return rl_oom(err);
	}
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->n_running > 0)
		http_stop(h->running[0]);
	(void)curl_multi_cleanup(h->multi);
	free(h);
}

/* --- errors --- */

bool http_is_transient(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
		return true;
	default:
		return false;
	}
}

static int tls_error(const struct http_req *r, const char *host, struct rl_err *err)
{
	auto_free char *where = certs_where(&r->http->conf, host);

	rl_fail(err, EKEYREJECTED, "the certificate of '%s' is not accepted: %s", host,
		r->message[0] ? r->message : "verification failed");
	if (strstr(r->message, "expired") || strstr(r->message, "not yet valid"))
		return rl_hint(err, "is this machine's clock right?");
	return rl_hint(err, "CA certificates tried: %s; to trust it, put its CA there as ca.crt",
		       where ? where : "the system's");
}

int http_error(const struct http_req *r, CURLcode code, struct rl_err *err)
{
	auto_free char *h = http_host(r->url);
	const char *host = h ? h : "?";

	if (r->refused_reach)
		return rl_fail(err, EACCES,
			       "the registry points to '%s', an address inside this machine's own "
			       "network: refused",
			       host);
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		rl_fail(err, EHOSTUNREACH, "no address is known for '%s'", host);
		return rl_hint(err, "check the registry's name and this machine's DNS");
	case CURLE_COULDNT_RESOLVE_PROXY:
		return rl_fail(err, EHOSTUNREACH, "no address is known for the proxy: %s",
			       r->message);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return tls_error(r, host, err);
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		return rl_fail(err, EKEYREJECTED, "TLS files for '%s': %s", host, r->message);
	case CURLE_OPERATION_TIMEDOUT:
		return rl_fail(err, ETIMEDOUT,
			       r->resp.headers_done ? "'%s' stopped sending"
						    : "'%s' does not answer in time",
			       host);
	default:
		return rl_fail(err, EIO, "talk to '%s': %s", host,
			       r->message[0] ? r->message : curl_easy_strerror(code));
	}
}
