/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigconf.h - where signatures are: containers-registries.d(5)
 *
 * Of the YAML files in ~/.config/containers/registries.d, or /etc/containers/registries.d when that
 * folder is not there, rl reads what these files are made of: mappings within mappings, one
 * "key: value" a line, comments; anything else is refused with its line. The section of the most
 * specific scope of an image counts, alone.
 */
#pragma once

#include <stddef.h>

#include "core/base/err.h"

#define SIGCONF_FILE_MAX (1 << 20)

/* @attachments: use-sigstore-attachments, -1 = not said; @lookaside: URL or NULL, owned. */
struct sigconf {
	int attachments;
	char *lookaside;
};

/* One file: what it says for @image (canonical) where that is more specific than @best, the length
 * of the scope found so far (-1 = none). @ret is replaced then. */
int sigconf_parse(const char *text, size_t len, const char *what, const char *image, int *best,
		  struct sigconf *ret, struct rl_err *err) RL_MUST_USE;
/* All *.yaml of @dir, which may be missing. */
int sigconf_load(const char *dir, const char *image, struct sigconf *ret,
		 struct rl_err *err) RL_MUST_USE;
void sigconf_done(struct sigconf *c);
