/* SPDX-License-Identifier: Apache-2.0 */
/* nsjoin.c - engine: namespaces of another container; the header is the manual */
#include "config.h"

#include "cmd/engine/nsjoin.h"

#include <errno.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "core/ctr_state.h"

#define SPEC_MAX (8U << 20)

char *nsjoin_path(const struct rl *rl, const char *id, const char *type)
{
	return str_printf("%s/containers/%s/ns/%s", rl->data_dir, id, type);
}

/* The container that such a path names, 64 digits; or NULL: it is some other path. */
static const char *nsjoin_id(const struct rl *rl, const char *path)
{
	static const char folder[] = "/containers/";
	size_t n = strlen(rl->data_dir);

	if (strncmp(path, rl->data_dir, n) != 0 ||
	    strncmp(path + n, folder, sizeof(folder) - 1) != 0)
		return NULL;
	path += n + sizeof(folder) - 1;
	if (strspn(path, "0123456789abcdef") != CTR_ID_LEN ||
	    strncmp(path + CTR_ID_LEN, "/ns/", 4) != 0)
		return NULL;
	return path;
}

bool nsjoin_joins(const struct rl *rl, const struct ctr *c, const char *id)
{
	json_auto_t *spec = NULL;
	struct rl_err ignored;
	const json_t *ns;
	size_t i;

	if (json_read_file(c->dir_fd, "config.json", SPEC_MAX, &spec, &ignored) < 0)
		return false;
	json_array_foreach (json_object_get(json_object_get(spec, "linux"), "namespaces"), i, ns) {
		const char *path = json_string_value(json_object_get(ns, "path"));
		const char *other = path ? nsjoin_id(rl, path) : NULL;

		if (other && strncmp(other, id, CTR_ID_LEN) == 0)
			return true;
	}
	return false;
}

static int open_init(const struct ctr *c, int *ret_fd, struct rl_err *err)
{
	struct ctr_state s;
	int r = ctr_get_state(c, &s, err);

	if (r < 0)
		return r;
	if (s.status != CTR_RUNNING && s.status != CTR_PAUSED) {
		rl_fail(err, ESRCH, "container '%s', whose namespaces it shares, is not running",
			c->name);
		return rl_hint(err, "rl start %s", c->name);
	}
	r = ctr_open_init(c, s.pid);
	if (r < 0)
		return rl_fail_sys(err, -r, "reach the first process of '%s'", c->name);
	*ret_fd = r;
	return 0;
}

int nsjoin_open(const struct rl *rl, const char *path, int *ret_fd, struct rl_err *err)
{
	const char *at = nsjoin_id(rl, path);
	char id[CTR_ID_LEN + 1];
	struct ctr c;
	int r;

	if (!at)
		return 1;
	memcpy(id, at, CTR_ID_LEN);
	id[CTR_ID_LEN] = '\0';
	r = ctr_open(rl, id, &c, err);
	if (r == -ENOENT)
		return rl_fail(err, ENOENT,
			       "container %.12s, whose namespaces it shares, has been removed", id);
	if (r < 0)
		return r;
	r = open_init(&c, ret_fd, err);
	ctr_done(&c);
	return r;
}
