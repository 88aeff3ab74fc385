// SPDX-License-Identifier: Apache-2.0
// VM exits to user space, counted by reason and by I/O port. Private to
// src/machine.
#pragma once

#include "src/toyvmm.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// One writer, the vCPU thread; any thread reads. A mebibyte, of which only
// the pages of ports that are used ever exist: so it comes from calloc.
struct counters {
    _Atomic uint64_t reasons[TOYVMM_EXITS];
    struct {
        _Atomic uint64_t reads, writes;
    } ports[0x10000];
};

// Heap, free() it. NULL when out of memory.
struct counters *counters_new(void);

void counters_exit(struct counters *counters, enum toyvmm_exit reason);
void counters_port(struct counters *counters, uint16_t port, bool write);

// Adds to all of out but cpu_ns.
void counters_add(const struct counters *counters, struct toyvmm_usage *out);

// Adds what port->port counts.
void counters_add_port(const struct counters *counters,
                       struct toyvmm_port_count *port);

// Enters a port into out, where they stand by how busy they were; one that was
// never used does not count.
void counters_rank(struct toyvmm_stats *out,
                   const struct toyvmm_port_count *port);
