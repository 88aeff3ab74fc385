// SPDX-License-Identifier: Apache-2.0
// --explain: the parts of the header. See explain.h.
#include "harness/cli/explain.h"

#include "harness/cli/accel.h"
#include "harness/cli/cli.h"
#include "harness/cli/conf.h"
#include "harness/cli/explain_internal.h"
#include "harness/cli/needs.h"
#include "harness/cli/options_internal.h"

#include <stdlib.h>
#include <string.h>

FILE *explain_line(const struct explainer *e, const char *name)
{
    fprintf(e->w.f, "    %-13s ", name);
    return e->w.f;
}

void explain_title(const struct explainer *e, const char *name)
{
    fprintf(e->w.f, "%s\n", name);
}

// ---- The test ---------------------------------------------------------------

static void put_place(const struct explainer *e)
{
    FILE *f = explain_line(e, "accelerator");
    if (!e->accelerator)
        fprintf(f, "none: %s\n", e->why);
    else if (!strcmp(e->accelerator, "rig"))
        fputs("the rig: times are not the hardware's, and not judged\n", f);
    else if (!strcmp(e->accelerator, "exact"))
        fputs("the exact rig: times are counted in instructions\n", f);
    else
        fprintf(f, "%s\n", e->accelerator);
}

static void put_deadline(const struct explainer *e, const char *name,
                         uint64_t ns, const struct source_pos *pos)
{
    FILE *f = explain_line(e, name);
    words_duration(f, ns);
    if (e->scale < 1 || e->scale > 1) {
        fprintf(f, " * %g = ", e->scale);
        words_duration(f, (uint64_t)((double)ns * e->scale));
    }
    fputs("  [", f);
    if (pos == &e->w.scenario->timeout_pos && e->one->timeout_ns)
        fputs(options_given(e->o, options_row("timeout"))
                  ? "--timeout"
                  : conf_path(e->o->conf),
              f);
    else if (pos->line)
        words_place(&e->w, pos);
    else
        fputs("unless it is set", f);
    fputs("]\n", f);
}

static bool is_axis(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->naxes; i++)
        if (!strcmp(s->axes[i].name, name))
            return true;
    return false;
}

// Who gives a variable its value; NULL: the scenario itself.
static const char *giver(const struct options *o, const char *name)
{
    for (size_t i = 0; i < o->nsets; i++)
        if (!strcmp(o->sets[i].name, name))
            return i < o->nsets_given || !o->conf ? "--set"
                                                  : conf_path(o->conf);
    return NULL;
}

static void put_conf(const struct explainer *e)
{
    if (!e->o->conf)
        return;
    conf_tell(explain_line(e, "config"), e->o->conf, e->one);
    fputc('\n', e->w.f);
}

static void put_attempts(const struct explainer *e)
{
    unsigned own = e->one->attempts;
    unsigned attempts = own ? own : (unsigned)e->o->retries + 1;
    if (attempts > 1)
        fprintf(explain_line(e, "attempts"), "%u at most\n", attempts);
}

static void put_settings(const struct explainer *e)
{
    const struct scenario *s = e->w.scenario;
    if (s->nsettings)
        explain_title(e, "variables");
    for (size_t i = 0; i < s->nsettings; i++) {
        const struct setting *set = &s->settings[i];
        FILE *f = explain_line(e, set->name);
        words_text(&e->w, &set->value);
        fputs("  [", f);
        const char *by = giver(e->o, set->name);
        if (by) {
            fputs(by, f);
        } else {
            fputs(is_axis(s, set->name) ? "matrix, " : "", f);
            words_place(&e->w, &set->pos);
        }
        fputs("]\n", f);
    }
}

static void put_needs(const struct explainer *e)
{
    const struct scenario *s = e->w.scenario;
    if (s->nneeds)
        explain_title(e, "needs");
    for (size_t i = 0; i < s->nneeds; i++) {
        static const char *const names[] = {[NEED_KVM] = "kvm",
                                            [NEED_RIG] = "rig",
                                            [NEED_NET] = "net",
                                            [NEED_GUEST] = "guest"};
        const struct need *need = &s->needs[i];
        struct error err = {""};
        char *reason = needs_reason(s, need, e->accelerator, false, &err);
        FILE *f = explain_line(e, names[need->kind]);
        if (need->guest)
            fprintf(f, "%s: ", need->guest);
        if (reason)
            fprintf(f, "skipped here: %s", reason);
        else
            fputs("holds", f);
        fputs("  [", f);
        words_place(&e->w, &need->pos);
        fputs("]\n", f);
        free(reason);
    }
}

static void put_files(const struct explainer *e)
{
    const struct scenario *s = e->w.scenario;
    if (s->nincluded)
        explain_title(e, "files that it uses");
    for (size_t i = 0; i < s->nincluded; i++) {
        fprintf(e->w.f, "    %s  [", s->included[i].path);
        words_place(&e->w, &s->included[i].pos);
        fputs("]\n", e->w.f);
    }
}

// ---- What fails it ----------------------------------------------------------

static bool is_allowed(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->nallows; i++)
        if (s->allows[i].name && !strcmp(s->allows[i].name, name))
            return true;
    return false;
}

static void put_builtin(const struct explainer *e)
{
    const struct builtin_fail *b;
    size_t count = 0;
    for (size_t i = 0; (b = builtin_fail_at(i)); i++)
        count += !is_allowed(e->w.scenario, b->name);
    fprintf(e->w.f, "    %zu built-in ones, on the kernel's lines:", count);
    size_t column = 80;
    for (size_t i = 0; (b = builtin_fail_at(i)); i++) {
        if (is_allowed(e->w.scenario, b->name))
            continue;
        size_t len = strlen(b->name) + 1;
        if (column + len > 80) {
            fputs("\n       ", e->w.f);
            column = 7;
        }
        fprintf(e->w.f, " %s", b->name);
        column += len;
    }
    fputc('\n', e->w.f);
}

static void put_rules(const struct explainer *e)
{
    const struct scenario *s = e->w.scenario;
    FILE *f = e->w.f;
    explain_title(e, "fails at once on");
    put_builtin(e);
    for (size_t i = 0; i < s->nfails; i++) {
        fputs("    ", f);
        words_pattern(&e->w, &s->fails[i].pattern);
        if (s->fails[i].why.npieces) {
            fputs(": ", f);
            words_text(&e->w, &s->fails[i].why);
        }
        fputs("  [", f);
        words_place(&e->w, &s->fails[i].pos);
        fputs("]\n", f);
    }
    if (s->nallows)
        explain_title(e, "allows");
    for (size_t i = 0; i < s->nallows; i++) {
        fputs("    ", f);
        if (s->allows[i].name)
            fputs(s->allows[i].name, f);
        else
            words_pattern(&e->w, &s->allows[i].pattern);
        fputs("  [", f);
        words_place(&e->w, &s->allows[i].pos);
        fputs("]\n", f);
    }
}

// ---- One file ---------------------------------------------------------------

static void put_tags(const struct explainer *e)
{
    const struct scenario *s = e->w.scenario;
    if (!s->ntags)
        return;
    explain_line(e, "tags");
    for (size_t i = 0; i < s->ntags; i++)
        fprintf(e->w.f, "%s%s", i ? " " : "", s->tags[i]);
    fputc('\n', e->w.f);
}

// count cases of one file, of which the first is the one that is explained.
static void put_cases(const struct explainer *e, size_t count)
{
    if (!e->w.scenario->naxes)
        return;
    fprintf(e->w.f, "cases: %zu\n", count);
    for (size_t i = 0; i < count; i++)
        fprintf(e->w.f, "    %s/%s%s\n", e->one[i].suite, e->one[i].name,
                i ? "" : "  (this one is explained)");
}

static int explain_file(struct explainer *e, size_t count)
{
    const struct scenario *s = e->w.scenario;
    fprintf(e->w.f, "%s: %s\n", e->one->path, e->one->what.title);
    put_cases(e, count);
    int code = explain_machine(e);
    explain_title(e, "test");
    put_place(e);
    put_conf(e);
    put_attempts(e);
    put_deadline(e, "whole", s->timeout_ns, &s->timeout_pos);
    put_deadline(e, "one wait", s->step_timeout_ns, &s->step_timeout_pos);
    put_tags(e);
    put_files(e);
    put_settings(e);
    put_needs(e);
    put_rules(e);
    explain_title(e, "steps");
    words_steps(&e->w);
    return code;
}

int explain_run(const struct options *o, const struct selection *s, FILE *f)
{
    struct explainer e = {.w = {.f = f}, .o = o};
    struct error err = {""};
    int code = accel_choose(o->accelerator, &e.accelerator, &err);
    if (code < 0) {
        e.accelerator = NULL;
        snprintf(e.why, sizeof(e.why), "%s", err.text);
    } else if (code > 0) {
        e.accelerator = o->exact ? "exact" : "rig";
    }
    e.scale = accel_timeout_scale(o, e.accelerator);
    int exit_code = EXIT_PASSED;
    for (size_t i = 0, to; i < s->count; i = to) {
        to = i + 1;
        while (to < s->count && !strcmp(s->list[to].path, s->list[i].path))
            to++;
        e.one = &s->list[i];
        e.w.scenario = e.one->what.scenario;
        if (i)
            fputc('\n', f);
        if (explain_file(&e, to - i))
            exit_code = EXIT_WRONG;
    }
    return exit_code;
}
