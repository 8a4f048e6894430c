/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_fs.c - the cgroup file system; the header is the manual */
#include "config.h"

#include "core/cgroup_fs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"

#define DEPTH_MAX 16 /* nested groups that a container made and we remove */

char *cgfs_parse_self(const char *text)
{
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n");

		if (n > 3 && strncmp(s, "0::/", 4) == 0)
			return strndup(s + 3, n - 3);
		s += n + (s[n] == '\n');
	}
	return NULL;
}

bool cgfs_has_v1(const char *text)
{
	/* "hierarchy:controllers:path"; named hierarchies have no controller */
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n");
		const char *list = memchr(s, ':', n);

		if (list && list[1] != ':' && strncmp(list + 1, "name=", 5) != 0)
			return true;
		s += n + (s[n] == '\n');
	}
	return false;
}

/* A field of mountinfo, where blanks and kin are written as \ooo. NULL when out of memory. */
static char *unescape(const char *s, size_t n)
{
	char *out = malloc(n + 1), *o = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && n - i > 3 && s[i + 1] >= '0' && s[i + 1] <= '3' &&
		    s[i + 2] >= '0' && s[i + 2] <= '7' && s[i + 3] >= '0' && s[i + 3] <= '7') {
			*o++ = (char)((s[i + 1] - '0') * 64 + (s[i + 2] - '0') * 8 + s[i + 3] -
				      '0');
			i += 3;
		} else {
			*o++ = s[i];
		}
	}
	*o = '\0';
	return out;
}

/* Start and length of blank-separated field @index in @line; length 0 when there is none. */
static const char *field(const char *line, size_t len, unsigned index, size_t *ret_len)
{
	const char *end = line + len;

	for (;;) {
		const char *stop = memchr(line, ' ', (size_t)(end - line));

		if (!stop)
			stop = end;
		*ret_len = (size_t)(stop - line);
		if (index-- == 0)
			return line;
		if (stop == end) {
			*ret_len = 0;
			return end;
		}
		line = stop + 1;
	}
}

/* "id parent dev ROOT POINT options [optional...] - TYPE source super": 1 = a cgroup2 mount. */
static int parse_mount(const char *line, size_t len, struct cgfs_mount *ret)
{
	const char *f, *root, *point;
	size_t n, root_len, point_len;
	unsigned i;

	for (i = 6;; i++) {
		f = field(line, len, i, &n);
		if (n == 0)
			return 0;
		if (n == 1 && *f == '-')
			break;
	}
	f = field(line, len, i + 1, &n);
	root = field(line, len, 3, &root_len);
	point = field(line, len, 4, &point_len);
	if (n != 7 || memcmp(f, "cgroup2", 7) != 0 || *root != '/' || *point != '/')
		return 0;
	if (root_len >= 3 && memcmp(root, "/..", 3) == 0)
		return 0; /* lies outside our cgroup namespace */
	ret->root = unescape(root, root_len);
	ret->point = unescape(point, point_len);
	return ret->root && ret->point ? 1 : -ENOMEM;
}

int cgfs_parse_mounts(const char *text, struct cgfs_mount *ret)
{
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n");
		struct cgfs_mount m = { 0 };
		int r = parse_mount(s, n, &m);

		if (r > 0) {
			*ret = m;
			return 0;
		}
		cgfs_mount_done(&m);
		if (r < 0)
			return r;
		s += n + (s[n] == '\n');
	}
	return -ENOENT;
}

void cgfs_mount_done(struct cgfs_mount *m)
{
	free(m->root);
	free(m->point);
	*m = (struct cgfs_mount){ 0 };
}

char *cgfs_folder(const struct cgfs_mount *m, const char *path)
{
	size_t n = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);

	if (strncmp(path, m->root, n) != 0 || (path[n] != '/' && path[n] != '\0') ||
	    strstr(path, "/..")) /* a process outside our cgroup namespace */
		return NULL;
	return str_printf("%s%s", m->point, strcmp(path + n, "/") == 0 ? "" : path + n);
}

/* @path NULL: there is no such hierarchy. */
int cgfs_locate(const char *path, char **ret_folder, struct rl_err *err)
{
	__attribute__((cleanup(cgfs_mount_done))) struct cgfs_mount m = { 0 };
	auto_buf struct buf mounts = { 0 };
	int r = io_read_file(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mounts, err);

	if (r < 0)
		return r;
	r = cgfs_parse_mounts(mounts.data ? mounts.data : "", &m);
	if (r == -ENOMEM)
		return rl_oom(err);
	if (!path || r < 0) {
		rl_fail(err, ENOENT, "cgroup v2 is not mounted here");
		return rl_hint(err,
			       "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2 "
			       "on /sys/fs/cgroup in the outer container");
	}
	*ret_folder = cgfs_folder(&m, path);
	if (!*ret_folder)
		return rl_fail(err, ENOENT, "the cgroup '%.300s' is not visible below '%.300s'",
			       path, m.point);
	return 0;
}

int cgfs_find(pid_t pid, char **ret_folder, struct rl_err *err)
{
	auto_buf struct buf self = { 0 };
	auto_free char *path = NULL;
	char file[64] = "/proc/self/cgroup";
	int r;

	if (pid > 0)
		(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	r = io_read_file(AT_FDCWD, file, 1 << 20, &self, err);
	if (r < 0)
		return r;
	path = cgfs_parse_self(self.data ? self.data : "");
	return cgfs_locate(path, ret_folder, err);
}

int cgfs_open(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int cgfs_write(int dir_fd, const char *file, const char *text)
{
	auto_fd int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = strlen(text);

	/* each write is one command to the kernel: never a part of it */
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return -errno;
	return 0;
}

ssize_t cgfs_read(int dir_fd, const char *file, char *text, size_t room)
{
	auto_fd int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -errno : io_read_full(fd, text, room - 1);

	text[n > 0 ? n : 0] = '\0';
	return n;
}

bool cgfs_lists(int dir_fd, const char *file, const char *word)
{
	char text[512];
	size_t n = strlen(word);

	if (cgfs_read(dir_fd, file, text, sizeof(text)) < 0)
		return false;
	for (const char *s = text; (s = strstr(s, word)); s += n)
		if ((s == text || s[-1] == ' ') && strchr(" \n", s[n]))
			return true;
	return false;
}

void cgfs_number(int dir_fd, const char *file, const char *key, int64_t *ret)
{
	char text[4096];
	const char *s = text;
	size_t n = key ? strlen(key) : 0;
	char *end;
	int64_t v;

	if (cgfs_read(dir_fd, file, text, sizeof(text)) < 0)
		return;
	while (key && *s && (strncmp(s, key, n) != 0 || s[n] != ' ')) {
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	s += key && *s ? n + 1 : 0;
	end = text + (s - text) + strcspn(s, "\n");
	*end = '\0';
	if (parse_int(s, 0, INT64_MAX, &v) == 0)
		*ret = v;
}

int cgfs_move(int dir_fd, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return cgfs_write(dir_fd, "cgroup.procs", text);
}

/* Call @fn for each pid in cgroup.procs. Number of pids, or -errno of reading or of @fn. */
static int each_pid(int dir_fd, int (*fn)(int arg, pid_t pid), int arg)
{
	auto_fd int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	auto_buf struct buf b = { 0 };
	int n = 0, r;

	if (fd < 0)
		return -errno;
	r = io_read_all(fd, 16 << 20, &b);
	if (r < 0)
		return r;
	for (char *s = b.data, *end; s && *s; s = end) {
		int64_t pid;

		end = s + strcspn(s, "\n");
		if (*end)
			*end++ = '\0';
		/* 0: a process that our pid namespace does not see */
		if (parse_int(s, 1, INT32_MAX, &pid) < 0)
			return -EBUSY;
		r = fn(arg, (pid_t)pid);
		if (r < 0)
			return r;
		n++;
	}
	return n;
}

static int move_one(int to, pid_t pid)
{
	int r = cgfs_move(to, pid);

	return r == -ESRCH ? 0 : r; /* it ended meanwhile */
}

int cgfs_move_all(int from, int to)
{
	/* a process may fork between our reading the list and moving it */
	for (int round = 0; round < 20; round++) {
		int n = each_pid(from, move_one, to);

		if (n <= 0)
			return n;
	}
	return -EBUSY;
}

static int kill_one(int arg, pid_t pid)
{
	(void)arg;
	return kill(pid, SIGKILL) < 0 && errno != ESRCH ? -errno : 0;
}

/* Call @fn for each sub-group; the first failure ends it. */
static int each_child(int dir_fd, int (*fn)(int dir_fd, const char *name, int depth), int depth)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *d = NULL;
	const struct dirent *e;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (depth > DEPTH_MAX) {
		fd_close(fd);
		return -ELOOP;
	}
	d = fdopendir(fd);
	if (!d) {
		fd_close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			r = fn(dir_fd, e->d_name, depth);
	return r;
}

/* Before Linux 5.14 there is no cgroup.kill: by hand, again and again while they fork. */
static int kill_tree(int parent_fd, const char *name, int depth)
{
	auto_fd int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = each_child(fd, kill_tree, depth + 1);
	for (int round = 0; round < 20 && r == 0; round++) {
		r = each_pid(fd, kill_one, 0);
		if (r <= 0)
			break;
		r = 0;
	}
	return r;
}

int cgfs_kill(int dir_fd)
{
	int r = cgfs_write(dir_fd, "cgroup.kill", "1");

	return r == -ENOENT ? kill_tree(dir_fd, ".", 0) : r;
}

static int remove_tree(int parent_fd, const char *name, int depth)
{
	auto_fd int fd = FD_NONE;

	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	(void)each_child(fd, remove_tree, depth + 1); /* rmdir below says whether it was enough */
	return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int cgfs_remove(int dir_fd, const char *name, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int r;

	/* a killed process counts until it has left; cgroup.events could be polled for that, but
	 * a few milliseconds of patience need no watch on a file that goes away under us */
	while ((r = remove_tree(dir_fd, name, 0)) == -EBUSY && now_ms() < end)
		(void)poll(NULL, 0, 2);
	return r;
}
