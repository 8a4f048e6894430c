/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_userdb.c - any passwd and group file: first line is the user, then passwd, a NUL, group
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/userdb.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = malloc(size + 1), *user = NULL;
	struct buf passwd = { 0 }, group = { 0 };
	struct userdb_user u;
	struct rl_err err;
	char *nl, *nul;

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	log_set_level(LOG_ERROR);
	nl = memchr(text, '\n', size);
	if (!nl)
		return 0;
	user = strndup(text, (size_t)(nl - text));
	assert(user);
	passwd.data = nl + 1;
	passwd.len = (size_t)(text + size - passwd.data);
	nul = memchr(passwd.data, '\0', passwd.len);
	if (nul) {
		group.data = nul + 1;
		group.len = (size_t)(text + size - group.data);
		passwd.len = (size_t)(nul - passwd.data);
	}
	if (userdb_resolve(user, &passwd, &group, &u, &err) < 0)
		return 0;
	assert(u.uid != UINT32_MAX && u.gid != UINT32_MAX && u.n_groups <= USERDB_GROUPS_MAX);
	assert(strlen(u.name) <= USERDB_NAME_MAX && (!u.home[0] || u.home[0] == '/'));
	assert(!strpbrk(u.name, ":\n") && !strpbrk(u.home, ":\n\033"));
	for (size_t i = 0; i < u.n_groups; i++)
		assert(u.groups[i] != UINT32_MAX && u.groups[i] != u.gid);
	return 0;
}
