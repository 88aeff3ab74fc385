// SPDX-License-Identifier: Apache-2.0
// What the files of the tape share: tape.c plays the items, tape_answers.c
// compares what is typed and answers what is asked. Nobody else includes this.
#pragma once

#include "harness/recording/conceal.h"
#include "harness/recording/pace.h"
#include "harness/recording/tape.h"
#include "harness/recording/typed.h"

// Answers that wait to be asked for. What does not fit is forgotten: only a
// run that asks for other things than the recorded one has so many.
#define ANSWERS 64

struct answer {
    struct record record; // its text is `text`, what was seen `seen`
    struct toyvmm_observation seen;
    struct toyvmm_share *shares; // record.nshares of them, heap, or NULL
    char text[ERROR_MAX + 1];
};

struct tape {
    struct console base; // first
    struct run_machine machine;
    struct recording_reader *reader;
    struct tape_options options;
    struct pace pace;
    uint64_t now_ns;
    uint64_t asked_ns;           // the latest that console_now said
    struct toyvmm_usage usage;   // the last that was told,
    struct toyvmm_share *shares; // and its nshares, heap
    size_t nshares;

    // The bytes that are being delivered: taken of len are.
    struct record item;
    size_t taken;
    struct record_memory memory;
    uint8_t bytes[CONSOLE_BATCH];
    uint64_t given; // bytes of all items

    // What was read beyond them: answers, then perhaps the next item.
    struct answer answers[ANSWERS];
    size_t nanswers;
    struct record next;
    bool has_next;
    bool ended;
    bool ran_out;
    uint64_t ran_out_ns;

    struct conceal secrets;
    struct typed typed;
    uint8_t typing[INPUT_PIECE];
};

// ---- tape.c ----------------------------------------------------------------

// Reads answers up to the next item.
void tape_look_ahead(struct tape *t);
// Reads one more answer, to the end of t->answers; false when the next item
// comes first, or there is no room.
bool tape_next_answer(struct tape *t);

int tape_read(struct console *c, struct console_batch *out,
              uint64_t deadline_ns, struct error *err);

// What it tells is the last usage; its shares go over to the tape.
void tape_take_usage(struct tape *t, struct answer *a);

// ---- tape_answers.c --------------------------------------------------------

extern const struct console_ops tape_ops;

// What the recorded machine could do, and how many vCPUs it had (0 is 1).
struct run_machine tape_answers(struct tape *t, unsigned abilities,
                                unsigned vcpus);
