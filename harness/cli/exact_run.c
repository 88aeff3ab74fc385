// SPDX-License-Identifier: Apache-2.0
// Exact rigs, several at a time. See exact_run.h.
#include "harness/cli/exact_run.h"

#include "harness/cli/accel.h"
#include "harness/cli/exact_unit.h"
#include "harness/report/outlet.h"
#include "harness/report/terminal.h"
#include "harness/suite/case.h"
#include "src/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// How often the line on a terminal is written anew.
#define LINE_NS NS_PER_S

// One run of the command's; lives in exact_suite_run.
struct rounds {
    const struct exact_suite *x;
    size_t count;
    struct exact_unit *units;
    size_t next;    // not begun yet
    size_t running; // have a rig
    size_t ended;
    size_t bad; // of these, did not pass
    bool interrupted;
    bool line; // there is a terminal for it
    uint64_t began_ns;
    uint64_t cpu_ns; // of the rigs that ended
    uint64_t next_line_ns;
};

// ---- What is told -----------------------------------------------------------

static void tell(int fd, const char *text, size_t len)
{
    outlet_write(fd, text, len, clock_after(clock_now_ns(), NS_PER_S));
}

static void clear_line(const struct rounds *r)
{
    if (r->line)
        tell(STDERR_FILENO, "\r\033[K", 4);
}

// "exact: 2 of 5 ended, 2 run; 34 s, CPU 33.1 s". The rigs can't tell that
// somebody looks: what is read here, the kernel of this host knows anyway.
static void show_line(struct rounds *r)
{
    uint64_t now = clock_now_ns(), cpu = r->cpu_ns;
    char text[200], bad[48] = "";
    if (!r->line || now < r->next_line_ns)
        return;
    r->next_line_ns = clock_after(now, LINE_NS);
    for (size_t i = 0; i < r->next; i++)
        cpu += exact_rig_cpu_ns(&r->units[i].rig);
    if (r->bad)
        snprintf(bad, sizeof(bad), " (%zu did not pass)", r->bad);
    int n = snprintf(
        text, sizeof(text),
        "\r\033[Kexact: %zu of %zu ended%s, %zu run%s; %.0f s, CPU %.1f s",
        r->ended, r->count, bad, r->running, r->running == 1 ? "s" : "",
        (double)(now - r->began_ns) / 1e9, (double)cpu / 1e9);
    tell(STDERR_FILENO, text, (size_t)n);
}

static void print(const struct rounds *r, const struct result *result)
{
    char *text = NULL;
    size_t len = 0;
    if (r->x->untold)
        return;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return;
    terminal_result(f, result, r->x->options->verbosity > 0);
    if (!fclose(f))
        tell(STDOUT_FILENO, text, len);
    free(text);
}

// ---- The rounds -------------------------------------------------------------

static int ended(struct rounds *r, struct exact_unit *u, int code)
{
    bool bad = false;
    r->ended++;
    if (!u->again)
        clear_line(r);
    for (size_t i = 0; !code && i < u->count; i++) {
        code = case_expect(r->x->plan, u->boots[i], u->results[i]);
        bad |= verdict_fails(u->results[i]->verdict, false);
        if (!u->again)
            print(r, u->results[i]);
    }
    r->bad += bad;
    r->next_line_ns = 0;
    return code;
}

static int begin(struct rounds *r)
{
    struct exact_unit *u = &r->units[r->next++];
    struct error err = {""};
    if (r->interrupted)
        return ended(r, u,
                     exact_unit_unjudged(u, r->x, "interrupted",
                                         "interrupted before it was done"));
    if (r->x->options->fail_fast && r->bad)
        return ended(r, u, exact_unit_unrun(u, r->x));
    if (!exact_unit_start(u, r->x, &err)) {
        r->running++;
        return 0;
    }
    return ended(r, u, exact_unit_unjudged(u, r->x, EXACT_UNJUDGED, err.text));
}

// Takes the rigs that have ended.
static int reap(struct rounds *r)
{
    int code = 0;
    for (size_t i = 0; !code && i < r->next; i++) {
        struct exact_unit *u = &r->units[i];
        struct rusage used;
        if (u->rig.pid <= 0 ||
            wait4(u->rig.pid, &u->rig.status, WNOHANG, &used) != u->rig.pid)
            continue;
        u->rig.pid = 0;
        r->running--;
        r->cpu_ns +=
            (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * NS_PER_S +
            (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) *
                NS_PER_US;
        clear_line(r);
        // A signal that came to all ended it; its case was not done.
        code = r->interrupted
                   ? exact_unit_unjudged(u, r->x, "interrupted",
                                         "interrupted before it was done")
                   : exact_unit_end(u, r->x);
        exact_rig_free(&u->rig);
        code = ended(r, u, code);
    }
    return code;
}

// A first one asks the rigs to end, a second one ends them.
static void interrupt(struct rounds *r)
{
    for (size_t i = 0; i < r->next; i++) {
        if (r->units[i].rig.pid > 0)
            kill(r->units[i].rig.pid, r->interrupted ? SIGKILL : SIGTERM);
    }
    r->interrupted = true;
}

static void watched_signals(sigset_t *set)
{
    static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigemptyset(set);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaddset(set, signals[i]);
}

static int run_all(struct rounds *r)
{
    sigset_t watched, before;
    const struct timespec second = {.tv_sec = 1};
    size_t jobs = (size_t)r->x->options->jobs;
    int code = 0;
    watched_signals(&watched);
    sigprocmask(SIG_BLOCK, &watched, &before);
    r->began_ns = clock_now_ns();
    while (!code && r->ended < r->count) {
        while (!code && r->next < r->count && r->running < jobs)
            code = begin(r);
        if (code || r->ended == r->count)
            break;
        show_line(r);
        siginfo_t info;
        int which = sigtimedwait(&watched, &info, r->line ? &second : NULL);
        if (which > 0 && which != SIGCHLD)
            interrupt(r);
        code = reap(r);
    }
    clear_line(r);
    sigprocmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < r->next; i++)
        exact_rig_free(&r->units[i].rig);
    return code;
}

// ---- From boots to units ----------------------------------------------------

static uint64_t seed_of(const struct exact_suite *x, size_t boot)
{
    return x->seeds ? x->seeds[boot] : x->options->seed.value;
}

static bool go_together(const struct exact_suite *x, size_t a, size_t b)
{
    return x->boots->list[a].selected == x->boots->list[b].selected &&
           !x->alike && seed_of(x, a) == seed_of(x, b);
}

// What the units point to, one for each boot.
struct lists {
    size_t *boots;
    struct result **results;
};

// indices NULL: all boots.
static void fill_units(struct rounds *r, const size_t *indices, size_t count,
                       const struct lists *l, struct result *results)
{
    const struct exact_suite *x = r->x;
    for (size_t i = 0; i < count; i++) {
        l->boots[i] = indices ? indices[i] : i;
        l->results[i] = &results[i];
        const struct plan_case *c = &x->plan->cases[l->boots[i]];
        struct exact_unit *last = r->count ? &r->units[r->count - 1] : NULL;
        if (c->skip)
            continue;
        if (last && &l->boots[i] == last->boots + last->count &&
            go_together(x, last->boots[0], l->boots[i])) {
            last->count++;
            continue;
        }
        r->units[r->count++] = (struct exact_unit){
            .what = &x->selection->list[x->boots->list[l->boots[i]].selected],
            .seed = seed_of(x, l->boots[i]),
            .record = indices ? NULL : c->record,
            .again = indices != NULL,
            .count = 1,
            .results = &l->results[i],
            .boots = &l->boots[i],
            .rig = {.out = -1, .err = -1},
        };
    }
}

static int skip_all(const struct rounds *r, struct result *results)
{
    int code = 0;
    for (size_t i = 0; !code && i < r->x->boots->count; i++) {
        if (!r->x->plan->cases[i].skip)
            continue;
        code = case_skip(r->x->plan, i, &results[i]);
        print(r, &results[i]);
    }
    return code;
}

static int run_units(const struct exact_suite *x, const size_t *indices,
                     size_t count, struct suite_run *out, struct error *err)
{
    struct rounds r = {.x = x};
    struct lists l = {calloc(count + 1, sizeof(*l.boots)),
                      calloc(count + 1, sizeof(struct result *))};
    r.units = calloc(count + 1, sizeof(*r.units));
    r.line = !x->options->quiet && isatty(STDERR_FILENO);
    *out = (struct suite_run){calloc(count + 1, sizeof(*out->results)), count,
                              false};
    int code = r.units && l.boots && l.results && out->results ? 0 : -ENOMEM;
    for (size_t i = 0; !code && i < count; i++)
        result_init(&out->results[i]);
    if (!code)
        fill_units(&r, indices, count, &l, out->results);
    if (!code && !indices)
        code = skip_all(&r, out->results);
    if (!code)
        code = run_all(&r);
    out->interrupted = r.interrupted;
    out->count = out->results ? count : 0;
    free(r.units);
    free(l.boots);
    free(l.results);
    return code ? error_set(err, code, "out of memory") : 0;
}

int exact_suite_run(const struct exact_suite *x, struct suite_run *out,
                    struct error *err)
{
    return run_units(x, NULL, x->boots->count, out, err);
}

int exact_suite_again(const struct exact_suite *x, const size_t *indices,
                      size_t count, struct suite_run *out, struct error *err)
{
    return run_units(x, indices, count, out, err);
}

int exact_can_run(struct error *err)
{
    const char *accelerator;
    if (accel_inside_rig())
        return error_set(err, -ENODEV,
                         "this is a rig: an exact one is entered from outside");
    int code = accel_choose(ACCEL_RIG, &accelerator, err);
    return code < 0 ? code : 0;
}

void exact_span(const struct suite_run *run, uint64_t *started_unix_ns,
                uint64_t *duration_ns)
{
    uint64_t start = UINT64_MAX, end = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct result *r = &run->results[i];
        if (r->verdict == VERDICT_SKIPPED || !r->duration_ns)
            continue;
        if (r->started_unix_ns < start)
            start = r->started_unix_ns;
        if (r->started_unix_ns + r->duration_ns > end)
            end = r->started_unix_ns + r->duration_ns;
    }
    if (!end)
        return;
    *started_unix_ns = start;
    *duration_ns = end - start;
}
