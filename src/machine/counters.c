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

void counters_exit(struct counters *counters, enum toyvmm_exit reason)
{
    count(&counters->reasons[reason]);
}

void counters_port(struct counters *counters, uint16_t port, bool write)
{
    count(write ? &counters->ports[port].writes : &counters->ports[port].reads);
}

void counters_add(const struct counters *counters, struct toyvmm_usage *out)
{
    for (int i = 0; i < TOYVMM_EXITS; i++) {
        uint64_t n = get(&counters->reasons[i]);
        out->exits_by[i] += n;
        out->exits += n;
    }
}

void counters_add_port(const struct counters *counters,
                       struct toyvmm_port_count *port)
{
    port->reads += get(&counters->ports[port->port].reads);
    port->writes += get(&counters->ports[port->port].writes);
}

// Keeps out->ports sorted, busiest first, by insertion.
void counters_rank(struct toyvmm_stats *out,
                   const struct toyvmm_port_count *port)
{
    uint64_t exits = port->reads + port->writes;
    if (exits == 0)
        return;
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
