/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_request.h - composing the request that rl-image reads (storage/image/request.h) */
#pragma once

#include "storage/fetch.h"

/* What pull and load share: maps of S, quiet. New reference in @ret. */
int fetch_request_new(const struct session *s, bool quiet, json_t **ret,
		      struct rl_err *err) RL_MUST_USE;
/* Which policy counts for what is pulled or loaded (storage/policy.h). */
int fetch_request_trust(json_t *root, struct rl_err *err) RL_MUST_USE;
struct search_req;
/* The registries to search, or the one repository whose tags are asked for. */
int fetch_request_search(json_t *root, const struct search_req *req,
			 struct rl_err *err) RL_MUST_USE;
/* A text into an object; NULL is left out. */
int fetch_put_str(json_t *o, const char *key, const char *s, struct rl_err *err) RL_MUST_USE;
/* The places for @req->name, each with the login for it. */
/* The one place to push to or log in at; @req->name is a whole name, "host/" for a login. */
int fetch_request_push(json_t *root, const struct pull_req *req, struct rl_err *err) RL_MUST_USE;
int fetch_request_pull(json_t *root, const struct pull_req *req, struct rl_err *err) RL_MUST_USE;
