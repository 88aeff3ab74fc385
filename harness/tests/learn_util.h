// SPDX-License-Identifier: Apache-2.0
// Dialogues for the tests of the learner: what a guest prints and a person
// types, as a list of short texts.
#pragma once

#include "harness/learn/learn.h"

#include <criterion/criterion.h>

#define LEARN_MS UINT64_C(1000000)

// The header that talk_text gives.
#define TALK_HEADER "guest busybox\n"

// What the guest printed at once.
struct heard {
    unsigned port;
    uint64_t ns;
    size_t len;
    uint8_t *bytes; // owned
};

struct talk {
    struct learn *learn;
    size_t nheard, cap;
    struct heard *heard;
    uint64_t ns;
    unsigned port;
    bool ended;
    bool unquiet; // so what is expected may not come
    size_t piece; // what the guest prints comes in pieces of so many bytes; 0:
                  // whole
};

struct talk talk_begin(void);
// One element; behind each of them the guest is quiet for 200 ms.
//   <TEXT   the guest prints it (\n is sent as \r\n)
//   +TEXT   the same, and goes on at once
//   =LINE   typed key by key, echoed, Enter
//   *LINE   typed without an echo, Enter, which is echoed
//   >KEYS   typed, no echo
//   ?WORDS  the last complete line is expected; WORDS is what it is, or ""
//   ~N      N milliseconds pass
//   @N      the terminal goes to port N
//   !EVENT  the machine ends: reset, poweroff, halt, triple-fault
void talk_take(struct talk *t, const char *element);
// All of a list that ends with NULL.
void talk_all(struct talk *t, const char *const *elements);
// The scenario, from behind its header's empty line; the person leaves, if the
// machine has not ended. All that it expects has been printed, in that order.
// Heap. The learner is freed.
char *talk_steps(struct talk *t);
// The same with all of it, and the summary's numbers.
char *talk_text(struct talk *t, struct learn_summary *summary);

// Bytes that the guest prints now.
void talk_print(struct talk *t, const void *bytes, size_t len);
