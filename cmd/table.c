/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - every command and every second name of one */
#include "config.h"

#include "cmd/cmd.h"

extern const struct cmd cmd_load;
extern const struct cmd cmd_pull;

const struct cmd *const cmd_table[] = {
	&cmd_load,
	&cmd_pull,
	NULL,
};

const struct cmd_alias cmd_alias_table[] = {
	{ "container run", "run" },
	{ "image load", "load" },
	{ "image ls", "images" },
	{ "image list", "images" },
	{ "image pull", "pull" },
	{ "image rm", "rmi" },
	{ NULL, NULL },
};
