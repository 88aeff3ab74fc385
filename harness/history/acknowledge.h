// SPDX-License-Identifier: Apache-2.0
// Slow-downs that somebody knows of and has answered for: they alarm nobody
// any more, unless they grow. Pure; any thread.
#pragma once

#include "harness/history/compare.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One of them.
struct acknowledged {
    char *scenario; // a glob, on FOLDER/FILE or FILE
    char *mark;     // a glob
    char *commit;   // that made it slower, or its beginning; "*": any
    char *size;     // as it was written; as one of:
    double fraction, ns;
    char *until; // the last day, or "-": for ever
    char *owner, *reason;
    int64_t expires; // seconds since 1970
    unsigned line;
};

struct acknowledgements {
    const char *path; // borrowed
    size_t count;
    struct acknowledged *list;
};

enum acknowledge_state {
    ACKNOWLEDGED_NOT,
    ACKNOWLEDGED_HOLDS,
    ACKNOWLEDGED_OUTGROWN, // it is slower than that: an alarm
    ACKNOWLEDGED_EXPIRED,  // an alarm
    ACKNOWLEDGED_NEEDLESS, // it isn't slower (any more)
};

const char *acknowledge_state_name(enum acknowledge_state s); // "holds", ...

// What the file says of one mark.
struct acknowledgement {
    enum acknowledge_state state;
    const struct acknowledged *line; // NULL of NOT
    const char *path;
};

// A slow-down that was found: by how much, and by how much at least, as
// fractions of base (ns). The same number twice where no interval is known.
struct slowdown {
    const char *scenario, *mark;
    double base, by, at_least;
    double min_effect; // what is no change
};

// Is it acknowledged at this time (seconds since 1970)? covers says whether a
// line's commit lies between the two sides; it isn't asked for "*". A line that
// is not expired wins over one that is, the largest size among those. The
// change has outgrown a line when its interval lies above the line's size and
// it is min_effect more than that.
struct acknowledgement
acknowledge(const struct acknowledgements *a, const struct slowdown *s,
            int64_t now, bool (*covers)(void *owner, const char *commit),
            void *owner);

// Does commit begin with prefix, of four characters at least?
bool acknowledge_is_commit(const char *prefix, const char *commit);

// A sentence for a person: "acknowledged up to 8%: REASON (OWNER, until ...)".
#define ACKNOWLEDGE_TEXT 400
const char *acknowledge_text(const struct acknowledgement *a,
                             char out[ACKNOWLEDGE_TEXT]);

struct json;
// A value named "acknowledged": an object, or null.
void acknowledge_json(struct json *j, const struct acknowledgement *a);
