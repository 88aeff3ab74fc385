// SPDX-License-Identifier: Apache-2.0
// The kernel's reports of trouble in a session. In a test each is a failure
// unless it is allowed, so what was learnt must allow what was seen. See
// internal.h.
#include "harness/learn/internal.h"

#include "harness/scenario/scenario.h"
#include "src/base/clock.h"

#include <string.h>

// The lines of one report come at once.
#define ONE_REPORT_NS (2 * NS_PER_S)
#define LINE_SHOWN    70

static bool make_patterns(struct learn_kernel *k)
{
    struct error err;
    const struct builtin_fail *b;
    for (size_t i = k->npatterns;
         i < LEARN_REPORTS && (b = builtin_fail_at(i)) != NULL; i++) {
        k->patterns[i] =
            pattern_compile(b->pattern, strlen(b->pattern), 0, NULL, &err);
        if (!k->patterns[i])
            return false;
        k->npatterns = i + 1;
    }
    return true;
}

bool learn_kernel_watch(struct learn *l, struct learn_port *p)
{
    struct error err;
    if (!make_patterns(&l->kernel))
        return false;
    p->watch = watch_new(&err);
    if (!p->watch)
        return false;
    watch_follow(p->watch, p->matcher);
    for (size_t i = 0; i < l->kernel.npatterns; i++)
        if (watch_add_fail(p->watch, l->kernel.patterns[i], &err))
            return false;
    return true;
}

void learn_kernel_free(struct learn *l)
{
    for (unsigned i = 0; i < LEARN_PORTS; i++)
        watch_free(l->ports[i].watch);
    for (size_t i = 0; i < l->kernel.npatterns; i++)
        pattern_free(l->kernel.patterns[i]);
}

static void take_hit(struct learn *l, const struct watch_hit *hit)
{
    const struct builtin_fail *b = builtin_fail_at(hit->index);
    struct learn_kernel *k = &l->kernel;
    bool dies = strstr(hit->line, "Kernel panic - not syncing") != NULL;
    bool follows = k->seen && hit->ns < k->last_ns + ONE_REPORT_NS;
    k->last_ns = hit->ns;
    if (dies || b->grade == REPORT_DIES)
        l->panicked = true;
    else if (!hit->limit && !follows && !(k->seen & 1U << hit->index)) {
        k->seen |= 1U << hit->index;
        snprintf(k->lines[hit->index], sizeof(k->lines[0]), "%.120s",
                 hit->line);
    }
}

void learn_kernel_take(struct learn *l, struct learn_port *p,
                       const uint8_t *bytes, size_t len,
                       const struct stamp *stamps, size_t nstamps)
{
    struct watch_hit hit;
    if (watch_feed(p->watch, bytes, len, stamps, nstamps, &hit))
        take_hit(l, &hit);
}

void learn_kernel_end(struct learn *l)
{
    struct watch_hit hit;
    for (unsigned i = 0; i < LEARN_PORTS; i++)
        if (l->ports[i].watch &&
            watch_tick(l->ports[i].watch, CLOCK_NEVER, &hit))
            take_hit(l, &hit);
}

// What of the line fits, as a comment: without control characters.
static void put_shown(FILE *f, const char *line)
{
    size_t len = strlen(line);
    bool cut = len > LINE_SHOWN;
    len = cut ? LINE_SHOWN : len;
    while (cut && len && ((unsigned char)line[len] & 0xc0) == 0x80)
        len--;
    for (size_t i = 0; i < len; i++)
        fputc((unsigned char)line[i] < ' ' ? ' ' : line[i], f);
    fputs(cut ? "...\n" : "\n", f);
}

size_t learn_kernel_put(FILE *f, const struct learn *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->kernel.npatterns; i++) {
        if (!(l->kernel.seen & 1U << i))
            continue;
        fputs(n++ ? "#     "
                  : "# The kernel has said, which without `allow` is a "
                    "failure:\n#     ",
              f);
        put_shown(f, l->kernel.lines[i]);
        fprintf(f, "allow %s\n", builtin_fail_at(i)->name);
    }
    return n;
}
