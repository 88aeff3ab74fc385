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

// Whatever is loaded begins in guest RAM, in the mode that its protocol says,
// and every note is a sentence.
static void check_state(const struct boot_state *s,
                        const struct guest_memory *mem)
{
    bool long_mode = s->entry == BOOT_ENTRY_LINUX64;
    if (!guest_memory_at(mem, s->rip, 1) || s->cs.long_mode != long_mode ||
        (s->efer != 0) != long_mode || s->notes.count > BOOT_NOTES_MAX)
        abort();
    for (size_t i = 0; i < s->notes.count; i++)
        if (!s->notes.text[i][0])
            abort();
}

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
    if (loaded != checked || (loaded && !err.text[0]))
        abort();
    if (!loaded)
        check_state(&state, &mem);
    guest_memory_unmap(&mem);
    close(fd);
    return 0;
}
