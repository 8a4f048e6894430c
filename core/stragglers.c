/* SPDX-License-Identifier: Apache-2.0 */
/* stragglers.c - processes that outlive the first one of their container; the header is the manual */
#include "config.h"

#include "core/stragglers.h"

#include <dirent.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/base/proc.h"

#define ROUNDS  50 /* each kills what the last one's victims had forked meanwhile */
#define WAIT_MS 2

static bool is_in(pid_t pid, const char *kind, const struct stat *ns)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	return stat(path, &st) == 0 && st.st_ino == ns->st_ino && st.st_dev == ns->st_dev;
}

/* Return: whether there was any. */
static bool kill_round(const char *kind, const struct stat *ns)
{
	auto_dir DIR *d = opendir("/proc");
	struct dirent *e;
	bool found = false;
	uint64_t pid;

	while (d && (e = readdir(d))) {
		auto_fd int pidfd = FD_NONE;

		if (parse_uint(e->d_name, INT32_MAX, &pid) < 0 || !is_in((pid_t)pid, kind, ns))
			continue;
		pidfd = proc_pidfd_open((pid_t)pid); /* pins it; then look again */
		if (pidfd >= 0 && is_in((pid_t)pid, kind, ns))
			found |= proc_pidfd_signal(pidfd, SIGKILL) == 0;
	}
	return found;
}

void stragglers_kill(int mounts_fd, bool shared_userns)
{
	const char *kind = shared_userns ? "mnt" : "user";
	auto_fd int fd = shared_userns ? FD_NONE : ioctl(mounts_fd, NS_GET_USERNS);
	struct stat ns, own;

	if (fstat(shared_userns ? mounts_fd : fd, &ns) < 0 ||
	    stat(shared_userns ? "/proc/self/ns/mnt" : "/proc/self/ns/user", &own) < 0 ||
	    (own.st_ino == ns.st_ino && own.st_dev == ns.st_dev))
		return;
	for (int i = 0; i < ROUNDS && kill_round(kind, &ns); i++)
		(void)poll(NULL, 0, WAIT_MS);
}
