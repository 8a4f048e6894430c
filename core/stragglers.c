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

static bool is_in(pid_t pid, const struct stat *userns)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return stat(path, &st) == 0 && st.st_ino == userns->st_ino && st.st_dev == userns->st_dev;
}

/* Return: whether there was any. */
static bool kill_round(const struct stat *userns)
{
	auto_dir DIR *d = opendir("/proc");
	struct dirent *e;
	bool found = false;
	uint64_t pid;

	while (d && (e = readdir(d))) {
		auto_fd int pidfd = FD_NONE;

		if (parse_uint(e->d_name, INT32_MAX, &pid) < 0 || !is_in((pid_t)pid, userns))
			continue;
		pidfd = proc_pidfd_open((pid_t)pid); /* pins it; then look again */
		if (pidfd >= 0 && is_in((pid_t)pid, userns))
			found |= proc_pidfd_signal(pidfd, SIGKILL) == 0;
	}
	return found;
}

void stragglers_kill(int mounts_fd)
{
	auto_fd int fd = ioctl(mounts_fd, NS_GET_USERNS);
	struct stat userns, own;

	if (fd < 0 || fstat(fd, &userns) < 0 || stat("/proc/self/ns/user", &own) < 0 ||
	    (own.st_ino == userns.st_ino && own.st_dev == userns.st_dev))
		return;
	for (int i = 0; i < ROUNDS && kill_round(&userns); i++)
		(void)poll(NULL, 0, WAIT_MS);
}
