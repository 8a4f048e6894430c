/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_sigconf.c - any bytes as a file of registries.d, or as what a signature says: no crash, a clean result or a message */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "storage/image/sigconf.h"
#include "storage/image/sigstore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char image[] = "q.io/team/app:1";
	struct sigconf c = { .attachments = -1 };
	struct sigstore_claim claim = { .name = "" };
	struct rl_err err = { 0 };
	int best = -1;
	int r = sigconf_parse((const char *)data, size, "fuzz", image, &best, &c, &err);

	if (r < 0)
		assert(err.code > 0 && *err.msg);
	assert(c.attachments >= -1 && c.attachments <= 1);
	assert(best >= -1 && best <= (int)strlen(image));
	assert(!c.lookaside || *c.lookaside);
	sigconf_done(&c);
	err.code = 0;
	r = sigstore_read_payload((const char *)data, size, GPG_CLAIM, &claim, &err);
	assert(r < 0 ? err.code > 0 && !*claim.name
		     : *claim.name && digest_is_valid(claim.digest.text));
	return 0;
}
