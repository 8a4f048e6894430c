/* SPDX-License-Identifier: Apache-2.0 */
/* registries_conf.h - the loaded configuration, shared by registries.c and registries_load.c only */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/strv.h"

enum short_name_mode { SHORT_NAME_PERMISSIVE, SHORT_NAME_ENFORCING, SHORT_NAME_DISABLED };
enum mirror_use { MIRROR_ALL, MIRROR_DIGEST_ONLY, MIRROR_TAG_ONLY };

struct mirror {
	char *location; /* "host[:port][/path]" */
	bool insecure;
	enum mirror_use use;
	unsigned line;
};

struct registry {
	char *prefix;   /* "host[:port][/path]" or "*.host" */
	char *location; /* the same, "" = the name is not rewritten (only with "*.") */
	bool insecure, blocked, mirror_by_digest_only;
	struct mirror *mirrors;
	size_t n_mirrors;
	char *file; /* where it is defined, for messages */
	unsigned line;
};

struct alias {
	char *name, *value;
};

struct registries {
	struct strv search;
	bool has_search; /* some file set the list, perhaps to nothing */
	enum short_name_mode mode;
	struct registry *regs;
	size_t n_regs;
	struct alias *aliases;
	size_t n_aliases;
};
