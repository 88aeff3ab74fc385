// SPDX-License-Identifier: Apache-2.0
// The machine behind toyvmm.h: its parts, its threads and its life. Private to
// src/machine and its tests.
//
// Threads and who may do what:
//   vCPU thread   runs the guest, calls the sink, ends the machine (run.c)
//   keeper        notices a dead guest, drives the RTC (keeper.c)
//   any other     toyvmm.h's functions; reaches the vCPU by a kick
#pragma once

#include "src/base/guest_memory.h"
#include "src/boot/boot.h"
#include "src/machine/board.h"
#include "src/machine/counters.h"
#include "src/machine/spent.h"
#include "src/machine/vcpu.h"
#include "src/machine/vm.h"
#include "src/toyvmm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// CREATED -> RUNNING -> ENDED, or CREATED -> ENDED when it is never started.
enum machine_phase {
    MACHINE_CREATED,
    MACHINE_RUNNING, // the vCPU thread exists and may be kicked
    MACHINE_ENDED,   // the vCPU has left the guest for the last time
};

// What another thread asks of the vCPU thread, as bits; it looks at them when
// a kick has brought it out of the guest.
enum machine_request {
    REQUEST_STOP = 1,  // end with EVENT_STOPPED
    REQUEST_LOOK = 2,  // fill sample
    REQUEST_SLEEP = 4, // are you asleep for ever?
    REQUEST_NMI = 8,   // press the NMI button
};

// How the machine ends, as soon as that is known.
struct machine_ending {
    bool set;
    enum toyvmm_event_kind kind;
    char detail[sizeof((struct toyvmm_event *)0)->detail];
};

struct toyvmm {
    // Set up by machine_create, constant from then on.
    struct toyvmm_sink sink;
    struct guest_memory memory;
    struct vm vm;
    struct board board; // its line.owner is NULL until it exists
    struct vcpu vcpu;
    struct toyvmm_pin pin;
    struct boot_notes notes; // of the images
    uint64_t ready_ns; // when memory and images were in place

    // The vCPU thread's own, once it runs.
    uint64_t exit_ns; // when the guest was left last
    bool userspace_reached;
    bool nothing_wakes; // the last look at its sleep said so
    struct machine_ending ending;

    // Written by the vCPU thread, read by any.
    struct counters *counters;
    struct spent *spent;

    // Any thread.
    atomic_uint requests;

    // Guards what follows; changed is broadcast when any of it changes. Never
    // held while the sink is called or a join is waited for.
    pthread_mutex_t lock;
    pthread_cond_t changed; // CLOCK_MONOTONIC
    enum machine_phase phase;
    clockid_t vcpu_clock; // CPU time of the vCPU thread, while RUNNING
    pthread_t vcpu_thread, keeper_thread;
    uint64_t final_cpu_ns;
    struct vcpu_sample sample; // the answer to REQUEST_LOOK
    uint64_t samples;          // how many there were
    bool sample_valid;
    int nmi_code;         // the answer to REQUEST_NMI
    uint64_t nmi_answers; // how many there were

    // Guards started and joined: who holds it may wait for the threads.
    pthread_mutex_t join_lock;
    bool started, joined;
};

// Fills RAM and says where to start; runs once, within machine_create. 0, or
// a negative errno with a sentence.
typedef int (*machine_loader)(void *owner, const struct guest_memory *mem,
                              struct boot_state *out, struct error *err);

// toyvmm_create, with a loader in place of files: memory in bytes, one vCPU,
// `ports` UARTs. NULL with err and *code on failure, as toyvmm_create.
struct toyvmm *machine_create(uint64_t memory, unsigned ports,
                              const struct toyvmm_sink *sink,
                              machine_loader load, void *load_owner, int *code,
                              struct error *err);

// Asks something of the vCPU thread (enum machine_request) and kicks it.
// False when no vCPU runs. The caller holds lock.
bool machine_request(struct toyvmm *vm, unsigned request);

// The end is near: kind, and detail as for printf. The first call counts.
// vCPU thread.
void machine_end(struct toyvmm *vm, enum toyvmm_event_kind kind,
                 const char *detail, ...) __attribute__((format(printf, 3, 4)));

// Reports an event to the sink, stamped ns, with the vCPU's registers. vCPU
// thread.
void machine_report(struct toyvmm *vm, enum toyvmm_event_kind kind, uint64_t ns,
                    const char *detail);

// What the vCPU has spent by now, which is kept as what it had spent at ns, a
// time within the present exit. vCPU thread.
void machine_take_usage(struct toyvmm *vm, uint64_t ns,
                        struct toyvmm_usage *out);

// The threads' bodies; arg is the machine.
void *machine_run_vcpu(void *arg);
void *machine_run_keeper(void *arg);
