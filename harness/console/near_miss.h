// SPDX-License-Identifier: Apache-2.0
// What came nearest to a pattern that was not found: for failure reports. Used
// by the runner.
#pragma once

#include "harness/console/matcher.h"

// A near miss is exact, not a guess of ours: PCRE2 itself is asked, at every
// place of the text, how much of the pattern it matched there. The place with
// the most items of the pattern (characters, classes, repeats; `.*` counts as
// one) wins, then the longest text, then the last. Where no place has a part
// worth showing, it is the place whose text differs least from a literal
// that the pattern can't be without: the fewest characters changed, left out or
// put in, at most a third of it.
struct near_miss {
    bool partial; // a part of the pattern matched
    bool at_end;  // ... up to the end of the text: more may complete it
    bool lifted;  // only with kernel messages lifted out
    struct text_span text; // what was there
    struct text_span line; // the line in which it ends, which may be cut
    // Partial: the pattern's source from the item on that did not match. Else
    // the literal.
    struct text_span wanted;
    uint64_t ns; // when the last byte of text came
};

// Looks at the unconsumed text. False when nothing is worth showing. The cost
// is bounded whatever the pattern and the text: some tenths of a second for
// all of `share` patterns that are asked about one after the other (0 is 1).
// When it does not suffice, the end of the text was looked at.
bool matcher_near_miss(struct matcher *m, const struct pattern *p,
                       unsigned share, struct near_miss *out);

// What a pattern could be without.
enum near_change {
    NEAR_ANY_CASE,    // as with the flag i
    NEAR_WITHOUT_END, // without the `$` that it ends with
    NEAR_LINES,       // as with the flag m: `$` is a line's end too
    NEAR_LINES_WITHOUT_END,
};

// The pattern so changed; NULL when that makes it no other. Heap.
struct pattern *near_variant(const struct pattern *p, enum near_change change);

// The last match in finished text, of those that end in it. False when there
// is none, or only beyond a limit.
bool near_last_match(const struct pattern *p, const char *text, size_t len,
                     size_t *start, size_t *end);

// Whether the pattern matches the unconsumed text in one of the two views, as a
// wait would. Not quiet: without what only the text's end decides, such as `$`.
bool matcher_finds(const struct matcher *m, const struct pattern *p,
                   bool quiet);

// How long the text has been quiet at now_ns, and how long it must be.
uint64_t matcher_quiet_ns(const struct matcher *m, uint64_t now_ns);
uint64_t matcher_settle_ns(const struct matcher *m);

// The unconsumed text without the kernel messages that cut into it.
struct text_span matcher_pending_lifted(const struct matcher *m);
