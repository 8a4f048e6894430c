/* SPDX-License-Identifier: Apache-2.0 */
/* fetch_search.h - what registries have, by rl-image (storage/fetch.h) */
#pragma once

#include "storage/fetch.h"

/**
 * struct search_req - A search
 * @to:		@name is the term, "REGISTRY/TERM" or TERM for all registries that short names are
 *		looked for in; with @list_tags the name of a repository. Logins, TLS as for a pull
 * @limit:	Results per registry
 */
struct search_req {
	struct pull_req to;
	bool list_tags;
	uint64_t limit;
};

/* @ret: array of { Index, Name, Description, Stars (int), Official, Automated (bool), Tag }, as the
 * registries answer; text in it is HOSTILE. New reference. */
int fetch_search(const struct rl *rl, const struct search_req *req, json_t **ret,
		 struct rl_err *err) RL_MUST_USE;
