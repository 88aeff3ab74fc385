// SPDX-License-Identifier: Apache-2.0
// The result record's memory: making, filling and freeing it. Every thread may
// call these on its own record.
#include "harness/report/result.h"

#include "harness/report/attempts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdict_names[] = {
    [VERDICT_PASSED] = "passed", [VERDICT_FAILED] = "failed",
    [VERDICT_ERROR] = "error",   [VERDICT_SKIPPED] = "skipped",
    [VERDICT_FLAKY] = "flaky",   [VERDICT_UNRUN] = "unrun",
    [VERDICT_KNOWN] = "known",   [VERDICT_FIXED] = "fixed",
};

const char *verdict_name(enum verdict v)
{
    return verdict_names[v];
}

bool verdict_fails(enum verdict v, bool flaky_ok)
{
    return v == VERDICT_FAILED || v == VERDICT_ERROR || v == VERDICT_UNRUN ||
           v == VERDICT_FIXED || (v == VERDICT_FLAKY && !flaky_ok);
}

bool verdict_is_explained(enum verdict v)
{
    return v == VERDICT_FAILED || v == VERDICT_ERROR || v == VERDICT_FLAKY ||
           v == VERDICT_FIXED;
}

void result_init(struct result *r)
{
    memset(r, 0, sizeof(*r));
}

void result_free(struct result *r)
{
    char *const fields[] = {r->path,        r->title,   r->suite, r->guest,
                            r->guest_note,  r->message, r->where, r->kind,
                            r->accelerator, r->series};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        free(fields[i]);
    for (size_t i = 0; i < r->nmarks; i++) {
        free(r->marks[i].name);
        free(r->marks[i].vcpus);
    }
    for (size_t i = 0; i < r->nnotes; i++) {
        free(r->notes[i].where);
        free(r->notes[i].text);
    }
    for (size_t i = 0; i < r->nproperties; i++) {
        free(r->properties[i].name);
        free(r->properties[i].value);
    }
    for (size_t i = 0; i < r->nsections; i++) {
        free(r->sections[i].name);
        free(r->sections[i].text);
    }
    for (size_t i = 0; i < r->ntests; i++) {
        free(r->tests[i].name);
        free(r->tests[i].message);
        free(r->tests[i].details);
    }
    for (size_t i = 0; i < r->nconsoles; i++) {
        free(r->consoles[i].bytes);
        free(r->consoles[i].lines);
    }
    result_free_attempts(r);
    for (size_t i = 0; i < r->nreadings; i++)
        free(r->readings[i].name);
    for (size_t i = 0; i < r->ninitcalls; i++)
        free(r->initcalls[i].name);
    free(r->marks);
    free(r->readings);
    free(r->initcalls);
    free(r->notes);
    free(r->properties);
    free(r->sections);
    free(r->tests);
    free(r->consoles);
    result_init(r);
}

int result_set(char **field, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        return -ENOMEM;
    free(*field);
    *field = text;
    return 0;
}

// Room for one more element at the end of a vector that doubles when its
// length is a power of two: the record keeps no capacity.
static void *grown(void *vector, size_t n, size_t size)
{
    if (n & (n - 1))
        return vector;
    size_t capacity = n ? n * 2 : 1;
    return reallocarray(vector, capacity, size);
}

static int leave_out(struct result *r)
{
    r->left_out++;
    return 0;
}

int result_put_mark(struct result *r, const char *name,
                    const struct result_mark *mark)
{
    if (r->nmarks >= RESULT_LIST_MAX)
        return leave_out(r);
    struct result_mark *marks = grown(r->marks, r->nmarks, sizeof(*marks));
    if (!marks)
        return -ENOMEM;
    r->marks = marks;
    char *copy = strdup(name);
    struct result_share *vcpus = NULL;
    if (mark->nvcpus) {
        vcpus = calloc(mark->nvcpus, sizeof(*vcpus));
        if (vcpus)
            memcpy(vcpus, mark->vcpus, mark->nvcpus * sizeof(*vcpus));
    }
    if (!copy || (mark->nvcpus && !vcpus)) {
        free(copy);
        free(vcpus);
        return -ENOMEM;
    }
    marks[r->nmarks] = *mark;
    marks[r->nmarks].vcpus = vcpus;
    marks[r->nmarks++].name = copy;
    return 0;
}

int result_add_mark(struct result *r, const char *name, uint64_t wall_ns,
                    uint64_t cpu_ns, uint64_t exits)
{
    const struct result_mark mark = {
        .wall_ns = wall_ns, .cpu_ns = cpu_ns, .exits = exits};
    return result_put_mark(r, name, &mark);
}

const char *result_exit_name(enum result_exit kind)
{
    static const char *const names[VMEXITS] = {"io", "mmio", "hlt", "intr",
                                               "other"};
    return names[kind];
}

bool result_mark_has_reasons(const struct result_mark *m)
{
    uint64_t sum = 0;
    for (int i = 0; i < VMEXITS; i++)
        sum += m->exits_by[i];
    return sum == m->exits;
}

const struct result_mark *result_mark(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->nmarks; i++) {
        if (!strcmp(r->marks[i].name, name))
            return &r->marks[i];
    }
    return NULL;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

bool result_is_same_series(const struct result *a, const struct result *b)
{
    // One that came to no guest has none.
    bool guests = !a->guest || !b->guest || !strcmp(a->guest, b->guest);
    return guests && is_same_text(a->series, b->series) &&
           is_same_text(a->path, b->path);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

size_t result_mark_times(const struct result *const *boots, size_t n,
                         const char *mark, uint64_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct result_mark *m = result_mark(boots[i], mark);
        if (m)
            out[count++] = m->wall_ns;
    }
    qsort(out, count, sizeof(*out), ascending);
    return count;
}

int result_add_reading(struct result *r, const char *name, uint64_t ns)
{
    struct result_reading *list =
        grown(r->readings, r->nreadings, sizeof(*list));
    if (!list)
        return -ENOMEM;
    r->readings = list;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    list[r->nreadings++] = (struct result_reading){copy, ns};
    return 0;
}

int result_add_initcall(struct result *r, const char *name, uint64_t us,
                        int64_t returned)
{
    struct result_initcall *list =
        grown(r->initcalls, r->ninitcalls, sizeof(*list));
    if (!list)
        return -ENOMEM;
    r->initcalls = list;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    list[r->ninitcalls++] = (struct result_initcall){copy, us, returned};
    return 0;
}

// Takes text over, also on failure.
static int add_note(struct result *r, bool failed, uint64_t at_ns,
                    const char *where, char *text)
{
    struct result_note *notes = grown(r->notes, r->nnotes, sizeof(*notes));
    char *place = where ? strdup(where) : NULL;
    if (notes)
        r->notes = notes;
    if (!notes || (where && !place)) {
        free(place);
        free(text);
        return -ENOMEM;
    }
    r->note_bytes += strlen(text);
    notes[r->nnotes++] = (struct result_note){failed, at_ns, place, text};
    return 0;
}

// Cuts a text that is too long, between two characters.
static void cut_note(char *text, size_t len)
{
    static const char more[] = " [...]";
    if (len <= RESULT_NOTE_MAX)
        return;
    size_t end = RESULT_NOTE_MAX - sizeof(more);
    while (end && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, more, sizeof(more));
}

int result_add_note(struct result *r, bool failed, uint64_t at_ns,
                    const char *where, const char *fmt, ...)
{
    unsigned times = failed ? 2 : 1;
    if (r->nnotes >= (size_t)RESULT_LIST_MAX * times ||
        r->note_bytes >= RESULT_NOTES_MAX * times)
        return leave_out(r);
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        return -ENOMEM;
    cut_note(text, (size_t)n);
    return add_note(r, failed, at_ns, where, text);
}

int result_close(struct result *r)
{
    char *text;
    if (!r->left_out)
        return 0;
    if (asprintf(&text,
                 "%" PRIu64 " more notes, marks and metrics were left out: a "
                 "result has room for %d of each",
                 r->left_out, RESULT_LIST_MAX) < 0)
        return -ENOMEM;
    r->left_out = 0;
    return add_note(r, false, r->duration_ns, NULL, text);
}

const char *result_property(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->nproperties; i++) {
        if (!strcmp(r->properties[i].name, name))
            return r->properties[i].value;
    }
    return NULL;
}

int result_add_property(struct result *r, const char *name, const char *value)
{
    if (r->nproperties >= RESULT_LIST_MAX)
        return leave_out(r);
    struct result_property *list =
        grown(r->properties, r->nproperties, sizeof(*list));
    if (!list)
        return -ENOMEM;
    r->properties = list;
    char *n = strdup(name);
    char *v = strdup(value);
    if (!n || !v) {
        free(n);
        free(v);
        return -ENOMEM;
    }
    list[r->nproperties++] = (struct result_property){n, v};
    return 0;
}

static const char *const section_names[] = {
    "step",      // the statement that failed, as written
    "wait",      // what was waited for, how long, and when the last byte came
    "output",    // of a `run` whose check failed
    "near-miss", // what came nearest to a match
    "trace",     // the kernel's report, from its first line to its last
    "machine",   // how the machine ended
    "doing",     // what the guest was doing
    "console",   // the last lines, with their times
    "stack",     // function+offset of RIP and its callers
    "registers", // of vCPU 0
};

const char *result_section_at(size_t index)
{
    size_t n = sizeof(section_names) / sizeof(section_names[0]);
    return index < n ? section_names[index] : NULL;
}

int result_add_section(struct result *r, const char *name, const char *text)
{
    if (!text || !*text)
        return 0;
    struct result_section *list =
        grown(r->sections, r->nsections, sizeof(*list));
    if (!list)
        return -ENOMEM;
    r->sections = list;
    char *n = strdup(name);
    char *t = strdup(text);
    if (!n || !t) {
        free(n);
        free(t);
        return -ENOMEM;
    }
    list[r->nsections++] = (struct result_section){n, t};
    return 0;
}

const char *result_section(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->nsections; i++) {
        if (!strcmp(r->sections[i].name, name))
            return r->sections[i].text;
    }
    return NULL;
}

int result_add_test(struct result *r, const char *name, enum verdict verdict,
                    uint64_t at_ns, uint64_t took_ns, const char *message,
                    const char *details)
{
    struct result_test *tests = grown(r->tests, r->ntests, sizeof(*tests));
    if (!tests)
        return -ENOMEM;
    r->tests = tests;
    struct result_test t = {.name = strdup(name),
                            .verdict = verdict,
                            .message = message ? strdup(message) : NULL,
                            .details = details ? strdup(details) : NULL,
                            .at_ns = at_ns,
                            .took_ns = took_ns};
    if (!t.name || (message && !t.message) || (details && !t.details)) {
        free(t.name);
        free(t.message);
        free(t.details);
        return -ENOMEM;
    }
    tests[r->ntests++] = t;
    return 0;
}

size_t result_count_tests(const struct result *r, enum verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < r->ntests; i++)
        n += r->tests[i].verdict == verdict;
    return n;
}

int result_add_console(struct result *r, unsigned port, char *bytes, size_t len,
                       uint64_t elided)
{
    struct result_console *list =
        grown(r->consoles, r->nconsoles, sizeof(*list));
    if (!list) {
        free(bytes);
        return -ENOMEM;
    }
    r->consoles = list;
    list[r->nconsoles++] =
        (struct result_console){port, bytes, len, elided, 0, NULL};
    return 0;
}

void result_console_lines(struct result *r, struct result_line *lines,
                          size_t count)
{
    if (!r->nconsoles) {
        free(lines);
        return;
    }
    struct result_console *last = &r->consoles[r->nconsoles - 1];
    free(last->lines);
    last->lines = lines;
    last->nlines = lines ? count : 0;
}
