/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull.c - `rl pull`: fetch images from registries, or from archives by transport prefix
 *
 * The id of each image goes to stdout, one a line; everything else to stderr. The images are
 * taken one after the other, a failure does not keep the others from being pulled.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "core/base/parse.h"
#include "storage/fetch.h"

struct pull_opts {
	bool all_tags, quiet;
	int tls_verify; /* -1 = not given */
	const char *arch, *os, *variant, *platform, *authfile, *creds, *cert_dir, *policy,
		*retry_delay;
	uint64_t retry;
};

static const struct opt pull_options[] = {
	OPT_BOOL('a', "all-tags", struct pull_opts, all_tags, "pull all tags of the repository"),
	OPT_STR(0, "arch", struct pull_opts, arch, "ARCH", "choose the image for ARCH"),
	OPT_STR(0, "authfile", struct pull_opts, authfile, "FILE", "take logins from FILE only"),
	OPT_STR(0, "cert-dir", struct pull_opts, cert_dir, "DIR",
		"use certificates and keys in DIR"),
	OPT_STR(0, "creds", struct pull_opts, creds, "USER:PASSWORD",
		"log in as USER for this command only"),
	OPT_STR(0, "os", struct pull_opts, os, "OS", "choose the image for OS"),
	OPT_STR(0, "platform", struct pull_opts, platform, "OS/ARCH[/VARIANT]",
		"choose the image for this platform"),
	OPT_STR(0, "policy", struct pull_opts, policy, "always|missing|newer|never",
		"when to ask the registry (always)"),
	OPT_BOOL('q', "quiet", struct pull_opts, quiet, "no progress, only ids"),
	OPT_UINT(0, "retry", struct pull_opts, retry, "N", "try N times more when it breaks"),
	OPT_STR(0, "retry-delay", struct pull_opts, retry_delay, "TIME",
		"wait TIME before the first retry (default 1s), then longer"),
	OPT_TRI(0, "tls-verify", struct pull_opts, tls_verify,
		"check certificates; =false also allows plain http"),
	OPT_STR(0, "variant", struct pull_opts, variant, "VARIANT", "choose the image for VARIANT"),
	OPT_IGNORE_BOOL("disable-content-trust"),
	OPT_IGNORE("signature-policy"),
	OPT_END,
};

/* --platform, or the three parts of it; NULL = nothing asked for. 0 or -errno. */
static int platform_text(const struct pull_opts *o, char **ret, struct rl_err *err)
{
	struct platform host;

	*ret = NULL;
	if (o->platform && (o->arch || o->os || o->variant))
		return rl_fail(err, EINVAL,
			       "--platform already says what --arch, --os and --variant would");
	if (o->platform)
		*ret = strdup(o->platform);
	else if (o->arch || o->os || o->variant) {
		platform_host(&host);
		*ret = str_printf("%s/%s%s%s", o->os ? o->os : host.os,
				  o->arch ? o->arch : host.arch, o->variant ? "/" : "",
				  o->variant ? o->variant : "");
	} else
		return 0;
	return *ret ? 0 : rl_oom(err);
}

static int print_ids(const struct strv *ids, struct rl_err *err)
{
	for (size_t i = 0; i < ids->n; i++) {
		auto_free char *line = str_printf("%s\n", ids->v[i]);
		int r = line ? io_write_all(STDOUT_FILENO, line, strlen(line)) : -ENOMEM;

		if (r < 0)
			return rl_fail_sys(err, -r, "write to stdout");
	}
	return 0;
}

static int get(const struct rl *rl, const struct pull_req *req, enum pull_policy policy,
	       struct strv *ids, struct rl_err *err)
{
	auto_image struct image img = { 0 };
	int r;

	if (policy == PULL_ALWAYS)
		return fetch_pull(rl, req, ids, err);
	r = fetch_image(rl, req, policy, &img, err);
	if (r < 0)
		return r;
	return strv_add(ids, img.id) < 0 ? rl_oom(err) : 0;
}

static int pull_one(struct rl *rl, const char *name, const void *opts, struct rl_err *err)
{
	const struct pull_opts *o = opts;
	auto_strv struct strv ids = { 0 };
	auto_free char *platform = NULL;
	enum pull_policy policy = PULL_ALWAYS;
	struct pull_req req = { .name = name,
				.authfile = o->authfile,
				.creds = o->creds,
				.cert_dir = o->cert_dir,
				.tls_verify = o->tls_verify,
				.retries = o->retry,
				.quiet = o->quiet,
				.all_tags = o->all_tags };
	int r;

	if (o->policy && pull_policy_parse(o->policy, &policy, err) < 0)
		return -err->code;
	if (o->retry_delay && (parse_duration_ms(o->retry_delay, &req.retry_delay_ms) < 0 ||
			       req.retry_delay_ms > 3600000))
		return rl_fail(err, EINVAL, "invalid value '%s' for '--retry-delay'",
			       o->retry_delay);
	r = platform_text(o, &platform, err);
	if (r < 0)
		return r;
	req.platform = platform;
	r = get(rl, &req, policy, &ids, err);
	/* with --all-tags some may have come before one failed */
	if (print_ids(&ids, r < 0 ? &(struct rl_err){ 0 } : err) < 0 && r == 0)
		r = -err->code;
	return r;
}

const struct cmd cmd_pull = {
	.name = "pull",
	.args = "IMAGE...",
	.summary = "Fetch images from a registry",
	.about = "Fetches images from a registry, whether they are there already or "
		 "not, and prints their ids; layers that are there are not fetched "
		 "again. Progress is on stderr.\n\n"
		 "An IMAGE 'docker-archive:FILE[:NAME]', 'oci-archive:FILE[:NAME]', "
		 "'oci:DIR[:NAME]' or 'dir:DIR' is read from there; the last has no name.\n\n"
		 "A short name is looked up as registries.conf says, else at docker.io. "
		 "Logins come from --creds, --authfile or the files that 'podman login' "
		 "and 'docker login' write.",
	.examples = {
		{ "rl pull alpine",
		  "Fetch docker.io/library/alpine:latest." },
		{ "rl pull -q --platform linux/arm64 quay.io/libpod/alpine:latest",
		  "Fetch the image for another machine, print only its id." },
		{ "rl pull --tls-verify=false localhost:5000/app",
		  "Fetch from a registry without TLS." },
	},
	.options = pull_options,
	.defaults = &(const struct pull_opts){ .retry = 3, .tls_verify = -1 },
	.opts_size = sizeof(struct pull_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.each = pull_one,
};
