// SPDX-License-Identifier: Apache-2.0
// The second view of the console: the text with kernel messages lifted out, so
// that what they cut in two is whole again. For harness/console only.
#pragma once

#include "harness/console/kclock.h"
#include "harness/console/text.h"

// The bytes of the view from offset `off` on (up to the next run) were received
// as text from offset `src` on. Each became part of the view when it was
// received; with `late` set, all of the run when the text was `late` bytes
// long: until then it might have been the beginning of a kernel message.
struct lift_run {
    uint64_t off;
    uint64_t src;
    uint64_t late;
    uint64_t late_ns; // when that was
    uint64_t lifted;  // so many messages had been lifted out before the run
};

// A kernel message that a program printed: its clock, and when it came.
struct lift_printed {
    uint64_t clock_us, ns;
};

// So many of the last ones are known.
#define LIFT_PRINTED 512

//   received   login: [    3.141592] random: crng init done\nroot\n
//   lifted     login: root\n
//
// A message reaches from its prefix to its newline. As soon as the prefix is
// there what comes before it is the end of the view.
//
// What a program prints of the kernel's log (`dmesg`) is text like any other
// and stays (kclock.h tells the two apart). What may be either stays where it
// has lines of its own, for text that is gone can't be judged; in the middle of
// a line it cuts something in two, and is lifted.
//
// A kernel that prints without a pause must not hide that nothing else is
// printed: the view has a quiet of its own. It counts from the first message
// after the view's last byte; time between messages counts in full, for then
// the rest of the guest could have printed, the time of a message a sixteenth:
// a long dump in the middle of a line is no pause, yet no flood puts the quiet
// off for more than sixteen times as long. Before the first message, and
// inside one, a pause is one of all that is received.
//
// Owned by one reader.
struct lift {
    struct text text; // with the times at which its bytes were received
    uint64_t done;    // text as received is lifted up to here
    bool in_message;
    uint64_t last; // what was lifted out last ended here (0: nothing yet)
    struct lift_run *runs; // runs[head .. head + n)
    size_t head, n, cap;

    struct kclock clock;
    uint64_t lifted;   // messages lifted out so far
    uint64_t began;    // the present one began here,
    uint64_t began_ns; // then
    bool plain;        // something other than blanks is in the view,
    bool mid_line;     // and its last line is not finished
    // Of a message that was not lifted out: in the present line and in the one
    // above. LIVE: there was none.
    enum kclock_answer here, above;
    struct lift_printed printed[LIFT_PRINTED]; // a ring, the nprinted-th ...
    uint64_t nprinted;

    uint64_t settle_ns;  // how long quiet must be to be told
    bool counting;       // only messages came since the view's last byte, and
    bool told;           // it has been quiet for long enough since, and not:
    uint64_t counted_ns; // so long, until
    uint64_t since_ns;   // the present message began, or the last one ended
};

// The view had been quiet for settle_ns, at ns, when the text as received was
// `at` long.
struct lift_quiet {
    uint64_t at, ns;
};

// An all-zero struct lift with its settle_ns is empty and ready.
void lift_free(struct lift *l);

// Takes what was appended to `received` since the last call. True at a quiet
// moment: then there may be more to take.
bool lift_feed(struct lift *l, const struct text *received,
               struct lift_quiet *quiet);

// Nothing has come until now_ns: true when that makes it quiet.
bool lift_tick(struct lift *l, const struct text *received, uint64_t now_ns,
               struct lift_quiet *quiet);
// From when on lift_tick is true if nothing comes; CLOCK_NEVER when it won't.
uint64_t lift_wake_ns(const struct lift *l, const struct text *received);

// False while the end of the text may be the beginning of a kernel message.
bool lift_at_rest(const struct lift *l, const struct text *received);

// How long the view was when the text as received was `at` bytes long.
uint64_t lift_len(const struct lift *l, uint64_t at);
// The first offset of the view that was received at or after src.
uint64_t lift_from(const struct lift *l, uint64_t src);
// Where the byte at offset off of the view was received.
uint64_t lift_source(const struct lift *l, uint64_t off);
// How long the text as received was when the byte at off joined the view, and
// when that was.
uint64_t lift_joined(const struct lift *l, uint64_t off);
uint64_t lift_joined_ns(const struct lift *l, uint64_t off);

// How many messages were lifted out before the byte at off joined the view (off
// may be its end).
uint64_t lift_count(const struct lift *l, uint64_t off);

// Whether a message with that clock, which came within that time (both ends
// count), was a program's. Known of the last LIFT_PRINTED of them.
bool lift_was_printed(const struct lift *l, uint64_t clock_us, uint64_t from_ns,
                      uint64_t to_ns);

// When the view's last byte was received; 0 when there was none.
uint64_t lift_plain_ns(const struct lift *l);

// Forgets the view before offset off.
void lift_drop(struct lift *l, uint64_t off);
