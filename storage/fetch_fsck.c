/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_fsck.c - the client side of `rl-image fsck`; the header is the manual */
#include "config.h"

#include "storage/fetch_fsck.h"

#include <string.h>

#include "core/base/cleanup.h"
#include "core/session.h"
#include "storage/fetch_helper.h"
#include "storage/fetch_request.h"

#define LEFT "damaged" /* FSCK_LEFT of storage/image/fsck.h */

int fetch_fsck(const struct rl *rl, const struct fsck_req *req, struct strv *ret_lines,
	       size_t *ret_left, struct rl_err *err)
{
	const char *words[4] = { "fsck" };
	auto_strv struct strv kinds = { 0 };
	struct session s = { .userns_fd = FD_NONE };
	json_auto_t *root = NULL;
	auto_fd int fd = FD_NONE;
	size_t n = 1, left = 0;
	int r = session_open(rl, &s, err);

	if (r < 0)
		return r;
	if (req->repair)
		words[n++] = "repair";
	if (req->quick)
		words[n++] = "quick";
	r = fetch_request_new(&s, req->quiet, &root, err);
	fd = r < 0 ? r : fetch_request_fd(root, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { fd, 3 } }, 1, ret_lines,
				      &kinds, err);
	session_close(&s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < kinds.n; i++)
		left += strcmp(kinds.v[i], LEFT) == 0;
	*ret_left = left;
	return 0;
}
