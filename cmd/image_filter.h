/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_filter.h - `rl images --filter`: which images are shown
 *
 * The same key given again: either matches (labels: all must); different keys: all must match.
 */
#pragma once

#include "cmd/filter.h"
#include "storage/image.h"

/**
 * image_filters_new() - Check the texts
 * @texts:	"key=value" as typed
 * @reference:	One more reference pattern (the word after `rl images`), or NULL
 *
 * Return: 0, -EINVAL names the bad one, -ENOENT when before or since name no image
 */
int image_filters_new(const struct rl *rl, const struct strv *texts, const char *reference,
		      struct filters *ret, struct rl_err *err) RL_MUST_USE;
/* True when labels are asked for, which need the image's config. */
bool image_filters_need_config(const struct filters *f);
/* @containers: how many containers use the image */
bool image_filters_match(const struct filters *f, const struct image *img, int containers);

/* True when the pattern (shell glob) stands for the name: whole, or without registry, folders, tag. */
bool image_name_matches(const char *pattern, const char *name);
