/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stragglers.h - processes that outlive the first one of their container
 *
 * A pid namespace of its own takes all of them along. Without one (--pid host) they are found by
 * their user namespace, which is the container's alone.
 */
#pragma once

/* SIGKILL for every process in the user namespace that owns the mount namespace @mounts_fd; never
 * for our own. */
void stragglers_kill(int mounts_fd);
