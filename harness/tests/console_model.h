// SPDX-License-Identifier: Apache-2.0
// The matcher as it is specified: slow and obvious. Looks at every prefix of
// the text, in both views, from scratch. What the real one must agree with.
#pragma once

#include "harness/console/text.h"
#include "harness/tests/console_util.h"

struct model;

// The model of what a matcher has after the whole stream, and 1 s of quiet.
struct model *model_new(const struct stream *s, uint64_t settle_ns);
void model_free(struct model *m);

// As matcher_look after everything has arrived. False: pending. The texts of a
// match are copies: model_release frees them.
bool model_look(struct model *m, const struct pattern *const *patterns,
                size_t n, struct match *out);
void model_release(const struct match *match);
