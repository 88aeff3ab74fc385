// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for recordings: any file is read to an end, plays as a
// console in any pieces, and is shown. Built with -DTOYVMM_FUZZERS=ON; a corpus
// to begin with is fixtures/corpus/recording.
#include "harness/recording/cast.h"
#include "harness/recording/tape.h"
#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A checksum would keep nearly every input from what is behind it: the target
// takes payloads, each after its length (two bytes), and makes the frame.
static size_t frame(const uint8_t *data, size_t size, uint8_t *out)
{
    memcpy(out, RECORDING_MAGIC, RECORDING_MAGIC_LEN);
    size_t n = RECORDING_MAGIC_LEN;
    uint32_t crc = 0;
    while (size >= 2) {
        size_t len = (size_t)data[0] | (size_t)data[1] << 8;
        len = len < size - 2 ? len : size - 2;
        struct bytes_out head = bytes_out(out + n, BLOCK_HEAD);
        crc = crc32_of(crc, data + 2, len);
        put_u32(&head, (uint32_t)len);
        put_u32(&head, crc);
        memcpy(out + n + BLOCK_HEAD, data + 2, len);
        n += BLOCK_HEAD + len;
        data += 2 + len;
        size -= 2 + len;
    }
    return n;
}

static struct recording_reader *reader(void *bytes, size_t len)
{
    FILE *f = fmemopen(bytes, len, "r");
    if (!f)
        abort();
    return recording_reader_from(f, "fuzz", NULL, NULL);
}

static void check_batch(const struct console_batch *b, uint64_t before)
{
    if (b->now_ns < before)
        abort();
    if (b->kind != CONSOLE_BYTES)
        return;
    if (b->port >= TOYVMM_PORTS || b->len < 1 || b->len > CONSOLE_BATCH ||
        b->nstamps < 1 || b->nstamps > b->len || b->stamps[0].at)
        abort();
    for (size_t i = 1; i < b->nstamps; i++) {
        if (b->stamps[i].at <= b->stamps[i - 1].at ||
            b->stamps[i].at >= b->len || b->stamps[i].ns < b->stamps[i - 1].ns)
            abort();
    }
}

// Asks for everything that a run may ask for.
static void ask(struct tape *t, const struct run_machine *m)
{
    struct console *c = tape_console(t);
    struct toyvmm_regs regs;
    struct toyvmm_observation seen;
    struct toyvmm_usage usage;
    struct toyvmm_share shares[TOYVMM_CPUS];
    struct error err;
    console_write(c, 0, "root\r", 5, &err);
    console_write_secret(c, 1, "*", 1, true, &err);
    console_write_secret(c, 0, "secret", 6, true, &err);
    console_unread(c, 2);
    console_now(c);
    if (m && m->regs)
        m->regs(m->owner, 1, &regs);
    if (m && m->observe)
        m->observe(m->owner, 0, 1, &seen);
    if (m && m->usage)
        m->usage(m->owner, 1, &usage, shares);
    if (m && m->restart)
        m->restart(m->owner, &err);
    if (m && m->nmi)
        m->nmi(m->owner, &err);
    if (m && m->stop)
        m->stop(m->owner);
}

// The bytes of all ports, as one sum that does not depend on the pieces.
static uint64_t play(void *bytes, size_t len, struct tape_options options)
{
    struct error err;
    static struct console_batch b;
    struct recording_reader *r = reader(bytes, len);
    struct tape *t = r ? tape_new(r, &options, &err) : NULL;
    uint64_t sum = 0, now = 0, deadline = 0;
    uint64_t ns;
    if (!t)
        return 0;
    // Time jumps from one deadline to the next, and then to the end.
    for (int waits = 0; !tape_ran_out(t, &ns);) {
        int code = console_read(tape_console(t), &b, deadline, &err);
        if (code)
            continue;
        check_batch(&b, now);
        now = b.now_ns;
        for (size_t i = 0; b.kind == CONSOLE_BYTES && i < b.len; i++)
            sum = (sum ^ b.bytes[i] ^ b.port) * UINT64_C(0x100000001b3);
        if (b.kind == CONSOLE_TIMEOUT) {
            deadline = waits++ < 50 ? now + NS_PER_S : CLOCK_NEVER - 1;
            if (options.random)
                ask(t, tape_machine(t));
        }
    }
    tape_typed_differently(t, &ns);
    tape_skip_to_end(t);
    tape_free(t);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 60000)
        return 0;
    uint8_t *bytes = malloc(size * (2 + BLOCK_HEAD) + BLOCK_HEAD * 2);
    if (!bytes)
        return 0;
    size_t len = frame(data, size, bytes);
    uint64_t whole = play(bytes, len, (struct tape_options){0});
    uint64_t pieces = play(bytes, len, (struct tape_options){.max_piece = 1});
    if (whole != pieces)
        abort();
    play(bytes, len, (struct tape_options){.max_piece = 9, .random = 1});
    for (unsigned port = 0; port < TOYVMM_PORTS; port++) {
        struct recording_reader *r = reader(bytes, len);
        FILE *f = fopen("/dev/null", "w");
        if (r && f)
            cast_write(f, r, port);
        recording_close(r);
        if (f)
            fclose(f);
    }
    free(bytes);
    return 0;
}
