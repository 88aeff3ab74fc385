// SPDX-License-Identifier: Apache-2.0
// The header's shares: their texts are resolved, each tag is one that a guest
// can mount by. For harness/scenario only.
#include "harness/scenario/check.h"

#include <string.h>

// It holds no variable that is not known, which is reported.
static bool is_known(const struct text *t)
{
    return t->npieces == 1 && !t->pieces[0].variable;
}

static void check_tag(struct check *c, const struct share *shares, size_t i)
{
    const struct text *tag = &shares[i].tag;
    if (!is_known(tag))
        return;
    if (tag->pieces[0].len > SHARE_TAG_MAX)
        diag_error(c->p->diags, tag->pos, 1, NULL,
                   "the tag of a share has at most %d bytes", SHARE_TAG_MAX);
    for (size_t k = 0; k < i; k++)
        if (is_known(&shares[k].tag) &&
            !strcmp(shares[k].tag.pieces[0].bytes, tag->pieces[0].bytes)) {
            diag_error(c->p->diags, tag->pos, 1, NULL,
                       "a share with the tag `%.60s` is there already",
                       tag->pieces[0].bytes);
            return;
        }
}

void check_shares(struct check *c)
{
    struct share *shares = c->p->shares.items;
    for (size_t i = 0; i < c->p->shares.count; i++) {
        check_resolve_string(c, &shares[i].path, "a path");
        check_resolve_string(c, &shares[i].tag, "a tag");
        check_tag(c, shares, i);
        if (i == SHARES_MAX)
            diag_error(c->p->diags, shares[i].pos, 1, NULL,
                       "a machine has at most %d shares", SHARES_MAX);
    }
    c->p->sc->nshares = c->p->shares.count;
    c->p->sc->shares = shares;
}
