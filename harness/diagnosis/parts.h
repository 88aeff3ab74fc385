// SPDX-License-Identifier: Apache-2.0
// The parts of a failure's diagnosis and what they share. For diagnosis*.c
// only.
#pragma once

#include "harness/diagnosis/diagnosis.h"
#include "harness/symbols/symbols.h"

#include <stdio.h>

// One diagnosis; each part writes its section to f, or nothing.
struct diagnosis {
    const struct diagnosis_run *run;
    const struct diagnosis_wait *wait; // that timed out, or NULL

    uint64_t end_ns;  // of the whole, by its own clock
    uint64_t part_ns; // of the present part

    // What the machine was seen to do (diagnosis_machine.c); looked at once,
    // before all else that takes time, for it goes on meanwhile.
    bool observed;    // one vCPU at least
    bool not_looked;  // there was no time for that
    bool looked_long; // there was not enough
    // Of each vCPU that was seen, in their order; of the others nothing is
    // known. Heap.
    unsigned vcpus; // of the machine
    size_t nlooks;
    struct look {
        unsigned vcpu;
        struct toyvmm_observation seen;
    } * looks;
    // That which is being told (diagnose_turn_to).
    unsigned vcpu;
    struct toyvmm_observation seen;
    struct ksyms *symbols; // or NULL, and why is in no_names
    char names[320];       // where the symbols are from, where they moved
    struct error no_names;
};

// ---- Time (diagnosis_time.c) ------------------------------------------------

// A part begins: it has one in `share` of the time that is left.
void diagnose_begin(struct diagnosis *d, unsigned share);
// What is left of it, and whether its time is up.
uint64_t diagnose_left_ns(const struct diagnosis *d);
bool diagnose_is_over(const struct diagnosis *d);
// The same for the symbols' room.
struct ksyms_patience diagnose_patience(struct diagnosis *d);

// ---- The machine (diagnosis_machine.c) --------------------------------------

// Whether what the machine did can explain this failure.
bool diagnose_explains(const struct diagnosis *d);
// Looks at the machine when that can explain something.
void diagnose_machine(struct diagnosis *d);
// Looks at its vCPUs, as many as there is time for.
void diagnose_look(struct diagnosis *d, const struct diagnosis_machine *m);
// From now on seen is that of a look.
void diagnose_turn_to(struct diagnosis *d, size_t look);
// Finds names for what was seen there, where they are told.
bool diagnose_needs_names(struct diagnosis *d);
void diagnose_names(struct diagnosis *d);
void diagnose_machine_end(struct diagnosis *d);

// ---- Sections ---------------------------------------------------------------

void tell_near_miss(FILE *f, struct diagnosis *d); // diagnosis_miss.c
void tell_doing(FILE *f, struct diagnosis *d);     // diagnosis_doing.c
void tell_stack(FILE *f, struct diagnosis *d);     // diagnosis_stack.c
void tell_registers(FILE *f, struct diagnosis *d); // diagnosis_stack.c

// An address of the guest's kernel as text: "name+0x1c/0x30", or in hex.
#define PLACE_TEXT       (KSYMS_PLACE_NAME + 48)
#define KSYMS_PLACE_NAME 128
const char *diagnose_place(const struct diagnosis *d, uint64_t address,
                           char buf[PLACE_TEXT]);

// The guest's memory as the registers of d->seen map it.
struct ksyms_memory diagnose_memory(struct diagnosis *d);

// Seconds since the scenario started, as the console's lines have them.
double diagnose_seconds(const struct diagnosis *d, uint64_t ns);

// How many ports the guest has printed on.
unsigned diagnose_printed(const struct diagnosis_run *r);
