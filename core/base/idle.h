/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle.h - poll(2) for processes that wait for hours: monitor, pump, holder, relay, packet loop
 *
 * There is a monitor and a pump per container and they nearly always sleep. What they hold asleep
 * is what a container costs.
 */
#pragma once

#include <poll.h>

/**
 * idle_poll() - poll(2); before a long sleep the memory that it does not take is given back
 * @f:		As in poll(2)
 * @n:		As in poll(2)
 * @timeout_ms:	As in poll(2)
 *
 * Given back after half a second without an event: what malloc holds free, the stack below the
 * caller, and the mappings of code and constants; what runs next is mapped again out of the
 * kernel's cache, 64 KiB or so each. Needs poll (or ppoll), madvise and brk, no other system call.
 *
 * Return: as poll(2)
 */
int idle_poll(struct pollfd *f, nfds_t n, int timeout_ms);

/* The same; whole pages of the @len bytes at @spare, whose content matters no more, become zeros. */
int idle_poll_spare(struct pollfd *f, nfds_t n, int timeout_ms, void *spare, size_t len);
