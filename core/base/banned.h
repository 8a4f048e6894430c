/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned.h - calls that invite mistakes are compile errors; config.h includes this everywhere
 *
 * Instead: snprintf, memcpy with checked lengths, parse_uint() and kin, proc_run(), mkdtemp in
 * our own folders, pidfds and poll instead of sleep.
 */
#pragma once

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __GNUC__
#undef strcpy
#undef strcat
#undef strncpy
#undef sprintf
#undef strtok
#undef basename
#pragma GCC poison strcpy strcat strncpy sprintf vsprintf strtok atoi atol atoll strtol strtoul
#pragma GCC poison strtoll strtoull system popen mktemp tmpnam dirname basename gets
#endif
