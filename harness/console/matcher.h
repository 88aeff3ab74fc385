// SPDX-License-Identifier: Apache-2.0
// The matcher: one port's console text, what of it was consumed, and the
// search for patterns in it. The result of a search is a function of the bytes
// and their time stamps alone, never of how they were cut into pieces.
#pragma once

#include "harness/console/console.h"
#include "harness/console/pattern.h"

// How it works: bytes pass the filters (UTF-8 repair, carriage returns before a
// newline, terminal escapes) and become *text*. A second view of the text has
// kernel messages ("[    3.141592] ...") that cut into a line lifted out. A
// pattern is looked for in the text as received and, where that view differs,
// in the lifted one. What a program prints of the kernel's log is no message of
// the kernel's and stays in both (kclock.h).
//
// Which match wins: a match is *decided* at the first byte of the stream at
// which it can't change any more. The match that is decided first wins; a tie
// goes to the text as received, then to the pattern listed first. A gap of
// settle_ns between two bytes (or until "now") ends what a greedy pattern or
// `$` waits for. That makes reading byte by byte and reading at once the same.
//
// What a pattern sees is the text after the last match and nothing before it:
// `^` without m and \A hold where the wait starts; `^` with m holds where a
// line starts, and in the middle of a line the wait's start is none. `$`
// without m is the end of the text once it is quiet, never a newline; with m
// also the end of a line, for which a lone "\r" counts as well.
//
// While the kernel prints without a pause there is no such gap; the lifted view
// is quiet when in the gaps between messages, taken together, nothing else has
// come for settle_ns (lift.h says exactly when).
//
// The unconsumed text is bounded, in each view by itself: once it is longer
// than the window its oldest part is dropped, in steps of a quarter of the
// window. Whoever looks at least
// once for each window that is fed loses nothing that a byte by byte reader
// would have kept.

struct matcher_options {
    size_t window;      // bytes of unconsumed text kept; 0: 1 MiB
    uint64_t settle_ns; // quiet time that makes `$` true; 0: 50 ms
};

enum match_status {
    MATCH_PENDING, // not yet: feed more, or look again at wake_ns
    MATCH_FOUND,
    MATCH_LIMIT, // a pattern hit a PCRE2 limit: error says which and where
};

struct text_span {
    const char *text; // not NUL-terminated; valid until the next feed or look
    size_t len;
};

#define MATCH_GROUPS 32

struct match {
    size_t index; // which pattern
    bool lifted;  // matched only with kernel messages lifted out
    // When the match's first and last byte were transmitted (a character of
    // several bytes counts as its last); of an empty match when the last byte
    // was that had been received.
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t decided_ns;     // when it was decided (end_ns, or settled later)
    struct text_span all;    // the matched text
    struct text_span before; // text between the last match and this one, in
                             // the view that matched
    struct text_span before_lifted; // the same with kernel messages lifted out
    uint64_t before_lost; // bytes of before_lifted that the window had no room
                          // for: they came before it
    uint64_t messages;    // how many were lifted out of before_lifted
    struct text_span before_received; // the same as received,
    uint64_t before_received_lost;    // and what of that had no room
    size_t ngroups;
    struct text_span groups[MATCH_GROUPS]; // text NULL: group not set
    // With MATCH_PENDING: look again then, if nothing else comes before
    // (settling may decide; or a search of a very long partial match was put
    // off for a few ms); or CLOCK_NEVER. When giving up, look once more with a
    // now_ns later than the last byte: then nothing is put off.
    uint64_t wake_ns;
};

struct matcher;

struct matcher *matcher_new(const struct matcher_options *options,
                            struct error *err);
void matcher_free(struct matcher *m); // NULL is fine

// Takes bytes as they came from the console (stamps as in console_batch).
void matcher_feed(struct matcher *m, const uint8_t *bytes, size_t len,
                  const struct stamp *stamps, size_t nstamps);

// Looks for the first of n patterns after the last match. now_ns: nothing else
// has arrived until then. On MATCH_FOUND the text up to the end of the match is
// consumed.
enum match_status matcher_look(struct matcher *m,
                               const struct pattern *const *patterns, size_t n,
                               uint64_t now_ns, struct match *out,
                               struct error *err);

// The machine whose console this is started at ns: no message of its kernel has
// a clock that began before.
void matcher_started(struct matcher *m, uint64_t ns);

// Whether the kernel message with this clock (microseconds), whose first byte
// came between these times (which count), is one that a program printed. Known
// of the last 512 of them.
bool matcher_was_printed(const struct matcher *m, uint64_t clock_us,
                         uint64_t from_ns, uint64_t to_ns);

// Consumes everything received until now.
void matcher_skip(struct matcher *m);

// Text dropped unlooked-at because the window overflowed (bytes, since the
// last match): to be reported with a failure.
uint64_t matcher_overflowed(const struct matcher *m);

// When the last byte arrived (0: none yet): for `expect idle`.
uint64_t matcher_last_ns(const struct matcher *m);

// When the last byte of text arrived that is no kernel message's.
uint64_t matcher_last_plain_ns(const struct matcher *m);

// The unconsumed text, as received and filtered.
struct text_span matcher_pending(const struct matcher *m);
// When its first byte was transmitted; 0 when there is none.
uint64_t matcher_pending_ns(const struct matcher *m);

// ---- Watches: `fail` patterns, always on -----------------------------------

// A watch sees all text, whatever is consumed, line by line: a line is judged
// when it is complete, or when the guest is quiet for the settle time (50 ms)
// in the middle of it. It fires once for each line at most; a line that an
// allow pattern matches doesn't fire. `^` and `$` are the line's ends (a lone
// "\r" is one for m only). A line that a kernel message cut in two is judged as
// it was received and, when complete, once more joined. Lines above 64 KiB are
// judged in pieces that overlap by 4 KiB.
//
// What a program prints of the kernel's log does not fire: such a message is
// left out of its line, from its prefix on, up to a live one that cuts into it.
// To know them the watch follows a matcher that is fed the same bytes before
// it; alone, it takes all messages for live.
//
// Patterns with a literal in them that is at least two characters long cost
// next to nothing; others cost a search for each line.
struct watch;

struct watch_hit {
    size_t index;   // which fail pattern, in the order they were added
    uint64_t ns;    // when the byte that decided was transmitted
    bool limit;     // it hit a PCRE2 limit there: no telling if it matches
    char line[512]; // the line, cut
};

struct watch *watch_new(struct error *err);
void watch_free(struct watch *w);
// Patterns are borrowed and must outlive the watch. Add before the first feed.
int watch_add_fail(struct watch *w, const struct pattern *p, struct error *err);
int watch_add_allow(struct watch *w, const struct pattern *p,
                    struct error *err);
// m must outlive the watch; at most 4 KiB are fed to m before they are to the
// watch. Before the first feed.
void watch_follow(struct watch *w, const struct matcher *m);
// Takes the same bytes as matcher_feed; true with *hit filled at the first
// line that fires (the rest of the bytes is still taken).
bool watch_feed(struct watch *w, const uint8_t *bytes, size_t len,
                const struct stamp *stamps, size_t nstamps,
                struct watch_hit *hit);

// The time is now_ns and nothing more has arrived: judges an unfinished line if
// the guest has been quiet for long enough. As watch_feed. When the machine has
// ended, CLOCK_NEVER judges what is left.
bool watch_tick(struct watch *w, uint64_t now_ns, struct watch_hit *hit);

// The last line of the last watch_feed or watch_tick that would have fired but
// for an allow pattern. False when there was none.
bool watch_allowed(const struct watch *w, struct watch_hit *hit);

// When watch_tick has something to do, or CLOCK_NEVER.
uint64_t watch_wake_ns(const struct watch *w);
