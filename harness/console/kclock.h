// SPDX-License-Identifier: Apache-2.0
// Is a kernel message live, or does a program print an old one (`dmesg`, a
// log)? The kernel's clock in its prefix and the time at which it arrived tell.
// For harness/console only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// A kernel prints each message once, in the order of its clock, and at once
// unless it has a queue. So of a live message
//
//   - the clock is not behind that of the live message before it, and
//   - the *offset*, the time of arrival minus the clock, is that of the live
//     message before it, more only while a queue is printed.
//
// A printed one is older than what was seen live; on a console that hides most
// messages (`quiet`) it may be newer, but its offset is larger by its age. A
// clock that is ahead of the time belongs to another boot.
//
// What is open: how far the kernel's clock drifts, when it began to run (a boot
// loader comes first), how long a message takes to the console. So there are
// three answers.
enum kclock_answer {
    KCLOCK_LIVE,
    KCLOCK_EITHER,  // too recent to tell
    KCLOCK_PRINTED, // a program's text
};

// Where a message was found.
struct kclock_place {
    uint64_t clock_us;        // the kernel's clock in the prefix
    uint64_t ns;              // when the prefix's first byte came
    uint64_t before_ns;       // when the byte before it came; 0: there was none
    bool first;               // nothing but blanks and messages came before it
    bool follows;             // directly behind a live message
    enum kclock_answer above; // of a message in the line before, that stayed
                              // there; LIVE: there was none
};

// What the console has shown so far. All zero is a new one. Owned by one
// reader.
struct kclock {
    uint64_t started_ns; // when the machine started; 0: not known
    bool known;          // a live message was seen:
    bool hides;          // not all of them are shown
    bool steady;         // the clock keeps time
    uint64_t clock_us;   // the last one's clock,
    int64_t offset_ns;   // and offset, and
    uint64_t end_ns;     // when its last byte came
    uint64_t byte_ns;    // how long a byte of it took
    // Messages that were not taken for live, each after a pause, whose offsets
    // agree: when they go on, the clock is another one (the guest slept, or a
    // new kernel runs).
    // The same of those that follow one another: a program prints faster, or
    // slower, than the kernel logged.
    struct kclock_row {
        unsigned n;
        uint64_t ns;
        int64_t offset_ns;
    } row;
    unsigned agreeing;
    uint64_t agreeing_us, agreeing_ns;
    int64_t agreeing_offset_ns;
};

// The answer for a message. LIVE may also be given for a clock that was learnt
// anew just now.
enum kclock_answer kclock_judge(struct kclock *c, const struct kclock_place *p);

// The message is taken for a live one; kclock_end: it ended at ns, after `len`
// bytes.
void kclock_live(struct kclock *c, const struct kclock_place *p);
void kclock_end(struct kclock *c, uint64_t began_ns, uint64_t ns, uint64_t len);
