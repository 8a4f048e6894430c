/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn.c - connections per second, for tests/bench/ports.sh
 *
 *	conn serve PORT                greet everybody with one byte and end the connection
 *	conn rate HOST PORT SECONDS    connect, wait for the byte, close, as often as it goes
 *	conn hold HOST PORT COUNT      hold so many (no greeting needed) until stdin ends
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in place(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	unsigned n = 0;

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || sscanf(port, "%5u", &n) != 1)
		exit(2);
	a.sin_port = htons((unsigned short)n);
	return a;
}

static int serve(const char *port)
{
	const struct sockaddr_in a = place("0.0.0.0", port);
	const int on = 1;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 4096) < 0)
		return 1;
	for (;;) {
		int c = accept(s, NULL, NULL);

		if (c < 0)
			continue;
		(void)!write(c, "x", 1);
		(void)close(c);
	}
}

static int client(const struct sockaddr_in *a)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s >= 0 && connect(s, (const struct sockaddr *)a, sizeof(*a)) == 0)
		return s;
	(void)close(s);
	return -1;
}

static int rate(const char *host, const char *port, const char *seconds)
{
	const struct linger reset = { .l_onoff = 1 }; /* no end of ports that wait */
	const struct sockaddr_in a = place(host, port);
	double length = 1, begin = now();
	unsigned long n = 0, failed = 0;
	char c;

	(void)sscanf(seconds, "%lf", &length);
	while (now() - begin < length) {
		int s = client(&a);

		if (s >= 0 && read(s, &c, 1) == 1)
			n++;
		else
			failed++;
		(void)setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		(void)close(s);
	}
	printf("%.0f\n", (double)n / (now() - begin));
	return failed > n / 100;
}

static int hold(const char *host, const char *port, const char *count)
{
	const struct sockaddr_in a = place(host, port);
	unsigned n = 0, open = 0;
	char c;

	(void)sscanf(count, "%u", &n);
	for (unsigned i = 0; i < n; i++)
		open += client(&a) >= 0;
	printf("%u\n", open);
	(void)fflush(stdout);
	(void)!read(0, &c, 1);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 5 && strcmp(argv[1], "rate") == 0)
		return rate(argv[2], argv[3], argv[4]);
	if (argc == 5 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2], argv[3], argv[4]);
	return 2;
}
