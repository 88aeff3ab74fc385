// SPDX-License-Identifier: Apache-2.0
// Writes that KVM keeps back. See coalesced.h.
#include "src/machine/coalesced.h"

#include <unistd.h>

void coalesced_open(struct coalesced *c, const struct vm *vm,
                    const struct vcpu *vcpu)
{
    *c = (struct coalesced){0};
    pthread_mutex_init(&c->lock, NULL);
    // The capability's value is the ring's place in the run area, in pages.
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int at = kvm_host_cap(&vm->host, KVM_CAP_COALESCED_MMIO);
    if (at <= 0 || !kvm_host_cap(&vm->host, KVM_CAP_COALESCED_PIO) ||
        ((size_t)at + 1) * page > vcpu->run_size)
        return;
    void *ring = (uint8_t *)vcpu->run + (size_t)at * page;
    c->ring = ring;
    c->entries = (unsigned)((page - sizeof *c->ring) /
                            sizeof c->ring->coalesced_mmio[0]);
}

void coalesced_close(struct coalesced *c)
{
    pthread_mutex_destroy(&c->lock);
}

void coalesced_add(const struct coalesced *c, const struct vm *vm,
                   uint16_t port)
{
    struct kvm_coalesced_mmio_zone zone = {
        .addr = port,
        .size = 1,
        .pio = 1,
    };
    // Refused: then each write is an exit of its own, as ever.
    if (c->ring)
        (void)kvm_ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone);
}

// KVM writes an entry, then moves last; we move first when all are served.
static uint32_t first_of(const struct coalesced *c)
{
    return __atomic_load_n(&c->ring->first, __ATOMIC_ACQUIRE);
}

static uint32_t last_of(const struct coalesced *c)
{
    return __atomic_load_n(&c->ring->last, __ATOMIC_ACQUIRE);
}

bool coalesced_waits(const struct coalesced *c)
{
    return c->ring && first_of(c) != last_of(c);
}

void coalesced_fetch(struct coalesced *c,
                     void (*write)(void *owner, uint16_t port, uint8_t value),
                     void (*done)(void *owner), void *owner)
{
    if (!coalesced_waits(c))
        return;
    pthread_mutex_lock(&c->lock);
    // A fixed end: a guest that writes for ever must not hold who came to look.
    uint32_t last = last_of(c);
    for (uint32_t i = first_of(c); i != last; i = (i + 1) % c->entries) {
        const struct kvm_coalesced_mmio *e = &c->ring->coalesced_mmio[i];
        write(owner, (uint16_t)e->phys_addr, e->data[0]);
    }
    done(owner);
    // Not before: who finds the ring empty doesn't wait for us.
    __atomic_store_n(&c->ring->first, last, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&c->lock);
}
