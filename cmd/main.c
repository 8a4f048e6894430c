/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the program `rl` */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "core/base/log.h"

int main(int argc, char **argv)
{
	int fd, status;

	/*
	 * Closed 0, 1 or 2 would be given to the next file we open (SECURITY F29). Those that are
	 * filled here stay open for helpers too.
	 */
	do
		fd = open("/dev/null", O_RDWR); /* NOLINT: 0 to 2 shall be inherited */
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		(void)close(fd);
	/* a parent that ignored it (some daemons and CI runners) would make our waiting fail */
	(void)signal(SIGCHLD, SIG_DFL);
	status = cmd_main(argc, argv);
	/* results that nobody got are no success (a full disk, a closed stdout) */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_line("Error: ", "the output could not be written");
		return status ? status : EXIT_RL;
	}
	return status;
}
