/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec_text.h - checks of words that end up in generated files, paths and the runtime spec
 *
 * passwd, hosts and resolv.conf are line formats: a line feed or a colon in a name would be an
 * entry of its own (SECURITY S25). All checks are on bytes, before any file is written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

#define TEXT_PATH_MAX 4095
#define TEXT_HOST_MAX 64 /* sethostname(2) */

/* At most @max bytes, none below 0x20, none 0x7f. */
bool text_is_plain(const char *s, size_t max);
/* Letters, digits, '-', '.', '_'; not starting with '-' or '.'; 1 to @max bytes. */
bool text_is_hostname(const char *s, size_t max);
/* An address that inet_pton() takes, IPv4 or IPv6. */
bool text_is_ip(const char *s);

/**
 * text_clean_path() - An absolute path of the container without ".", "..", "//" and a last "/"
 * @path:	As typed; must start with '/'
 * @what:	Names it in messages ("destination")
 * @ret:	New string, caller frees; "/" is possible
 *
 * Only text is looked at: links are the container's affair and are resolved in its root.
 */
int text_clean_path(const char *path, const char *what, char **ret, struct rl_err *err) RL_MUST_USE;
/* @path is @dir or lies below it; both clean. */
bool text_path_below(const char *path, const char *dir);
