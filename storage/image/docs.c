/* SPDX-License-Identifier: Apache-2.0 */
/* docs.c - documents from the fetcher; the header is the manual */
#include "config.h"

#include "storage/image/docs.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/image/hash.h"

static int wait_fetcher(struct docs *d, struct rl_err *err)
{
	for (;;) {
		struct pollfd v[2] = { { .fd = d->signal_fd, .events = POLLIN },
				       { .fd = d->fetcher.sock, .events = POLLIN } };

		if (poll(v, 2, -1) < 0 && errno != EINTR)
			return rl_fail_sys(err, errno, "wait for the fetch process");
		if (v[0].revents)
			return rl_fail(err, EINTR, "interrupted");
		if (v[1].revents)
			return 0;
	}
}

/* Reports until the job @id is done. */
static int wait_job(struct docs *d, uint32_t id, struct fetch_report *rep, struct rl_err *err)
{
	for (;;) {
		if (wait_fetcher(d, err) < 0 || fetcher_recv(&d->fetcher, rep, err) < 0)
			return -err->code;
		if (rep->event == FETCH_NOTE)
			progress_note(d->progress, rep->err.msg);
		if (rep->event == FETCH_DONE && (rep->id == id || rep->id == UINT32_MAX))
			break;
	}
	if (rep->err.code) {
		*err = rep->err;
		return -err->code;
	}
	return 0;
}

static int read_doc(int fd, size_t max, struct buf *out, struct rl_err *err)
{
	int r;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return rl_fail_sys(err, errno, "read the answer");
	out->len = 0;
	r = io_read_all(fd, max, out);
	if (r < 0)
		return rl_fail_sys(err, -r, "read the answer");
	return buf_add(out, "", 0) < 0 ? rl_oom(err) : 0; /* never NULL */
}

int docs_get(struct docs *d, struct fetch_job *job, struct buf *out, struct fetch_report *rep,
	     struct digest *ret, struct rl_err *err)
{
	auto_fd int fd = memfd_create("rl-doc", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return rl_fail_sys(err, errno, "memfd_create");
	job->id = ++d->next_id;
	r = fetcher_send(&d->fetcher, job, (const int[]){ fd, FD_NONE }, err);
	if (r == 0)
		r = wait_job(d, job->id, rep, err);
	if (r == 0)
		r = read_doc(fd, (size_t)(job->size >= 0 ? job->size : job->max), out, err);
	if (r == 0)
		r = hash_bytes(out->data, out->len, ret, err);
	if (r < 0)
		return r;
	d->bytes += (int64_t)out->len;
	if (job->digest[0] && strcmp(job->digest, ret->text) != 0)
		return rl_fail(err, EBADMSG, "wrong digest: asked for %s, got %s", job->digest,
			       ret->text);
	return 0;
}

int docs_list(struct docs *d, const char *first,
	      int (*take)(void *arg, const struct buf *text, struct rl_err *err), void *arg,
	      struct rl_err *err)
{
	struct fetch_report rep = { .next = "" };

	(void)snprintf(rep.next, sizeof(rep.next), "%s", first);
	for (int page = 0; page < DOCS_PAGES_MAX; page++) {
		struct fetch_job job = { .kind = FETCH_LIST, .size = -1, .max = REGISTRY_LIST_MAX };
		auto_buf struct buf text = { 0 };
		struct digest unused;

		memcpy(job.target, rep.next, sizeof(job.target));
		if (docs_get(d, &job, &text, &rep, &unused, err) < 0 || take(arg, &text, err) < 0)
			return -err->code;
		if (!rep.next[0])
			return 0;
	}
	return 0;
}
