// SPDX-License-Identifier: Apache-2.0
// Writing to a stream that may have no reader: a pipe that is full and stays
// full must not hold a run up. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Writes all of it to fd, or what fits until deadline_ns (CLOCK_MONOTONIC).
// False when something is left, or when the stream is closed or broken.
bool outlet_write(int fd, const void *bytes, size_t len, uint64_t deadline_ns);
