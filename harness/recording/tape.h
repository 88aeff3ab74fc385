// SPDX-License-Identifier: Apache-2.0
// A recording as a console and a machine, for the runner: the third backend of
// harness/console/console.h, with the answers of the machine besides. Used by
// replay.c and tests.
#pragma once

#include "harness/recording/reader.h"
#include "harness/runner/runner.h"

// How it works: a recording is a list of items (what each read of the console
// gave), and after each item the answers that the run asked for then. A run
// that does the same again gets all of it again, to the nanosecond. A run that
// does something else gets the same bytes and events at the same times:
//
//   read until D   the next item, if it is not later than D; else a time-out
//                  at D. A recorded time-out that D passes means nothing
//   write          nothing; it is compared with what was typed then
//   an answer      the next one of its kind up to the next item; when there is
//                  none, the last one, or that of a machine which does not run
//
// At the end reads time out at their deadline.

struct tape_options {
    double speed;     // 1: in recorded time; 0: without waiting
    size_t max_piece; // bytes come in pieces of at most so many; 0: as recorded
    uint64_t random;  // with max_piece: of random size from this seed on
    uint64_t cut_at;  // and a piece ends after so many bytes; 0: nowhere
    uint64_t cut_every; // with cut_at: and after each so many more; 0: no more
};

struct tape;

// Takes the reader, also on failure. NULL with a sentence.
struct tape *tape_new(struct recording_reader *reader,
                      const struct tape_options *options, struct error *err);
void tape_free(struct tape *t); // NULL is fine

// They live as long as the tape; one thread, but for console_interrupt. Closing
// the console does nothing.
struct console *tape_console(struct tape *t);
const struct run_machine *tape_machine(const struct tape *t);

const struct recording_info *tape_info(const struct tape *t);

// After the run. True when it typed something else than was typed then; *ns is
// when that was, by the console's clock.
bool tape_typed_differently(struct tape *t, uint64_t *ns);
// True when the run wanted to read on after the end; *ns is when that was.
bool tape_ran_out(const struct tape *t, uint64_t *ns);
// As recording_cut; only when the run came that far.
const char *tape_cut(const struct tape *t);
// Reads on to the end, so that tape_info has the trailer and tape_cut is known.
void tape_skip_to_end(struct tape *t);
