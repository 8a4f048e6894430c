/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stores.h - other users' stores whose layers may be read: containers-storage.conf(5)
 *
 * "additionalimagestores" of [storage.options] in ~/.config/containers/storage.conf, else in
 * /etc/containers/storage.conf. Those that are stores of rl and that we may read save a pull the
 * network, and where the kernel can their unpacked files are used in place (elsewhere.h); else what has the
 * right digest is copied. Nothing is ever written to them.
 *
 * An owner opens his store by "chmod 711" of its folder and "chmod 755" of layers/, each folder in it, blobs/ and
 * blobs/sha256/, "chmod 644" of what is in that; later layers get the modes of these folders.
 */
#pragma once

#include "core/base/strv.h"

/* Absolute paths, appended; none when no file says so. */
int stores_more(struct strv *ret, struct rl_err *err) RL_MUST_USE;
