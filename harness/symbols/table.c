// SPDX-License-Identifier: Apache-2.0
// A sorted table of symbols and the search in it. See symbols.h and table.h.
#include "harness/symbols/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KSYMS_MAX ((size_t)8 << 20)

// The last symbol's size is not known: a function is not larger than this.
#define LAST_SIZE 4096

struct ksyms *table_new(struct error *err)
{
    struct ksyms *s = calloc(1, sizeof(*s));
    if (!s)
        error_set(err, -ENOMEM, "out of memory");
    return s;
}

void ksyms_free(struct ksyms *s)
{
    if (!s)
        return;
    free(s->entries);
    free(s->names);
    free(s);
}

size_t ksyms_count(const struct ksyms *s)
{
    return s->n;
}

int table_check(const struct ksyms *s, size_t n, struct error *err)
{
    const struct ksyms_patience *p = s->patience;
    if (n % TABLE_STEPS || !p || !p->over(p->owner))
        return 0;
    return error_set(err, -ETIMEDOUT,
                     "the search for the kernel's symbols took too long and "
                     "was given up: no names");
}

static bool is_function(char type)
{
    return type && strchr("tTwW", type);
}

// Marks where code ends: nothing after it is its.
static bool is_end(const char *name)
{
    static const char *const ends[] = {"_etext", "_einittext", "_end",
                                       "__brk_limit"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (!strcmp(name, ends[i]))
            return true;
    }
    return false;
}

// Aliases: functions before data, global before local before weak, names for
// people before those for the linker.
static uint8_t rank_of(char type, const char *name)
{
    uint8_t rank = 0;
    if (!is_function(type))
        return 100;
    if (type == 't')
        rank = 1;
    else if (type == 'w' || type == 'W')
        rank = 2;
    size_t underscores = strspn(name, "_");
    return (uint8_t)(rank + 4 * (underscores < 4 ? underscores : 4));
}

static bool is_name(const char *name, size_t len)
{
    if (!len || len >= KSYMS_NAME_MAX)
        return false;
    if (len >= 2 && name[0] == '.' && name[1] == 'L')
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)name[i] <= ' ' || (unsigned char)name[i] > '~')
            return false;
    }
    return true;
}

static bool room(struct ksyms *s, size_t len)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4096;
        struct ksym_entry *grown =
            reallocarray(s->entries, cap, sizeof(*grown));
        if (!grown)
            return false;
        s->entries = grown;
        s->cap = cap;
    }
    if (s->names_cap - s->names_len < len + 1) {
        size_t cap = s->names_cap ? s->names_cap * 2 : 65536;
        char *grown = realloc(s->names, cap);
        if (!grown)
            return false;
        s->names = grown;
        s->names_cap = cap;
    }
    return true;
}

int table_add(struct ksyms *s, uint64_t address, char type, const char *name,
              size_t len, struct error *err)
{
    if (!is_name(name, len))
        return 0;
    int code = table_check(s, s->n, err);
    if (code)
        return code;
    // Of the names' offsets the size limits say the same.
    if (s->n == KSYMS_MAX || s->names_len > UINT32_MAX - KSYMS_NAME_MAX)
        return error_set(err, -EINVAL, "more symbols than any kernel has");
    if (!room(s, len))
        return error_set(err, -ENOMEM, "out of memory for symbols");
    char *copy = s->names + s->names_len;
    memcpy(copy, name, len);
    copy[len] = '\0';
    s->entries[s->n++] = (struct ksym_entry){
        .address = address,
        .name = (uint32_t)s->names_len,
        .rank = rank_of(type, copy),
        .text = is_function(type) && !is_end(copy),
    };
    s->names_len += len + 1;
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct ksym_entry *x = a;
    const struct ksym_entry *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->name > y->name) - (x->name < y->name);
}

int table_finish(struct ksyms *s, const char *what, struct error *err)
{
    size_t functions = 0;
    for (size_t i = 0; i < s->n; i++)
        functions += s->entries[i].text;
    if (!functions)
        return error_set(err, -EINVAL, "%s names no function", what);
    qsort(s->entries, s->n, sizeof(*s->entries), by_address);
    return 0;
}

bool ksyms_address(const struct ksyms *s, const char *name, uint64_t *address)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->names + s->entries[i].name, name) != 0)
            continue;
        *address = s->entries[i].address + s->moved;
        return true;
    }
    return false;
}

// How many entries have a lower address, or (or_equal) one that is not higher.
static size_t count_below(const struct ksyms *s, uint64_t address,
                          bool or_equal)
{
    size_t low = 0;
    size_t high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        uint64_t at = s->entries[mid].address;
        if (at < address || (or_equal && at == address))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool ksyms_find(const struct ksyms *s, uint64_t address, struct ksym *out)
{
    address -= s->moved;
    size_t next = count_below(s, address, true);
    if (!next)
        return false;
    uint64_t at = s->entries[next - 1].address;
    const struct ksym_entry *e = &s->entries[count_below(s, at, false)];
    uint64_t size = next < s->n ? s->entries[next].address - at : LAST_SIZE;
    if (!e->text || address - at >= size)
        return false;
    *out = (struct ksym){s->names + e->name, address - at, size};
    return true;
}
