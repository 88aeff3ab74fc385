// SPDX-License-Identifier: Apache-2.0
// A file of what passed a wire, in the classic pcap format that tcpdump and
// Wireshark read (draft-ietf-opsawg-pcap): Ethernet, times in nanoseconds.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A file has at most so many bytes unless another bound is given.
#define NET_CAPTURE_MAX (UINT64_C(64) << 20)

struct net_capture; // opaque

// Makes the file, in place of one that is there. max is the bound of its size
// in bytes. NULL with a sentence and *code, a negative errno.
struct net_capture *net_capture_open(const char *path, uint64_t max, int *code,
                                     struct error *err);

// Ends the file; NULL is nothing.
void net_capture_close(struct net_capture *capture);

// Adds a frame. What does not fit, or can't be written, ends the capture: the
// file stays good up to there.
void net_capture_frame(struct net_capture *capture, const uint8_t *frame,
                       size_t len);

// Whether a frame was left out. Any thread.
bool net_capture_is_cut(const struct net_capture *capture);
