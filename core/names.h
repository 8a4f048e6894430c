/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - generated container names ("keen_lovelace"; a digit from the second attempt on) */
#pragma once

/* A random name, caller frees; NULL when out of memory. */
char *names_generate(unsigned attempt);
