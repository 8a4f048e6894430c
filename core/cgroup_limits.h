/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_limits.h - limits as files of a cgroup and what is written there; for core/cgroup*.c */
#pragma once

#include <stddef.h>

#include "core/cgroup.h"

#define CGROUP_KNOBS (11 + 2 * CGROUP_DEVICES + CGROUP_CONFS)

struct cgroup_knob {
	const char *flag, *controller;
	char file[64], value[256];
};

/* The files that @l sets, in the order of writing. Return: how many */
size_t cgroup_knobs(const struct cgroup_limits *l, struct cgroup_knob k[CGROUP_KNOBS]);
