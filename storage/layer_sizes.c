/* SPDX-License-Identifier: Apache-2.0 */
/* layer_sizes.c - what the layers of the store hold, for system df and history */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "storage/layer.h"

#define LAYER_RECORD_MAX (64 << 10)

static int add_layer(int layers_fd, const char *key, json_t *sizes)
{
	auto_free char *path = str_printf("%s/layer.json", key);
	json_auto_t *j = NULL;
	struct rl_err why = { 0 };
	const char *diff_id = NULL;
	int64_t size = 0;

	if (!path)
		return -ENOMEM;
	if (json_read_file(layers_fd, path, LAYER_RECORD_MAX, &j, &why) < 0 ||
	    json_get_str(j, "diff_id", path, &diff_id, &why) < 0 ||
	    json_get_int(j, "size", path, &size, &why) < 0 || !diff_id) {
		log_debug("layer '%s': %s", key, why.msg);
		return 0;
	}
	/* one layer may be there under several owner maps: each takes its room */
	size += json_integer_value(json_object_get(sizes, diff_id));
	return json_object_set_new(sizes, diff_id, json_integer(size)) < 0 ? -ENOMEM : 0;
}

int layer_sizes(const struct rl *rl, json_t **ret, struct rl_err *err)
{
	int fd = openat(rl->data_fd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	json_auto_t *sizes = json_object();
	const struct dirent *e;

	if (!sizes)
		return rl_oom(err);
	if (!d && errno != ENOENT)
		return rl_fail_sys(err, errno, "read folder 'layers'");
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && add_layer(dirfd(d), e->d_name, sizes) < 0)
			return rl_oom(err);
	*ret = json_incref(sizes);
	return 0;
}
