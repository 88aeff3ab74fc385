// SPDX-License-Identifier: Apache-2.0
// The list of learnt steps, as text of the language. See steps.h.
#include "harness/learn/steps.h"

#include "src/base/clock.h"
#include "src/base/ports.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// So many times as long as it took is waited: other machines are slower.
#define SLOWER 3
// Without `within` and `timeout`: harness/scenario/LANGUAGE.md.
#define STEP_TIMEOUT_S 30
#define TIMEOUT_S      120

static char *copy(const char *text, size_t len)
{
    char *out = malloc(len + 1);
    if (out) {
        memcpy(out, text, len);
        out[len] = '\0';
    }
    return out;
}

struct learnt *steps_add(struct steps *s, enum learnt_kind kind, unsigned port,
                         const char *text, size_t len)
{
    if (s->count == STEPS_MAX) {
        s->full = true;
        return NULL;
    }
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 32;
        struct learnt *list = reallocarray(s->list, cap, sizeof(*list));
        s->failed |= !list;
        if (!list)
            return NULL;
        s->list = list;
        s->cap = cap;
    }
    char *own = text ? copy(text, len) : NULL;
    if (text && !own) {
        s->failed = true;
        return NULL;
    }
    s->list[s->count] =
        (struct learnt){.kind = kind, .port = port, .text = own, .len = len};
    return &s->list[s->count++];
}

void steps_free(struct steps *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct learnt *step = &s->list[i];
        if (step->password)
            explicit_bzero(step->password, step->password_len);
        free(step->password);
        if (step->literal)
            explicit_bzero(step->text, step->len);
        free(step->text);
        free(step->as);
    }
    free(s->list);
    *s = (struct steps){.count = 0};
}

size_t steps_counted(const struct steps *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->list[i].kind != LEARNT_COMMENT;
    return n;
}

static uint64_t seconds(uint64_t ns)
{
    return (ns + NS_PER_S - 1) / NS_PER_S;
}

static void put_within(FILE *f, const struct learnt *step)
{
    uint64_t s = seconds(SLOWER * step->waited_ns);
    if (s > STEP_TIMEOUT_S)
        fprintf(f, " within %" PRIu64 "s", (s + 9) / 10 * 10);
}

unsigned steps_timeout_s(const struct steps *s)
{
    uint64_t sum = STEP_TIMEOUT_S;
    for (size_t i = 0; i < s->count; i++)
        sum += seconds(SLOWER * s->list[i].waited_ns);
    return sum <= TIMEOUT_S ? 0 : (unsigned)((sum + 59) / 60 * 60);
}

static void put_word(FILE *f, const struct learnt *step, const char *word)
{
    fputs(word, f);
    if (step->port)
        fprintf(f, " on %s", port_name(step->port));
    fputc(' ', f);
}

static void put_line(FILE *f, const struct learnt *step)
{
    static const char *const after[] = {
        [LINE_ANYWHERE] = "\\n", [LINE_LAST] = "\\n$", [LINE_WHOLE] = "$"};
    bool whole = step->shape == LINE_WHOLE;
    pattern_put(f, whole ? "^" : "", step->text, step->len, step->digits,
                after[step->shape]);
    if (whole)
        fputc('m', f);
}

static void put_run(FILE *f, const struct learnt *step)
{
    put_word(f, step, "run");
    learn_put_text(f, step->text, step->len);
    if (!step->status_known)
        fputs(" status any", f);
    else if (step->status)
        fprintf(f, " status %d", step->status);
    put_within(f, step);
    if (step->as)
        fprintf(f, " as %s", step->as);
}

static void put_login(FILE *f, const struct learnt *step,
                      const struct prompts *prompts)
{
    put_word(f, step, "login");
    learn_put_text(f, step->text, step->len);
    if (step->password) {
        fputs(" password ", f);
        learn_put_text(f, step->password, step->password_len);
    }
    if (step->has_prompt) {
        fputs(" prompt ", f);
        prompts_put(f, prompts, step->prompt);
    }
    put_within(f, step);
}

static void put_step(FILE *f, const struct learnt *step,
                     const struct prompts *prompts)
{
    switch (step->kind) {
    case LEARNT_EXPECT:
        put_word(f, step, "expect");
        prompts_put(f, prompts, step->prompt);
        put_within(f, step);
        break;
    case LEARNT_LINE:
        put_word(f, step, "expect");
        put_line(f, step);
        put_within(f, step);
        break;
    case LEARNT_IDLE:
        put_word(f, step, "expect");
        if (step->waited_ns % NS_PER_S)
            fprintf(f, "idle %" PRIu64 "ms", step->waited_ns / NS_PER_MS);
        else
            fprintf(f, "idle %" PRIu64 "s", step->waited_ns / NS_PER_S);
        break;
    case LEARNT_SEND:
        put_word(f, step, "send");
        learn_put_text(f, step->text, step->len);
        break;
    case LEARNT_SECRET:
        put_word(f, step, "send");
        if (step->literal)
            learn_put_text(f, step->text, step->len);
        else
            fprintf(f, "\"${%s}\"", step->text);
        fputs(" secret", f);
        break;
    case LEARNT_TYPE:
        put_word(f, step, "type");
        learn_put_text(f, step->text, step->len);
        break;
    case LEARNT_KEY:
        put_word(f, step, "key");
        fputs(step->text, f);
        break;
    case LEARNT_LOGIN:
        put_login(f, step, prompts);
        break;
    case LEARNT_RUN:
        put_run(f, step);
        break;
    case LEARNT_CHECK:
        fprintf(f, "check %s has ", step->as);
        put_line(f, step);
        break;
    case LEARNT_EVENT:
        fprintf(f, "expect %s", step->text);
        put_within(f, step);
        break;
    case LEARNT_COMMENT:
        fprintf(f, "# %s", step->text);
        break;
    }
    fputc('\n', f);
}

void steps_put(FILE *f, const struct steps *s, const struct prompts *prompts)
{
    for (size_t i = 0; i < s->count; i++)
        put_step(f, &s->list[i], prompts);
}
