/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stragglers.h - processes that outlive the first one of their container
 *
 * A pid namespace of its own takes all of them along. Without one (--pid host, --pid container:X) they
 * are found by their user namespace; where that is shared with another container, by their mount
 * namespace (who has made a mount namespace of his own by then is left to the cgroup).
 */
#pragma once

#include <stdbool.h>

/* SIGKILL for every process in the mount namespace @mounts_fd, or in the user namespace that owns it
 * unless that is shared; never for our own. */
void stragglers_kill(int mounts_fd, bool shared_userns);
