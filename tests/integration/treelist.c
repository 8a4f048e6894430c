/* SPDX-License-Identifier: Apache-2.0 */
/*
 * treelist.c - one line for each file of a tree: all that must be the same in two copies of it
 *
 *	treelist DIR [PATH-NOT-TO-ENTER...]
 *
 * Linked statically, so that it runs in any container. Lines are sorted by name within a folder:
 * "path type mode uid gid size mtime links rdev hash target xattrs". Size and link count of folders
 * are left out (they belong to the file system), and so are the overlay's own xattrs.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static char *const *skip;

static int is_skipped(const char *path)
{
	for (char *const *s = skip; *s; s++)
		if (strcmp(*s, path) == 0)
			return 1;
	return 0;
}

/* FNV-1a, enough to see a difference that nobody made on purpose */
static uint64_t hash_file(const char *path)
{
	uint64_t h = 14695981039346656037U;
	unsigned char b[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return 0;
	while ((n = read(fd, b, sizeof(b))) > 0)
		for (ssize_t i = 0; i < n; i++)
			h = (h ^ b[i]) * 1099511628211U;
	(void)close(fd);
	return h;
}

static void print_name(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s == '\\')
			(void)printf("\\%03o", (unsigned char)*s);
		else
			(void)putchar(*s);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_xattrs(const char *path)
{
	char names[65536], *v[256];
	ssize_t n = llistxattr(path, names, sizeof(names));
	size_t count = 0;

	for (char *s = names; n > 0 && s < names + n && count < 256; s += strlen(s) + 1)
		if (strncmp(s, "user.overlay.", 13) != 0 &&
		    strncmp(s, "trusted.overlay.", 16) != 0 && strncmp(s, "user.rl.", 8) != 0 &&
		    strncmp(s, "security.selinux", 16) != 0)
			v[count++] = s;
	qsort(v, count, sizeof(v[0]), compare);
	for (size_t i = 0; i < count; i++) {
		unsigned char value[65536];
		ssize_t len = lgetxattr(path, v[i], value, sizeof(value));

		(void)printf(" %s=", v[i]);
		/* a capability of a user namespace has its root id appended (v3): only the sets */
		if (strcmp(v[i], "security.capability") == 0 && len > 20) {
			len = 20;
			value[3] = 2;
		}
		for (ssize_t k = 0; k < len; k++)
			(void)printf("%02x", value[k]);
	}
}

static int list(const char *path, const char *shown);

static int list_dir(const char *path, const char *shown)
{
	struct dirent **e;
	int bad = 0, n = scandir(path, &e, NULL, alphasort);

	if (n < 0) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	for (int i = 0; i < n; i++) {
		char sub[8192], name[8192];

		if (strcmp(e[i]->d_name, ".") != 0 && strcmp(e[i]->d_name, "..") != 0) {
			(void)snprintf(sub, sizeof(sub), "%s/%s", path, e[i]->d_name);
			(void)snprintf(name, sizeof(name), "%s/%s", shown, e[i]->d_name);
			bad |= list(sub, name);
		}
		free(e[i]);
	}
	free(e);
	return bad;
}

static int list(const char *path, const char *shown)
{
	static const char types[] = "?pc?d?b?-?l?s???";
	char target[4096];
	struct stat st;
	ssize_t n;

	if (is_skipped(shown))
		return 0;
	if (lstat(path, &st) < 0) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	print_name(*shown ? shown : "/");
	(void)printf(" %c %04o %u %u", types[(st.st_mode >> 12) & 15], st.st_mode & 07777U,
		     st.st_uid, st.st_gid);
	if (*shown) /* a mount point's own time is nobody's promise */
		(void)printf(" %lld.%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	if (!S_ISDIR(st.st_mode))
		(void)printf(" %lld links=%lu", (long long)st.st_size, (unsigned long)st.st_nlink);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		(void)printf(" rdev=%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (S_ISREG(st.st_mode))
		(void)printf(" %016llx", (unsigned long long)hash_file(path));
	if (S_ISLNK(st.st_mode)) {
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		(void)printf(" -> ");
		print_name(target);
	}
	print_xattrs(path);
	(void)putchar('\n');
	return S_ISDIR(st.st_mode) ? list_dir(path, shown) : 0;
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/";

	skip = argv + (argc > 1 ? 2 : 1);
	return list(*dir == '/' && !dir[1] ? "/." : dir, "");
}
