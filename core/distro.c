/* SPDX-License-Identifier: Apache-2.0 */
/* distro.c - os-release, and names of packages; the header is the manual */
#include "config.h"

#include "core/distro.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/cleanup.h"
#include "core/base/io.h"

static const struct {
	const char *id;
	enum distro_family family;
} families[] = {
	{ "debian", DISTRO_DEBIAN },    { "ubuntu", DISTRO_DEBIAN },
	{ "fedora", DISTRO_FEDORA },    { "rhel", DISTRO_FEDORA },
	{ "centos", DISTRO_FEDORA },    { "amzn", DISTRO_FEDORA },
	{ "arch", DISTRO_ARCH },        { "alpine", DISTRO_ALPINE },
	{ "suse", DISTRO_SUSE },        { "opensuse", DISTRO_SUSE },
	{ "sles", DISTRO_SUSE },        { "opensuse-leap", DISTRO_SUSE },
	{ "archlinux", DISTRO_ARCH },   { "rocky", DISTRO_FEDORA },
	{ "almalinux", DISTRO_FEDORA }, { "opensuse-tumbleweed", DISTRO_SUSE },
};

static const char *const installers[] = {
	[DISTRO_OTHER] = NULL,
	[DISTRO_DEBIAN] = "sudo apt-get install",
	[DISTRO_FEDORA] = "sudo dnf install",
	[DISTRO_ARCH] = "sudo pacman -S",
	[DISTRO_ALPINE] = "sudo apk add",
	[DISTRO_SUSE] = "sudo zypper install",
};

/* In the order of enum distro_family; the first is what to look for, NULL: there is none. */
static const char *const packages[DISTRO_PARTS][6] = {
	[DISTRO_UIDMAP] = { "install the package that has newuidmap and newgidmap", "uidmap",
			    "shadow-utils", "shadow", "shadow-subids", "shadow" },
	[DISTRO_FUSE_OVERLAYFS] = { "install the package fuse-overlayfs", "fuse-overlayfs",
				    "fuse-overlayfs", "fuse-overlayfs", "fuse-overlayfs",
				    "fuse-overlayfs" },
	[DISTRO_LIBSYSTEMD] = { "install the package that has libsystemd.so.0", "libsystemd0",
				"systemd-libs", "systemd-libs", NULL, "libsystemd0" },
	[DISTRO_DBUS_SESSION] = { "have a D-Bus session bus started at login", "dbus-user-session",
				  "dbus-daemon", "dbus", NULL, "dbus-1" },
	[DISTRO_SYSTEMD_RUN] = { "have pam_systemd(8) start the user's manager at login",
				 "libpam-systemd", "systemd-pam", "systemd", NULL, "systemd" },
};

/* The value of @key ("KEY=value", in quotes or not) into @out, cut to its size. */
static void value(const char *text, const char *key, char *out, size_t size)
{
	size_t n = strlen(key);

	out[0] = '\0';
	for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		const char *v = p + n + 1;
		size_t len;

		if (strncmp(p, key, n) != 0 || p[n] != '=')
			continue;
		len = strcspn(v, "\n");
		if (len >= 2 && (*v == '"' || *v == '\'')) {
			v++;
			len -= 2;
		}
		(void)snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), v);
	}
}

static enum distro_family family_of(const char *id, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (strlen(families[i].id) == len && memcmp(families[i].id, id, len) == 0)
			return families[i].family;
	return DISTRO_OTHER;
}

void distro_parse(const char *text, struct distro *ret)
{
	char like[128];

	*ret = (struct distro){ .family = DISTRO_OTHER };
	value(text, "ID", ret->id, sizeof(ret->id));
	value(text, "VERSION_ID", ret->version, sizeof(ret->version));
	value(text, "VERSION_CODENAME", ret->codename, sizeof(ret->codename));
	value(text, "ID_LIKE", like, sizeof(like));
	ret->family = family_of(ret->id, strlen(ret->id));
	for (const char *s = like; *s && ret->family == DISTRO_OTHER;) {
		size_t len = strcspn(s, " ");

		ret->family = family_of(s, len);
		s += len + strspn(s + len, " ");
	}
}

void distro_read(struct distro *ret)
{
	/* the second is a link to the first on most systems, which io_read_file() would refuse */
	static const char *const files[] = { "/usr/lib/os-release", "/etc/os-release" };
	auto_buf struct buf b = { 0 };
	struct rl_err ignored;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (io_read_file(AT_FDCWD, files[i], 65536, &b, &ignored) == 0)
			break;
	distro_parse(b.data ? b.data : "", ret);
}

void distro_install(const struct distro *d, enum distro_part part, char out[DISTRO_LINE])
{
	const char *package = packages[part][d->family];

	if (d->family == DISTRO_OTHER || !package)
		(void)snprintf(out, DISTRO_LINE, "%s", packages[part][DISTRO_OTHER]);
	else
		(void)snprintf(out, DISTRO_LINE, "%s %s", installers[d->family], package);
}
