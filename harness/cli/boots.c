// SPDX-License-Identifier: Apache-2.0
// From cases to boots. See boots.h.
#include "harness/cli/boots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned runs_of(const struct selected *one,
                        const struct boot_order *order)
{
    if (one->skip)
        return 1;
    uint64_t runs = order->runs ? order->runs : one->what.scenario->repeats;
    return runs ? (unsigned)runs : 1; // a million at most
}

static unsigned warmups_of(const struct selected *one,
                           const struct boot_order *order)
{
    return one->skip ? 0 : order->warmups;
}

// A skipped case is told of once.
static unsigned sides_of(const struct selected *one,
                         const struct boot_order *order)
{
    return one->skip || order->nsides < 2 ? 1 : BOOT_SIDES;
}

static bool is_series(const struct selected *one,
                      const struct boot_order *order)
{
    return !one->skip &&
           (order->nsides > 1 || order->first > 1 || order->warmups ||
            order->runs > 1 || one->what.scenario->repeats > 1);
}

static unsigned digits(size_t n)
{
    unsigned d = 1;
    while (n >= 10) {
        n /= 10;
        d++;
    }
    return d;
}

// One boot of a series: position is its place among its case's, from 1 on, of
// so many.
static int name_it(struct plan_case *c, const struct boot *b,
                   const struct selected *one, size_t position, size_t of)
{
    char *name = NULL, *title = NULL;
    const char *side = c->side ? c->side : "";
    if (asprintf(&name, "%s#%0*zu%s%s", one->name, (int)digits(of), position,
                 *side ? "." : "", side) < 0)
        return -ENOMEM;
    c->name = name;
    if (asprintf(&title, "%s (%s%s%s %u)", one->what.title, side,
                 *side ? " " : "", b->warmup ? "warm-up" : "boot",
                 b->number) < 0)
        return -ENOMEM;
    c->title = title;
    return 0;
}

static void fill(struct plan_case *c, const struct boot *b,
                 const struct selected *one, const struct recordings *r,
                 const struct boot_order *order)
{
    *c = (struct plan_case){
        .path = one->path,
        .suite = one->suite,
        .nsets = one->what.nsets,
        .sets = one->what.sets,
        .machine = *selected_machine(one, &order->sides[b->side].machine),
        .attempts = one->attempts,
        .series = b->number ? one->what.title : NULL,
        .number = b->number,
        .warmup = b->warmup,
        .side = order->sides[b->side].name,
        .record = r ? r->record[b->selected] : NULL,
        .replay = r ? r->replay[b->selected] : NULL,
        .skip = one->skip,
        .skip_where = one->skip_where,
        .known = one->known,
        .known_where = one->known_where,
        .known_expired = one->known_expired,
        .timeout_ns = one->what.scenario->timeout_ns,
    };
}

static int add(struct boots *b, const struct boot *boot,
               const struct selected *one, const struct recordings *r,
               const struct boot_order *order, size_t position, size_t of)
{
    struct plan_case *c = &b->cases[b->count];
    b->list[b->count++] = *boot;
    fill(c, boot, one, r, order);
    if (boot->number)
        return name_it(c, boot, one, position, of);
    char *name = NULL, *title = NULL;
    int failed = asprintf(&name, "%s", one->name) < 0;
    c->name = failed ? NULL : name;
    failed |= asprintf(&title, "%s", one->what.title) < 0;
    c->title = failed ? NULL : title;
    return failed ? -ENOMEM : 0;
}

static int add_case(struct boots *b, const struct selection *s, size_t index,
                    const struct recordings *r, const struct boot_order *order)
{
    const struct selected *one = &s->list[index];
    bool series = is_series(one, order);
    unsigned sides = sides_of(one, order), warmups = warmups_of(one, order);
    unsigned rounds = warmups + runs_of(one, order);
    unsigned first = order->first ? order->first : 1;
    // What an earlier part of the series had counts: names go on.
    size_t before = (size_t)(first - 1) * sides;
    size_t of = before + (size_t)rounds * sides;
    int code = 0;
    for (unsigned i = 0; !code && i < rounds * sides; i++) {
        unsigned round = i / sides;
        bool warmup = round < warmups;
        unsigned number = warmup ? round + 1 : first + round - warmups;
        struct boot boot = {
            .selected = index,
            .side = (i % sides) ^ (sides > 1 ? round & 1 : 0),
            .number = series ? number : 0,
            .warmup = warmup,
        };
        code = add(b, &boot, one, r, order, before + i + 1, of);
    }
    return code;
}

int boots_make(struct boots *b, const struct selection *s,
               const struct recordings *r, const struct boot_order *order)
{
    size_t most = 1;
    for (size_t i = 0; i < s->count; i++)
        most += (size_t)(warmups_of(&s->list[i], order) +
                         runs_of(&s->list[i], order)) *
                sides_of(&s->list[i], order);
    *b = (struct boots){
        .list = calloc(most, sizeof(*b->list)),
        .cases = calloc(most, sizeof(*b->cases)),
    };
    int code = b->list && b->cases ? 0 : -ENOMEM;
    for (size_t i = 0; !code && i < s->count; i++)
        code = add_case(b, s, i, r, order);
    if (code)
        boots_free(b);
    return code;
}

static void free_text(const char *text)
{
    // add and name_it made it.
    union {
        const char *borrowed;
        char *owned;
    } t = {text};
    free(t.owned);
}

void boots_free(struct boots *b)
{
    for (size_t i = 0; b->cases && i < b->count; i++) {
        free_text(b->cases[i].name);
        free_text(b->cases[i].title);
    }
    free(b->list);
    free(b->cases);
    *b = (struct boots){0};
}
