/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs.h - certs.d: extra CAs and client certificates per registry host
 *
 * <dir>/<host[:port]>/ may hold *.crt (CAs, trusted besides the system's) and pairs NAME.cert,
 * NAME.key (a client certificate, shown to the registry itself only). The first of the folders
 * that exists is used, as containers-certs.d(5) says.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "core/base/err.h"

struct http_conf;

#define CERTS_SIZE_MAX (4 << 20)

/* Set what @url's host needs on @e. @home: it is the registry itself. Return: 0 or -errno. */
int certs_apply(const struct http_conf *conf, CURL *e, const char *url, bool home,
		struct rl_err *err) RL_MUST_USE;
/* Where CAs for @host are looked for, for a message; caller frees, NULL when out of memory. */
char *certs_where(const struct http_conf *conf, const char *host);
