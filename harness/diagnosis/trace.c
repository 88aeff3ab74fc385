// SPDX-License-Identifier: Apache-2.0
// Taking a kernel's report out of a record. See diagnosis.h.
#include "harness/diagnosis/diagnosis.h"

#include "harness/diagnosis/title.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How far back of its end a record is searched for the report's beginning: more
// than the longest list of tasks that precedes an OOM kill in small guests.
#define BACK_BYTES ((uint64_t)256 << 10)
// A warning's words stand within so many lines above it.
#define WORDS_LINES 8
// The rest of an endless report is the console's.
#define LINES_MAX      1000
#define LINE_MAX_BYTES 1024
// Between two lines of a report, and after what may have been its last.
#define QUIET_OPEN  (100 * NS_PER_MS)
#define QUIET_ENDED (50 * NS_PER_MS)

struct line {
    uint64_t ns;
    char *text; // heap; from the kernel's prefix on, where it has one
    size_t message;
    size_t len;
    bool stamped;
};

struct trace {
    const struct console_record *record;
    uint64_t next; // the record's offset of the first line not taken
    struct report_scan scan;
    const struct builtin_fail *kind;
    struct line *lines; // until it is cut: those before the report too
    size_t n, cap;
    size_t hit;     // index of the line that fired
    bool partial;   // the record has only the beginning of that line
    size_t sure;    // so many lines belong to the report without doubt
    bool cut, lost; // longer than LINES_MAX; out of memory
};

static void lines_drop(struct trace *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        free(t->lines[i].text);
    memmove(t->lines + from, t->lines + to, (t->n - to) * sizeof(*t->lines));
    t->n -= to - from;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    lines_drop(t, 0, t->n);
    free(t->lines);
    free(t);
}

static bool lines_room(struct trace *t)
{
    if (t->n < t->cap)
        return true;
    size_t cap = t->cap ? t->cap * 2 : 128;
    struct line *grown = reallocarray(t->lines, cap, sizeof(*grown));
    if (!grown)
        return false;
    t->lines = grown;
    t->cap = cap;
    return true;
}

// A line for a person and for strstr: a NUL in it ends it.
static void keep_line(void *owner, uint64_t ns, const char *text, size_t len)
{
    struct trace *t = owner;
    while (len && *text == '\r') {
        text++;
        len--;
    }
    len = strnlen(text, len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
    while (len && text[len - 1] == '\r')
        len--;
    struct report_text at;
    report_text(text, len, &at);
    struct line l = {.ns = ns,
                     .text = strndup(text + at.prefix, len - at.prefix),
                     .message = at.message - at.prefix,
                     .len = len - at.prefix,
                     .stamped = at.stamped};
    if (l.text && t->partial) {
        // The whole of it takes its place.
        struct line *begun = &t->lines[t->n - 1];
        t->partial = false;
        if (!strncmp(l.text, begun->text, begun->len))
            lines_drop(t, t->n - 1, t->n);
    }
    t->lost = t->lost || !l.text || !lines_room(t);
    if (t->lost)
        free(l.text);
    else
        t->lines[t->n++] = l;
}

// The line that fired: the last one like it that was there when it did.
static bool find_hit(struct trace *t, const struct watch_hit *hit)
{
    struct report_text at;
    report_text(hit->line, strlen(hit->line), &at);
    const char *seen = hit->line + at.prefix;
    bool found = false;
    for (size_t i = 0; i < t->n; i++) {
        const struct line *l = &t->lines[i];
        if (found && l->ns > hit->ns)
            break;
        if (*seen && strstr(l->text, seen)) {
            t->hit = i;
            found = true;
        }
    }
    return found;
}

// ---- Where it begins --------------------------------------------------------

static const char *message(const struct line *l)
{
    return l->text + l->message;
}

// The line of the report before line i, or i when there is none.
static size_t before(const struct trace *t, size_t i)
{
    bool stamped = t->lines[t->hit].stamped;
    for (size_t at = i; at > 0; at--) {
        if (t->lines[at - 1].stamped == stamped)
            return at - 1;
    }
    return i;
}

static bool is_cut(const struct line *l)
{
    return report_is_cut(message(l), l->len - l->message);
}

static bool is_ruler(const struct line *l)
{
    return report_is_ruler(message(l), l->len - l->message);
}

// What is printed above `cut here' and is the reason for it.
static bool is_reason(const struct line *l)
{
    static const char *const beginnings[] = {
        "list_add ", "list_del ", "usercopy: ", "detected buffer overflow"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (!strncmp(message(l), beginnings[i], strlen(beginnings[i])))
            return true;
    }
    return false;
}

// The first line of the report that line i fires for. *words: the line that
// has the kernel's own words for it, or i.
static size_t beginning(const struct trace *t, size_t i, size_t *words)
{
    *words = i;
    size_t at = before(t, i);
    if (at != i && is_ruler(&t->lines[at]))
        return at;
    if (!strcmp(t->kind->name, "oom")) {
        for (size_t up = before(t, i), from = i; up != from;
             from = up, up = before(t, up)) {
            if (strstr(message(&t->lines[up]), " invoked oom-killer: "))
                return up;
            if (strstr(message(&t->lines[up]), ": Killed process "))
                break; // of the one before
        }
        return i;
    }
    size_t first = i;
    for (size_t n = 0; n < WORDS_LINES && at != first; n++) {
        const struct line *l = &t->lines[at];
        if (report_kind(t->scan.kinds, l->text, l->len))
            return i; // it has its own `cut here'
        if (is_cut(&t->lines[at])) {
            *words = first;
            size_t reason = before(t, at);
            if (reason != at && is_reason(&t->lines[reason]))
                *words = at = reason;
            return at;
        }
        first = at;
        at = before(t, at);
    }
    return i;
}

// ---- Reading on -------------------------------------------------------------

static void scan_from(struct trace *t, size_t from)
{
    size_t i = from;
    while (i < t->n && t->scan.state != REPORT_OVER) {
        const struct line *l = &t->lines[i++];
        bool was_open = t->scan.state == REPORT_OPEN;
        switch (report_line(&t->scan, l->text, l->len)) {
        case REPORT_INSIDE:
        case REPORT_GRAVER:
            t->sure = i;
            break;
        case REPORT_NEXT: {
            // What announces the next report was taken for this one's.
            size_t words;
            size_t next = was_open ? beginning(t, i - 1, &words) : t->sure;
            t->sure = next < t->sure ? next : t->sure;
            break;
        }
        case REPORT_MAYBE:
        case REPORT_FOREIGN:
            break;
        }
    }
    if (t->scan.state == REPORT_OVER)
        lines_drop(t, t->sure, t->n);
    if (t->n >= LINES_MAX) {
        t->cut = true;
        t->scan.state = REPORT_OVER;
    }
}

struct trace *trace_new(const struct report_kinds *kinds,
                        const struct console_record *record,
                        const struct watch_hit *hit, struct error *err)
{
    struct trace *t = calloc(1, sizeof(*t));
    if (!t) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    uint64_t end = console_record_end(record);
    uint64_t from = end > BACK_BYTES ? end - BACK_BYTES : 0;
    t->record = record;
    t->next = console_record_lines(record, from, keep_line, t);
    if (!find_hit(t, hit)) {
        keep_line(t, hit->ns, hit->line, strlen(hit->line));
        t->hit = t->n - 1;
        t->partial = true;
    }
    const struct line *l = t->lost ? NULL : &t->lines[t->hit];
    t->kind = l ? report_kind(kinds, l->text, l->len) : NULL;
    if (!t->kind) {
        if (t->lost)
            error_set(err, -ENOMEM, "out of memory");
        trace_free(t);
        return NULL;
    }
    report_begin(&t->scan, kinds, t->kind, l->text, l->len);
    size_t words;
    size_t first = beginning(t, t->hit, &words);
    lines_drop(t, 0, first);
    t->hit -= first;
    t->sure = t->hit + 1;
    scan_from(t, t->sure);
    return t;
}

bool trace_more(struct trace *t)
{
    size_t from = t->n;
    if (t->scan.state != REPORT_OVER && !t->lost) {
        t->next = console_record_lines(t->record, t->next, keep_line, t);
        scan_from(t, from);
    }
    return t->scan.state != REPORT_OVER && !t->lost;
}

uint64_t trace_quiet_ns(const struct trace *t)
{
    return t->scan.state == REPORT_OPEN ? QUIET_OPEN : QUIET_ENDED;
}

// ---- Telling ----------------------------------------------------------------

const struct builtin_fail *trace_kind(const struct trace *t)
{
    return t->kind;
}

// "foo" of "foo+0x1/0x2 [module]" into buf. False when text is none of it.
static bool function_of(const char *text, char buf[128])
{
    size_t n = strcspn(text, "+ ");
    if (!n || n >= 128 || strncmp(text + n, "+0x", 3) != 0)
        return false;
    memcpy(buf, text, n);
    buf[n] = '\0';
    return true;
}

// Functions that a stack begins with and that say nothing of the cause.
static bool is_machinery(const char *function)
{
    static const char *const beginnings[] = {
        // telling of it
        "dump_stack", "__dump_", "show_", "sched_show", "print_", "panic",
        "__warn", "__might_", "spin_", "bad_page", "object_err", "check_",
        // the clock's interrupt, where stalls are found
        "nmi_", "rcu_", "update_process_times", "tick_", "__hrtimer_",
        "hrtimer_", "__sysvec_", "sysvec_", "asm_sysvec_",
        // waiting
        "__schedule", "schedule", "io_schedule", "rwsem_", "mutex_", "__mutex_",
        "down_", "__down_", "wait_", "__wait_",
        // the allocator, for what was done to its memory
        "slab_", "__slab_", "free_", "__free_", "kfree", "kmalloc",
        "kmem_cache_", "__kmem_cache_"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (!strncmp(function, beginnings[i], strlen(beginnings[i])))
            return true;
    }
    return false;
}

// The function that RIP is in, or failing that the stack's first of interest.
static void find_function(const struct trace *t, char buf[128])
{
    static const char rip[] = "RIP: 0010:";
    bool stack = false;
    *buf = '\0';
    for (size_t i = t->hit + 1; i < t->sure; i++) {
        const char *text = message(&t->lines[i]);
        if (!strncmp(text, rip, strlen(rip)) &&
            function_of(text + strlen(rip), buf))
            return;
        stack = stack || !strncmp(text, "Call Trace:", 11);
        if (stack && *text == ' ' && text[1] != '?' &&
            function_of(text + 1, buf) && !is_machinery(buf))
            return;
        *buf = '\0';
    }
}

char *trace_title(const struct trace *t)
{
    char function[128];
    find_function(t, function);
    const struct line *l = &t->lines[t->hit];
    size_t words;
    beginning(t, t->hit, &words);
    struct title_parts parts = {
        .kind = t->kind,
        .line = message(l),
        .words = words == t->hit ? "" : message(&t->lines[words]),
        .function = function,
    };
    return title_make(&parts);
}

static void tell_left_out(FILE *f, size_t *n)
{
    if (*n)
        fprintf(f,
                "            (left out: %zu line%s that %s not the "
                "kernel's)\n",
                *n, *n == 1 ? "" : "s", *n == 1 ? "is" : "are");
    *n = 0;
}

char *trace_text(const struct trace *t, uint64_t started_ns)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    size_t left_out = 0;
    for (size_t i = 0; i < t->sure; i++) {
        const struct line *l = &t->lines[i];
        if (l->stamped != t->lines[t->hit].stamped) {
            left_out += l->len > 0;
            continue;
        }
        tell_left_out(f, &left_out);
        uint64_t at = l->ns > started_ns ? l->ns - started_ns : 0;
        fprintf(f, "%8.3f  %s\n", (double)at / 1e9, l->text);
    }
    if (t->cut)
        fputs("            (and so on: the console has the rest)\n", f);
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}
