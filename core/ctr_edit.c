/* SPDX-License-Identifier: Apache-2.0 */
/* ctr_edit.c - changing a container's record; the header is the manual */
#include "config.h"

#include "core/ctr_edit.h"

#include <errno.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/json.h"
#include "core/ctr_int.h"

#define STATE_MAX (8U << 20)
#define EDIT_MS   10000 /* held for milliseconds, unless its holder is stopped */

int ctr_edit(struct ctr *c, struct rl_err *err)
{
	auto_fd int lock = io_flock_wait(c->dir_fd, CTR_EDIT_LOCK, EDIT_MS, err);
	const char *name = NULL;
	json_t *j = NULL;
	char *copy;
	int r;

	if (lock < 0)
		return lock;
	r = json_read_file(c->dir_fd, "state.json", STATE_MAX, &j, err);
	if (r == 0)
		r = json_get_str(j, "name", "state.json", &name, err);
	if (r == 0 && !json_is_object(j))
		r = rl_fail(err, EINVAL, "state.json is no object");
	if (r < 0) {
		json_decref(j);
		return rl_wrap(err, "the record of container %.12s", c->id);
	}
	copy = strdup(name ? name : "");
	json_decref(c->record);
	c->record = j;
	if (!copy)
		return rl_oom(err);
	free(c->name);
	c->name = copy;
	return TAKE_FD(lock);
}

int ctr_edit_write(struct ctr *c, struct rl_err *err)
{
	int r = json_write_file(c->dir_fd, "state.json", c->record, true, err);

	return r < 0 ? rl_wrap(err, "the record of container %.12s", c->id) : 0;
}

int ctr_rename(const struct rl *rl, struct ctr *c, const char *name, struct rl_err *err)
{
	auto_free char *new = strdup(name), *old = NULL;
	auto_fd int turn = FD_NONE;
	struct rl_err why;
	json_t *j;
	int r = new ? ctr_name_check(name, err) : rl_oom(err);

	if (r < 0)
		return r;
	turn = ctr_edit(c, err);
	if (turn < 0)
		return turn;
	if (strcmp(c->name, name) == 0)
		return rl_fail(err, EEXIST, "container %.12s has the name '%s' already", c->id,
			       name);
	r = ctr_name_claim(rl, name, c->id, err);
	if (r < 0)
		return r;
	j = json_string(name);
	if (!j || json_object_set_new(c->record, "name", j) < 0)
		r = rl_oom(err);
	if (r == 0)
		r = ctr_edit_write(c, err);
	if (r < 0) {
		RL_IGNORE(ctr_name_free(rl, name, c->id, &why)); /* the cause is in err */
		return r;
	}
	old = c->name;
	c->name = TAKE_PTR(new);
	return ctr_name_free(rl, old, c->id, err);
}
