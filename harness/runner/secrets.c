// SPDX-License-Identifier: Apache-2.0
// Secrets are kept out of results. See secrets.h.
#include "harness/runner/secrets.h"

#include <stdlib.h>
#include <string.h>

bool secrets_add(struct secrets *s, const char *bytes, size_t len)
{
    if (!len)
        return true;
    struct secret *list = reallocarray(s->list, s->count + 1, sizeof(*list));
    if (!list)
        return false;
    s->list = list;
    char *copy = malloc(len);
    if (!copy)
        return false;
    memcpy(copy, bytes, len);
    list[s->count++] = (struct secret){copy, len};
    return true;
}

static void mask(const struct secret *s, char *text, size_t len)
{
    char *at;
    while (text && (at = memmem(text, len, s->bytes, s->len))) {
        memset(at, '*', s->len);
        len -= (size_t)(at - text) + s->len;
        text = at + s->len;
    }
}

static void mask_string(const struct secret *s, char *text)
{
    if (text)
        mask(s, text, strlen(text));
}

void secrets_mask(const struct secrets *s, struct result *r)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct secret *one = &s->list[i];
        for (size_t n = 0; n < r->nconsoles; n++)
            mask(one, r->consoles[n].bytes, r->consoles[n].len);
        mask_string(one, r->message);
        for (size_t n = 0; n < r->nsections; n++)
            mask_string(one, r->sections[n].text);
        for (size_t n = 0; n < r->ntests; n++) {
            mask_string(one, r->tests[n].name);
            mask_string(one, r->tests[n].message);
            mask_string(one, r->tests[n].details);
        }
        for (size_t n = 0; n < r->ninitcalls; n++)
            mask_string(one, r->initcalls[n].name);
        for (size_t n = 0; n < r->nnotes; n++)
            mask_string(one, r->notes[n].text);
        for (size_t n = 0; n < r->nproperties; n++)
            mask_string(one, r->properties[n].value);
    }
}

void secrets_free(struct secrets *s)
{
    for (size_t i = 0; i < s->count; i++) {
        explicit_bzero(s->list[i].bytes, s->list[i].len);
        free(s->list[i].bytes);
    }
    free(s->list);
    *s = (struct secrets){0};
}
