/* SPDX-License-Identifier: Apache-2.0 */
/* test_distro.c - core/distro: families by ID and ID_LIKE, quotes, lines that install things */
#include "config.h"

#include <string.h>

#include "core/distro.h"
#include "tests/unit/unit.h"

static void test_families(void **state)
{
	static const struct {
		const char *text, *id, *version;
		enum distro_family family;
	} v[] = {
		{ "ID=debian\nVERSION_ID=\"12\"\n", "debian", "12", DISTRO_DEBIAN },
		{ "NAME=x\nID=ubuntu\nID_LIKE=debian\n", "ubuntu", "", DISTRO_DEBIAN },
		{ "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "rocky", "", DISTRO_FEDORA },
		{ "ID=manjaro\nID_LIKE=arch", "manjaro", "", DISTRO_ARCH },
		{ "ID=alpine\nVERSION_ID=3.20.0\n", "alpine", "3.20.0", DISTRO_ALPINE },
		{ "ID='opensuse-leap'\nID_LIKE=\"suse opensuse\"\n", "opensuse-leap", "",
		  DISTRO_SUSE },
		{ "ID=mine\nID_LIKE=\"yours debian\"\n", "mine", "", DISTRO_DEBIAN },
		{ "ID=nixos\n", "nixos", "", DISTRO_OTHER },
		{ "VARIANT_ID=debian\n", "", "", DISTRO_OTHER },
		{ "", "", "", DISTRO_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct distro d;

		distro_parse(v[i].text, &d);
		assert_string_equal(d.id, v[i].id);
		assert_string_equal(d.version, v[i].version);
		assert_int_equal(d.family, v[i].family);
	}
}

static void test_long_values_are_cut(void **state)
{
	char text[512] = "ID=";
	struct distro d;

	(void)state;
	memset(text + 3, 'x', sizeof(text) - 4);
	distro_parse(text, &d);
	assert_int_equal(strlen(d.id), sizeof(d.id) - 1);
}

static void test_lines(void **state)
{
	char line[DISTRO_LINE];
	struct distro d = { .family = DISTRO_DEBIAN };

	(void)state;
	distro_install(&d, DISTRO_UIDMAP, line);
	assert_string_equal(line, "sudo apt-get install uidmap");
	d.family = DISTRO_ALPINE;
	distro_install(&d, DISTRO_UIDMAP, line);
	assert_string_equal(line, "sudo apk add shadow-subids");
	distro_install(&d, DISTRO_LIBSYSTEMD, line); /* there is none */
	assert_null(strstr(line, "apk"));
	d.family = DISTRO_OTHER;
	for (int i = 0; i < DISTRO_PARTS; i++) {
		distro_install(&d, (enum distro_part)i, line);
		assert_true(strlen(line) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_long_values_are_cut),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests_name("core/distro", tests, NULL, NULL);
}
