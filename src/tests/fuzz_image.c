// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: a kernel image of any bytes is loaded or refused with a
// sentence, and nothing outside guest RAM is touched (AddressSanitizer sees).
#include "src/boot/boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY (UINT64_C(32) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("kernel", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

    struct error err = {""};
    struct guest_memory mem;
    struct boot_state state;
    const struct boot_request request = {
        .kernel = path, .memory = MEMORY, .cpus = 1};
    if (guest_memory_map(&mem, MEMORY, &err))
        abort();
    int checked = boot_check(&request, &err);
    if (checked && !err.text[0])
        abort();
    err.text[0] = '\0';
    int loaded = boot_load(&request, &mem, &state, &err);
    // Whatever is loaded begins in guest RAM.
    if (loaded ? !err.text[0] : !guest_memory_at(&mem, state.rip, 1))
        abort();
    guest_memory_unmap(&mem);
    close(fd);
    return 0;
}
