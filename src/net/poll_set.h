// SPDX-License-Identifier: Apache-2.0
// Descriptors of a library that wants poll(2), which says before each wait all
// that it waits for. They become one descriptor of epoll, which an event loop
// watches. Private to src/net; one thread at a time.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct poll_set {
    int fd;                     // ready when one of them is
    struct poll_entry *entries; // by descriptor
    size_t room;
    size_t count; // descriptors that are watched
    uint64_t round;
};

// 0, or a negative errno with a sentence; close it either way.
int poll_set_open(struct poll_set *set, struct error *err);
void poll_set_close(struct poll_set *set);

// A round: want each descriptor (0 or more) with events of epoll, between begin
// and end; what was not wanted is not watched any more.
void poll_set_begin(struct poll_set *set);
void poll_set_want(struct poll_set *set, int fd, uint32_t events);
void poll_set_end(struct poll_set *set);

// Asks what is ready, without waiting; then ready tells of each, once.
void poll_set_look(struct poll_set *set);
uint32_t poll_set_ready(struct poll_set *set, int fd);
