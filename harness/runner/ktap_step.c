// SPDX-License-Identifier: Apache-2.0
// The `ktap` statement: lines from the console to the KTAP reader until its
// documents are complete, then the verdict. Used by the runner only.
#include "harness/console/lines.h"
#include "harness/ktap/ktap.h"
#include "harness/runner/steps.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A document that does not say how many tests it has ends in silence. Tests
// take their time, so this is longer than what ends a prompt.
#define PLANLESS_QUIET (2 * NS_PER_S)
// Lines that belong to the last test follow it at once.
#define TRAILING_QUIET (100 * NS_PER_MS)
// Live messages that several processors print may be out of order by so much.
#define DISORDER_US UINT64_C(10000)
// How many failed tests a message names.
#define NAMED 3

// One run of the step. Each line is matched, and thereby consumed, alone.
struct collector {
    struct run *r;
    struct ktap *reader;
    struct pattern *line;
    struct wait wait;
    bool in_line;     // the beginning of a very long line was read
    bool live;        // a live message of the kernel was read;
    uint64_t live_us; // the newest one's clock
    uint64_t last_ns;
};

static uint64_t since_start(const struct run *r, uint64_t ns)
{
    uint64_t start = r->options->started_ns;
    return ns > start ? ns - start : 0;
}

static struct pattern *compile_line(struct error *err)
{
    static const char source[] = "\\A(?:[^\\n]{0,8191}\\n|[^\\n]{8192})";
    size_t at;
    return pattern_compile(source, sizeof(source) - 1, 0, &at, err);
}

// Whether a line, which came within that time, is what a program prints of the
// kernel's log. A live test that is taken for old is lost: where live ones are
// read it must be older than they are.
static bool is_printed(const struct collector *c, const char *text, size_t len,
                       uint64_t from_ns, uint64_t to_ns)
{
    struct console_line parts;
    console_line_split(text, len, &parts);
    bool older = !c->live || parts.clock_us + DISORDER_US < c->live_us;
    return parts.kernel && older &&
           matcher_was_printed(c->r->matcher, parts.clock_us, from_ns, to_ns);
}

// Gives a line to the reader.
static void read_line(struct collector *c, const char *text, size_t len,
                      uint64_t from_ns, uint64_t to_ns)
{
    struct console_line parts;
    bool printed = is_printed(c, text, len, from_ns, to_ns);
    console_line_split(text, len, &parts);
    if (parts.kernel && !printed) {
        c->live = true;
        c->live_us = parts.clock_us > c->live_us ? parts.clock_us : c->live_us;
    }
    ktap_line(c->reader, text, len, printed, since_start(c->r, from_ns));
}

// Of a very long line only the beginning is read.
static void take_line(struct collector *c, const struct match *m)
{
    size_t len = m->all.len;
    bool whole = len && m->all.text[len - 1] == '\n';
    if (!c->in_line)
        read_line(c, m->all.text, len - whole, m->start_ns, m->end_ns);
    c->in_line = !whole;
    c->last_ns = m->end_ns;
}

// A last line without a newline counts when nothing more can come.
static void take_rest(struct collector *c)
{
    struct text_span rest = matcher_pending(c->r->matcher);
    if (rest.len && !c->in_line)
        read_line(c, rest.text, rest.len, matcher_pending_ns(c->r->matcher),
                  c->r->now_ns);
    matcher_skip(c->r->matcher);
}

// Reads until the documents are complete, or something else ends the wait.
static enum wait_outcome collect(struct collector *c)
{
    enum ktap_state state = ktap_state(c->reader);
    enum wait_outcome out = WAIT_MATCH;
    uint64_t quiet_ns = run_scaled(c->r, PLANLESS_QUIET);
    while (out == WAIT_MATCH && state != KTAP_COMPLETE) {
        c->wait.quiet_ns = state == KTAP_PLANLESS ? quiet_ns : 0;
        out = run_wait(c->r, &c->wait);
        if (out == WAIT_MATCH)
            take_line(c, &c->wait.match);
        state = ktap_state(c->reader);
    }
    return out;
}

// Takes the next line if there is one that still belongs to the documents.
static bool take_trailing(struct collector *c, uint64_t end_ns)
{
    struct run *r = c->r;
    struct error err = {""};
    struct match match;
    const struct pattern *line = c->line;
    struct text_span next = matcher_pending(r->matcher);
    const char *newline = next.len ? memchr(next.text, '\n', next.len) : NULL;
    uint64_t from_ns = matcher_pending_ns(r->matcher);
    if (!newline || from_ns > end_ns)
        return false;
    size_t len = (size_t)(newline - next.text);
    bool printed = is_printed(c, next.text, len, from_ns, r->now_ns);
    if (!ktap_belongs(c->reader, next.text, len, printed) ||
        matcher_look(r->matcher, &line, 1, r->now_ns, &match, &err) !=
            MATCH_FOUND)
        return false;
    take_line(c, &match);
    return true;
}

// Diagnostics and more results behind the last test. A fail pattern that fires
// meanwhile is for the next step, which may expect it. False when the run can't
// go on.
static bool collect_trailing(struct collector *c)
{
    struct run *r = c->r;
    uint64_t quiet_ns = run_scaled(r, TRAILING_QUIET);
    while (!r->hit) {
        uint64_t end_ns = clock_after(c->last_ns, quiet_ns);
        if (end_ns > c->wait.deadline_ns)
            end_ns = c->wait.deadline_ns;
        if (take_trailing(c, end_ns))
            continue;
        struct text_span next = matcher_pending(r->matcher);
        bool complete = next.len && memchr(next.text, '\n', next.len);
        if (complete || r->ended || r->now_ns >= end_ns)
            break;
        if (!run_pump(r, end_ns))
            return false;
    }
    return true;
}

// Reads all that belongs to the documents. What follows the last test may show
// that there is more: the result of a group that had seemed to be all.
static enum wait_outcome collect_all(struct collector *c)
{
    for (;;) {
        enum wait_outcome out = collect(c);
        if (out != WAIT_MATCH)
            return out;
        if (!collect_trailing(c))
            return WAIT_FAILED;
        if (ktap_state(c->reader) == KTAP_COMPLETE)
            return WAIT_MATCH;
    }
}

// What ended documents that are not complete.
static char *what_cut(const struct collector *c, enum wait_outcome out)
{
    const struct result *result = c->r->result;
    char *text = NULL;
    int n = 0;
    if (out == WAIT_END)
        n = asprintf(&text, "the machine ended");
    else if (out == WAIT_TIMEOUT)
        n = asprintf(&text, "the time was over");
    else if (c->r->interrupted)
        n = asprintf(&text, "the run was interrupted");
    else if (c->r->hit)
        n = asprintf(&text, "this came: %s", result->message);
    else
        n = asprintf(&text, "the scenario failed: %s",
                     result->message ? result->message : "nothing says why");
    return n < 0 ? NULL : text;
}

static bool is_failure(const struct result_test *t)
{
    return t->verdict == VERDICT_FAILED || t->verdict == VERDICT_ERROR;
}

// "3 of 57 kernel tests failed: a/b, c/d, e/f"; NULL when none did.
static char *failures(const struct result *result, size_t first)
{
    char *text = NULL;
    size_t len = 0;
    size_t failed = 0;
    for (size_t i = first; i < result->ntests; i++)
        failed += is_failure(&result->tests[i]);
    FILE *f = failed ? open_memstream(&text, &len) : NULL;
    if (!f)
        return NULL;
    size_t n = result->ntests - first;
    fprintf(f, "%zu of %zu kernel test%s failed", failed, n, n == 1 ? "" : "s");
    size_t named = 0;
    for (size_t i = first; i < result->ntests && named < NAMED; i++) {
        if (is_failure(&result->tests[i]))
            fprintf(f, "%s%s", named++ ? ", " : ": ", result->tests[i].name);
    }
    if (failed > NAMED)
        fprintf(f, " and %zu more", failed - NAMED);
    if (!fclose(f))
        return text;
    free(text);
    return NULL;
}

static enum flow judge(struct collector *c, enum wait_outcome out)
{
    struct run *r = c->r;
    size_t first = r->result->ntests;
    enum ktap_state state = ktap_state(c->reader);
    char *cut = state == KTAP_COMPLETE || state == KTAP_PLANLESS
                    ? NULL
                    : what_cut(c, out);
    int code = ktap_finish(c->reader, cut, r->result);
    free(cut);
    if (out == WAIT_FAILED)
        return FLOW_END;
    if (code)
        return run_fail(r, VERDICT_ERROR, NULL, "memory", "out of memory");
    bool over = state == KTAP_NOTHING || state == KTAP_OPEN;
    // What failed is in the tests; what is said first is why they ended.
    if (over && out == WAIT_END) {
        run_fail_end(r);
        return FLOW_END;
    }
    if (over) {
        struct wait told = c->wait;
        told.what = state == KTAP_NOTHING ? "kernel TAP output"
                                          : "the end of the kernel tests";
        run_fail_wait(r, &told, 0);
        return FLOW_END;
    }
    char *text = failures(r->result, first);
    if (!text)
        return FLOW_NEXT;
    run_fail(r, VERDICT_FAILED, NULL, "ktap", "%s", text);
    free(text);
    return FLOW_END;
}

enum flow step_ktap(struct run *r, const struct step *s)
{
    struct error err = {""};
    struct collector c = {.r = r, .reader = ktap_new()};
    c.line = compile_line(&err);
    const struct pattern *line = c.line;
    c.wait = (struct wait){.patterns = &line,
                           .npatterns = 1,
                           .within_ns = s->u.ktap_within_ns,
                           .events = 1U << GUEST_TIMEOUT,
                           .leaves_end = true,
                           .what = "the end of the kernel tests"};
    enum flow flow = FLOW_END;
    if (!c.line)
        flow = run_error(r, "memory", &err);
    else if (!c.reader)
        flow = run_fail(r, VERDICT_ERROR, NULL, "memory", "out of memory");
    else {
        enum wait_outcome out = collect_all(&c);
        if (out == WAIT_END || out == WAIT_TIMEOUT)
            take_rest(&c);
        flow = judge(&c, out);
    }
    ktap_free(c.reader);
    pattern_free(c.line);
    return flow;
}
