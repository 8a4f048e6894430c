/* SPDX-License-Identifier: Apache-2.0 */
/* logjournal.c - a container's output into the systemd journal; the header is the manual */
#include "config.h"

#include "core/logjournal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/log.h"

int logjournal_connect(const char *path, struct rl_err *err)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (fd < 0)
		return rl_fail_sys(err, errno, "socket");
	if (strlen(path) >= sizeof(a.sun_path))
		return rl_fail(err, ENAMETOOLONG, "the journal's socket '%s'", path);
	memcpy(a.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return TAKE_FD(fd);
	rl_fail_sys(err, errno, "log driver journald: connect to '%s'", path);
	return rl_hint(err, "systemd's journal does not run here: use --log-driver k8s-file");
}

static int add_field(struct buf *b, const char *key, const char *value)
{
	auto_free char *clean = strdup(value);

	if (!clean)
		return -ENOMEM;
	log_clean(clean); /* a line feed would start a field of its own */
	return buf_printf(b, "%s=%s\n", key, clean);
}

char *logjournal_fields(const struct logjournal_id *id)
{
	struct buf b = { 0 };
	int r = add_field(&b, "CONTAINER_ID_FULL", id->id);

	if (r == 0)
		r = buf_printf(&b, "CONTAINER_ID=%.12s\n", id->id);
	if (r == 0)
		r = add_field(&b, "CONTAINER_NAME", id->name);
	if (r == 0 && id->image && *id->image)
		r = add_field(&b, "IMAGE_NAME", id->image);
	if (r == 0 && id->tag && *id->tag)
		r = add_field(&b, "CONTAINER_TAG", id->tag);
	if (r == 0)
		r = add_field(&b, "SYSLOG_IDENTIFIER", id->tag && *id->tag ? id->tag : id->name);
	if (r < 0) {
		buf_done(&b);
		return NULL;
	}
	return buf_take(&b);
}

/* One datagram; MESSAGE in the form with a length, which takes any bytes. */
static int send_entry(const struct logjournal *j, int priority, bool partial, const char *s,
		      size_t n)
{
	/* sendto() is all that the pump may call, so the parts are put together here */
	const uint64_t len = htole64(n);
	int k = snprintf(j->packet, LOGJOURNAL_PACKET, "PRIORITY=%d\n%.*s%sMESSAGE\n", priority,
			 LOGJOURNAL_FIELDS_MAX, j->fields,
			 partial ? "CONTAINER_PARTIAL_MESSAGE=true\n" : "");
	size_t at = (size_t)k;

	memcpy(j->packet + at, &len, sizeof(len));
	at += sizeof(len);
	memcpy(j->packet + at, s, n);
	at += n;
	j->packet[at++] = '\n';
	return send(j->fd, j->packet, at, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void entry(struct logjournal *j, int stream, bool full, const char *s, size_t n)
{
	char text[96];

	if (j->dropped > 0) {
		int k = snprintf(text, sizeof(text),
				 "rl: %llu entries were lost, the journal did not take them",
				 (unsigned long long)j->dropped);

		if (send_entry(j, 4, false, text, (size_t)k) < 0) {
			j->dropped++;
			return;
		}
		j->dropped = 0;
	}
	/* LOG_INFO and LOG_ERR, as others have it */
	if (send_entry(j, stream == 1 ? 6 : 3, !full, s, n) < 0)
		j->dropped++;
}

void logjournal_add(struct logjournal *j, int stream, const char *data, size_t n)
{
	while (j->fd >= 0 && n > 0) {
		size_t room = n < LOGJOURNAL_TEXT_MAX ? n : LOGJOURNAL_TEXT_MAX;
		const char *nl = memchr(data, '\n', room);
		size_t k = nl ? (size_t)(nl - data) : room;

		entry(j, stream, nl != NULL, data, k);
		k += nl ? 1 : 0;
		data += k;
		n -= k;
	}
}
