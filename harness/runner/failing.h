// SPDX-License-Identifier: Apache-2.0
// From what went wrong to a verdict with its diagnosis. Knows the state and
// what was read, and nothing of how (README.md).
#pragma once

#include "harness/diagnosis/diagnosis.h"
#include "harness/runner/intake.h"

// Puts the verdict, with the diagnosis, into the result, where pos says (or,
// with pos NULL, at the present step). The first one stays. Returns FLOW_END.
enum flow run_fail(struct run *r, enum verdict verdict,
                   const struct source_pos *pos, const char *kind,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
// The same out of memory or on an error of a library call.
enum flow run_error(struct run *r, const char *kind, const struct error *err);
// The machine ended, or a fail pattern fired, where nobody expected it.
void run_fail_end(struct run *r);
void run_fail_hit(struct run *r);
// What was waited for did not come. deadline_ns: until when, for what is the
// scenario's own is called that.
void run_fail_timeout(struct run *r, const struct diagnosis_wait *w,
                      uint64_t deadline_ns);

// "file:line:column", a heap string or NULL.
char *run_where(const struct source_pos *pos);
