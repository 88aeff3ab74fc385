// SPDX-License-Identifier: Apache-2.0
// The parts of a failure's diagnosis and what they share. For diagnosis*.c
// only.
#pragma once

#include "harness/runner/run.h"
#include "harness/symbols/symbols.h"

#include <stdio.h>

// One diagnosis; each part writes its section to f, or nothing.
struct diagnosis {
    struct run *run;
    const struct wait *wait; // that timed out, or NULL

    // What the machine was seen to do (diagnosis_machine.c); looked at once,
    // before all else, for it goes on meanwhile.
    bool observed;
    struct toyvmm_observation seen;
    struct ksyms *symbols; // or NULL, and why is in no_names
    char names[320];       // where the symbols are from, where they moved
    struct error no_names;
};

// Looks at the machine when that can explain something, and finds names for
// what it sees. To be ended with the other.
void diagnose_machine(struct diagnosis *d);
void diagnose_machine_end(struct diagnosis *d);

// Sections.
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
