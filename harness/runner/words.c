// SPDX-License-Identifier: Apache-2.0
// A step's texts and patterns. See words.h.
#include "harness/runner/words.h"

#include <stdlib.h>

const struct pattern *run_pattern(struct run *r, const struct pattern_node *n,
                                  struct pattern **owned)
{
    *owned = NULL;
    if (n->compiled)
        return n->compiled;
    struct error err = {""};
    size_t len = 0;
    char *source =
        variables_expand(&r->variables, &n->source, true, &len, &err);
    size_t at;
    if (source)
        *owned = pattern_compile(source, len, n->flags, &at, &err);
    free(source);
    if (!*owned)
        run_fail(r, VERDICT_ERROR, &n->pos, "pattern", "%s", err.text);
    return *owned;
}

char *run_text(struct run *r, const struct text *t, size_t *len)
{
    struct error err = {""};
    char *text = variables_expand(&r->variables, t, false, len, &err);
    if (!text)
        run_fail(r, VERDICT_ERROR, &t->pos, "variable", "%s", err.text);
    return text;
}

bool run_take_groups(struct run *r, const struct pattern *p,
                     const struct match *m)
{
    for (size_t i = 0; i < pattern_names(p); i++) {
        unsigned group;
        const char *name = pattern_name(p, i, &group);
        if (group >= m->ngroups || !m->groups[group].text)
            continue;
        if (!variables_set(&r->variables, name, m->groups[group].text,
                           m->groups[group].len))
            return false;
    }
    return true;
}
