/* SPDX-License-Identifier: Apache-2.0 */
/* test_logjournal.c - core/logjournal: entries as the journal wants them, and one that takes nothing */
#include "config.h"

#include "tests/unit/unit.h"

#include <endian.h>
#include <errno.h>
#include <sys/socket.h>

#include "core/base/cleanup.h"
#include "core/logjournal.h"

static const struct logjournal_id id = {
	.id = "0123456789012345678901234567890123456789012345678901234567890123",
	.name = "web",
	.image = "alpine",
	.tag = "a\nPRIORITY=0",
};

/* Receive one entry; @ret gets the text of MESSAGE. Return: the fields before it. */
static const char *receive(int fd, char *ret, size_t room)
{
	static char packet[65536];
	ssize_t n = recv(fd, packet, sizeof(packet) - 1, MSG_DONTWAIT);
	char *m;
	uint64_t len;

	if (n < 0)
		return NULL;
	packet[n] = '\0';
	m = memmem(packet, (size_t)n, "\nMESSAGE\n", 9);
	assert_non_null(m);
	memcpy(&len, m + 9, sizeof(len));
	len = le64toh(len);
	assert_true(len < room);
	assert_true((size_t)n == (size_t)(m - packet) + 9 + 8 + len + 1);
	memcpy(ret, m + 17, len);
	ret[len] = '\0';
	m[1] = '\0';
	return packet;
}

static void test_entries(void **state)
{
	auto_free char *fields = logjournal_fields(&id);
	char packet[LOGJOURNAL_PACKET];
	struct logjournal j = { .fields = fields, .packet = packet };
	char text[256];
	const char *head;
	int s[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s), 0);
	j.fd = s[0];
	logjournal_add(&j, 1, "one\nMESSAGE=x\nhalf", 18);
	logjournal_add(&j, 2, "\xff\n", 2);
	head = receive(s[1], text, sizeof(text));
	assert_string_equal(text, "one");
	assert_non_null(strstr(head, "PRIORITY=6\nCONTAINER_ID_FULL=0123"));
	assert_non_null(strstr(head, "\nCONTAINER_ID=012345678901\n"));
	assert_non_null(strstr(head, "\nCONTAINER_NAME=web\n"));
	assert_non_null(strstr(head, "\nCONTAINER_TAG=a?PRIORITY=0\n"));
	assert_null(strstr(head, "PARTIAL"));
	assert_non_null(receive(s[1], text, sizeof(text)));
	assert_string_equal(text, "MESSAGE=x");
	head = receive(s[1], text, sizeof(text));
	assert_string_equal(text, "half");
	assert_non_null(strstr(head, "\nCONTAINER_PARTIAL_MESSAGE=true\n"));
	head = receive(s[1], text, sizeof(text));
	assert_non_null(strstr(head, "PRIORITY=3\n"));
	assert_string_equal(text, "\xff");
	fd_close(s[0]);
	fd_close(s[1]);
}

/* A journal that is stuck costs entries, not time; how many is told. */
static void test_full(void **state)
{
	auto_free char *fields = logjournal_fields(&id);
	char packet[LOGJOURNAL_PACKET];
	struct logjournal j = { .fields = fields, .packet = packet };
	char text[256], line[100];
	int s[2];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s), 0);
	j.fd = s[0];
	for (int i = 0; i < 100000 && j.dropped == 0; i++)
		logjournal_add(&j, 1, line, sizeof(line));
	assert_true(j.dropped > 0);
	while (receive(s[1], text, sizeof(text)))
		;
	logjournal_add(&j, 1, "again\n", 6);
	assert_int_equal(j.dropped, 0);
	assert_non_null(receive(s[1], text, sizeof(text)));
	assert_non_null(strstr(text, "entries were lost"));
	assert_non_null(receive(s[1], text, sizeof(text)));
	assert_string_equal(text, "again");
	fd_close(s[0]);
	fd_close(s[1]);
}

static void test_no_journal(void **state)
{
	struct logjournal j = { .fd = FD_NONE };
	struct rl_err err = { 0 };

	(void)state;
	assert_int_equal(logjournal_connect("/no/such/socket", &err), -ENOENT);
	assert_true(err.hint[0]);
	logjournal_add(&j, 1, "x", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_journal),
	};

	return cmocka_run_group_tests_name("core/logjournal", tests, NULL, NULL);
}
