/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_chtree.c - for mounts.sh: "check_chtree DIR N": owners of a tree are changed while somebody
 * swaps a folder of it for a symlink to DIR/victim, until that has happened N times
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/parse.h"
#include "core/chtree.h"

#define EXCHANGE 2U /* RENAME_EXCHANGE */

static void race(int dir, atomic_uint *swaps)
{
	for (;;)
		if (syscall(SYS_renameat2, dir, "tree/a/b", dir, "tree/a/l", EXCHANGE) == 0)
			atomic_fetch_add(swaps, 1);
}

int main(int argc, char **argv)
{
	atomic_uint *swaps = mmap(NULL, sizeof(*swaps), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t want = 0;
	unsigned rounds = 0;
	bool good = argc == 3 && parse_uint(argv[2], UINT32_MAX, &want) == 0;
	auto_fd int dir = good ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : FD_NONE;
	auto_fd int tree = FD_NONE;
	struct stat st;
	pid_t pid;

	if (dir < 0 || swaps == MAP_FAILED)
		return 2;
	tree = openat(dir, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		race(dir, swaps);
	}
	for (; atomic_load(swaps) < want || rounds < 200; rounds++) {
		struct rl_err err = { 0 };
		/* an entry that changes while it is opened is an error or passed over, never followed */
		int r = chtree_give(tree, 7, 7, NULL, &err);

		if (r < 0 && rounds == 0)
			(void)fprintf(stderr, "%s\n", err.msg);
		r = chtree_give(tree, 0, 0, NULL, &err);
		(void)r;
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++)
		if (fstatat(dir, i ? "victim/f" : "victim", &st, 0) < 0 || st.st_uid != 3)
			return 1;
	(void)printf("%u swaps, %u rounds\n", atomic_load(swaps), rounds);
	return 0;
}
