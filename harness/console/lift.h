// SPDX-License-Identifier: Apache-2.0
// The second view of the console: the text with kernel messages lifted out, so
// that what they cut in two is whole again. For harness/console only.
#pragma once

#include "harness/console/text.h"

// The bytes of the view from offset `off` on (up to the next run) were received
// as text from offset `src` on. Each became part of the view when it was
// received; with `late` set, all of the run when the text was `late` bytes
// long: until then it might have been the beginning of a kernel message.
struct lift_run {
    uint64_t off;
    uint64_t src;
    uint64_t late;
};

//   received   login: [    3.141592] random: crng init done\nroot\n
//   lifted     login: root\n
//
// A message reaches from its prefix to its newline. As soon as the prefix is
// there what comes before it is the end of the view. Owned by one reader.
struct lift {
    struct text text; // without times: those of the text as received hold
    uint64_t done;    // text as received is lifted up to here
    bool in_message;
    uint64_t last; // what was lifted out last ended here (0: nothing yet)
    struct lift_run *runs; // runs[head .. head + n)
    size_t head, n, cap;
};

// An all-zero struct lift is empty and ready.
void lift_free(struct lift *l);

// Takes what was appended to `received` since the last call.
void lift_feed(struct lift *l, const struct text *received);

// False while the end of the text may be the beginning of a kernel message.
bool lift_at_rest(const struct lift *l, const struct text *received);

// How long the view was when the text as received was `at` bytes long.
uint64_t lift_len(const struct lift *l, uint64_t at);
// The first offset of the view that was received at or after src.
uint64_t lift_from(const struct lift *l, uint64_t src);
// Where the byte at offset off of the view was received.
uint64_t lift_source(const struct lift *l, uint64_t off);
// How long the text as received was when the byte at off joined the view.
uint64_t lift_joined(const struct lift *l, uint64_t off);

// Forgets the view before offset off.
void lift_drop(struct lift *l, uint64_t off);
