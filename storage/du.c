/* SPDX-License-Identifier: Apache-2.0 */
/* du.c - how many bytes trees hold; the header is the manual */
#include "config.h"

#include "storage/du.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "storage/inside.h"

struct du {
	const struct rl *rl;
	const char *const *paths;
	size_t n;
	int64_t *sums; /* shared with the child */
};

static int64_t sum_up(const char *path)
{
	char *copy = strdup(path);
	char *const roots[] = { copy, NULL };
	FTS *f = copy ? fts_open(roots, FTS_PHYSICAL | FTS_XDEV, NULL) : NULL;
	const FTSENT *e;
	int64_t sum = 0;

	while (f && (e = fts_read(f)))
		if (e->fts_info == FTS_F && e->fts_statp->st_nlink > 0)
			sum += e->fts_statp->st_size / (int64_t)e->fts_statp->st_nlink;
	if (f)
		(void)fts_close(f); /* nothing was written */
	free(copy);
	return sum;
}

static int in_session(void *arg, struct rl_err *err)
{
	const struct du *d = arg;

	for (size_t i = 0; i < d->n; i++) {
		/* fts walks by chdir, which also guards it against folders that turn into links */
		if (fchdir(d->rl->data_fd) < 0)
			return rl_fail_sys(err, errno, "enter '%s'", d->rl->data_dir);
		d->sums[i] = sum_up(d->paths[i]);
	}
	return 0;
}

int du_trees(const struct rl *rl, const struct session *s, const char *const *paths, size_t n,
	     int64_t *ret, struct rl_err *err)
{
	size_t len = (n + 1) * sizeof(int64_t);
	struct du d = { .rl = rl, .paths = paths, .n = n };
	void *shared = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int r;

	if (shared == MAP_FAILED)
		return rl_fail_sys(err, errno, "map memory");
	d.sums = shared;
	r = inside_run(s, in_session, &d, -1, err);
	if (r == 0)
		memcpy(ret, shared, n * sizeof(*ret));
	(void)munmap(shared, len); /* our own mapping */
	return r < 0 ? rl_wrap(err, "sum up sizes") : 0;
}
