// SPDX-License-Identifier: Apache-2.0
// The plan as a file: a key and its values, each ended by NUL, as often as it
// takes. See plan.h.
#include "harness/suite/plan.h"

#include "harness/report/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

static int write_plan(FILE *f, const void *owner)
{
    const struct plan *p = owner;
    put_pair(f, "kernel", p->machine.kernel);
    put_pair(f, "initrd", p->machine.initrd);
    put_pair(f, "cmdline", p->machine.cmdline);
    put_number(f, "memory", p->machine.memory);
    put_pair(f, "accelerator", p->accelerator);
    put_number(f, "scale", (uint64_t)(p->timeout_scale * 1000));
    put_number(f, "judge", p->judge_marks);
    put_number(f, "console", p->show_console);
    put_number(f, "verbosity", p->verbosity);
    for (size_t i = 0; i < p->nsets; i++) {
        put(f, "set");
        put(f, p->sets[i].name);
        put(f, p->sets[i].value);
    }
    for (size_t i = 0; i < p->ncases; i++) {
        put(f, "case");
        put(f, p->cases[i].path);
        put(f, p->cases[i].suite);
        put(f, p->cases[i].name);
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

static int add_set(struct plan *p, const char *name, struct texts *t)
{
    const char *value = next(t);
    struct override *sets =
        value ? reallocarray(p->sets, p->nsets + 1, sizeof(*sets)) : NULL;
    if (!sets)
        return -EINVAL;
    p->sets = sets;
    sets[p->nsets++] = (struct override){.name = name, .value = value};
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

static int take(struct plan *p, const char *key, struct texts *t)
{
    const char *value = next(t);
    const struct {
        const char *key;
        const char **field;
    } fields[] = {
        {"kernel", &p->machine.kernel},
        {"initrd", &p->machine.initrd},
        {"cmdline", &p->machine.cmdline},
        {"accelerator", &p->accelerator},
    };
    if (!value)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!strcmp(key, fields[i].key)) {
            *fields[i].field = value;
            return 0;
        }
    }
    if (!strcmp(key, "set"))
        return add_set(p, value, t);
    if (!strcmp(key, "case"))
        return add_case(p, value, t);
    uint64_t n = strtoull(value, NULL, 10);
    if (!strcmp(key, "memory"))
        p->machine.memory = n;
    else if (!strcmp(key, "scale"))
        p->timeout_scale = (double)n / 1000;
    else if (!strcmp(key, "judge"))
        p->judge_marks = n;
    else if (!strcmp(key, "console"))
        p->show_console = n;
    else if (!strcmp(key, "verbosity"))
        p->verbosity = (unsigned)n;
    else
        return -EINVAL;
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
    free(plan->sets);
    free(plan->cases);
    free(plan->memory);
    *plan = (struct plan){0};
}
