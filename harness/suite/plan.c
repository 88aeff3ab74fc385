// SPDX-License-Identifier: Apache-2.0
// The plan as a file: a key and its values, each ended by NUL, as often as it
// takes. See plan.h.
#include "harness/suite/plan.h"

#include "harness/report/output.h"

#include "src/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t plan_longest_ns(const struct plan *plan)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < plan->ncases; i++) {
        if (plan->cases[i].timeout_ns > longest)
            longest = plan->cases[i].timeout_ns;
    }
    double scale = plan->timeout_scale > 0 ? plan->timeout_scale : 1;
    double ns = (double)longest * scale;
    return ns < 9e18 ? (uint64_t)ns : CLOCK_NEVER;
}

double plan_slowness(const struct plan *plan)
{
    bool rig = plan->accelerator && !strcmp(plan->accelerator, "rig");
    double least = rig ? PLAN_RIG_SLOWNESS : 1;
    return plan->timeout_scale > least ? plan->timeout_scale : least;
}

unsigned plan_attempts(const struct plan *plan, size_t index)
{
    unsigned own = plan->cases[index].attempts;
    return own ? own : plan->attempts;
}

size_t plan_find(const struct plan *plan, const char *suite, const char *name)
{
    size_t i = 0;
    while (i < plan->ncases && (strcmp(plan->cases[i].suite, suite) != 0 ||
                                strcmp(plan->cases[i].name, name) != 0))
        i++;
    return i;
}

static void put(FILE *f, const char *text)
{
    fwrite(text, 1, strlen(text) + 1, f);
}

static void put_pair(FILE *f, const char *key, const char *value)
{
    if (!value)
        return;
    put(f, key);
    put(f, value);
}

static void put_number(FILE *f, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    put_pair(f, key, text);
}

static void put_sets(FILE *f, const char *key, const struct override *sets,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(f, key);
        put(f, sets[i].name);
        put(f, sets[i].value);
    }
}

static int write_plan(FILE *f, const void *owner)
{
    const struct plan *p = owner;
    put_pair(f, "accelerator", p->accelerator);
    put_pair(f, "seed", p->seed);
    // With 1 added: 0 is "any".
    put_number(f, "pin", p->pin.set ? p->pin.cpu + UINT64_C(1) : 0);
    put_number(f, "scale", (uint64_t)(p->timeout_scale * 1000));
    put_number(f, "judge", p->judge_marks);
    put_number(f, "speed", (uint64_t)(p->replay_speed * 1000));
    put_number(f, "no-sandbox", p->no_sandbox);
    put_number(f, "console", p->show_console);
    put_number(f, "verbosity", p->verbosity);
    put_number(f, "quiet", p->quiet_passed);
    put_number(f, "fail-fast", p->fail_fast);
    put_number(f, "attempt", p->attempt);
    put_number(f, "attempts", p->attempts);
    put_sets(f, "set", p->sets, p->nsets);
    for (size_t i = 0; i < p->ncases; i++) {
        put(f, "case");
        put(f, p->cases[i].path);
        put(f, p->cases[i].suite);
        put(f, p->cases[i].name);
        put_pair(f, "title", p->cases[i].title);
        put_pair(f, "series", p->cases[i].series);
        put_pair(f, "kernel", p->cases[i].machine.kernel);
        put_pair(f, "initrd", p->cases[i].machine.initrd);
        put_pair(f, "cmdline", p->cases[i].machine.cmdline);
        put_number(f, "memory", p->cases[i].machine.memory);
        put_number(f, "backing", p->cases[i].machine.backing);
        put_number(f, "cpus", p->cases[i].machine.cpus);
        put_number(f, "number", p->cases[i].number);
        put_number(f, "timeout", p->cases[i].timeout_ns);
        put_number(f, "of-its-own", p->cases[i].attempts);
        put_number(f, "warmup", p->cases[i].warmup);
        put_pair(f, "side", p->cases[i].side);
        put_pair(f, "known", p->cases[i].known);
        put_pair(f, "known-where", p->cases[i].known_where);
        put_number(f, "expired", p->cases[i].known_expired);
        put_pair(f, "record", p->cases[i].record);
        put_pair(f, "replay", p->cases[i].replay);
        put_sets(f, "value", p->cases[i].sets, p->cases[i].nsets);
    }
    return 0;
}

int plan_save(const struct plan *plan, const char *path, struct error *err)
{
    return output_write(path, write_plan, plan, err);
}

// The texts of a loaded plan, one after the other.
struct texts {
    const char *at, *end;
};

// The next text; NULL at the end.
static const char *next(struct texts *t)
{
    const char *text = t->at;
    if (text >= t->end)
        return NULL;
    t->at += strlen(text) + 1;
    return text;
}

static int add_set(struct override **sets, size_t *count, const char *name,
                   struct texts *t)
{
    const char *value = next(t);
    struct override *more =
        value ? reallocarray(*sets, *count + 1, sizeof(*more)) : NULL;
    if (!more)
        return -EINVAL;
    *sets = more;
    more[(*count)++] = (struct override){.name = name, .value = value};
    return 0;
}

static int add_case(struct plan *p, const char *path, struct texts *t)
{
    const char *suite = next(t);
    const char *name = next(t);
    struct plan_case *cases =
        name ? reallocarray(p->cases, p->ncases + 1, sizeof(*cases)) : NULL;
    if (!cases)
        return -EINVAL;
    p->cases = cases;
    cases[p->ncases++] =
        (struct plan_case){.path = path, .suite = suite, .name = name};
    return 0;
}

// A line on the case that came last.
static int take_of_case(struct plan *p, const char *key, const char *value,
                        struct texts *t)
{
    struct plan_case *last = p->ncases ? &p->cases[p->ncases - 1] : NULL;
    if (last && !strcmp(key, "value"))
        return add_set(&last->sets, &last->nsets, value, t);
    const struct {
        const char *key;
        const char **field;
    } fields[] = {
        {"title", last ? &last->title : NULL},
        {"series", last ? &last->series : NULL},
        {"record", last ? &last->record : NULL},
        {"replay", last ? &last->replay : NULL},
        {"known", last ? &last->known : NULL},
        {"known-where", last ? &last->known_where : NULL},
        {"kernel", last ? &last->machine.kernel : NULL},
        {"initrd", last ? &last->machine.initrd : NULL},
        {"cmdline", last ? &last->machine.cmdline : NULL},
        {"side", last ? &last->side : NULL},
    };
    for (size_t i = 0; last && i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!strcmp(key, fields[i].key)) {
            *fields[i].field = value;
            return 0;
        }
    }
    uint64_t n = strtoull(value, NULL, 10);
    if (last && !strcmp(key, "memory"))
        last->machine.memory = n;
    else if (last && !strcmp(key, "backing") && n <= TOYVMM_MEMORY_HUGE)
        last->machine.backing = (enum toyvmm_backing)n;
    else if (last && !strcmp(key, "cpus") && n <= TOYVMM_CPUS)
        last->machine.cpus = (unsigned)n;
    else if (last && !strcmp(key, "number"))
        last->number = (unsigned)n;
    else if (last && !strcmp(key, "timeout"))
        last->timeout_ns = n;
    else if (last && !strcmp(key, "of-its-own"))
        last->attempts = (unsigned)n;
    else if (last && !strcmp(key, "expired"))
        last->known_expired = n;
    else if (last && !strcmp(key, "warmup"))
        last->warmup = n;
    else
        return -EINVAL;
    return 0;
}

static int take(struct plan *p, const char *key, struct texts *t)
{
    const char *value = next(t);
    if (!value)
        return -EINVAL;
    if (!strcmp(key, "set"))
        return add_set(&p->sets, &p->nsets, value, t);
    if (!strcmp(key, "case"))
        return add_case(p, value, t);
    uint64_t n = strtoull(value, NULL, 10);
    if (!strcmp(key, "accelerator"))
        p->accelerator = value;
    else if (!strcmp(key, "seed"))
        p->seed = value;
    else if (!strcmp(key, "pin"))
        p->pin = (struct toyvmm_pin){n > 0, n > 0 ? (unsigned)(n - 1) : 0};
    else if (!strcmp(key, "scale"))
        p->timeout_scale = (double)n / 1000;
    else if (!strcmp(key, "speed"))
        p->replay_speed = (double)n / 1000;
    else if (!strcmp(key, "judge"))
        p->judge_marks = n;
    else if (!strcmp(key, "no-sandbox"))
        p->no_sandbox = n;
    else if (!strcmp(key, "console"))
        p->show_console = n;
    else if (!strcmp(key, "quiet"))
        p->quiet_passed = n;
    else if (!strcmp(key, "fail-fast"))
        p->fail_fast = n;
    else if (!strcmp(key, "attempt"))
        p->attempt = (unsigned)n;
    else if (!strcmp(key, "attempts"))
        p->attempts = (unsigned)n;
    else if (!strcmp(key, "verbosity"))
        p->verbosity = (unsigned)n;
    else
        return take_of_case(p, key, value, t);
    return 0;
}

static char *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    FILE *out = f ? open_memstream(&text, len) : NULL;
    char buf[4096];
    size_t n;
    while (out && (n = fread(buf, 1, sizeof(buf), f)))
        fwrite(buf, 1, n, out);
    if (f)
        fclose(f);
    if (out && fclose(out)) {
        free(text);
        text = NULL;
    }
    return text;
}

int plan_load(struct plan *plan, const char *path, struct error *err)
{
    *plan = (struct plan){0};
    size_t len = 0;
    char *memory = slurp(path, &len);
    if (!memory)
        return error_errno(err, errno ? errno : EIO, "%s", path);
    plan->memory = memory;
    struct texts t = {memory, memory + len};
    int code = len && memory[len - 1] ? -EINVAL : 0;
    const char *key;
    while (!code && (key = next(&t)))
        code = take(plan, key, &t);
    if (!code)
        return 0;
    plan_free(plan);
    return error_set(err, code, "%s: the plan is damaged", path);
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->ncases; i++)
        free(plan->cases[i].sets);
    free(plan->sets);
    free(plan->cases);
    free(plan->memory);
    *plan = (struct plan){0};
}
