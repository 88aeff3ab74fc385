// SPDX-License-Identifier: Apache-2.0
// The MC146818's registers and the formats of its time registers: BCD or
// binary, 24 or 12 hours. Pure functions; for cmos.c and its tests.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CMOS_SIZE 128

enum cmos_register {
    CMOS_SECONDS = 0x00,
    CMOS_MINUTES = 0x02,
    CMOS_HOURS = 0x04,
    CMOS_WEEKDAY = 0x06, // 1 is Sunday
    CMOS_DAY = 0x07,
    CMOS_MONTH = 0x08,
    CMOS_YEAR = 0x09,
    CMOS_A = 0x0a,
    CMOS_B = 0x0b,
    CMOS_C = 0x0c,
    CMOS_D = 0x0d,
    CMOS_SHUTDOWN = 0x0f,
    CMOS_CENTURY = 0x32,
};

enum {
    CMOS_A_UIP = 0x80,           // an update comes within 244 us
    CMOS_A_DIVIDER_RESET = 0x60, // both bits: the divider stands still
    CMOS_A_RATE = 0x0f,

    CMOS_B_SET = 0x80, // the time stands still, to be set
    CMOS_B_BINARY = 0x04,
    CMOS_B_24H = 0x02,

    CMOS_C_PF = 0x40,
    CMOS_C_UF = 0x10,

    CMOS_D_VALID = 0x80, // the battery is good
};

// True for the registers that hold the time (not the alarm's).
bool cmos_is_time(unsigned index);

// Writes the time registers of ram for a time in seconds since the Epoch, UTC,
// in the format that register_b asks for.
void cmos_time_encode(uint8_t ram[CMOS_SIZE], uint8_t register_b,
                      int64_t seconds);

// The other way. A guest may have written anything: values out of range are
// carried over, February 30th becomes March. The day of the week is not looked
// at; it follows from the date.
int64_t cmos_time_decode(const uint8_t ram[CMOS_SIZE], uint8_t register_b);
