// SPDX-License-Identifier: Apache-2.0
// Secrets out of streams. See conceal.h.
#include "harness/recording/conceal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void conceal_free(struct conceal *c)
{
    for (size_t i = 0; i < c->count; i++) {
        explicit_bzero(c->list[i].bytes, c->list[i].len);
        free(c->list[i].bytes);
    }
    free(c->list);
    for (size_t i = 0; i < CONCEAL_STREAMS; i++)
        free(c->tail[i].bytes);
    *c = (struct conceal){0};
}

bool conceal_add(struct conceal *c, const void *bytes, size_t len,
                 size_t *index)
{
    size_t i = 0;
    while (i < c->count &&
           (c->list[i].len != len || memcmp(c->list[i].bytes, bytes, len) != 0))
        i++;
    if (index)
        *index = i;
    if (i < c->count || !len)
        return true;
    struct conceal_secret *list =
        reallocarray(c->list, c->count + 1, sizeof(*list));
    if (list)
        c->list = list;
    uint8_t *copy = list ? malloc(len) : NULL;
    if (!copy)
        return false;
    memcpy(copy, bytes, len);
    c->list[c->count++] = (struct conceal_secret){copy, len};
    if (len > c->longest)
        c->longest = len;
    return true;
}

// What a byte of the window is in truth; secret is 1 + its number.
struct cover {
    uint32_t secret, offset;
};

static void hide(struct cover *cover, size_t at, size_t len, size_t secret)
{
    for (size_t i = 0; i < len; i++) {
        if (!cover[at + i].secret)
            cover[at + i] = (struct cover){(uint32_t)secret + 1, (uint32_t)i};
    }
}

// Every place of the secret in the window, and its longest beginning that the
// window ends in.
static void find(const struct conceal_secret *s, size_t number,
                 const uint8_t *window, size_t len, struct cover *cover)
{
    const uint8_t *at = window;
    size_t left = len;
    while ((at = memmem(at, left, s->bytes, s->len))) {
        hide(cover, (size_t)(at - window), s->len, number);
        at++;
        left = len - (size_t)(at - window);
    }
    size_t k = s->len - 1 < len ? s->len - 1 : len;
    while (k && memcmp(window + len - k, s->bytes, k) != 0)
        k--;
    hide(cover, len - k, k, number);
}

static size_t tell(const struct cover *cover, size_t len, struct mask *masks,
                   size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (!cover[i].secret)
            continue;
        struct mask *last = n ? &masks[n - 1] : NULL;
        bool goes_on = last && last->at + last->len == i &&
                       last->index + 1 == cover[i].secret &&
                       last->offset + last->len == cover[i].offset;
        if (goes_on)
            last->len++;
        else if (n < max)
            masks[n++] = (struct mask){(uint32_t)i, 1, cover[i].secret - 1,
                                       cover[i].offset};
    }
    return n;
}

static int apply(struct conceal *c, unsigned stream, const uint8_t *in,
                 size_t len, uint8_t *out, struct mask *masks, size_t max)
{
    size_t before = c->tail[stream].len;
    size_t all = before + len;
    uint8_t *window = malloc(all + 1);
    struct cover *cover = calloc(all + 1, sizeof(*cover));
    size_t keep = all < c->longest - 1 ? all : c->longest - 1;
    uint8_t *tail = malloc(keep + 1);
    if (!window || !cover || !tail) {
        free(window);
        free(cover);
        free(tail);
        return -ENOMEM;
    }
    if (before)
        memcpy(window, c->tail[stream].bytes, before);
    memcpy(window + before, in, len);
    for (size_t i = 0; i < c->count; i++)
        find(&c->list[i], i, window, all, cover);
    for (size_t i = 0; i < len; i++)
        out[i] = cover[before + i].secret ? '*' : in[i];
    size_t n = tell(cover + before, len, masks, max);
    memcpy(tail, window + all - keep, keep);
    free(c->tail[stream].bytes);
    c->tail[stream].bytes = tail;
    c->tail[stream].len = keep;
    explicit_bzero(window, all);
    free(window);
    free(cover);
    return (int)n;
}

int conceal_apply(struct conceal *c, unsigned stream, const uint8_t *in,
                  size_t len, uint8_t *out, struct mask *masks, size_t max)
{
    if (!c->count || !len) {
        if (len)
            memcpy(out, in, len);
        return 0;
    }
    int n = apply(c, stream, in, len, out, masks, max);
    if (n < 0)
        memset(out, '*', len);
    return n;
}
