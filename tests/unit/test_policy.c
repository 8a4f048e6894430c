/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy.c - storage/policy: strict reading, the most specific scope, names in signatures */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* needs the headers above */

#include "core/base/cleanup.h"
#include "core/base/json.h"
#include "storage/policy.h"
#include "storage/policy_edit.h"

#define ACCEPT "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\":\"reject\"}]"

static json_t *parse(const char *text)
{
	struct rl_err err = { 0 };
	json_t *j = NULL;

	if (policy_parse(text, strlen(text), "p", &j, &err) < 0)
		fail_msg("%s", err.msg);
	return j;
}

static void test_bad_files_are_refused(void **state)
{
	static const struct {
		const char *in, *why;
	} bad[] = {
		{ "", "not valid JSON" },
		{ "[]", "not an object" },
		{ "{}", "not a list of requirements" },
		{ "{\"default\":[]}", "empty" },
		{ "{\"default\":" REJECT ",\"defaults\":[]}", "unknown key 'defaults'" },
		{ "{\"default\":" REJECT ",\"default\":" ACCEPT "}", "duplicate" },
		{ "{\"default\":[{}]}", "without a type" },
		{ "{\"default\":[{\"type\":\"reject\",\"x\":1}]}", "unknown key 'x'" },
		{ "{\"default\":[{\"type\":\"rejekt\"}]}", "unknown type 'rejekt'" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\"}]}", "not 0" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/"
		  "a\",\"keyData\":\"\"}]}",
		  "not 2" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPaths\":[]}]}", "'keyPaths'" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/a\","
		  "\"signedIdentity\":{\"type\":\"any\"}}]}",
		  "signedIdentity 'any'" },
		{ "{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/a\","
		  "\"signedIdentity\":{\"type\":\"remapIdentity\",\"prefix\":\"a\"}}]}",
		  "'signedPrefix' is missing" },
		{ "{\"default\":" REJECT ",\"transports\":{\"docker\":[]}}", "not an object" },
		{ "{\"default\":" REJECT ",\"transports\":{\"docker\":{\"a\":{}}}}", "docker: a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rl_err err = { 0 };
		json_t *j = NULL;

		assert_true(policy_parse(bad[i].in, strlen(bad[i].in), "p", &j, &err) < 0);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("'%s' does not say '%s'", err.msg, bad[i].why);
		assert_null(j);
	}
}

static void test_most_specific_scope(void **state)
{
	static const struct {
		const char *transport, *id, *scope;
	} cases[] = {
		{ "docker", "q.io/a/b:1", "docker: q.io/a/b:1" },
		{ "docker", "q.io/a/b:2", "docker: q.io/a/b" },
		{ "docker", "q.io/a/b@sha256:0", "docker: q.io/a/b" },
		{ "docker", "q.io/a/bc:1", "docker: q.io/a" },
		{ "docker", "q.io/ab/c:1", "docker: q.io" },
		{ "docker", "q.io:5000/a/b:1", "docker: *.io" },
		{ "docker", "x.y.example.com:80/a:1", "docker: *.y.example.com" },
		{ "docker", "z.example.com/a:1", "docker: *.example.com" },
		{ "docker", "example.com/a:1", "docker" },
		{ "docker", "localhost:5000/a:1", "docker: localhost:5000" },
		{ "docker", "localhost:500/a:1", "docker" },
		{ "dir", "/srv/images/x", "dir: /srv/images" },
		{ "dir", "/srv/imagesx", "default" },
		{ "dir", "", "default" },
		{ "oci", "/a", "default" },
	};
	json_auto_t *p =
		parse("{\"default\":" REJECT ",\"transports\":{\"docker\":{\"\":" ACCEPT
		      ",\"q.io\":" ACCEPT ",\"q.io/a\":" ACCEPT ",\"q.io/a/b\":" ACCEPT
		      ",\"q.io/a/b:1\":" ACCEPT ",\"*.example.com\":" ACCEPT
		      ",\"*.y.example.com\":" ACCEPT ",\"*.io\":" ACCEPT
		      ",\"localhost:5000\":" ACCEPT "},\"dir\":{\"/srv/images\":" ACCEPT "}}}");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rl_err err = { 0 };
		auto_free char *scope = NULL;
		json_t *list;

		assert_int_equal(
			policy_find(p, cases[i].transport, cases[i].id, &list, &scope, &err), 0);
		assert_string_equal(scope, cases[i].scope);
		assert_int_equal(policy_kind(json_array_get(list, 0)),
				 strcmp(scope, "default") == 0 ? POLICY_REJECT : POLICY_ACCEPT);
	}
}

static void test_identities(void **state)
{
	static const struct {
		const char *identity, *image, *text;
		int good;
	} cases[] = {
		{ NULL, "q.io/a:1", "q.io/a:1", 1 },
		{ NULL, "q.io/a:1", "q.io/a:2", 0 },
		{ NULL, "q.io/a:latest", "q.io/a", 0 },
		{ NULL, "q.io/a@sha256:" /* filled up below */, "q.io/a:7", 1 },
		{ NULL, "q.io/a@sha256:", "q.io/b:7", 0 },
		{ "{\"type\":\"matchRepository\"}", "q.io/a:1", "q.io/a", 1 },
		{ "{\"type\":\"matchRepository\"}", "q.io/a:1", "q.io/a:9", 1 },
		{ "{\"type\":\"matchRepository\"}", "q.io/a:1", "q.io/a/b", 0 },
		{ "{\"type\":\"matchRepository\"}", "docker.io/library/x:1", "x", 1 },
		{ "{\"type\":\"matchExact\"}", "q.io/a@sha256:", "q.io/a:7", 0 },
		{ "{\"type\":\"exactReference\",\"dockerReference\":\"v.io/x:1\"}", "q.io/a:1",
		  "v.io/x:1", 1 },
		{ "{\"type\":\"exactRepository\",\"dockerRepository\":\"v.io/x\"}", "q.io/a:1",
		  "v.io/x:3", 1 },
		{ "{\"type\":\"remapIdentity\",\"prefix\":\"q.io/m\",\"signedPrefix\":\"v.io\"}",
		  "q.io/m/a/b:1", "v.io/a/b:1", 1 },
		{ "{\"type\":\"remapIdentity\",\"prefix\":\"q.io/m\",\"signedPrefix\":\"v.io\"}",
		  "q.io/mm/a:1", "v.io/a:1", 0 },
		{ "{\"type\":\"remapIdentity\",\"prefix\":\"q.io/m\",\"signedPrefix\":\"v.io\"}",
		  "q.io/mm/a:1", "q.io/mm/a:1", 1 },
		{ NULL, "q.io/a:1", "\x1b[2J", 0 },
		{ NULL, "q.io/a:1", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char zeros[] =
			"0000000000000000000000000000000000000000000000000000000000000000";
		json_auto_t *q = json_pack("{s:s}", "type", "sigstoreSigned");
		struct policy_identity id;
		struct rl_err err = { 0 };
		char image[200];

		(void)snprintf(image, sizeof(image), "%s%s", cases[i].image,
			       strchr(cases[i].image, '@') ? zeros : "");
		if (cases[i].identity)
			(void)json_object_set_new(q, "signedIdentity",
						  json_loads(cases[i].identity, 0, NULL));
		assert_int_equal(policy_identity(q, image, &id, &err), 0);
		if (policy_identity_matches(&id, cases[i].text) != cases[i].good)
			fail_msg("case %zu: '%s' for '%s'", i, cases[i].text, image);
		policy_identity_done(&id);
	}
}

static void test_scopes_as_typed(void **state)
{
	static const struct {
		const char *word, *transport, *scope;
	} cases[] = {
		{ "default", NULL, "" },
		{ "alpine", "docker", "docker.io/library/alpine" },
		{ "alpine:3", "docker", "docker.io/library/alpine:3" },
		{ "team/app", "docker", "docker.io/team/app" },
		{ "quay.io", "docker", "quay.io" },
		{ "localhost", "docker", "localhost" },
		{ "localhost:5000", "docker", "localhost:5000" },
		{ "127.0.0.1:5000", "docker", "127.0.0.1:5000" },
		{ "quay.io/team", "docker", "quay.io/team" },
		{ "quay.io/team/app:1", "docker", "quay.io/team/app:1" },
		{ "docker://quay.io/team", "docker", "quay.io/team" },
		{ "docker:", "docker", "" },
		{ "*.example.com", "docker", "*.example.com" },
		{ "docker-archive:", "docker-archive", "" },
		{ "oci:/", "oci", "/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_policy_scope struct policy_scope s = { 0 };
		struct rl_err err = { 0 };

		if (policy_scope_parse(cases[i].word, &s, &err) < 0)
			fail_msg("%s: %s", cases[i].word, err.msg);
		assert_string_equal(s.scope, cases[i].scope);
		assert_int_equal(s.transport == NULL, cases[i].transport == NULL);
		if (s.transport)
			assert_string_equal(s.transport, cases[i].transport);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_files_are_refused),
		cmocka_unit_test(test_most_specific_scope),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_scopes_as_typed),
	};

	return cmocka_run_group_tests_name("storage/policy", tests, NULL, NULL);
}
