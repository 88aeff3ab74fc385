// SPDX-License-Identifier: Apache-2.0
// What only the whole file shows: names that nothing defines, overrides, texts
// of the header. For harness/scenario only.
#pragma once

#include "harness/scenario/parser.h"

// Checks and completes p->sc: settings have their final values, the header's
// texts no variables, its patterns are compiled.
void check_scenario(struct parser *p, const struct override *overrides,
                    size_t noverrides);

// ---- Shared by check*.c -----------------------------------------------------

struct check {
    struct parser *p;
    struct symbols names;
    const struct override *overrides;
    size_t noverrides;
    bool *used;  // for each override: something asks for its name
    bool unread; // a file that is missing may define any name
    struct symbols setting_index; // 1 + its index in the final settings
};

// A use of a name as one of kinds: reports it when nothing defined it.
// `written` is how wide it stands there.
void check_use(struct check *c, const char *name, struct source_pos pos,
               unsigned width, unsigned kinds, const char *what);
void check_text(struct check *c, const struct text *t);
void check_define(struct check *c, const char *name, unsigned kinds);

// check_header.c: the header, before any step.
void check_header_texts(struct check *c);
// Checks a text of it and puts its variables' values in; `what` it is, since it
// becomes a C string, which has no NUL.
void check_resolve_string(struct check *c, struct text *t, const char *what);

// check_net.c
void check_net(struct check *c);

// check_share.c
void check_shares(struct check *c);
