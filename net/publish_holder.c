/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_holder.c - who listens on a port of the host
 *
 * Only for the message of a failed publish. The socket's inode is in /proc/net/{tcp,udp}{,6}
 * (proc(5)); its holder is seen in /proc/PID/fd when it is a process of this user.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "net/publish.h"

#define TABLE_MAX  (4U << 20)
#define TCP_LISTEN 10U

/* Inode of a socket bound to @port in one table, or 0. */
static unsigned long find_inode(const char *table, bool tcp, uint16_t port)
{
	auto_buf struct buf b = { 0 };
	unsigned long inode = 0;
	struct rl_err err;

	if (io_read_file(AT_FDCWD, table, TABLE_MAX, &b, &err) < 0 || !b.data)
		return 0; /* no such family here */
	for (const char *line = strchr(b.data, '\n'); line && line[1] && !inode;
	     line = strchr(line + 1, '\n')) {
		unsigned local, state;
		unsigned long ino;

		if (sscanf(line + 1,
			   "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f:] %x %*s %*s %*s %*u %*u %lu",
			   &local, &state, &ino) == 3 &&
		    local == port && (!tcp || state == TCP_LISTEN))
			inode = ino;
	}
	return inode;
}

static bool has_socket(int proc_fd, const char *pid, unsigned long inode)
{
	auto_free char *path = str_printf("%s/fd", pid);
	auto_dir DIR *d = NULL;
	struct dirent *e;
	int fd = path ? openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d)
		return false; /* of somebody else, or gone */
	while ((e = readdir(d))) {
		unsigned long n;
		char link[64];
		ssize_t len = readlinkat(fd, e->d_name, link, sizeof(link) - 1);

		if (len <= 0)
			continue;
		link[len] = '\0';
		if (sscanf(link, "socket:[%lu]", &n) == 1 && n == inode)
			return true;
	}
	return false;
}

/* Does "8080/tcp" or "80-82/tcp" mean this port? */
static bool names_port(const char *arg, uint8_t proto, uint16_t port)
{
	unsigned first, last;
	char name[4];

	if (sscanf(arg, "%5u-%5u/%3s", &first, &last, name) != 3) {
		if (sscanf(arg, "%5u/%3s", &first, name) != 2)
			return false;
		last = first;
	}
	return strcmp(name, publish_proto_name(proto)) == 0 && port >= first && port <= last;
}

/*
 * Our forwarders cannot be looked into, but their command lines can be read:
 * "rl-port", the container's name, its ports.
 */
static bool is_forwarder(const struct buf *cmd, uint8_t proto, uint16_t port, const char **ret_name)
{
	const char *end = cmd->data + cmd->len, *arg = cmd->data;
	size_t n = 0;

	for (; arg && arg < end; n++) {
		if (n == 1)
			*ret_name = arg;
		if (n > 1 && names_port(arg, proto, port))
			return true;
		arg = memchr(arg, '\0', (size_t)(end - arg));
		arg = arg ? arg + 1 : NULL;
	}
	return false;
}

/* Tells about @pid when it is the one: "" otherwise. */
static void examine(int proc_fd, const char *pid, uint8_t proto, uint16_t port, unsigned long inode,
		    char *text, size_t room)
{
	auto_free char *line = str_printf("%s/cmdline", pid), *comm = str_printf("%s/comm", pid);
	auto_buf struct buf cmd = { 0 }, name = { 0 };
	const char *container = "";
	struct rl_err err;

	if (!line || !comm || io_read_file(proc_fd, comm, 64, &name, &err) < 0 || name.len == 0)
		return;                 /* gone meanwhile */
	name.data[name.len - 1] = '\0'; /* the newline */
	if (strcmp(name.data, "rl-port") == 0 &&
	    io_read_file(proc_fd, line, 1 << 16, &cmd, &err) == 0 && cmd.len > 0 &&
	    is_forwarder(&cmd, proto, port, &container))
		(void)snprintf(text, room, "container '%.128s'", container);
	else if (inode && has_socket(proc_fd, pid, inode))
		(void)snprintf(text, room, "'%s' (pid %s)", name.data, pid);
}

void publish_holder(uint8_t proto, uint16_t port, char *text, size_t room)
{
	const bool tcp = proto == IPPROTO_TCP;
	unsigned long inode = find_inode(tcp ? "/proc/net/tcp" : "/proc/net/udp", tcp, port);
	auto_dir DIR *d = opendir("/proc");
	struct dirent *e;

	text[0] = '\0';
	if (!inode)
		inode = find_inode(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", tcp, port);
	while (d && !text[0] && (e = readdir(d))) {
		uint64_t pid;

		if (parse_uint(e->d_name, INT32_MAX, &pid) == 0)
			examine(dirfd(d), e->d_name, proto, port, inode, text, room);
	}
}
