// SPDX-License-Identifier: Apache-2.0
// From one run to the next. See rerun.h.
#include "harness/cli/rerun.h"

#include "harness/cli/accel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int rerun_begin(struct rerun *r, struct options *o, struct error *err)
{
    char folder[RUN_STORE_PATH];
    const char *chosen = accel_inside_rig() ? getenv(RERUN_VARIABLE) : NULL;
    struct error why = {""};
    *r = (struct rerun){.file = NULL};
    // The process outside of an exact rig keeps the runs.
    if (o->exact && accel_inside_rig())
        return 0;
    int code = run_store_open(r->store, &why);
    if (code)
        *r->store = '\0';
    if (!o->rerun)
        return 0;
    if (!code && !getcwd(folder, sizeof(folder)))
        code = error_errno(&why, errno, "the working directory");
    if (!code && chosen)
        code = run_store_read(r->store, chosen, &r->last, &why);
    else if (!code)
        code = run_store_last(r->store, folder, &r->last, &r->file, &why);
    if (code)
        return error_set(err, code, "--rerun: %s", why.text);
    if (!o->npaths) {
        o->npaths = r->last.npaths;
        o->paths = r->last.paths;
    }
    return 0;
}

void rerun_free(struct rerun *r)
{
    stored_run_free(&r->last);
    free(r->file);
    *r = (struct rerun){.file = NULL};
}

int rerun_hand_over(const struct rerun *r)
{
    if (!r->file)
        return 0;
    return setenv(RERUN_VARIABLE, r->file, 1) ? -ENOMEM : 0;
}

static bool is_case(const struct selected *one, const char *name)
{
    size_t len = strlen(one->suite);
    return !strncmp(one->suite, name, len) && name[len] == '/' &&
           !strcmp(one->name, name + len + 1);
}

static const struct stored_case *stored(const struct rerun *r,
                                        const struct selected *one)
{
    for (size_t i = 0; i < r->last.count; i++) {
        if (is_case(one, r->last.cases[i].name))
            return &r->last.cases[i];
    }
    return NULL;
}

void rerun_select(const struct rerun *r, const struct options *o,
                  struct selection *s)
{
    for (size_t i = s->count; o->rerun && i-- > 0;) {
        const struct stored_case *c = stored(r, &s->list[i]);
        bool wanted =
            c && (o->rerun == RERUN_LAST ||
                  (o->rerun == RERUN_FAILED && c->fate == FATE_FAILED) ||
                  (o->rerun == RERUN_UNRUN && c->fate == FATE_UNRUN));
        if (!wanted)
            selection_drop(s, i);
    }
}

// ---- Keeping ----------------------------------------------------------------

static enum run_fate fate_of(const struct result *r, bool flaky_ok)
{
    bool interrupted = r->kind && !strcmp(r->kind, "interrupted");
    if (r->verdict == VERDICT_UNRUN || interrupted)
        return FATE_UNRUN;
    if (r->verdict == VERDICT_SKIPPED)
        return FATE_SKIPPED;
    return verdict_fails(r->verdict, flaky_ok) ? FATE_FAILED : FATE_PASSED;
}

// The worst of a case's boots.
static enum run_fate worst(const struct options *o, const struct boots *b,
                           const struct suite_run *run, size_t selected)
{
    static const unsigned rank[FATES] = {[FATE_SKIPPED] = 0,
                                         [FATE_PASSED] = 1,
                                         [FATE_UNRUN] = 2,
                                         [FATE_FAILED] = 3};
    enum run_fate fate = FATE_SKIPPED;
    for (size_t i = 0; i < run->count; i++) {
        if (b->list[i].selected != selected)
            continue;
        enum run_fate one = fate_of(&run->results[i], o->flaky_ok);
        fate = rank[one] > rank[fate] ? one : fate;
    }
    return fate;
}

static bool is_selected(const struct selection *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (is_case(&s->list[i], name))
            return true;
    }
    return false;
}

// names[0..count) are freed by the caller.
static size_t fill(struct stored_case *cases, char **names,
                   const struct rerun *r, const struct options *o,
                   const struct selection *s, const struct boots *b,
                   const struct suite_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (asprintf(&names[count], "%s/%s", s->list[i].suite,
                     s->list[i].name) < 0) {
            names[count] = NULL;
            continue;
        }
        cases[count] = (struct stored_case){names[count], worst(o, b, run, i)};
        count++;
    }
    for (size_t i = 0; i < r->last.count; i++) {
        if (!is_selected(s, r->last.cases[i].name))
            cases[count++] = r->last.cases[i];
    }
    return count;
}

void rerun_keep(const struct rerun *r, const struct options *o,
                const struct selection *s, const struct boots *b,
                const struct suite_run *run, uint64_t now_ns)
{
    char folder[RUN_STORE_PATH];
    struct error ignored;
    if (!*r->store || !run->results || !getcwd(folder, sizeof(folder)))
        return;
    char **names = calloc(s->count + 1, sizeof(*names));
    struct stored_run kept = {
        .folder = folder,
        // Of a part of a run, the whole one's.
        .npaths = o->rerun ? r->last.npaths : o->npaths,
        .paths = o->rerun ? r->last.paths : o->paths,
        .cases = calloc(s->count + r->last.count + 1, sizeof(*kept.cases)),
    };
    if (names && kept.cases) {
        kept.count = fill(kept.cases, names, r, o, s, b, run);
        run_store_add(r->store, &kept, now_ns, &ignored);
    }
    for (size_t i = 0; names && i < s->count; i++)
        free(names[i]);
    free(names);
    free(kept.cases);
}
