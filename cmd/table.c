/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - every command and every second name of one */
#include "config.h"

#include "cmd/cmd.h"

/* One line a command, in the order of the help; cmd/NAME.c defines "cmd_NAME". */
/* clang-format off */ /* lines shall not move when a longer one comes */
#define COMMANDS(X) \
	X(attach) \
	X(commit) \
	X(complete) \
	X(completion) \
	X(container_cleanup) \
	X(container_exists) \
	X(container_inspect) \
	X(container_prune) \
	X(context_inspect) \
	X(context_ls) \
	X(context_show) \
	X(context_use) \
	X(cp) \
	X(create) \
	X(diff) \
	X(disable) \
	X(doctor) \
	X(enable) \
	X(events) \
	X(exec) \
	X(export) \
	X(fsck) \
	X(healthcheck) \
	X(history) \
	X(image_diff) \
	X(image_exists) \
	X(image_inspect) \
	X(image_mount) \
	X(image_prune) \
	X(image_tree) \
	X(image_unmount) \
	X(image_trust) \
	X(images) \
	X(info) \
	X(import) \
	X(inspect) \
	X(kill) \
	X(load) \
	X(login) \
	X(logout) \
	X(logs) \
	X(manifest_add) \
	X(manifest_annotate) \
	X(manifest_create) \
	X(manifest_exists) \
	X(manifest_inspect) \
	X(manifest_push) \
	X(manifest_remove) \
	X(manifest_rm) \
	X(mount) \
	X(network_check) \
	X(network_connect) \
	X(network_create) \
	X(network_disconnect) \
	X(network_exists) \
	X(network_inspect) \
	X(network_ls) \
	X(network_prune) \
	X(network_reload) \
	X(network_rm) \
	X(network_update) \
	X(pause) \
	X(port) \
	X(ps) \
	X(pull) \
	X(purge) \
	X(push) \
	X(rename) \
	X(restart) \
	X(rm) \
	X(rmi) \
	X(run) \
	X(save) \
	X(search) \
	X(secret_create) \
	X(secret_exists) \
	X(secret_inspect) \
	X(secret_ls) \
	X(secret_rm) \
	X(start) \
	X(stats) \
	X(stop) \
	X(system_df) \
	X(system_prune) \
	X(tag) \
	X(top) \
	X(trust_accept) \
	X(trust_add) \
	X(trust_reject) \
	X(trust_remove) \
	X(trust_show) \
	X(unit_run) \
	X(unmount) \
	X(unpause) \
	X(untag) \
	X(unshare) \
	X(update) \
	X(version) \
	X(volume_create) \
	X(volume_exists) \
	X(volume_export) \
	X(volume_import) \
	X(volume_inspect) \
	X(volume_ls) \
	X(volume_mount) \
	X(volume_prune) \
	X(volume_rm) \
	X(volume_unmount) \
	X(wait) \
	X(why) \
	/* end */
/* clang-format on */

#define DECLARE(name) extern const struct cmd cmd_##name;
#define ENTRY(name)   &cmd_##name,

COMMANDS(DECLARE)

const struct cmd *const cmd_table[] = { COMMANDS(ENTRY) NULL };

const struct cmd_group cmd_group_table[] = {
	{ "container", "Work with containers" },
	{ "context", "One context, for scripts of docker" },
	{ "healthcheck", "Look whether containers are well" },
	{ "image", "Work with images" },
	{ "network", "Work with networks" },
	{ "manifest", "Make lists of images for several platforms" },
	{ "secret", "Keep secrets for containers" },
	{ "system", "Look after what rl keeps" },
	{ "trust", "Say which images may be pulled" },
	{ "volume", "Work with volumes" },
	{ NULL, NULL },
};

/* clang-format off */ /* one a line, whatever their number */
const struct cmd_alias cmd_alias_table[] = {
	{ "container attach", "attach" },
	{ "container commit", "commit" },
	{ "container cp", "cp" },
	{ "container create", "create" },
	{ "container diff", "diff" },
	{ "container exec", "exec" },
	{ "container export", "export" },
	{ "container kill", "kill" },
	{ "container list", "ps" },
	{ "container logs", "logs" },
	{ "container ls", "ps" },
	{ "container mount", "mount" },
	{ "container pause", "pause" },
	{ "container port", "port" },
	{ "container ps", "ps" },
	{ "container rename", "rename" },
	{ "container restart", "restart" },
	{ "container rm", "rm" },
	{ "container run", "run" },
	{ "container start", "start" },
	{ "container stats", "stats" },
	{ "container stop", "stop" },
	{ "container top", "top" },
	{ "container umount", "unmount" },
	{ "container unmount", "unmount" },
	{ "container unpause", "unpause" },
	{ "container update", "update" },
	{ "container wait", "wait" },
	{ "context list", "context ls" },
	{ "image history", "history" },
	{ "image import", "import" },
	{ "image list", "images" },
	{ "image load", "load" },
	{ "image ls", "images" },
	{ "image pull", "pull" },
	{ "image push", "push" },
	{ "image save", "save" },
	{ "image rm", "rmi" },
	{ "image search", "search" },
	{ "image tag", "tag" },
	{ "image umount", "image unmount" },
	{ "image untag", "untag" },
	{ "network list", "network ls" },
	{ "network remove", "network rm" },
	{ "secret list", "secret ls" },
	{ "secret remove", "secret rm" },
	{ "system check", "fsck" },
	{ "system events", "events" },
	{ "system info", "info" },
	{ "trust list", "trust show" },
	{ "trust ls", "trust show" },
	{ "trust rm", "trust remove" },
	{ "system reset", "purge" },
	{ "umount", "unmount" },
	{ "volume list", "volume ls" },
	{ "volume remove", "volume rm" },
	{ NULL, NULL },
};
/* clang-format on */
