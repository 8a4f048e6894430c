/* SPDX-License-Identifier: Apache-2.0 */
/* archive_out.h - images to archives and folders, for save and push */
#pragma once

#include "core/base/strv.h"
#include "core/rl.h"
#include "storage/image.h"

/**
 * archive_out() - Write images; what is half done is removed again
 * @ids, @format: as for fetch_save()
 * @output:	A file, replaced when it is whole (pipes and devices are written to as they are), or a
 *		folder that is not there yet
 */
int archive_out(const struct rl *rl, const struct strv *ids, const char *format, const char *output,
		bool quiet, struct rl_err *err) RL_MUST_USE;

/* "docker-archive:FILE[:NAME]", "oci-archive:", "oci:DIR[:NAME]", "dir:DIR" */
bool archive_is_place(const char *dest);
/* One image to such a place, under its own name when none is given. */
int archive_push(const struct rl *rl, const struct image *img, const char *dest, bool quiet,
		 struct rl_err *err) RL_MUST_USE;
