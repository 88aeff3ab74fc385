// SPDX-License-Identifier: Apache-2.0
// The last lines of all ports, in the order in which they began. See
// diagnosis.h.
#include "harness/diagnosis/diagnosis.h"

#include <stdlib.h>
#include <string.h>

struct tail_line {
    uint64_t ns;
    unsigned port;
    size_t order; // in which it was read
    char *text;
    size_t len;
};

struct tail {
    struct tail_line *lines;
    size_t n, max;
    unsigned port;
};

static void keep_line(void *owner, uint64_t ns, const char *text, size_t len)
{
    struct tail *t = owner;
    char *copy = t->n < t->max ? malloc(len + 1) : NULL;
    if (!copy)
        return;
    memcpy(copy, text, len);
    copy[len] = '\0';
    t->lines[t->n] = (struct tail_line){ns, t->port, t->n, copy, len};
    t->n++;
}

static int by_time(const void *a, const void *b)
{
    const struct tail_line *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

void diagnosis_tail(const struct diagnosis_port ports[TOYVMM_PORTS], size_t max,
                    void (*line)(void *owner, unsigned port, uint64_t ns,
                                 const char *text, size_t len),
                    void *owner)
{
    struct tail t = {.max = max * TOYVMM_PORTS};
    t.lines = calloc(t.max + 1, sizeof(*t.lines));
    if (!t.lines)
        return;
    for (t.port = 0; t.port < TOYVMM_PORTS; t.port++) {
        if (ports[t.port].printed)
            console_record_tail(ports[t.port].record, max, keep_line, &t);
    }
    qsort(t.lines, t.n, sizeof(*t.lines), by_time);
    for (size_t i = 0; i < t.n; i++) {
        const struct tail_line *l = &t.lines[i];
        if (i + max >= t.n)
            line(owner, l->port, l->ns, l->text, l->len);
        free(l->text);
    }
    free(t.lines);
}
