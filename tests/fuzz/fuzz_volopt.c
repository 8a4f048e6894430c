/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_volopt.c - the words of options: first byte picks the parser, the rest is the word
 *
 * Destinations that are taken are clean absolute paths, names are names, ids are ids.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/spec_parts.h"
#include "cmd/engine/spec_text.h"
#include "cmd/engine/ulimit.h"
#include "cmd/engine/volopt.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"
#include "storage/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_dest(const char *d)
{
	auto_free char *again = NULL;
	struct rl_err err;

	assert(d && *d == '/' && d[1]);
	assert(text_is_plain(d, TEXT_PATH_MAX));
	assert(text_clean_path(d, "x", &again, &err) == 0 && strcmp(again, d) == 0);
	assert(!strstr(d, "/../") && !strstr(d, "//") && !strstr(d, "/./"));
}

static void mounts(int which, const char *s)
{
	struct volopt v = { 0 };
	struct rl_err err = { 0 };
	int r = which == 0   ? volopt_volume(s, &v, &err)
		: which == 1 ? volopt_tmpfs(s, &v, &err)
			     : volopt_mount(s, &v, &err);

	if (r < 0) {
		assert(err.code > 0 && err.msg[0] && !v.dest);
		return;
	}
	if (v.dest || v.kind != VOLOPT_GLOB) /* what a pattern finds may go to its own path */
		check_dest(v.dest);
	assert(v.propagation);
	assert(v.kind != VOLOPT_BIND || (v.source && *v.source));
	assert(v.kind != VOLOPT_TMPFS || !v.source);
	if (v.kind == VOLOPT_VOLUME && v.source)
		assert(volume_check_name(v.source, &err) == 0 && !strchr(v.source, '/'));
	for (size_t i = 0; i < v.data.n; i++)
		assert(strchr(v.data.v[i], '=') && !strchr(v.data.v[i], ','));
	volopt_done(&v);
}

static void device(const char *s)
{
	auto_devopt struct devopt d = { 0 };
	struct rl_err err;

	if (volopt_device(s, &d, &err) < 0)
		return;
	check_dest(d.dest);
	assert(*d.source == '/');
}

static void limit(const char *s)
{
	struct ulimit u;
	struct rl_err err;

	if (ulimit_parse(s, &u, &err) == 0)
		assert(u.soft <= u.hard);
}

static void user(const char *s)
{
	static char p[] = "root:x:0:0::/root:\nweb:x:33:33::/srv:\n7:x:0:0::/:\n";
	static char g[] = "root:x:0:\nadm:x:4:web,root\n";
	const struct buf passwd = { p, sizeof(p) - 1, 0 }, group = { g, sizeof(g) - 1, 0 };
	struct userdb_user u;
	struct rl_err err;

	if (userdb_resolve(s, &passwd, &group, &u, &err) < 0) {
		assert(u.uid == 0 && u.n_groups == 0);
		return;
	}
	assert(u.uid != UINT32_MAX && u.gid != UINT32_MAX);
	/* a number is that number, never the name of an entry */
	if (*s && strspn(s, "0123456789") == strlen(s))
		assert(u.uid == strtod(s, NULL));
}

static void names(int which, const char *s)
{
	struct create_req q = { 0 };
	struct rl_err err;
	struct strv *l = which == 0   ? &q.add_host
			 : which == 1 ? &q.dns
			 : which == 2 ? &q.dns_search
				      : &q.dns_option;

	assert(strv_add(l, s) == 0);
	if (spec_check_names(&q, &err) == 0)
		assert(!strchr(s, '\n') && !strchr(s, '\033'));
	strv_done(l);
}

static void security(const char *s)
{
	struct strv l = { 0 };
	struct secopt o = { 0 };
	struct rl_err err;

	assert(strv_add(&l, s) == 0);
	if (secopt_parse(&l, &o, &err) == 0) {
		for (size_t i = 0; i < o.mask.n; i++)
			assert(*o.mask.v[i] == '/');
		secopt_done(&o);
	}
	strv_done(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *s = NULL;

	if (size == 0)
		return 0;
	log_set_level(LOG_ERROR);
	s = strndup((const char *)data + 1, size - 1);
	assert(s);
	switch (data[0]) {
	case 'v':
		mounts(0, s);
		break;
	case 't':
		mounts(1, s);
		break;
	case 'm':
		mounts(2, s);
		break;
	case 'd':
		device(s);
		break;
	case 'l':
		limit(s);
		break;
	case 'u':
		user(s);
		break;
	case 's':
		security(s);
		break;
	case '0':
	case '1':
	case '2':
	case '3':
		names(data[0] - '0', s);
		break;
	default:
		break;
	}
	return 0;
}
