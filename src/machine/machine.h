// SPDX-License-Identifier: Apache-2.0
// The machine behind toyvmm.h: its parts, its threads and its life. Private to
// src/machine and its tests.
//
// Threads and who may do what:
//   vCPU threads  one for each: run the guest, call the sink; any of them may
//                 end the machine, the last one to leave reports it (run.c)
//   keeper        notices a dead guest, fetches what KVM keeps back of the
//                 output (keeper.c)
//   guard         ends the machine when one of these, or a device's thread,
//                 makes a call that its sandbox has no room for (confine.c);
//                 not without a sandbox
//   any other     toyvmm.h's functions; reaches a vCPU by a kick
#pragma once

#include "src/base/guest_memory.h"
#include "src/boot/boot.h"
#include "src/machine/board.h"
#include "src/machine/coalesced.h"
#include "src/machine/confine.h"
#include "src/machine/counters.h"
#include "src/machine/sleep.h"
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
    MACHINE_RUNNING, // the vCPU threads exist and may be kicked
    MACHINE_ENDED,   // all vCPUs have left the guest for the last time
};

// What another thread asks of a vCPU thread, as bits; it looks at them when a
// kick has brought it out of the guest.
enum machine_request {
    REQUEST_LEAVE = 1, // the machine ends: leave the guest for good
    REQUEST_STOP = 2,  // end with EVENT_STOPPED
    REQUEST_LOOK = 4,  // fill sample
    REQUEST_SLEEP = 8, // are you asleep for ever?
    REQUEST_NMI = 16,  // press the NMI button
};

// How the machine ends, as soon as that is known.
struct machine_ending {
    bool set;
    struct toyvmm_event event; // all but the usage
};

// One processor and its thread.
struct processor {
    struct toyvmm *machine;
    struct vcpu vcpu;
    struct access access; // its present or last exit; ns is 0 before the first
    struct counters *counters; // it writes, any thread reads
    atomic_uint requests;

    // Guarded by the machine's lock.
    pthread_t thread;
    bool exists, left; // its thread; it left the guest for the last time
    clockid_t clock;   // CPU time of the thread, until it left
    uint64_t final_cpu_ns;
    struct vcpu_sample sample; // the answer to REQUEST_LOOK
    uint64_t samples;          // how many there were
    bool sample_valid;
    enum sleep sleep;     // the answer to REQUEST_SLEEP
    uint64_t sleep_round; // for which round
    int nmi_code;         // the answer to REQUEST_NMI
    uint64_t nmi_answers; // how many there were
};

struct toyvmm {
    // Set up by machine_create, constant from then on.
    struct toyvmm_sink sink;
    struct guest_memory memory;
    struct vm kvm;
    struct board board; // its hooks.owner is NULL until it exists
    struct coalesced coalesced;
    struct processor *processors;
    unsigned nprocessors;
    struct toyvmm_pin pin;
    struct boot_notes notes; // of the images
    uint64_t ready_ns;       // when memory and images were in place
    struct guard *guard;     // of its threads, or NULL: no sandbox

    // Held while the sink is called: its calls come one at a time and in one
    // order. lock may be taken under it, not the other way round.
    pthread_mutex_t telling;
    uint64_t told_ns; // the last time that the sink was told
    bool silent;      // the end was told: the sink is not called any more
    bool userspace_reached;
    struct spent *spent;         // its due_ns
    struct toyvmm_share *shares; // room for a reading, one for each vCPU

    // How often room was told; and that, and one more, at the time when tx said
    // enough: it holds until rooms moves. Any thread.
    atomic_uint rooms, full_at;
    _Atomic uint64_t late_writes[PLATFORM_COM_COUNT]; // that KVM kept back
    atomic_bool leaving;                              // ending is set

    // Guards what follows, and the processors' part; changed is broadcast when
    // any of it changes, or rooms, or a request. Never held while the sink is
    // called or a join is waited for.
    pthread_mutex_t lock;
    pthread_cond_t changed; // CLOCK_MONOTONIC
    enum machine_phase phase;
    unsigned inside; // vCPUs that have not left
    struct machine_ending ending;
    uint64_t sleep_round; // that the keeper asks for
    unsigned asleep;      // rounds in a row that found all asleep
    pthread_t keeper_thread;

    // Guards what follows: who holds it may wait for the threads.
    pthread_mutex_t join_lock;
    bool started, joined;
    bool abandoned; // a vCPU does not come back: nothing may be freed
};

// Fills RAM and says where to start; runs once, within machine_create. 0, or
// a negative errno with a sentence.
typedef int (*machine_loader)(void *owner, const struct guest_memory *mem,
                              struct boot_state *out, struct error *err);

// What a machine is made of.
struct machine_shape {
    uint64_t memory; // bytes
    enum guest_backing backing;
    unsigned cpus;  // 1 to TOYVMM_CPUS
    unsigned ports; // UARTs
    bool no_sandbox;
    confine_entered *entered; // for tests, or NULL
};

// toyvmm_create, with a loader in place of files. NULL with err and *code on
// failure, as toyvmm_create.
struct toyvmm *machine_create(const struct machine_shape *shape,
                              const struct toyvmm_sink *sink,
                              machine_loader load, void *load_owner, int *code,
                              struct error *err);

// Asks something of a vCPU thread (enum machine_request) and kicks it. False
// when it is not in the guest any more. The caller holds lock.
bool machine_request(struct processor *cpu, unsigned request);

// Waits for a change, until a deadline at most. The caller holds lock. False
// when the deadline passed.
bool machine_wait(struct toyvmm *vm, uint64_t deadline_ns);

// The end is near: kind, and detail as for printf. The first call counts; all
// vCPUs are made to leave. On the thread of cpu.
void machine_end(struct processor *cpu, enum toyvmm_event_kind kind,
                 const char *detail, ...) __attribute__((format(printf, 3, 4)));

// The same from any other thread, with an internal error: of a vCPU, or 0.
// Before the machine is started, too.
void machine_end_outside(struct toyvmm *vm, unsigned vcpu, const char *detail,
                         ...) __attribute__((format(printf, 3, 4)));

// The same of what the machine can't do without; owner is the machine, what a
// sentence.
void machine_end_broken(void *owner, const char *what);

// The board's callbacks that tell the sink, on a vCPU's or the keeper's thread.
void machine_tell_bytes(struct toyvmm *vm, unsigned port, const uint8_t *bytes,
                        size_t n, uint64_t ns);
size_t machine_ask_input(struct toyvmm *vm, unsigned port, uint8_t *bytes,
                         size_t max);
// Tells an event, with the usage until then; the usage is filled in here.
void machine_tell_event(struct toyvmm *vm, struct toyvmm_event *event);

// The sink has had enough, and no room was told since.
bool machine_is_full(const struct toyvmm *vm);

// Applies what KVM kept back. The UARTs (a bit each) want board_settle after
// the exit that this comes with.
unsigned machine_fetch(struct toyvmm *vm, const struct access *access);

// What one vCPU, or all, have spent by now; each (or NULL) gets their shares.
// The caller does not hold lock.
void machine_usage_of(struct processor *cpu, struct toyvmm_usage *out);
void machine_usage(struct toyvmm *vm, struct toyvmm_usage *out,
                   struct toyvmm_share *each);

// What toyvmm_stats tells, of one vCPU. What KVM kept back is told of each that
// writes to its port.
void machine_stats_of(struct processor *cpu, struct toyvmm_stats *out);

// The threads' bodies; arg is a struct processor, the machine.
void *machine_run_vcpu(void *arg);
void *machine_run_keeper(void *arg);
