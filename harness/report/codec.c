// SPDX-License-Identifier: Apache-2.0
// The parts of records in files. See codec.h.
#include "harness/report/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// A longer text than this is a damaged file.
#define TEXT_MAX (UINT64_C(64) << 20)
#define LIST_MAX (UINT64_C(1) << 20)

int codec_open(struct codec *c, const char *path, struct error *err)
{
    struct stat st;
    *c = (struct codec){.f = fopen(path, "rbe")};
    if (!c->f)
        return error_errno(err, errno, "%s", path);
    if (!fstat(fileno(c->f), &st) && S_ISREG(st.st_mode))
        c->left = (uint64_t)st.st_size;
    return 0;
}

void codec_seal(struct codec *c, const char magic[8])
{
    char found[8];
    memcpy(found, magic, sizeof(found));
    codec_raw(c, found, sizeof(found));
    if (memcmp(found, magic, sizeof(found)) != 0)
        c->failed = true;
}

void codec_raw(struct codec *c, void *bytes, size_t len)
{
    size_t done = 0;
    if (!c->saving && len > c->left)
        c->failed = true;
    if (!c->failed && len)
        done = c->saving ? fwrite(bytes, 1, len, c->f)
                         : fread(bytes, 1, len, c->f);
    if (done != len)
        c->failed = true;
    if (!c->saving && !c->failed)
        c->left -= len;
}

void codec_number(struct codec *c, uint64_t *value)
{
    uint8_t b[8] = {0};
    if (c->saving) {
        for (unsigned i = 0; i < 8; i++)
            b[i] = (uint8_t)(*value >> (8 * i));
    }
    codec_raw(c, b, sizeof(b));
    if (!c->saving) {
        *value = 0;
        for (unsigned i = 0; i < 8 && !c->failed; i++)
            *value |= (uint64_t)b[i] << (8 * i);
    }
}

void codec_length(struct codec *c, size_t *value, uint64_t max)
{
    uint64_t n = *value;
    codec_number(c, &n);
    if (n > max)
        c->failed = true;
    *value = c->failed && !c->saving ? 0 : (size_t)n;
}

// A text of known length; NULL is kept apart from "".
void codec_bytes(struct codec *c, char **text, size_t *len)
{
    uint64_t n = *text ? *len : UINT64_MAX;
    codec_number(c, &n);
    if (c->saving) {
        if (*text)
            codec_raw(c, *text, *len);
        return;
    }
    *text = NULL;
    *len = 0;
    if (c->failed || n == UINT64_MAX)
        return;
    char *copy = n <= TEXT_MAX && n <= c->left ? malloc((size_t)n + 1) : NULL;
    if (!copy) {
        c->failed = true;
        return;
    }
    codec_raw(c, copy, (size_t)n);
    copy[n] = '\0';
    *text = copy;
    *len = (size_t)n;
}

void codec_string(struct codec *c, char **text)
{
    size_t len = *text ? strlen(*text) : 0;
    codec_bytes(c, text, &len);
}

// A list's length, and when loading its memory.
void codec_list(struct codec *c, void **items, size_t *n, size_t size)
{
    codec_length(c, n, LIST_MAX);
    if (c->saving)
        return;
    // No item is shorter than one number.
    if (*n > c->left / 8) {
        *n = 0;
        c->failed = true;
    }
    // The add functions grow a vector at powers of two.
    size_t capacity = 1;
    while (capacity < *n)
        capacity *= 2;
    *items = *n ? calloc(capacity, size) : NULL;
    if (*n && !*items) {
        *n = 0;
        c->failed = true;
    }
}

void codec_flag(struct codec *c, bool *value)
{
    uint64_t n = *value;
    codec_number(c, &n);
    *value = n != 0;
}
