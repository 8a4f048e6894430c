/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_remote.c - running rl-image to look at manifests; the header is the manual */
#include "config.h"

#include "storage/fetch_remote.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "storage/fetch_helper.h"
#include "storage/fetch_request.h"

#define TEXT_MAX (64 << 20) /* what rl-image sends at most, with every byte escaped */

static int compose(json_t *root, const void *arg, struct rl_err *err)
{
	return fetch_request_pull(root, arg, err);
}

static int read_docs(int fd, json_t **ret, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : io_read_all(fd, TEXT_MAX, &b);

	if (r < 0)
		return rl_fail_sys(err, -r, "read the manifests");
	r = json_read(b.data ? b.data : "", b.len, TEXT_MAX, "rl-image", ret, err);
	if (r == 0 && json_array_size(*ret) == 0) {
		json_decref(*ret);
		r = rl_fail(err, EPROTO, "rl-image brought no manifest");
	}
	return r;
}

int fetch_remote(const struct rl *rl, const struct pull_req *req, enum remote_depth depth,
		 json_t **ret, char **ret_name, struct rl_err *err)
{
	static const char *const depths[] = { NULL, "one", "all" };
	const char *const words[] = { "remote", depths[depth], NULL };
	auto_fd int out = memfd_create("rl-manifests", MFD_CLOEXEC), fd = FD_NONE;
	struct session s = { .userns_fd = FD_NONE };
	auto_strv struct strv names = { 0 };
	int r = out < 0 ? rl_fail_sys(err, errno, "memfd_create") : session_open(rl, &s, err);

	if (r < 0)
		return r;
	fd = fetch_secret_request(&s, true, compose, req, err);
	r = fd < 0 ? fd
		   : fetch_helper_run(rl, &s, words, (struct proc_fd[]){ { fd, 3 }, { out, 4 } }, 2,
				      &names, NULL, err);
	session_close(&s);
	if (r == 0)
		r = read_docs(out, ret, err);
	if (r < 0)
		return r;
	*ret_name = strdup(names.n ? names.v[0] : req->name);
	if (!*ret_name)
		json_decref(*ret);
	return *ret_name ? 0 : rl_oom(err);
}
