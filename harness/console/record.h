// SPDX-License-Identifier: Apache-2.0
// What was on the console, for reports: every byte with its time, in bounded
// memory. Keeps the head and the tail of what a chatty guest printed and says
// how much was left out between them.
#pragma once

#include "harness/console/console.h"

struct console_record;

// The record of one port. head and tail: how many bytes are kept of the
// beginning and of the end (0: 256 KiB and 1 MiB). Times are kept to within a
// millisecond, and exactly for the first byte of a line that has its own stamp.
// One thread.
struct console_record *console_record_new(size_t head, size_t tail,
                                          struct error *err);
void console_record_free(struct console_record *r);
void console_record_feed(struct console_record *r, const uint8_t *bytes,
                         size_t len, const struct stamp *stamps,
                         size_t nstamps);

uint64_t console_record_total(const struct console_record *r); // bytes fed
uint64_t console_record_elided(const struct console_record *r);

// The kept bytes as one heap block (the caller frees), with a line
// "[... N bytes left out ...]" where some are missing. NULL when out of memory.
char *console_record_text(const struct console_record *r, size_t *len);

// Calls line() for each line that begins in what console_record_text gives,
// with the offset of its first byte there and that byte's time, in order. Where
// bytes are left out no line begins: neither with what says so, nor with the
// rest of the line that follows it.
void console_record_begins(const struct console_record *r,
                           void (*line)(void *owner, size_t offset,
                                        uint64_t ns),
                           void *owner);

// Calls line() for each of the last max lines with the time of its first byte:
// as text (harness/console/filter.h), without the newline; the last line may be
// unfinished. line's text is valid during the call.
void console_record_tail(const struct console_record *r, size_t max,
                         void (*line)(void *owner, uint64_t ns,
                                      const char *text, size_t len),
                         void *owner);

// How far the record reaches, as an offset for console_record_lines.
uint64_t console_record_end(const struct console_record *r);

// Calls line(), as above, for each complete line from offset `from` on (0 to
// console_record_end; what is no longer kept is skipped) and returns the offset
// behind the last of them: where to go on when more was fed.
uint64_t console_record_lines(const struct console_record *r, uint64_t from,
                              void (*line)(void *owner, uint64_t ns,
                                           const char *text, size_t len),
                              void *owner);
