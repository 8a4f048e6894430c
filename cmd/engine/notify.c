/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - engine: telling systemd that a unit's container runs; the header is the manual */
#include "config.h"

#include "cmd/engine/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/log.h"

int notify_check(const char *mode, struct rl_err *err)
{
	static const char *const modes[] = { "", "ignore", "conmon", "healthy" };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (!mode || strcmp(mode, modes[i]) == 0)
			return 0;
	if (strcmp(mode, "container") != 0)
		return rl_fail(err, EINVAL, "'--sdnotify %s': expected conmon, healthy or ignore",
			       mode);
	rl_fail(err, ENOTSUP,
		"'--sdnotify container': the container cannot reach systemd's socket");
	return rl_hint(err, "conmon tells when it runs, healthy when its health check says so");
}

bool notify_is_wanted(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path;
}

void notify_ready(int main_pid)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	auto_fd int fd = FD_NONE;
	char text[64] = "READY=1";

	if (n == 0 || n >= sizeof(a.sun_path))
		return;
	if (main_pid > 0)
		(void)snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1", main_pid);
	memcpy(a.sun_path, path, n);
	if (*path == '@')
		a.sun_path[0] = '\0'; /* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&a,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_warn("systemd was not told that the container runs: %s", strerror(errno));
}
