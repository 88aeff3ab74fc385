// SPDX-License-Identifier: Apache-2.0
// Writes that KVM keeps back: a guest that writes to certain ports goes on at
// once, and user space finds the writes in a ring at its next exit
// (KVM_CAP_COALESCED_PIO, api.rst 4.116). Private to src/machine.
#pragma once

#include "src/machine/vcpu.h"
#include "src/machine/vm.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// Owned by the machine. KVM fills the ring, any thread empties it; lock orders
// those.
struct coalesced {
    pthread_mutex_t lock;
    struct kvm_coalesced_mmio_ring *ring; // in a vCPU's run area; NULL: none
    unsigned entries;                     // of the ring
};

// Finds the ring of a VM in the run area of one of its vCPUs, which outlives
// this. Where KVM has none there is none, and nothing is kept back.
void coalesced_open(struct coalesced *c, const struct vm *vm,
                    const struct vcpu *vcpu);
void coalesced_close(struct coalesced *c);

// Byte writes to port are kept back from now on, where KVM can. Before the
// vCPUs run.
void coalesced_add(const struct coalesced *c, const struct vm *vm,
                   uint16_t port);

// Whether there is something, or someone is taking it just now. Any thread.
bool coalesced_waits(const struct coalesced *c);

// Calls write for each, in the guest's order, then done; when it returned, this
// has happened to all that was there before the call, also where another
// thread is doing it at the same time. Neither may call coalesced_fetch.
void coalesced_fetch(struct coalesced *c,
                     void (*write)(void *owner, uint16_t port, uint8_t value),
                     void (*done)(void *owner), void *owner);
