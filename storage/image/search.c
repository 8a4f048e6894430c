/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search.c - `rl-image search`: what a registry has
 *
 * The old search (/v1/search, what docker.io and quay.io answer) is asked first; a registry that
 * does not know it is asked for its catalog (/v2/_catalog), of which the names that hold the term are
 * taken. Many registries have neither: the second's error is told. A registry that fails is no error
 * while another one answers.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/image/cmds.h"
#include "storage/image/docs.h"
#include "storage/image/parse.h"
#include "storage/image/request.h"

#define RESULT_ID "result" /* of a line; people never see it */
#define DOCKER_IO "docker.io"
#define NAMES_MAX 200000 /* of a whole list */

struct search {
	struct request *req;
	struct source *src;
	struct docs docs;
	struct progress progress;
	struct strv names; /* of the catalog, or tags */
	int64_t found;     /* at this source */
};

static int result(struct search *s, json_t *take, struct rl_err *err)
{
	auto_free char *text = take ? json_dumps(take, JSON_COMPACT) : NULL;

	json_decref(take);
	if (!text)
		return rl_fail(err, EPROTO, "'%s' gives a name that is no text", s->src->conf.name);
	s->found++;
	return request_result(RESULT_ID, text, NULL, err);
}

static int repository(struct search *s, const char *name, const char *text, int64_t stars,
		      bool official, bool automated, struct rl_err *err)
{
	const char *reg = s->src->conf.name;
	/* official ones are called "alpine" there, and live below library/ */
	bool short_name = strcmp(reg, DOCKER_IO) == 0 && !strchr(name, '/');
	auto_free char *full = str_printf("%s/%s%s", reg, short_name ? "library/" : "", name);

	if (!full)
		return rl_oom(err);
	return result(s,
		      json_pack("{s:s, s:s, s:s, s:I, s:b, s:b, s:s}", "Index", reg, "Name", full,
				"Description", text, "Stars", (json_int_t)stars, "Official",
				official, "Automated", automated, "Tag", ""),
		      err);
}

/* --- the old search --- */

static int ask_v1(struct search *s, struct rl_err *err)
{
	struct fetch_job job = { .kind = FETCH_LIST, .size = -1, .max = REGISTRY_LIST_MAX };
	char *term = curl_easy_escape(NULL, s->req->query, 0);
	auto_strv struct strv v = { 0 };
	auto_buf struct buf text = { 0 };
	struct fetch_report rep;
	struct digest unused;
	int r;

	if (!term)
		return rl_oom(err);
	(void)snprintf(job.target, sizeof(job.target), "/v1/search?q=%s&n=%lld", term,
		       (long long)s->req->limit);
	curl_free(term);
	r = docs_get(&s->docs, &job, &text, &rep, &unused, err);
	if (r == 0)
		r = parse_search(text.data, text.len, &v, err);
	for (size_t i = 0; r == 0 && i + 2 < v.n && s->found < s->req->limit; i += 3) {
		auto_strv struct strv n = { 0 };
		int64_t stars = 0;

		if (strv_split(&n, v.v[i + 2], ' ') < 0)
			return rl_oom(err);
		if (n.n != 3 || parse_int(n.v[0], 0, INT64_MAX, &stars) < 0)
			stars = 0; /* who has less than none? */
		r = repository(s, v.v[i], v.v[i + 1], stars, n.n == 3 && *n.v[1] == '1',
			       n.n == 3 && *n.v[2] == '1', err);
	}
	return r;
}

/* --- lists --- */

static int check_names(const struct search *s, int r, struct rl_err *err)
{
	if (r == 0 && s->names.n > NAMES_MAX)
		return rl_fail(err, EFBIG, "more than %d names", NAMES_MAX);
	return r;
}

static int take_catalog(void *arg, const struct buf *text, struct rl_err *err)
{
	struct search *s = arg;

	return check_names(s, parse_catalog(text->data, text->len, &s->names, err), err);
}

static int ask_catalog(struct search *s, struct rl_err *err)
{
	int r = docs_list(&s->docs, "/v2/_catalog?n=1000", take_catalog, s, err);

	for (size_t i = 0; r == 0 && i < s->names.n && s->found < s->req->limit; i++)
		if (strstr(s->names.v[i], s->req->query))
			r = repository(s, s->names.v[i], "", 0, false, false, err);
	return r;
}

static int take_tags(void *arg, const struct buf *text, struct rl_err *err)
{
	struct search *s = arg;

	return check_names(s, parse_tags(text->data, text->len, &s->names, err), err);
}

static int ask_tags(struct search *s, struct rl_err *err)
{
	const struct registry_conf *c = &s->src->conf;
	auto_free char *full = str_printf("%s/%s", c->name, c->repo);
	int r = full ? docs_list(&s->docs, "", take_tags, s, err) : rl_oom(err);

	for (size_t i = 0; r == 0 && i < s->names.n && s->found < s->req->limit; i++)
		r = result(s,
			   json_pack("{s:s, s:s, s:s, s:s}", "Index", c->name, "Name", full, "Tag",
				     s->names.v[i], "Description", ""),
			   err);
	return r;
}

/* --- sources --- */

static int ask(struct search *s, struct rl_err *err)
{
	struct rl_err first = { 0 };
	int r;

	if (!s->req->query)
		return ask_tags(s, err);
	r = ask_v1(s, &first);
	if (r == 0 || r == -EINTR || strcmp(s->src->conf.name, DOCKER_IO) == 0) {
		*err = first;
		return r;
	}
	return ask_catalog(s, err);
}

/* In the fetcher: credentials of the other sources are none of its business. */
static void forget_others(void *arg)
{
	struct search *s = arg;

	for (size_t i = 0; i < s->req->n_sources; i++)
		if (&s->req->sources[i] != s->src)
			registry_conf_done(&s->req->sources[i].conf);
}

static int ask_source(struct search *s, struct source *src, struct rl_err *err)
{
	int r;

	s->src = src;
	s->found = 0;
	if (s->req->query) {
		src->conf.repo[0] = '\0';
		src->conf.catalog = true;
	}
	r = fetcher_start(&src->conf, forget_others, s, &s->docs.fetcher, err);
	if (r < 0)
		return r;
	r = ask(s, err);
	fetcher_stop(&s->docs.fetcher);
	strv_done(&s->names);
	return r < 0 ? rl_wrap(err, "search '%s'", src->conf.name) : 0;
}

static int ask_all(struct search *s, struct rl_err *err)
{
	size_t good = 0;
	int r = 0;

	if (s->req->n_sources == 0)
		return rl_fail(err, EINVAL, "request: nowhere to search");
	for (size_t i = 0; i < s->req->n_sources; i++) {
		r = ask_source(s, &s->req->sources[i], err);
		if (r == 0)
			good++;
		else if (r == -EINTR)
			return r;
		else if (i + 1 < s->req->n_sources || good > 0)
			progress_note(&s->progress, err->msg);
	}
	return good > 0 ? 0 : r;
}

int cmd_search(const struct rl *rl, int argc, char **argv, struct rl_err *err)
{
	struct request req = { 0 };
	struct search s = { .req = &req, .docs.fetcher.sock = FD_NONE };
	int r;

	(void)rl;
	(void)argc;
	(void)argv;
	/* passwords pass through here: no core file, no debugger */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return rl_fail_sys(err, errno, "prctl");
	r = request_read(&req, err);
	if (r < 0)
		return r;
	progress_init(&s.progress, true);
	s.docs.progress = &s.progress;
	s.docs.signal_fd = request_signals(err);
	r = s.docs.signal_fd < 0 ? s.docs.signal_fd : ask_all(&s, err);
	fd_close(s.docs.signal_fd);
	request_done(&req);
	return r;
}
