/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmds.h - the subcommands of rl-image: "rl-image [--root DIR] NAME ARG..."
 *
 * Each takes what follows its name (argv[0] is the name), writes results to stdout as JSON lines
 * and returns 0 or a negative errno with err set; main.c reports the error.
 */
#pragma once

#include "core/rl.h"

/* add: the tar on stdin becomes the top layer of the image that the request describes */
int cmd_add(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* extract [enter] [root|keep] [set-id] [overwrite]: a tar on stdin into a folder (extract_cmd.c) */
int cmd_extract(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* pull: what the request on descriptor 3 asks for (request.h) */
int cmd_pull(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* load: the images of the archive on stdin or of the folder that the request names */
int cmd_load(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* push: the image that the request names, to the one source in it; login: only see it lets us in */
int cmd_push(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
int cmd_login(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* save: the images that the request names, to descriptor 4, a file or a folder */
int cmd_save(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* fsck [repair] [quick]: is the store whole? Results are lines with the id FSCK_* (fsck.h) */
int cmd_fsck(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* search: repositories of each source that match the query, or the tags of the one repository;
 * results are lines whose name is a JSON object (storage/fetch_search.h) */
int cmd_search(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* remote [one|all]: manifests of the registry, to descriptor 4 (remote.c) */
int cmd_remote(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* rmtree PATH...: remove trees below the data folder, files of subordinate owners included */
int cmd_rmtree(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/*
 * shift "DIFF_ID FROM_KEY TO_KEY,..." UIDS GIDS: layers FROM_KEY with owners for another container map,
 * published as TO_KEY; maps are text as in /proc/PID/uid_map, container to S, "" = as it is
 */
int cmd_flatten(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
int cmd_shift(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
/* merge DIFF_ID TO_KEY KEY,...: one layer of the files of several, topmost first (merge.c) */
int cmd_merge(const struct rl *rl, int argc, char **argv, struct rl_err *err) RL_MUST_USE;
