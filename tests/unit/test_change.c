/* SPDX-License-Identifier: Apache-2.0 */
/* test_change.c - cmd/engine/change: each instruction, its forms, and what is refused */
#include "config.h"

#include <errno.h>

#include "cmd/engine/change.h"
#include "core/base/cleanup.h"
#include "tests/unit/unit.h"

static void test_instructions(void **state)
{
	static const struct {
		const char *line, *want; /* of a config with Env A=1 and WorkingDir /w */
	} t[] = {
		{ "CMD [\"a\", \"b c\"]", "\"Cmd\":[\"a\",\"b c\"]" },
		{ "cmd echo $HOME", "\"Cmd\":[\"/bin/sh\",\"-c\",\"echo $HOME\"]" },
		{ "CMD=[\"a\"]", "\"Cmd\":[\"a\"]" },
		{ "CMD []", "\"Cmd\":[]" },
		{ "ENTRYPOINT [\"/init\"]", "\"Entrypoint\":[\"/init\"]" },
		{ "ENTRYPOINT", "\"Entrypoint\":[]" },
		{ "ENV B=2 A=3", "\"Env\":[\"A=3\",\"B=2\"]" },
		{ "ENV B two words", "\"Env\":[\"A=1\",\"B=two words\"]" },
		{ "ENV B=\"x y\" C='\"' D=\\ ",
		  "\"Env\":[\"A=1\",\"B=x y\",\"C=\\\"\",\"D=\\\\\"]" },
		{ "LABEL a.b=\"c d\" e=", "\"Labels\":{\"a.b\":\"c d\",\"e\":\"\"}" },
		{ "EXPOSE 80 53/udp", "\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}}" },
		{ "VOLUME /a /b", "\"Volumes\":{\"/a\":{},\"/b\":{}}" },
		{ "VOLUME [\"/a b\"]", "\"Volumes\":{\"/a b\":{}}" },
		{ "USER 1:2", "\"User\":\"1:2\"" },
		{ "WORKDIR /x", "\"WorkingDir\":\"/x\"" },
		{ "WORKDIR x", "\"WorkingDir\":\"/w/x\"" },
		{ "STOPSIGNAL SIGQUIT", "\"StopSignal\":\"SIGQUIT\"" },
		{ "ONBUILD RUN x", "\"OnBuild\":[\"RUN x\"]" },
		{ "  Env  B=2  \n", "\"Env\":[\"A=1\",\"B=2\"]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		json_auto_t *c = json_pack("{s:[s], s:s}", "Env", "A=1", "WorkingDir", "/w");
		auto_free char *text = NULL;
		struct rl_err err = { 0 };

		assert_int_equal(change_apply(c, t[i].line, &err), 0);
		text = json_dumps(c, JSON_COMPACT);
		assert_non_null(text);
		if (!strstr(text, t[i].want))
			fail_msg("'%s' gives %s", t[i].line, text);
	}
}

static void test_bad_lines_are_refused(void **state)
{
	static const struct {
		const char *line, *why;
	} t[] = {
		{ "", "no instruction" },
		{ "RUN x", "no instruction" },
		{ "FROM scratch", "no instruction" },
		{ "ENV", "name is missing" },
		{ "ENV A", "no value" },
		{ "ENV =x", "name is missing" },
		{ "ENV A=1 B", "not NAME=VALUE" },
		{ "ENV A=\"x", "quote is not closed" },
		{ "LABEL", "name is missing" },
		{ "EXPOSE x", "not a port" },
		{ "EXPOSE 0", "not a port" },
		{ "EXPOSE 80/ip", "not a port" },
		{ "EXPOSE", "value is missing" },
		{ "VOLUME data", "not an absolute path" },
		{ "USER", "value is missing" },
		{ "STOPSIGNAL NOPE", "no signal" },
		{ "USER \xff", "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		json_auto_t *c = json_object();
		struct rl_err err = { 0 };

		assert_int_equal(change_apply(c, t[i].line, &err), -EINVAL);
		if (!strstr(err.msg, t[i].why))
			fail_msg("'%s': %s", t[i].line, err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_bad_lines_are_refused),
	};

	return cmocka_run_group_tests_name("cmd/engine/change", tests, NULL, NULL);
}
