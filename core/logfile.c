/* SPDX-License-Identifier: Apache-2.0 */
/* logfile.c - a container's log, the writing side; the header is the manual */
#include "config.h"

#include "core/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"

static void open_file(struct logfile *l)
{
	struct stat st;

	l->fd = openat(l->dir_fd, LOGFILE_NAME,
		       O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	l->size = l->fd >= 0 && fstat(l->fd, &st) == 0 ? st.st_size : 0;
}

static void flush(struct logfile *l)
{
	size_t off = 0;

	if (l->len == 0)
		return;
	if (l->fd < 0 && l->dir_fd >= 0)
		open_file(l);
	while (off < l->len) {
		ssize_t n = write(l->fd, l->buf + off, l->len - off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		off += (size_t)n;
	}
	l->size += (int64_t)off;
	l->dropped += l->len - off;
	l->len = 0;
}

static void put(struct logfile *l, const char *s, size_t n)
{
	while (n > 0) {
		size_t k = sizeof(l->buf) - l->len;

		if (k > n)
			k = n;
		memcpy(l->buf + l->len, s, k);
		l->len += k;
		s += k;
		n -= k;
		if (l->len == sizeof(l->buf))
			flush(l);
	}
}

static void entry(struct logfile *l, const char *time, int stream, bool full, const char *s,
		  size_t n)
{
	char head[64];
	int k = snprintf(head, sizeof(head), "%s %s %c ", time, stream == 1 ? "stdout" : "stderr",
			 full ? 'F' : 'P');

	put(l, head, (size_t)k);
	put(l, s, n);
	put(l, "\n", 1);
	l->is_partial[stream - 1] = !full;
}

/* Entries never span two files: rotation happens between two calls of logfile_add(). */
static void rotate(struct logfile *l)
{
	if (l->size < l->max)
		return;
	if (l->dir_fd < 0) {
		if (ftruncate(l->fd, 0) == 0)
			l->size = 0;
		return;
	}
	fd_close(TAKE_FD(l->fd));
	(void)renameat(l->dir_fd, LOGFILE_NAME, l->dir_fd,
		       LOGFILE_OLD); /* else it goes on growing */
	open_file(l);
}

static void say_dropped(struct logfile *l, const char *time)
{
	char text[96];
	int n = snprintf(text, sizeof(text),
			 "rl: %llu bytes of this log were lost, the disk was full",
			 (unsigned long long)l->dropped);
	uint64_t before = l->dropped;

	l->dropped = 0;
	entry(l, time, 2, true, text, (size_t)n);
	flush(l);
	if (l->dropped > 0)
		l->dropped = before; /* still no room */
}

/* All but @buf, which is memory of its own as soon as it is written to. */
static void init(struct logfile *l, int dir_fd, int fd, int64_t max)
{
	l->dir_fd = dir_fd;
	l->fd = fd;
	l->max = max;
	l->size = 0;
	l->dropped = 0;
	l->is_partial[0] = l->is_partial[1] = false;
	l->len = 0;
}

void logfile_open(struct logfile *l, int dir_fd, int64_t max)
{
	init(l, dir_fd, FD_NONE, max);
	if (dir_fd >= 0)
		open_file(l);
}

void logfile_open_file(struct logfile *l, int fd, int64_t max)
{
	struct stat st;

	init(l, FD_NONE, fd, max);
	l->size = fd >= 0 && fstat(fd, &st) == 0 ? st.st_size : 0;
}

void logfile_add(struct logfile *l, int stream, const char *data, size_t n)
{
	char time[32];

	if (l->dir_fd < 0 && l->fd < 0)
		return;
	rotate(l);
	time_rfc3339(time, wall_ns());
	if (l->dropped > 0)
		say_dropped(l, time);
	while (n > 0) {
		const char *nl = memchr(data, '\n', n);
		size_t k = nl ? (size_t)(nl - data) : n;

		entry(l, time, stream, nl != NULL, data, k);
		k += nl ? 1 : 0;
		data += k;
		n -= k;
	}
	flush(l);
}

void logfile_close(struct logfile *l)
{
	fd_close(TAKE_FD(l->fd));
}
