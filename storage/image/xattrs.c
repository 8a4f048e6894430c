/* SPDX-License-Identifier: Apache-2.0 */
/* xattrs.c - extended attributes in archives; the header is the manual */
#include "config.h"

#include "storage/image/xattrs.h"

#include <endian.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>

bool xattrs_may_pass(const char *name)
{
	static const char *const own[] = {
		"user.overlay.",
		"user.rl.",
		"user.fuseoverlayfs.",
		"user.containers.",
	};

	if (strncmp(name, "user.", 5) != 0 || name[5] == '\0')
		return false;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strncmp(name, own[i], strlen(own[i])) == 0)
			return false;
	return true;
}

size_t xattrs_fix_capability(const char *name, void *value, size_t len)
{
	uint32_t magic;

	if (strcmp(name, XATTRS_CAPABILITY) != 0 || len != XATTR_CAPS_SZ_3)
		return len;
	memcpy(&magic, value, sizeof(magic));
	magic = htole32((le32toh(magic) & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2);
	memcpy(value, &magic, sizeof(magic));
	return XATTR_CAPS_SZ_2;
}
