// SPDX-License-Identifier: Apache-2.0
// VM exits, counted. See counters.h.
#include "src/machine/counters.h"

#include <stddef.h>
#include <stdlib.h>

#define MAX_PORTS                                                              \
    (sizeof((struct toyvmm_stats *)0)->ports / sizeof(struct toyvmm_port_count))

struct counters *counters_new(void)
{
    return calloc(1, sizeof(struct counters));
}

// With one writer a load and a store do; no locked instruction.
static void count(_Atomic uint64_t *counter)
{
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void counters_exit(struct counters *counters, enum counter reason)
{
    count(&counters->reasons[reason]);
}

void counters_port(struct counters *counters, uint16_t port, bool write)
{
    count(write ? &counters->ports[port].writes : &counters->ports[port].reads);
}

uint64_t counters_total(const struct counters *counters)
{
    uint64_t total = 0;
    for (int i = 0; i < COUNTERS; i++)
        total += get(&counters->reasons[i]);
    return total;
}

// Keeps out->ports sorted, busiest first, by insertion.
static void insert_port(struct toyvmm_stats *out,
                        const struct toyvmm_port_count *port)
{
    uint64_t exits = port->reads + port->writes;
    size_t at = out->nports;
    while (at > 0 &&
           out->ports[at - 1].reads + out->ports[at - 1].writes < exits)
        at--;
    if (at == MAX_PORTS)
        return;
    size_t last = out->nports < MAX_PORTS ? out->nports++ : MAX_PORTS - 1;
    for (size_t i = last; i > at; i--)
        out->ports[i] = out->ports[i - 1];
    out->ports[at] = *port;
}

void counters_read(const struct counters *counters, struct toyvmm_stats *out)
{
    *out = (struct toyvmm_stats){
        .exits = counters_total(counters),
        .exits_io = get(&counters->reasons[COUNTER_IO]),
        .exits_mmio = get(&counters->reasons[COUNTER_MMIO]),
        .exits_hlt = get(&counters->reasons[COUNTER_HLT]),
        .exits_intr = get(&counters->reasons[COUNTER_INTR]),
        .exits_other = get(&counters->reasons[COUNTER_OTHER]),
    };
    for (unsigned i = 0; i < 0x10000; i++) {
        const struct toyvmm_port_count port = {
            .port = (uint16_t)i,
            .reads = get(&counters->ports[i].reads),
            .writes = get(&counters->ports[i].writes),
        };
        if (port.reads + port.writes)
            insert_port(out, &port);
    }
}
