// SPDX-License-Identifier: Apache-2.0
// Following a kernel's report line by line. See diagnosis.h.
#include "harness/diagnosis/diagnosis.h"

#include "harness/console/lines.h"

#include <errno.h>
#include <string.h>

#define STRAYS_MAX 3

int report_kinds_init(struct report_kinds *k, struct error *err)
{
    *k = (struct report_kinds){0};
    const struct builtin_fail *b;
    while ((b = builtin_fail_at(k->n))) {
        size_t at;
        struct pattern *p =
            k->n < REPORT_KINDS_MAX
                ? pattern_compile(b->pattern, strlen(b->pattern), 0, &at, err)
                : NULL;
        if (!p) {
            report_kinds_free(k);
            return error_prefix(err, -EINVAL, "built-in pattern `%s`", b->name);
        }
        k->patterns[k->n++] = p;
    }
    return 0;
}

void report_kinds_free(struct report_kinds *k)
{
    for (size_t i = 0; i < k->n; i++)
        pattern_free(k->patterns[i]);
    *k = (struct report_kinds){0};
}

const struct builtin_fail *report_kind(const struct report_kinds *k,
                                       const char *line, size_t len)
{
    struct error err;
    size_t start, end;
    for (size_t i = 0; i < k->n; i++) {
        if (pattern_search(k->patterns[i], line, len, 0, &start, &end, &err) >
            0)
            return builtin_fail_at(i);
    }
    return NULL;
}

// "[    T1] " where printk gives callers but no times.
static size_t caller_len(const char *line, size_t len)
{
    size_t at = 1;
    if (!len || *line != '[')
        return 0;
    while (at < len && line[at] == ' ')
        at++;
    if (at == len || (line[at] != 'T' && line[at] != 'C'))
        return 0;
    size_t digits = ++at;
    while (at < len && line[at] >= '0' && line[at] <= '9')
        at++;
    bool whole = at > digits && len - at >= 2 && !memcmp(line + at, "] ", 2);
    return whole ? at + 2 : 0;
}

static size_t level_len(const char *line, size_t len)
{
    return len >= 3 && *line == '<' && line[1] >= '0' && line[1] <= '7' &&
                   line[2] == '>'
               ? 3
               : 0;
}

void report_text(const char *line, size_t len, struct report_text *out)
{
    struct console_line parts;
    console_line_split(line, len, &parts);
    *out = (struct report_text){parts.plain, parts.message, parts.kernel};
    if (parts.kernel)
        return;
    size_t level = level_len(line, len);
    size_t caller = caller_len(line + level, len - level);
    *out = (struct report_text){0, level + caller, level + caller > 0};
}

static bool begins(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && !memcmp(text, with, n);
}

static bool contains(const char *text, size_t len, const char *what)
{
    return memmem(text, len, what, strlen(what));
}

bool report_is_ruler(const char *message, size_t len)
{
    size_t n = 0;
    while (n < len && message[n] == '=')
        n++;
    return n >= 20 && n == len;
}

bool report_is_cut(const char *message, size_t len)
{
    return begins(message, len, "------------[ cut here ]");
}

static bool is_last(enum report_end end, const char *text, size_t len)
{
    switch (end) {
    case REPORT_LINE:
        return true;
    case REPORT_STACK:
        return begins(text, len, " </TASK>");
    case REPORT_TRACE:
        return begins(text, len, "---[ end trace");
    case REPORT_RULE:
        // UBSAN has left the ruler for the other since Linux 6.7.
        return report_is_ruler(text, len) ||
               begins(text, len, "---[ end trace");
    case REPORT_PANIC:
        return begins(text, len, "---[ end Kernel panic") ||
               begins(text, len, "Rebooting in ");
    }
    return false;
}

// After the end of an Oops come its registers once more; other reports have
// stacks of other tasks and CPUs, or tell what became of whoever was hit.
static bool is_afterword(const char *text, size_t len)
{
    static const char *const beginnings[] = {
        " <",
        " #",
        "Modules linked in:",
        "irq event stamp:",
        "hardirqs last",
        "softirqs last",
        "---[ end trace",
        "RIP: ",
        "Code: ",
        "RSP: ",
        "RAX: ",
        "RDX: ",
        "RBP: ",
        "R10: ",
        "R13: ",
        "FS: ",
        "CS: ",
        "CR2: ",
        "DR0: ",
        "DR3: ",
        "PKRU: ",
        "CPU: ",
        "Hardware name:",
        "Call Trace:",
        "Kernel Offset:",
        "note: ",
        "Fixing recursive fault",
        "Disabling lock debugging",
        "rcu: ",
        "Sending NMI from",
        "NMI backtrace for",
        "task:",
        "Showing all locks held",
        "INFO: lockdep is turned off",
        "FIX ",
        "oom_reaper: ",
        "Tasks in ",
        "Memory cgroup out of memory: ",
    };
    if (!len)
        return true;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (begins(text, len, beginnings[i]))
            return true;
    }
    bool stack = *text == ' ' && contains(text, len, "+0x");
    return stack || contains(text, len, " lock held by ") ||
           contains(text, len, " locks held by ");
}

// Is name one of the words of list?
static bool is_part(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at && (at = strstr(at, name)); at += n) {
        if ((at == list || at[-1] == ' ') && (!at[n] || at[n] == ' '))
            return true;
    }
    return false;
}

// A report of that kind begins, or goes on as one.
static void become(struct report_scan *s, const struct builtin_fail *kind)
{
    s->kind = kind;
    s->end = kind->end;
    s->strays = 0;
    s->state = kind->end == REPORT_LINE ? REPORT_ENDED : REPORT_OPEN;
}

void report_begin(struct report_scan *s, const struct report_kinds *kinds,
                  const struct builtin_fail *kind, const char *line, size_t len)
{
    struct report_text t;
    report_text(line, len, &t);
    *s = (struct report_scan){.kinds = kinds, .stamped = t.stamped};
    become(s, kind);
}

// A line that begins a report itself: of which it is a part, which it leads to,
// or which has nothing to do with it.
static enum report_line take_kind(struct report_scan *s,
                                  const struct builtin_fail *kind)
{
    if (is_part(s->kind->parts, kind->name)) {
        s->end = kind->end;
        s->state = kind->end == REPORT_LINE ? REPORT_ENDED : REPORT_OPEN;
        return REPORT_INSIDE;
    }
    if (kind->grade > s->kind->grade) {
        become(s, kind);
        return REPORT_GRAVER;
    }
    s->state = REPORT_OVER;
    return REPORT_NEXT;
}

enum report_line report_line(struct report_scan *s, const char *line,
                             size_t len)
{
    struct report_text t;
    report_text(line, len, &t);
    if (s->state == REPORT_OVER)
        return REPORT_NEXT;
    if (s->stamped && !t.stamped)
        return REPORT_FOREIGN;
    const char *text = line + t.message;
    size_t n = len - t.message;
    // A dying kernel is not followed by anything else.
    bool dies = s->kind->grade == REPORT_DIES;
    const struct builtin_fail *kind =
        dies ? NULL : report_kind(s->kinds, line, len);
    if (kind)
        return take_kind(s, kind);
    if (s->state == REPORT_OPEN) {
        if (is_last(s->end, text, n))
            s->state = s->end == REPORT_PANIC ? REPORT_OVER : REPORT_ENDED;
        return REPORT_INSIDE;
    }
    if (is_afterword(text, n)) {
        s->strays = 0;
        return REPORT_INSIDE;
    }
    // Anybody's message may come between the report and its afterword.
    if (++s->strays <= STRAYS_MAX)
        return REPORT_MAYBE;
    s->state = REPORT_OVER;
    return REPORT_NEXT;
}
