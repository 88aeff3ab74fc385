// SPDX-License-Identifier: Apache-2.0
// The scenario as a text. See learn.h. It is laid out by the scenario room,
// which so has read it.
#include "harness/learn/internal.h"

#include "harness/scenario/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_any_status(const struct steps *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].kind == LEARNT_RUN && !s->list[i].status_known)
            return true;
    return false;
}

static bool has_password(const struct steps *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].password_len || s->list[i].literal)
            return true;
    return false;
}

static void put_words(FILE *f, const struct learn *l)
{
    fputs("# Learnt by `toyvmm-test --interactive --learn` from what was typed "
          "by hand:\n# yours to change.\n",
          f);
    if (has_any_status(&l->steps))
        fputs("# `status any`: a console doesn't show how a command has ended. "
              "Without the two\n# words it must end with 0; an `echo $?` typed "
              "behind it is learnt as its status.\n",
              f);
    if (l->nnames)
        fputs("# What was typed unseen is not in this file. It is run with\n#  "
              "  ",
              f);
    for (size_t i = 0; i < l->nnames; i++)
        fprintf(f, " --set %s=...", l->names[i]);
    fputs(l->nnames ? "\n" : "", f);
    if (has_password(&l->steps))
        fputs("# It holds a login's password.\n", f);
    if (l->steps.full)
        fputs("# More was typed than is learnt.\n", f);
}

static char *put_all(const struct learn *l, const char *header, size_t *len,
                     size_t *nallowed)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    if (!f)
        return NULL;
    put_words(f, l);
    fputs(header, f);
    *nallowed = learn_kernel_put(f, l);
    unsigned timeout_s = steps_timeout_s(&l->steps);
    if (timeout_s)
        fprintf(f, "timeout %um\n", timeout_s / 60);
    fputc('\n', f);
    steps_put(f, &l->steps, &l->prompts);
    bool failed = ferror(f);
    if (!fclose(f) && !failed)
        return text;
    free(text);
    return NULL;
}

char *learn_scenario(const struct learn *l, const char *header,
                     struct learn_summary *summary, struct error *err)
{
    size_t len, out_len;
    char *out = NULL;
    *summary = (struct learn_summary){
        .steps = steps_counted(&l->steps),
        .has_password = has_password(&l->steps),
        .nsecrets = l->nnames,
        .secrets = l->names,
    };
    char *text = l->failed || l->steps.failed
                     ? NULL
                     : put_all(l, header, &len, &summary->nallowed);
    if (!text) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    struct diagnostics diags = {.count = 0};
    int code =
        scenario_format("learnt.tc", text, len, &out, &out_len, &diags, err);
    if (code == -EINVAL && diags.count)
        error_set(err, code, "what was learnt is no scenario: line %u: %s",
                  diags.list[0].pos.line, diags.list[0].message);
    diagnostics_free(&diags);
    if (code)
        return text;
    free(text);
    return out;
}
