// SPDX-License-Identifier: Apache-2.0
// `trend`: boot times over commits, from a history. See commands.h.
#include "harness/history/trend.h"

#include "harness/cli/acknowledged.h"
#include "harness/cli/cli.h"
#include "harness/cli/commands.h"
#include "harness/cli/launch.h"
#include "harness/history/exchange.h"
#include "harness/report/output.h"
#include "src/base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// "2026-05-01" (UTC) or "30d", "12h", "4w" ago.
static int parse_since(const char *text, uint64_t *out, struct error *err)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'h', 3600}, {'d', 86400}, {'w', 604800}};
    struct tm date = {0};
    const char *end = strptime(text, "%Y-%m-%d", &date);
    if (end && !*end) {
        *out = (uint64_t)timegm(&date) * NS_PER_S;
        return 0;
    }
    char *unit;
    unsigned long n = strtoul(text, &unit, 10);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t now = (uint64_t)time(NULL);
        if (unit != text && *unit == units[i].unit && !unit[1] &&
            n <= now / units[i].seconds) {
            *out = (now - n * units[i].seconds) * NS_PER_S;
            return 0;
        }
    }
    return error_set(err, -EINVAL,
                     "--since %s: give a date like 2026-05-01, or how long "
                     "ago, like 30d, 12h or 4w",
                     text);
}

static unsigned columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

// ---- What there is, when nothing fits ---------------------------------------

#define NAMED 8

struct seen {
    size_t runs, named;
    char names[NAMED][120];
};

static int see(void *owner, const struct history_run *run, struct error *err)
{
    (void)err;
    struct seen *s = owner;
    char name[sizeof(s->names[0])];
    snprintf(name, sizeof(name), "%.70s on %.40s", run->scenario, run->guest);
    s->runs++;
    for (size_t i = 0; i < s->named; i++) {
        if (!strcmp(s->names[i], name))
            return 0;
    }
    if (s->named < NAMED)
        memcpy(s->names[s->named++], name, sizeof(name));
    return 0;
}

static int tell_nothing(struct history *h, const char *url, struct error *err)
{
    struct seen s = {0};
    int code = history_read(h, &(struct history_query){0}, see, &s, err);
    if (code)
        return code;
    fprintf(stderr,
            "toyvmm-test: no run that passed fits; %s has %zu run%s%s\n", url,
            s.runs, s.runs == 1 ? "" : "s", s.runs ? ":" : "");
    for (size_t i = 0; i < s.named; i++)
        fprintf(stderr, "  %s\n", s.names[i]);
    return 0;
}

// ---- Files ------------------------------------------------------------------

struct format {
    const char *path;
    void (*print)(FILE *f, const struct trends *t);
    const struct trends *trends;
};

static int write_format(FILE *f, const void *owner)
{
    const struct format *format = owner;
    format->print(f, format->trends);
    return 0;
}

static int write_series(FILE *f, const void *owner)
{
    otava_csv(f, owner);
    return 0;
}

// The configuration last: what it names is there.
static int tell_otava(const char *folder, const struct trends *t,
                      struct error *err)
{
    int code = mkdir(folder, 0777) && errno != EEXIST
                   ? error_errno(err, errno, "--otava %s", folder)
                   : 0;
    for (size_t i = 0; !code && i <= t->count; i++) {
        char name[OTAVA_NAME] = "otava";
        char path[PATH_MAX];
        const struct format config = {"", otava_config, t};
        bool last = i == t->count;
        int n = snprintf(path, sizeof(path), "%s/%s.%s", folder,
                         last ? name : otava_name(t, i, name),
                         last ? "yaml" : "csv");
        if (n >= (int)sizeof(path))
            return error_set(err, -ENAMETOOLONG, "--otava %s: too long",
                             folder);
        code = last ? output_write(path, write_format, &config, err)
                    : output_write(path, write_series, &t->list[i], err);
    }
    return code;
}

static int tell(const struct options *o, const struct trends *t,
                struct error *err)
{
    const struct format formats[] = {
        {o->reports[REPORT_HTML], trends_html, t},
        {o->reports[REPORT_JSON], trends_json, t},
        {o->csv, trends_csv, t},
        {o->openmetrics, trends_openmetrics, t},
        {o->bencher, bencher_json, t},
    };
    bool stdout_taken = false;
    int code = 0;
    for (size_t i = 0; !code && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!formats[i].path)
            continue;
        stdout_taken |= !strcmp(formats[i].path, "-");
        code = output_write(formats[i].path, write_format, &formats[i], err);
    }
    if (!code && o->otava)
        code = tell_otava(o->otava, t, err);
    if (!code && !stdout_taken && !o->quiet)
        trends_terminal(stdout, t, columns());
    return code;
}

static int run(const struct options *o, struct error *err)
{
    struct history_query query = {
        .scenario = o->scenario,
        .guest = o->guest,
        .branch = o->branch,
        .newest = (uint64_t)o->newest,
    };
    struct history *h = NULL;
    struct trends t = {0};
    struct acknowledgements known;
    int alarms = 0;
    int loaded = acknowledged_load(&known, o->acknowledged, stderr, err);
    if (loaded) {
        acknowledged_free(&known);
        return loaded;
    }
    int code = o->since ? parse_since(o->since, &query.since_unix_ns, err) : 0;
    // Opening would make it.
    if (!code && !strstr(o->history, "://") && access(o->history, R_OK))
        code = error_errno(err, errno, "%s", o->history);
    if (!code)
        code = history_open(o->history, &h, err);
    if (!code)
        code = trends_read(h, &query, o->marks, o->cpu ? TREND_CPU : TREND_WALL,
                           &t, err);
    if (!code)
        alarms = trends_acknowledge(&t, &known, time(NULL), err);
    code = alarms < 0 ? alarms : code;
    if (!code && t.count)
        code = tell(o, &t, err);
    else if (!code)
        code = tell_nothing(h, o->history, err);
    bool nothing = !code && !t.count;
    if (!code && t.count && !o->quiet && o->acknowledged)
        fprintf(stderr, "changes to slower that are not acknowledged: %d\n",
                alarms);
    trends_free(&t);
    acknowledged_free(&known);
    history_close(h);
    return nothing ? 1 : code;
}

int trend_main(const struct options *o, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct error err = {""};
    if (!o->history || o->npaths)
        return complain(&(struct error){"trend takes --history URL, and "
                                        "options; see --help"},
                        EXIT_WRONG);
    int code = run(o, &err);
    if (code > 0)
        return EXIT_UNABLE;
    return code ? complain(&err, exit_for(code)) : EXIT_PASSED;
}
