/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap.c - exchanges two names as fast as it can, until SIGTERM: the racer of the tests
 *
 *	swap A B COUNTS		COUNTS: a file whose size is the number of thousands done
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int out = argc == 4 ? open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (out < 0)
		return 2;
	for (unsigned n = 1;; n++) {
		if (syscall(SYS_renameat2, AT_FDCWD, argv[1], AT_FDCWD, argv[2], 2 /* EXCHANGE */) <
		    0) {
			perror("swap");
			return 1;
		}
		if (n % 1000 == 0 && write(out, "x", 1) != 1)
			return 1;
	}
}
