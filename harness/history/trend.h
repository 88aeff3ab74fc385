// SPDX-License-Identifier: Apache-2.0
// Boot times over commits: what the history holds, grouped, summarised and
// searched for changes; and its ways to a person and to other programs. Used by
// the command line.
#pragma once

#include "harness/history/acknowledge.h"
#include "harness/history/causes.h"
#include "harness/history/changes.h"
#include "harness/history/history.h"
#include "harness/history/stats.h"

#include <stdio.h>

// All runs of one commit; of one session where no commit is known. Nanoseconds.
struct trend_point {
    char *label;  // the commit, or the session
    char *branch; // or NULL
    bool is_commit;
    uint64_t first_unix_ns;
    struct summary summary;
};

// One mark's way through the points; a point may lack it (n is 0).
struct trend_series {
    char *mark;
    struct trend_point *points;
    size_t npoints;
    struct change_point *changes; // at: an index into points
    size_t nchanges;
    struct causes *grew; // of each change what grew; its mark is NULL where the
                         // times fell, or where that can't be said
    struct acknowledgement *known; // of each change; NULL: nothing is
};

// One run, to find out what grew.
struct trend_run {
    char *label; // of its point
    struct cause_run parts;
};

// Runs that may be compared: one scenario, one guest, one environment.
struct trend {
    char *scenario, *guest, *host, *accelerator;
    char environment_id[65];
    size_t nseries;
    struct trend_series *series;
    size_t nruns, runs_capacity;
    struct trend_run *runs; // oldest first
};

enum trend_unit { TREND_WALL, TREND_CPU };

struct trends {
    enum trend_unit unit;
    size_t count;
    struct trend *list;
};

// Reads and groups, oldest point first; only runs that passed. What grew at a
// change is found between the hundred runs before it and the hundred after, no
// further than to the changes beside it, by compare_runs with its defaults.
// mark: one or several with commas between; NULL: all but process_start. 0 or a
// negative errno.
int trends_read(struct history *h, const struct history_query *query,
                const char *mark, enum trend_unit unit, struct trends *out,
                struct error *err);
void trends_free(struct trends *t);

// Says of each change to slower what is acknowledged of it at this time
// (seconds since 1970); a must live as long as t. Returns how many changes to
// slower are left that alarm, or -ENOMEM.
int trends_acknowledge(struct trends *t, const struct acknowledgements *a,
                       int64_t now, struct error *err);

// A table with a sparkline for each mark, columns wide at most (0: 80).
void trends_terminal(FILE *f, const struct trends *t, unsigned columns);
// RFC 4180, a row for each point of each mark; seconds.
void trends_csv(FILE *f, const struct trends *t);
// OpenMetrics 1.0 text of the newest point of each mark, for the textfile
// collector of Prometheus's node exporter.
void trends_openmetrics(FILE *f, const struct trends *t);
// A JSON object for each trend in a line of its own: SCHEMA.md.
void trends_json(FILE *f, const struct trends *t);
// One page that needs nothing else: no network, no script.
void trends_html(FILE *f, const struct trends *t);

// "2.503 s", "12.1 ms" into buf; returns buf.
#define TREND_TIME 32
const char *trend_time(char buf[TREND_TIME], double ns);
