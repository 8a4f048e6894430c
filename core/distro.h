/* SPDX-License-Identifier: Apache-2.0 */
/*
 * distro.h - which distribution this is, and the command that installs a missing part there
 *
 * From os-release(5). A distribution that is not known by ID goes by ID_LIKE, else advice is in words.
 */
#pragma once

enum distro_family {
	DISTRO_OTHER,
	DISTRO_DEBIAN, /* and Ubuntu and kin: apt-get */
	DISTRO_FEDORA, /* and RHEL and kin: dnf */
	DISTRO_ARCH,   /* pacman */
	DISTRO_ALPINE, /* apk */
	DISTRO_SUSE,   /* zypper */
};

struct distro {
	char id[32], version[32], codename[32]; /* "" when unknown */
	enum distro_family family;
};

void distro_read(struct distro *ret);
/* The same from the text of an os-release file. */
void distro_parse(const char *text, struct distro *ret);

/* What somebody may have to install. */
enum distro_part {
	DISTRO_UIDMAP, /* newuidmap and newgidmap */
	DISTRO_FUSE_OVERLAYFS,
	DISTRO_LIBSYSTEMD,
	DISTRO_DBUS_SESSION, /* a message bus for each user */
	DISTRO_SYSTEMD_RUN,  /* the user's systemd manager at login (pam) */
	DISTRO_PARTS,
};

#define DISTRO_LINE 96
/* "sudo apt-get install uidmap"; for a family without such a package: what to look for. */
void distro_install(const struct distro *d, enum distro_part part, char out[DISTRO_LINE]);
