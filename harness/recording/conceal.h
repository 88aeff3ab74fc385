// SPDX-License-Identifier: Apache-2.0
// Finds secrets in streams of bytes, however they are cut, and puts stars in
// their place before anything is written. For recorder.c, tape.c and tests.
#pragma once

#include "harness/recording/record.h"

// What holds: no byte of a secret leaves conceal_apply where the secret stands
// whole in one stream. As long as a text may yet become one, its beginning is
// starred, too: so a letter before a cut may be a star though nothing secret
// follows. Masks tell which bytes of which secret the stars are, so who knows
// the secret can undo both.
//
// Streams: 0..TOYVMM_PORTS-1 are what the guest prints, those from
// TOYVMM_PORTS on what is typed.
#define CONCEAL_STREAMS ((size_t)2 * TOYVMM_PORTS)

// Owned by one thread. All zero is empty and ready.
struct conceal {
    size_t count;
    struct conceal_secret {
        uint8_t *bytes;
        size_t len;
    } * list;
    size_t longest;
    // The last longest - 1 bytes of each stream, at most.
    struct {
        uint8_t *bytes;
        size_t len;
    } tail[CONCEAL_STREAMS];
};

void conceal_free(struct conceal *c);

// Remembers (copies) a secret, once; *index, if not NULL, gets its number: how
// many others came before it. False when out of memory.
bool conceal_add(struct conceal *c, const void *bytes, size_t len,
                 size_t *index);

// Copies in[0..len) to out with stars for what is secret, and fills masks
// (at most max) with what they are; what is above max is starred, too. Returns
// how many masks; -ENOMEM with all of out starred.
int conceal_apply(struct conceal *c, unsigned stream, const uint8_t *in,
                  size_t len, uint8_t *out, struct mask *masks, size_t max);
