/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.c - layers of additional stores; the header is the manual */
#include "config.h"

#include "storage/image/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"
#include "core/base/proc.h"
#include "storage/digest.h"
#include "storage/elsewhere.h"
#include "storage/image/child.h"
#include "storage/image/merge.h"
#include "storage/image/stub.h"

#define NAMES_MAX (8 << 20) /* bytes of the names of a store's layers */
#define PROBER    "the process that tries stubs"

/* --- opening ------------------------------------------------------------------------------- */

/* In the child: names of the layers to @list, one a line. */
static void list_names(int layers_fd, int list)
{
	int dup = openat(layers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = dup < 0 ? NULL : fdopendir(dup);
	const struct dirent *e;
	size_t sum = 0;

	while (d && (e = readdir(d)) && sum < NAMES_MAX) {
		size_t n = strlen(e->d_name);

		if (n < 66 || strchr(e->d_name, '\n') || !digest_is_hex64(e->d_name, 64))
			continue;
		sum += n + 1;
		if (io_write_all(list, e->d_name, n) < 0 || io_write_all(list, "\n", 1) < 0)
			_exit(1);
	}
}

/* It may stay for ever in a file system that does not answer: nothing of ours is open in it then. */
static _Noreturn void look(const char *path, int sock, int list)
{
	int fds[2] = { FD_NONE, FD_NONE }, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char has[2] = { 0, 0 };
	auto_free char *layers = str_printf("%s/layers", path);
	auto_free char *blobs = str_printf("%s/blobs/sha256", path);
	size_t n = 0;
	int low = sock < list ? sock : list, high = sock < list ? list : sock;

	for (int i = 0; i < 3; i++)
		if (null >= 0 && dup2(null, i) < 0)
			_exit(1);
	if (low < 3 || !layers || !blobs)
		_exit(1);
	proc_close_range(3, (unsigned)low - 1); /* fewer than one: nothing */
	proc_close_range((unsigned)low + 1, (unsigned)high - 1);
	proc_close_range((unsigned)high + 1, ~0U);
	for (int i = 0; i < 2; i++) {
		int fd = open(i ? blobs : layers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		has[i] = fd >= 0;
		if (fd >= 0)
			fds[n++] = fd;
	}
	if (has[0])
		list_names(fds[0], list);
	_exit(fd_send(sock, has, sizeof(has), fds, n) < 0);
}

static int read_names(struct foreign_store *s, int list, struct rl_err *err)
{
	auto_buf struct buf b = { 0 };

	if (lseek(list, 0, SEEK_SET) < 0 || io_read_all(list, 2 * NAMES_MAX, &b) < 0)
		return rl_fail(err, EIO, "read the names of layers");
	return b.len && strv_split(&s->keys, b.data, '\n') < 0 ? rl_oom(err) : 0;
}

static void take_answer(struct foreign_store *s, int sock)
{
	int fds[2] = { FD_NONE, FD_NONE };
	char has[2] = { 0, 0 };
	ssize_t n = fd_recv(sock, has, sizeof(has), fds, 2);

	if (n != (ssize_t)sizeof(has)) {
		fd_close(fds[0]);
		fd_close(fds[1]);
		return;
	}
	s->layers_fd = has[0] ? fds[0] : FD_NONE;
	s->blobs_fd = has[1] ? fds[has[0] ? 1 : 0] : FD_NONE;
}

static int open_store(struct foreign_store *s, const char *path, struct progress *progress,
		      struct rl_err *err)
{
	auto_fd int list = memfd_create("rl-names", MFD_CLOEXEC);
	auto_fd int here = FD_NONE, there = FD_NONE;
	int sv[2], status;
	struct pollfd p;
	pid_t pid;

	*s = (struct foreign_store){ .path = strdup(path),
				     .layers_fd = FD_NONE,
				     .blobs_fd = FD_NONE };
	if (!s->path)
		return rl_oom(err);
	if (list < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return rl_fail_sys(err, errno, "look at store '%s'", path);
	here = sv[0];
	there = sv[1];
	pid = fork();
	if (pid < 0)
		return rl_fail_sys(err, errno, "fork");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail with a valid signal */
		look(path, there, list);
	}
	cleanup_fd(&there);
	p = (struct pollfd){ .fd = here, .events = POLLIN };
	if (poll(&p, 1, FOREIGN_MS) <= 0) {
		auto_free char *text =
			str_printf("store '%s' does not answer within %d s: done without it", path,
				   FOREIGN_MS / 1000);

		if (text)
			progress_note(progress, text);
		(void)kill(pid, SIGKILL); /* not waited for: it may stand in the kernel for ever */
		return 0;
	}
	take_answer(s, here);
	(void)kill(pid, SIGKILL);       /* it has said all */
	(void)waitpid(pid, &status, 0); /* fails only where somebody else has reaped it */
	return read_names(s, list, err);
}

/* --- does the kernel follow stubs? --------------------------------------------------------- */

static int make_trial(int fd, struct rl_err *err)
{
	auto_fd int data = FD_NONE, stub = FD_NONE;

	if (mkdirat(fd, "d", 0755) < 0 || mkdirat(fd, "s", 0755) < 0 ||
	    mkdirat(fd, "d/k", 0755) < 0)
		return rl_fail_sys(err, errno, "make folders to try stubs with");
	data = openat(fd, "d/k/f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	stub = openat(fd, "s/f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (data < 0 || stub < 0 || io_write_all(data, "x", 1) < 0 ||
	    stub_make(stub, "k", "f", 1) < 0)
		return rl_fail_sys(err, errno, "make files to try stubs with");
	return 0;
}

static int try_stubs(const struct rl *rl, const struct layer_stage *st, struct rl_err *err)
{
	auto_strv struct strv names = { 0 };
	auto_fd int fd = FD_NONE;
	int r = make_trial(st->diff_fd, err);

	if (r < 0)
		return r;
	if (strv_take(&names, str_printf("%s/%s/diff/s", rl->data_dir, st->name)) < 0 ||
	    strv_take(&names, str_printf("%s/%s/diff/d", rl->data_dir, st->name)) < 0)
		return rl_oom(err);
	if (unshare(CLONE_NEWNS) < 0)
		return rl_fail_sys(err, errno, "make a mount namespace");
	fd = merge_mount(&names, 1, err);
	r = fd < 0 ? fd : merge_has_data(fd, 0, err);
	return r == 1 ? 0 : r < 0 ? r : rl_fail(err, EIO, "no data");
}

static bool stubs_work(const struct rl *rl)
{
	struct layer_stage st = { .lock_fd = FD_NONE, .diff_fd = FD_NONE };
	auto_buf struct buf nothing = { 0 };
	struct rl_err err = { 0 };
	char key[40] = "try-";
	struct child c;
	int fd, r;

	rand_hex(key + strlen(key), 8);
	if (layer_begin(rl, key, false, &st, &err) != 0)
		return false;
	r = child_fork(PROBER, &c, &fd, &err);
	if (r == 0) {
		r = try_stubs(rl, &st, &err);
		child_answer(fd, r < 0 ? &err : NULL, NULL, 0);
	}
	if (r > 0)
		r = child_result(&c, PROBER, 0, &nothing, &err);
	layer_abort(rl, &st);
	if (r < 0)
		log_debug("unpacked layers of other stores are not used: %s", err.msg);
	return r == 0;
}

/* --- the door ------------------------------------------------------------------------------ */

int foreign_open(const struct rl *rl, const struct strv *paths, struct progress *progress,
		 struct foreign *ret, struct rl_err *err)
{
	struct foreign f = { 0 };
	bool unpacked = false;
	int r = 0;

	f.v = calloc(paths->n ? paths->n : 1, sizeof(*f.v));
	if (!f.v)
		return rl_oom(err);
	while (r == 0 && f.n < paths->n) {
		r = open_store(&f.v[f.n], paths->v[f.n], progress, err);
		unpacked = unpacked || f.v[f.n].keys.n > 0;
		f.n++;
	}
	if (r < 0) {
		foreign_close(&f);
		return r;
	}
	f.in_place = unpacked && stubs_work(rl);
	*ret = f;
	return 0;
}

void foreign_close(struct foreign *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].path);
		fd_close(f->v[i].layers_fd);
		fd_close(f->v[i].blobs_fd);
		strv_done(&f->v[i].keys);
	}
	free(f->v);
	*f = (struct foreign){ 0 };
}

/* diff of a layer of @s, its path in @ret_path */
static int open_diff(const struct foreign_store *s, const char *key, char **ret_path)
{
	auto_free char *diff = str_printf("%s/diff", key);
	auto_free char *path = str_printf("%s/layers/%s/diff", s->path, key);
	int fd = diff ? openat(s->layers_fd, diff, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
		      : -1;

	if (fd < 0 || !path)
		return -ENOENT;
	*ret_path = TAKE_PTR(path);
	return fd;
}

int foreign_layer(const struct foreign *f, const char *diff_id, char **ret_path)
{
	for (size_t i = 0; f->in_place && i < f->n; i++) {
		const struct foreign_store *s = &f->v[i];

		for (size_t k = 0; s->layers_fd >= 0 && k < s->keys.n; k++) {
			const char *key = s->keys.v[k];
			int fd;

			/* one made for other owners has a second '-' */
			if (strncmp(key, digest_hex(diff_id), 64) != 0 || key[64] != '-' ||
			    strchr(key + 65, '-'))
				continue;
			fd = open_diff(s, key, ret_path);
			if (fd >= 0)
				return fd;
		}
	}
	return -ENOENT;
}

int foreign_blob(const struct foreign *f, const char *digest, int64_t size, char **ret_path)
{
	for (size_t i = 0; i < f->n; i++) {
		auto_fd int fd = f->v[i].blobs_fd < 0
					 ? FD_NONE
					 : openat(f->v[i].blobs_fd, digest_hex(digest),
						  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != size)
			continue;
		*ret_path = str_printf("%s/blobs/sha256/%s", f->v[i].path, digest_hex(digest));
		if (*ret_path)
			return TAKE_FD(fd);
	}
	return -ENOENT;
}
