/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secretopt.h - --secret: where a secret comes from and what the container sees of it
 *
 *	NAME			one of `rl secret create`
 *	NAME=file:PATH		a file; NAME=env:VARIABLE of rl's environment; NAME=fd:N, a descriptor that rl
 *				was started with; NAME=cmd:LINE, what a line for /bin/sh prints;
 *				NAME=creds:FILE in $CREDENTIALS_DIRECTORY (systemd.exec(5))
 * each with ",type=mount|env", ",target=", ",uid=", ",gid=", ",mode=". It is read at each start and not
 * recorded anywhere: the container's record has these words, not what they lead to.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/base/strv.h"
#include "core/rl.h"
#include "core/secrets.h"

enum secret_source {
	SECRET_NAMED,
	SECRET_FILE,
	SECRET_ENV,
	SECRET_FD,
	SECRET_CMD,
	SECRET_CREDS,
};

struct secretopt {
	char *name, *target; /* @target: path, name of a file, or of a variable; owned */
	enum secret_source source;
	char *from; /* what stands behind the colon; owned, NULL with SECRET_NAMED */
	bool as_env;
	uint32_t uid, gid;
	mode_t mode;
};

int secretopt_parse(const char *word, struct secretopt *ret, struct rl_err *err) RL_MUST_USE;
void secretopt_done(struct secretopt *o);
#define auto_secretopt __attribute__((cleanup(secretopt_done)))

/* Are the words right, and do the named ones exist? Nothing else is read. */
int secretopt_check(const struct rl *rl, const struct strv *words, struct rl_err *err) RL_MUST_USE;
/* Read them all. @ret: release with secrets_done() */
int secretopt_load(const struct rl *rl, const struct strv *words, struct secrets *ret,
		   struct rl_err *err) RL_MUST_USE;
