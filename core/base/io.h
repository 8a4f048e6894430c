/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - whole reads and writes, files that are replaced whole, trees, locks
 *
 * The atomic-replace function and the bounded reader of the project are here and nowhere else.
 * All paths are relative to a directory descriptor (AT_FDCWD where the user named the path).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* Write all of @n bytes, however long that takes. 0 or -errno. */
int io_write_all(int fd, const void *p, size_t n) RL_MUST_USE;
/* Read until @n bytes or end of file. Bytes read, or -errno. */
ssize_t io_read_full(int fd, void *p, size_t n) RL_MUST_USE;
/* Append to @out until end of file; more than @max bytes is -EFBIG. 0 or -errno. */
int io_read_all(int fd, size_t max, struct buf *out) RL_MUST_USE;

/**
 * io_read_file() - Content of a small regular file
 * @dir_fd:	Directory, or AT_FDCWD
 * @path:	Opened O_NOFOLLOW (last component) and O_NONBLOCK; anything but a regular file is
 *		refused with -EINVAL, so a FIFO or a device cannot hang or flood the caller
 * @max:	More bytes than this is -EFBIG
 * @out:	Appended to
 *
 * Return: 0 or -errno (-ENOENT is common and carries a message as well)
 */
int io_read_file(int dir_fd, const char *path, size_t max, struct buf *out,
		 struct rl_err *err) RL_MUST_USE;
/* The same for a file of the user's or the administrator's, which may be a link (NixOS, dotfiles). */
int io_read_named(const char *path, size_t max, struct buf *out, struct rl_err *err) RL_MUST_USE;
/* The same for a file that the user names as an argument: a pipe, as of <(...), is waited for. */
int io_read_given(const char *path, size_t max, struct buf *out, struct rl_err *err) RL_MUST_USE;

/*
 * Is there anything of that name, be it a dangling link? errno as fstatat(2) has it when not.
 * Not faccessat(2): libc makes that with flags a faccessat2, which old outer filters answer by EPERM.
 */
bool io_exists(int dir_fd, const char *path);
/* The number that a file of /proc or /sys begins with; -1 when there is none. */
int64_t io_read_number(const char *path);

enum io_sync { IO_NOSYNC, IO_SYNC };

/**
 * io_replace_file() - Make @path hold exactly these bytes, or leave it as it was
 * @mode:	Permission bits of the new file (umask does not apply)
 * @sync:	IO_SYNC: file and folder are on disk when this returns
 *
 * A temporary file "<path>.tmp-XXXX" in the same folder is renamed over @path. A crash leaves
 * the old or the new content, at worst a file with that temporary name.
 */
int io_replace_file(int dir_fd, const char *path, const void *data, size_t len, mode_t mode,
		    enum io_sync sync, struct rl_err *err) RL_MUST_USE;

/* Open a directory O_PATH|O_DIRECTORY|O_NOFOLLOW... readable (O_RDONLY). fd or -errno. */
int io_open_dir(int dir_fd, const char *path, struct rl_err *err) RL_MUST_USE;
/* mkdir -p below @dir_fd with @mode for each new folder; 0 or -errno. */
int io_mkdirs(int dir_fd, const char *path, mode_t mode, struct rl_err *err) RL_MUST_USE;
/*
 * Remove a file or a whole tree, never following a link, never crossing into another mount.
 * Missing is success. Folders without permissions are given u+rwx on the way (we own them). Any
 * depth with few descriptors. -EBUSY: something in it is a mount point.
 */
int io_remove_tree(int dir_fd, const char *path, struct rl_err *err) RL_MUST_USE;

/*
 * Locks on a file of their own. Kind 1: POSIX record lock (fcntl F_SETLK), owned by the process,
 * not inherited by children, lost when *any* descriptor to the file is closed: open it once.
 * Used for "the monitor lives". Kind 2: flock, owned by the open file, for short critical
 * sections and shared holders.
 */
int io_lock_record(int fd); /* 0, -EAGAIN when somebody else holds it, or -errno */
/* Who holds the record lock of @fd: pid > 0, 0 = free, -ESRCH: held, but by a pid that cannot be
 * seen from here (another pid namespace); -errno. */
pid_t io_lock_holder(int fd);
/* flock on @path (created 0600 if missing). @block: wait. fd, -EAGAIN, or -errno. */
int io_flock(int dir_fd, const char *path, bool exclusive, bool block,
	     struct rl_err *err) RL_MUST_USE;

/* Whose flock on the open file it is, by /proc/locks; 0: nobody's, or it cannot be known. */
pid_t io_flock_holder(int fd);
struct waiting;
/* Name the wait for such a lock (waiting.h). */
void io_flock_name(struct waiting *w, int fd, const char *path);

/* The same, exclusive, waiting at most @timeout_ms: its holder may have been stopped. -EBUSY then. */
int io_flock_wait(int dir_fd, const char *path, int timeout_ms, struct rl_err *err) RL_MUST_USE;

/* Remove what replacements of files in this folder that died have left (io_replace_file()): to be
 * called by who holds the lock of those who write there. */
void io_drop_temporary(int dir_fd);

/* @n random bytes as lowercase hex; @out has room for 2 * n + 1. Never fails. */
void rand_hex(char *out, size_t n);
/* Monotonic clock in ms; wall clock in ns since the epoch. */
int64_t now_ms(void);
int64_t wall_ns(void);
/* "2026-11-22T12:00:00.123456789Z" for @ns. @out has room for 32 bytes. */
void time_rfc3339(char out[32], int64_t ns);
/* The reverse, any offset; 0, -EINVAL, or -ERANGE for a valid time that does not fit (Go's zero
 * time, year 1, is common in images). */
int time_parse_rfc3339(const char *s, int64_t *ret_ns);
