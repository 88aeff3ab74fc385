// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the symbols room: any bytes as a file, as a kernel's
// memory, as its stack. Built with -DTOYVMM_FUZZERS=ON; a corpus to begin with
// is fixtures/corpus/symbols.
#include "harness/symbols/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE UINT64_C(0xffffffff81000000)

struct bytes {
    const uint8_t *data;
    size_t size;
};

static size_t read_bytes(void *owner, uint64_t address, void *to, size_t len)
{
    const struct bytes *b = owner;
    uint64_t skip = address - BASE;
    if (skip >= b->size)
        return 0;
    size_t left = b->size - (size_t)skip;
    size_t n = left < len ? left : len;
    memcpy(to, b->data + skip, n);
    return n;
}

// What is told of an address must hold together, and a walk must end.
static void use(struct ksyms *s, const struct ksyms_memory *memory,
                const struct bytes *b)
{
    struct ksym at;
    struct ksyms_frame frames[16];
    int64_t moved;
    uint64_t word = BASE;
    const struct ksyms_cpu cpu = {BASE + 64, BASE, 4095};
    ksyms_fit(s, memory, &cpu, &moved);
    for (size_t i = 0; i + 8 <= b->size && i < 512; i += 8) {
        memcpy(&word, b->data + i, 8);
        if (ksyms_find(s, word, &at) && (at.offset >= at.size || !at.name[0]))
            abort();
    }
    const struct ksyms_regs regs = {BASE + 16, BASE + word % 4096, word};
    size_t n = ksyms_stack(s, memory, &regs, frames, 16);
    if (n > 16)
        abort();
}

static void as_file(const uint8_t *data, size_t size,
                    const struct ksyms_memory *memory, const struct bytes *b)
{
    static int fd = -1;
    char path[64];
    struct error err;
    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) < 0 ||
        pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct ksyms *s = ksyms_load(path, NULL, &err);
    if (s)
        use(s, memory, b);
    ksyms_free(s);
}

static void as_memory(const struct ksyms_memory *memory, const struct bytes *b)
{
    struct error err;
    struct ksyms *s = table_new(&err);
    const struct ksyms_range range = {BASE, BASE + b->size};
    if (s && kallsyms_read(s, memory, &range, 1, &err) == 0 &&
        table_finish(s, "it", &err) == 0)
        use(s, memory, b);
    ksyms_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = {data, size};
    const struct ksyms_memory memory = {&b, read_bytes};
    as_memory(&memory, &b);
    as_file(data, size, &memory, &b);
    return 0;
}
