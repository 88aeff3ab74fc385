// SPDX-License-Identifier: Apache-2.0
// Exact decimal numbers with units. For harness/scenario only.
#include "harness/scenario/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_DIGITS 15 // a double holds them all

struct unit {
    const char *name;
    enum quantity_kind kind;
    uint64_t scale;
};

static const struct unit units[] = {
    {"ms", QUANTITY_DURATION, 1000000},
    {"s", QUANTITY_DURATION, 1000000000},
    {"m", QUANTITY_DURATION, UINT64_C(60) * 1000000000},
    {"K", QUANTITY_SIZE, UINT64_C(1) << 10},
    {"M", QUANTITY_SIZE, UINT64_C(1) << 20},
    {"G", QUANTITY_SIZE, UINT64_C(1) << 30},
    {"T", QUANTITY_SIZE, UINT64_C(1) << 40},
};

static const struct unit *find_unit(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strlen(units[i].name) == len && !memcmp(units[i].name, name, len))
            return &units[i];
    return NULL;
}

// The digits of a number, its point taken out: 1.50 is 150 with 2 decimals.
struct decimal {
    uint64_t digits;
    unsigned ndigits, ndecimals;
};

static const char *read_digits(const char **at, const char *end,
                               struct decimal *d, bool decimals)
{
    const char *begin = *at;
    for (; *at < end && isdigit((unsigned char)**at); (*at)++) {
        d->digits = d->digits * 10 + (uint64_t)(**at - '0');
        d->ndecimals += decimals;
        if (d->digits && ++d->ndigits > MAX_DIGITS)
            return "has too many digits";
    }
    return *at == begin ? "is not a number" : NULL;
}

const char *quantity_read(const char *text, size_t len, struct quantity *out)
{
    const char *at = text, *end = text + len, *wrong;
    struct decimal d = {0};
    memset(out, 0, sizeof(*out));
    if (at < end && *at == '-') {
        out->negative = true;
        at++;
    }
    wrong = read_digits(&at, end, &d, false);
    if (!wrong && at < end && *at == '.') {
        at++;
        wrong = read_digits(&at, end, &d, true);
    }
    if (wrong)
        return wrong;
    uint64_t power = 1;
    for (unsigned i = 0; i < d.ndecimals; i++) {
        if (power > UINT64_MAX / 10)
            return "has too many digits";
        power *= 10;
    }

    out->whole = d.digits % power == 0;
    out->amount = d.digits / power;
    out->number = (double)d.digits / (double)power;
    if (out->negative)
        out->number = -out->number;
    if (at == end)
        return NULL;

    const struct unit *unit = find_unit(at, (size_t)(end - at));
    if (!unit)
        return "has an unknown unit";
    if (out->negative)
        return "can't be negative";
    unsigned __int128 scaled = (unsigned __int128)d.digits * unit->scale;
    bool duration = unit->kind == QUANTITY_DURATION;
    if (scaled % power)
        return duration ? "is not a whole number of nanoseconds"
                        : "is not a whole number of bytes";
    scaled /= power;
    if (duration && scaled > DURATION_MAX_NS)
        return "is too long: at most seven days (10080m)";
    if (scaled > UINT64_MAX)
        return "is too large";
    out->kind = unit->kind;
    out->amount = (uint64_t)scaled;
    return NULL;
}

const char *duration_name(uint64_t ns, char *buf, size_t size)
{
    for (size_t i = 3; i-- > 0;) {
        if (ns % units[i].scale == 0) {
            snprintf(buf, size, "%" PRIu64 "%s", ns / units[i].scale,
                     units[i].name);
            return buf;
        }
    }
    snprintf(buf, size, "%" PRIu64 "ns", ns);
    return buf;
}
