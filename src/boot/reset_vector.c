// SPDX-License-Identifier: Apache-2.0
// See reset_vector.h.
#include "src/boot/reset_vector.h"

#include "src/base/platform.h"

#include <errno.h>

#define RESET_VECTOR_GPA UINT64_C(0xffff0)

// mov dx, port; mov al, value; out dx, al; cli; 1: hlt; jmp 1b
struct reset_code {
    uint8_t mov_dx;
    uint16_t port;
    uint8_t mov_al;
    uint8_t value;
    uint8_t out_and_stop[5];
} __attribute__((packed));

int reset_vector_write(const struct guest_memory *mem, struct error *err)
{
    static const struct reset_code code = {
        .mov_dx = 0xba,
        .port = PLATFORM_RESET_PORT,
        .mov_al = 0xb0,
        .value = PLATFORM_RESET_VALUE,
        .out_and_stop = {0xee, 0xfa, 0xf4, 0xeb, 0xfd},
    };
    if (!guest_memory_write(mem, RESET_VECTOR_GPA, &code, sizeof(code)))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the boot data");
    return 0;
}
