/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_search.c - the client side of `rl-image search`; the header is the manual */
#include "config.h"

#include "storage/fetch_search.h"

#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "storage/fetch_helper.h"
#include "storage/fetch_request.h"

#define LINE_MAX_BYTES (1 << 20)

static int compose(json_t *root, const void *arg, struct rl_err *err)
{
	return fetch_request_search(root, arg, err);
}

static int collect(const struct strv *lines, json_t **ret, struct rl_err *err)
{
	json_auto_t *rows = json_array();

	if (!rows)
		return rl_oom(err);
	for (size_t i = 0; i < lines->n; i++) {
		json_t *row = NULL;

		if (json_read(lines->v[i], strlen(lines->v[i]), LINE_MAX_BYTES, "rl-image", &row,
			      err) < 0)
			return -err->code;
		if (json_array_append_new(rows, row) < 0)
			return rl_oom(err);
	}
	*ret = TAKE_PTR(rows);
	return 0;
}

int fetch_search(const struct rl *rl, const struct search_req *req, json_t **ret,
		 struct rl_err *err)
{
	static const char *const words[] = { "search", NULL };
	struct session s = { .userns_fd = FD_NONE };
	auto_strv struct strv lines = { 0 };
	auto_fd int fd = FD_NONE;
	int r = session_open(rl, &s, err);

	if (r < 0)
		return r;
	fd = fetch_secret_request(&s, true, compose, req, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { fd, 3 } }, 1, &lines,
				      NULL, err);
	session_close(&s);
	return r < 0 ? r : collect(&lines, ret, err);
}
