// SPDX-License-Identifier: Apache-2.0
// See firmware.h.
#include "src/boot/firmware.h"

#include "src/base/platform.h"

#include <errno.h>

#define SEGMENT          UINT64_C(0xf000)
#define SEGMENT_GPA      (SEGMENT << 4)
#define RESET_VECTOR_GPA (SEGMENT_GPA + 0xfff0)
// In the last page, where the MP table never ends.
#define NO_SUCH_FUNCTION UINT64_C(0xff00)
#define JUST_RETURN      UINT64_C(0xff20)

#define VECTORS 256
#define BDA_GPA UINT64_C(0x400)

// ---- Code ------------------------------------------------------------------

// mov dx, port; mov al, value; out dx, al; cli; 1: hlt; jmp 1b
struct reset_code {
    uint8_t mov_dx;
    uint16_t port;
    uint8_t mov_al;
    uint8_t value;
    uint8_t out_and_stop[5];
} __attribute__((packed));

static bool write_code(const struct guest_memory *mem)
{
    static const struct reset_code reset = {
        .mov_dx = 0xba,
        .port = PLATFORM_RESET_PORT,
        .mov_al = 0xb0,
        .value = PLATFORM_RESET_VALUE,
        .out_and_stop = {0xee, 0xfa, 0xf4, 0xeb, 0xfd},
    };
    static const uint8_t no_such_function[] = {
        0x55,                   // push bp
        0x89, 0xe5,             // mov bp, sp
        0x80, 0x4e, 0x06, 0x01, // or byte [bp+6], 1: the caller's carry
        0x5d,                   // pop bp
        0xb4, 0x86,             // mov ah, 0x86
        0xcf,                   // iret
    };
    static const uint8_t just_return[] = {0xcf};
    return guest_memory_write(mem, RESET_VECTOR_GPA, &reset, sizeof(reset)) &&
           guest_memory_write(mem, SEGMENT_GPA + NO_SUCH_FUNCTION,
                              no_such_function, sizeof(no_such_function)) &&
           guest_memory_write(mem, SEGMENT_GPA + JUST_RETURN, just_return,
                              sizeof(just_return));
}

// ---- Data ------------------------------------------------------------------

// An exception or a hardware interrupt must find its registers untouched.
static bool is_a_call(unsigned vector)
{
    return vector >= 0x10 && (vector < 0x70 || vector > 0x77);
}

static bool write_vectors(const struct guest_memory *mem)
{
    uint32_t table[VECTORS];
    for (unsigned i = 0; i < VECTORS; i++)
        table[i] = (uint32_t)(SEGMENT << 16 |
                              (is_a_call(i) ? NO_SUCH_FUNCTION : JUST_RETURN));
    return guest_memory_write(mem, 0, table, sizeof(table));
}

struct bios_data {
    uint16_t com_ports[PLATFORM_COM_COUNT];
    uint16_t lpt_ports[3];
    uint16_t ebda_segment;
    uint16_t equipment;
    uint8_t reserved;
    uint16_t memory_kib;
} __attribute__((packed));

_Static_assert(offsetof(struct bios_data, ebda_segment) == 0x0e, "40:0e");
_Static_assert(offsetof(struct bios_data, memory_kib) == 0x13, "40:13");

static bool write_data(const struct guest_memory *mem, unsigned ports)
{
    static const uint16_t com[PLATFORM_COM_COUNT] = {
        PLATFORM_COM1_PORT, PLATFORM_COM2_PORT, PLATFORM_COM3_PORT,
        PLATFORM_COM4_PORT};
    struct bios_data data = {
        .ebda_segment = (uint16_t)(PLATFORM_EBDA_GPA >> 4),
        .equipment = (uint16_t)(ports << 9),
        .memory_kib = (uint16_t)(PLATFORM_EBDA_GPA >> 10),
    };
    for (unsigned i = 0; i < ports && i < PLATFORM_COM_COUNT; i++)
        data.com_ports[i] = com[i];
    return guest_memory_write(mem, BDA_GPA, &data, sizeof(data));
}

int firmware_write(const struct guest_memory *mem, unsigned ports,
                   struct error *err)
{
    if (!write_code(mem) || !write_vectors(mem) || !write_data(mem, ports))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the boot data");
    return 0;
}
