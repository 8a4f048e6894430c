/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stores.h - other users' stores whose packed layers may be read: containers-storage.conf(5)
 *
 * "additionalimagestores" of [storage.options] in ~/.config/containers/storage.conf, else in
 * /etc/containers/storage.conf. Those that are stores of rl and that we may read save a pull the
 * network: what has the right digest is taken from there. Nothing is ever written to them.
 */
#pragma once

#include "core/base/strv.h"

/* Absolute paths, appended; none when no file says so. */
int stores_more(struct strv *ret, struct rl_err *err) RL_MUST_USE;
