/* SPDX-License-Identifier: Apache-2.0 */
/* xattrs.h - which extended attributes travel in archives; shared by readers and the writer */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define XATTRS_CAPABILITY "security.capability"

/**
 * xattrs_may_pass() - May an archive carry this attribute to or from a file?
 *
 * Threat: names that the overlay obeys (opaque, redirect, metacopy) or that rl itself reads would
 * let an image show files of other layers or forge owners; security.* labels are the host's.
 * Defence: a list of what passes, not of what does not: user.* without those names.
 * XATTRS_CAPABILITY is for the caller to decide.
 */
bool xattrs_may_pass(const char *name);

/**
 * xattrs_fix_capability() - File capabilities without the root user they are meant for
 *
 * Revision 3 carries that user's id, as seen where the file is. In an archive it means root of
 * whoever runs it: revision 2, in place. Return: the new length; @len for anything else
 */
size_t xattrs_fix_capability(const char *name, void *value, size_t len);
