/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust.c - `rl trust`: which images may be pulled and loaded, in policy.json
 *
 * The rules are those of storage/policy.h; these commands read and write the file that podman,
 * skopeo and rl share. What an image has to be is decided by rl-image, at the pull.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"
#include "storage/policy.h"
#include "storage/policy_edit.h"

struct trust_opts {
	bool exact, json, raw, no_heading;
	const char *file; /* in place of the user's */
	const char *type, *format;
	struct strv keys;
};

/* --- showing --- */

static const char *kind_name(json_t *q)
{
	switch (policy_kind(q)) {
	case POLICY_ACCEPT:
		return "accept";
	case POLICY_REJECT:
		return "reject";
	case POLICY_GPG:
		return "signedBy";
	case POLICY_SIGSTORE:
	case POLICY_KEYLESS:
		return "sigstoreSigned";
	}
	return "";
}

/* Files of the keys, or that they stand in the policy itself. */
static int key_text(json_t *q, struct buf *out)
{
	const char *path = json_string_value(json_object_get(q, "keyPath"));
	json_t *v;
	size_t i;

	if (path && buf_str(out, path) < 0)
		return -ENOMEM;
	json_array_foreach (json_object_get(q, "keyPaths"), i, v)
		if (buf_printf(out, "%s%s", out->len ? ", " : "", json_string_value(v)) < 0)
			return -ENOMEM;
	if (json_object_get(q, "keyData") || json_object_get(q, "keyDatas"))
		return buf_str(out, "(in the file)");
	return 0;
}

static int add_rows(json_t *rows, const char *transport, const char *name, json_t *list,
		    struct rl_err *err)
{
	json_t *q;
	size_t i;

	json_array_foreach (list, i, q) {
		auto_buf struct buf keys = { 0 };
		json_t *row;

		if (key_text(q, &keys) < 0)
			return rl_oom(err);
		row = json_pack("{s:s, s:s, s:s, s:s, s:s}", "transport", transport, "name", name,
				"repo_name", name, "type", kind_name(q), "keys",
				keys.data ? keys.data : "");
		if (json_array_append_new(rows, row) < 0)
			return rl_oom(err);
	}
	return 0;
}

static int collect(json_t *policy, json_t *rows, struct rl_err *err)
{
	const char *transport, *scope;
	json_t *scopes, *list;

	if (add_rows(rows, "all", "default", json_object_get(policy, "default"), err) < 0)
		return -err->code;
	json_object_foreach (json_object_get(policy, "transports"), transport, scopes) {
		const char *shown = strcmp(transport, "docker") == 0 ? "repository" : transport;

		json_object_foreach (scopes, scope, list)
			if (add_rows(rows, shown, scope, list, err) < 0)
				return -err->code;
	}
	return 0;
}

static int show_raw(const char *path, struct buf *out, struct rl_err *err)
{
	int r = io_read_named(path, POLICY_MAX, out, err);

	if (r == 0 && out->len > 0 && out->data[out->len - 1] != '\n' && buf_str(out, "\n") < 0)
		return rl_oom(err);
	return r < 0 ? r : format_print(out, err);
}

static int show(const struct trust_opts *o, struct rl_err *err)
{
	json_auto_t *policy = NULL, *rows = json_array();
	json_auto_t *heads = json_pack("{s:s, s:s, s:s, s:s}", "transport", "TRANSPORT", "name",
				       "NAME", "type", "TYPE", "keys", "KEYS");
	struct format f = { .text = o->json ? "json" : o->format,
			    .no_heading = o->no_heading,
			    .headers = heads };
	auto_free char *path = NULL;
	auto_buf struct buf out = { 0 };
	int r = 0;

	if (!rows || !heads)
		return rl_oom(err);
	if (!f.text)
		f.text = "table {{.transport}}\t{{.name}}\t{{.type}}\t{{.keys}}";
	if (o->file)
		path = strdup(o->file);
	else if (policy_file(&path, err) < 0)
		return -err->code;
	if (path && o->raw)
		return show_raw(path, &out, err);
	if (path)
		r = policy_load(path, &policy, err);
	else /* nobody says otherwise */
		policy = json_pack("{s:[{s:s}]}", "default", "type", "insecureAcceptAnything");
	if (r == 0)
		r = policy ? collect(policy, rows, err) : rl_oom(err);
	if (r == 0)
		r = format_rows(&f, rows, &out, err);
	return r < 0 ? r : format_print(&out, err);
}

static int trust_show(struct rl *rl, const struct cmd_args *args, const void *opts,
		      struct rl_err *err)
{
	(void)rl;
	(void)args;
	return show(opts, err);
}

/* --- changing --- */

/* @keys: "sigstoreSigned", else "signedBy"; without them @type is the whole rule, NULL = none */
static int change(const struct trust_opts *o, const char *word, const char *type,
		  const struct strv *keys, struct rl_err *err)
{
	auto_policy_scope struct policy_scope at = { 0 };
	json_t *q = NULL;

	if (policy_scope_parse(word, &at, err) < 0)
		return -err->code;
	if (keys && (strcmp(type, "signedBy") == 0 ? policy_signed_by(keys, &q, err)
						   : policy_sigstore(keys, o->exact, &q, err)) < 0)
		return -err->code;
	if (!keys && type) {
		q = json_pack("{s:s}", "type", type);
		if (!q)
			return rl_oom(err);
	}
	return policy_set(o->file, &at, q, err);
}

static int accept_one(struct rl *rl, const char *word, const void *opts, struct rl_err *err)
{
	(void)rl;
	return change(opts, word, "insecureAcceptAnything", NULL, err);
}

static int reject_one(struct rl *rl, const char *word, const void *opts, struct rl_err *err)
{
	(void)rl;
	return change(opts, word, "reject", NULL, err);
}

static int remove_one(struct rl *rl, const char *word, const void *opts, struct rl_err *err)
{
	(void)rl;
	return change(opts, word, NULL, NULL, err);
}

static int trust_add(struct rl *rl, const struct cmd_args *args, const void *opts,
		     struct rl_err *err)
{
	auto_strv struct strv keys = { 0 };

	(void)rl;
	for (size_t i = 1; i < args->n; i++)
		if (strv_add(&keys, args->v[i]) < 0)
			return rl_oom(err);
	return change(opts, args->v[0], "sigstoreSigned", &keys, err);
}

/* --- as podman spells it --- */

static int set_as_podman(const struct trust_opts *o, const char *word, struct rl_err *err)
{
	const char *type = o->type ? o->type : "signedBy";

	if (strcmp(type, "accept") == 0 || strcmp(type, "insecureAcceptAnything") == 0)
		return change(o, word, "insecureAcceptAnything", NULL, err);
	if (strcmp(type, "reject") == 0)
		return change(o, word, "reject", NULL, err);
	if (strcmp(type, "sigstoreSigned") != 0 && strcmp(type, "signedBy") != 0)
		return rl_fail(err, EINVAL,
			       "unknown type '%s': expected accept, reject, signedBy or "
			       "sigstoreSigned",
			       type);
	if (o->keys.n == 0)
		return rl_fail(err, EINVAL, "type %s needs a key: --pubkeysfile FILE", type);
	return change(o, word, type, &o->keys, err);
}

static int image_trust(struct rl *rl, const struct cmd_args *args, const void *opts,
		       struct rl_err *err)
{
	const struct trust_opts *o = opts;

	(void)rl;
	if (strcmp(args->v[0], "show") == 0 && args->n == 1)
		return show(o, err);
	if (strcmp(args->v[0], "set") == 0 && args->n == 2)
		return set_as_podman(o, args->v[1], err);
	return rl_fail(err, EINVAL, "image trust takes 'show', or 'set' and a registry");
}

/* --- tables --- */

#define OPT_POLICY                                                \
	OPT_STR(0, "policypath", struct trust_opts, file, "FILE", \
		"this file, not the user's policy.json")

static const struct opt show_options[] = {
	OPT_STR(0, "format", struct trust_opts, format, "FORMAT", "json, or a Go template"),
	OPT_BOOL('j', "json", struct trust_opts, json, "as JSON"),
	OPT_BOOL('n', "noheading", struct trust_opts, no_heading, "no line of headers"),
	OPT_POLICY,
	OPT_BOOL(0, "raw", struct trust_opts, raw, "the file as it is"),
	OPT_END,
};

static const struct opt set_options[] = {
	OPT_POLICY,
	OPT_END,
};

static const struct opt add_options[] = {
	OPT_BOOL(0, "exact", struct trust_opts, exact,
		 "the signature must name the tag, too, not just the repository"),
	OPT_POLICY,
	OPT_END,
};

static const struct opt image_trust_options[] = {
	OPT_BOOL('j', "json", struct trust_opts, json, "show: as JSON"),
	OPT_BOOL('n', "noheading", struct trust_opts, no_heading, "show: no line of headers"),
	OPT_POLICY,
	OPT_LIST('f', "pubkeysfile", struct trust_opts, keys, "FILE", "set: public key"),
	OPT_BOOL(0, "raw", struct trust_opts, raw, "show: the file as it is"),
	OPT_STR('t', "type", struct trust_opts, type, "TYPE",
		"set: accept, reject, sigstoreSigned, or signedBy (the default): a GPG signature"),
	OPT_END,
};

const struct cmd cmd_trust_show = {
	.name = "trust show",
	.args = "",
	.summary = "Show which images may be pulled",
	.about = "Prints the rules of policy.json: the user's in ~/.config/containers, else the "
		 "system's in /etc/containers. For an image the most specific one counts. Without "
		 "a file everything is accepted.",
	.examples = {
		{ "rl trust show", "The rules as a table." },
		{ "rl trust show --raw", "The file that they stand in." },
	},
	.options = show_options,
	.opts_size = sizeof(struct trust_opts),
	.run = trust_show,
};

const struct cmd cmd_trust_accept = {
	.name = "trust accept",
	.args = "SCOPE...",
	.summary = "Let images be pulled without a signature",
	.about = "Accepts what SCOPE covers: an image ('alpine', 'quay.io/team/app:1'), all below a "
		 "name ('quay.io/team', 'quay.io', '*.example.com'), a kind of place "
		 "('docker-archive:', 'oci-archive:', 'oci:/srv/images', 'dir:', 'docker:'), or "
		 "'default', all that no other rule is about.",
	.examples = {
		{ "rl trust accept quay.io/team docker-archive:",
		  "All images of a team, and whatever 'rl load' is given." },
		{ "rl trust accept default", "All that no other rule is about." },
	},
	.options = set_options,
	.opts_size = sizeof(struct trust_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.no_dirs = true,
	.each = accept_one,
};

const struct cmd cmd_trust_reject = {
	.name = "trust reject",
	.args = "SCOPE...",
	.summary = "Keep images from being pulled",
	.about = "Rejects what SCOPE covers; 'rl trust accept --help' says what it may be. Images "
		 "that are there already may run.",
	.examples = {
		{ "rl trust reject default", "Nothing but what other rules accept." },
		{ "rl trust reject docker.io", "Nothing from docker.io." },
	},
	.options = set_options,
	.opts_size = sizeof(struct trust_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.no_dirs = true,
	.each = reject_one,
};

const struct cmd cmd_trust_add = {
	.name = "trust add",
	.args = "SCOPE FILE...",
	.summary = "Let images be pulled that a key has signed",
	.about = "Accepts what SCOPE covers only with a signature that was made with the private "
		 "part of one of the public keys in the FILEs (PEM), as 'cosign sign --key' and "
		 "'skopeo copy --sign-by-sigstore-private-key' make them. Signatures are looked for "
		 "in the image's repository, and where registries.d names a lookaside. The files "
		 "must stay where they are.",
	.examples = {
		{ "rl trust add ghcr.io/team team.pub",
		  "Images of the team must be signed with its key." },
		{ "rl trust add --exact ghcr.io/team/app team.pub",
		  "The signature must also be for the very tag." },
	},
	.options = add_options,
	.opts_size = sizeof(struct trust_opts),
	.min_args = 2,
	.max_args = CMD_ANY,
	.no_dirs = true,
	.run = trust_add,
};

const struct cmd cmd_trust_remove = {
	.name = "trust remove",
	.args = "SCOPE...",
	.summary = "Take a rule away",
	.about = "Takes the rule for SCOPE away, so that a more general one counts again; 'rl trust "
		 "show' lists the rules.",
	.examples = {
		{ "rl trust remove quay.io/team", "The rule for quay.io or the default counts again." },
		{ "rl trust remove docker-archive:", "The default counts for archives again." },
	},
	.options = set_options,
	.opts_size = sizeof(struct trust_opts),
	.min_args = 1,
	.max_args = CMD_ANY,
	.no_dirs = true,
	.each = remove_one,
};

const struct cmd cmd_image_trust = {
	.name = "image trust",
	.args = "show|set [REGISTRY]",
	.summary = "The same as 'rl trust', as podman spells it",
	.about = "'image trust show' is 'trust show'; 'image trust set' makes a rule for REGISTRY, which "
		 "may be any scope of 'trust accept'.",
	.examples = {
		{ "rl image trust show --raw", "The file with the rules." },
		{ "rl image trust set -t reject default", "Nothing but what other rules accept." },
		{ "rl image trust set -t signedBy -f /etc/pki/team.gpg quay.io/team",
		  "Images of the team need a GPG signature in a lookaside of registries.d." },
	},
	.options = image_trust_options,
	.opts_size = sizeof(struct trust_opts),
	.min_args = 1,
	.max_args = 2,
	.run = image_trust,
};
