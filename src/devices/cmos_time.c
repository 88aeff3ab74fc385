// SPDX-License-Identifier: Apache-2.0
// Between seconds since the Epoch and the MC146818's time registers.
#include "src/devices/cmos_time.h"

#include <time.h>

#define HOURS_PM 0x80

bool cmos_is_time(unsigned index)
{
    switch (index) {
    case CMOS_SECONDS:
    case CMOS_MINUTES:
    case CMOS_HOURS:
    case CMOS_WEEKDAY:
    case CMOS_DAY:
    case CMOS_MONTH:
    case CMOS_YEAR:
    case CMOS_CENTURY:
        return true;
    default:
        return false;
    }
}

static uint8_t encode(int value, uint8_t register_b)
{
    if (register_b & CMOS_B_BINARY)
        return (uint8_t)value;
    return (uint8_t)((value / 10 << 4) | value % 10);
}

static int decode(uint8_t value, uint8_t register_b)
{
    if (register_b & CMOS_B_BINARY)
        return value;
    return (value >> 4) * 10 + (value & 0x0f);
}

static uint8_t encode_hours(int hours, uint8_t register_b)
{
    int twelve = hours % 12 == 0 ? 12 : hours % 12;
    if (register_b & CMOS_B_24H)
        return encode(hours, register_b);
    return encode(twelve, register_b) | (hours >= 12 ? HOURS_PM : 0);
}

static int decode_hours(uint8_t value, uint8_t register_b)
{
    if (register_b & CMOS_B_24H)
        return decode(value, register_b);
    int twelve = decode(value & (uint8_t)~HOURS_PM, register_b);
    return twelve % 12 + (value & HOURS_PM ? 12 : 0);
}

void cmos_time_encode(uint8_t ram[CMOS_SIZE], uint8_t register_b,
                      int64_t seconds)
{
    time_t when = seconds;
    struct tm tm;

    if (!gmtime_r(&when, &tm))
        return;
    // Two registers of two digits: what a guest set beyond them is lost.
    int year = tm.tm_year > -1900 ? (tm.tm_year + 1900) % 10000 : 0;
    ram[CMOS_SECONDS] = encode(tm.tm_sec, register_b);
    ram[CMOS_MINUTES] = encode(tm.tm_min, register_b);
    ram[CMOS_HOURS] = encode_hours(tm.tm_hour, register_b);
    ram[CMOS_WEEKDAY] = encode(tm.tm_wday + 1, register_b);
    ram[CMOS_DAY] = encode(tm.tm_mday, register_b);
    ram[CMOS_MONTH] = encode(tm.tm_mon + 1, register_b);
    ram[CMOS_YEAR] = encode(year % 100, register_b);
    ram[CMOS_CENTURY] = encode(year / 100, register_b);
}

int64_t cmos_time_decode(const uint8_t ram[CMOS_SIZE], uint8_t register_b)
{
    int century = decode(ram[CMOS_CENTURY], register_b);
    int year = decode(ram[CMOS_YEAR], register_b);
    struct tm tm = {
        .tm_sec = decode(ram[CMOS_SECONDS], register_b),
        .tm_min = decode(ram[CMOS_MINUTES], register_b),
        .tm_hour = decode_hours(ram[CMOS_HOURS], register_b),
        .tm_mday = decode(ram[CMOS_DAY], register_b),
        .tm_mon = decode(ram[CMOS_MONTH], register_b) - 1,
        .tm_year = century * 100 + year - 1900,
    };
    return timegm(&tm);
}
