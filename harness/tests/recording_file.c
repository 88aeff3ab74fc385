// SPDX-License-Identifier: Apache-2.0
// The file: every record comes back as it was, a file that is cut off or
// damaged gives what is before that and says so.
#include "harness/recording/reader.h"
#include "harness/recording/writer.h"
#include "harness/tests/recording_util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START UINT64_C(1000000000000)

static struct recording_info info_for_tests(void)
{
    static char path[] = "a.tc", title[] = "A", guest[] = "g-1",
                accel[] = "kvm";
    return (struct recording_info){
        .run = {.path = path,
                .title = title,
                .guest = guest,
                .accelerator = accel,
                .started_unix_ns = 1234},
        .scenario_hash = 42,
        .timeout_scale = 2.5,
        .judge_marks = true,
        .nonce = 99,
        .abilities = 3,
        .started_ns = START,
    };
}

static struct recording_writer *writer(const char *path)
{
    struct recording_info info = info_for_tests();
    struct error err = {""};
    struct recording_writer *w = recording_writer_new(path, &info, NULL, &err);
    cr_assert_not_null(w, "%s", err.text);
    return w;
}

static struct recording_reader *reader(const char *path)
{
    struct error err = {""};
    struct recording_reader *r = recording_open(path, NULL, &err);
    cr_assert_not_null(r, "%s", err.text);
    return r;
}

static void put_text_record(struct recording_writer *w, uint64_t ns,
                            const char *text)
{
    struct stamp stamps[] = {{0, ns}};
    recording_put(w, &(struct record){.kind = RECORD_BYTES,
                                      .ns = ns,
                                      .bytes = (const uint8_t *)text,
                                      .len = strlen(text),
                                      .stamps = stamps,
                                      .nstamps = 1});
}

Test(recording_file, every_record_comes_back)
{
    const char *path = own_file("all.tvr");
    struct recording_writer *w = writer(path);
    struct stamp stamps[] = {{0, START + 5}, {1, START + 5}, {3, START + 900}};
    struct mask masks[] = {{0, 2, 1, 7}, {4, 1, 0, 0}};
    struct toyvmm_event event = {.kind = TOYVMM_EVENT_TRIPLE_FAULT,
                                 .ns = START + 2000,
                                 .ready_ns = START + 3,
                                 .usage = {17, UINT64_MAX, {1, 2, 3, 4, 5}},
                                 .has_regs = true,
                                 .regs = {.rip = 1, .r15 = 2, .cs = 0x10},
                                 .detail = "why"};
    const struct toyvmm_share shares[] = {{1, 2}, {2, 3}};
    const struct record all[] = {
        {.kind = RECORD_NOW, .ns = START - 77},
        {.kind = RECORD_BYTES,
         .ns = START + 900,
         .port = 3,
         .bytes = (const uint8_t *)"a\0\xff"
                                   "de",
         .len = 5,
         .stamps = stamps,
         .nstamps = 3,
         .masks = masks,
         .nmasks = 2},
        {.kind = RECORD_TIMEOUT,
         .ns = START + 1000,
         .deadline_ns = START + 999},
        {.kind = RECORD_TIMEOUT, .ns = START + 1000, .deadline_ns = 0},
        {.kind = RECORD_EVENT, .ns = START + 2000, .event = &event},
        {.kind = RECORD_INPUT,
         .ns = START + 2500,
         .port = 1,
         .bytes = (const uint8_t *)"\r",
         .len = 1},
        {.kind = RECORD_INPUT,
         .ns = START + 2500,
         .flags = INPUT_SECRET,
         .code = -ENOSPC,
         .text = "full",
         .text_len = 4},
        {.kind = RECORD_USAGE,
         .ns = START + 2000,
         .usage = {1, 300, {5, 4, 3, 2, 1}}},
        {.kind = RECORD_REGS,
         .ns = START + 2000,
         .regs = {.rflags = 2, .ss = 0x18}},
        {.kind = RECORD_USAGE,
         .ns = START + 2000,
         .usage = {3, 5, {5}},
         .shares = shares,
         .nshares = 2},
        {.kind = RECORD_REGS, .ns = START + 2000, .vcpu = 253},
        {.kind = RECORD_OBSERVATION,
         .ns = START + 2000,
         .code = -ESRCH,
         .text = "",
         .vcpu = 1},
        {.kind = RECORD_UNREAD, .ns = START + 2000, .unread = 1 << 20},
        {.kind = RECORD_CALL,
         .ns = START + 2000,
         .call = CALL_NMI,
         .code = -EBUSY,
         .text = "masked",
         .text_len = 6},
        {.kind = RECORD_FAULT, .ns = START + 2000, .code = -EINTR},
    };
    size_t n = sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < n; i++)
        recording_put(w, &all[i]);
    cr_assert_eq(recording_writer_end(w, NULL, NULL), 0);

    struct recording_reader *r = reader(path);
    struct record got;
    for (size_t i = 0; i < n; i++) {
        const struct record *want = &all[i];
        cr_assert_eq(recording_next(r, &got), 1, "record %zu", i);
        cr_assert(got.kind == want->kind && got.ns == want->ns, "record %zu",
                  i);
        cr_assert(got.port == want->port && got.code == want->code &&
                      got.flags == want->flags && got.call == want->call &&
                      got.deadline_ns == want->deadline_ns &&
                      got.unread == want->unread && got.vcpu == want->vcpu &&
                      got.nshares == want->nshares &&
                      !memcmp(&got.usage, &want->usage, sizeof(got.usage)),
                  "record %zu", i);
        cr_assert_eq(memcmp(&got.regs, &want->regs, sizeof(got.regs)), 0);
        cr_assert(!got.nshares || !memcmp(got.shares, want->shares,
                                          got.nshares * sizeof(shares[0])));
        cr_assert(got.len == want->len &&
                  (!got.len || !memcmp(got.bytes, want->bytes, got.len)));
        cr_assert(
            got.text_len == want->text_len &&
            (!got.text_len || !memcmp(got.text, want->text, got.text_len)));
        cr_assert(got.nstamps == want->nstamps && got.nmasks == want->nmasks);
        for (size_t k = 0; k < got.nstamps; k++)
            cr_assert(got.stamps[k].at == want->stamps[k].at &&
                      got.stamps[k].ns == want->stamps[k].ns);
        for (size_t k = 0; k < got.nmasks; k++)
            cr_assert_eq(
                memcmp(&got.masks[k], &want->masks[k], sizeof(struct mask)), 0);
        if (want->event)
            cr_assert_eq(memcmp(got.event, want->event, sizeof(event)), 0);
    }
    cr_assert_eq(recording_next(r, &got), 0);
    cr_assert_null(recording_cut(r));
    const struct recording_info *info = recording_info(r);
    cr_assert_str_eq(info->run.guest, "g-1");
    cr_assert(info->scenario_hash == 42 && info->judge_marks &&
              info->nonce == 99 && info->abilities == 3 &&
              info->started_ns == START && !info->has_verdict);
    cr_assert_float_eq(info->timeout_scale, 2.5, 1e-9);
    recording_close(r);
}

Test(recording_file, every_event_has_a_number)
{
    for (int kind = 0; kind <= (int)TOYVMM_EVENT_STOPPED; kind++) {
        uint8_t code = 0;
        enum toyvmm_event_kind back;
        cr_assert(event_code((enum toyvmm_event_kind)kind, &code), "%s",
                  toyvmm_event_name((enum toyvmm_event_kind)kind));
        cr_assert(event_kind(code, &back) && (int)back == kind);
    }
}

// Cut off anywhere, the records that are wholly there come out, and no others.
Test(recording_file, cut_off_everywhere)
{
    const char *path = own_file("cut.tvr");
    struct recording_writer *w = writer(path);
    for (int i = 0; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof(text), "line %02d\n", i);
        put_text_record(w, START + (uint64_t)i * 1000, text);
        if (i % 3 == 0)
            recording_flush(w);
    }
    cr_assert_eq(recording_writer_end(w, NULL, NULL), 0);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    unsigned before = 0;
    for (size_t n = 0; n <= len; n++) {
        struct error err = {""};
        struct record got;
        int code = 0;
        write_file(own_file("part.tvr"), bytes, n);
        struct recording_reader *r =
            recording_open(own_file("part.tvr"), &code, &err);
        if (!r) {
            cr_assert(code == -EINVAL && *err.text);
            cr_assert_eq(before, 0U);
            continue;
        }
        unsigned records = 0;
        while (recording_next(r, &got)) {
            char text[16];
            snprintf(text, sizeof(text), "line %02u\n", records++);
            cr_assert(got.len == 8 && !memcmp(got.bytes, text, 8));
        }
        cr_assert_geq(records, before);
        cr_assert_eq(recording_cut(r) == NULL, n == len);
        before = records;
        recording_close(r);
    }
    cr_assert_eq(before, 20U);
    free(bytes);
}

// Each bit of the file matters: with one turned, what comes out is a beginning
// of what was written, and the damage is told.
Test(recording_file, every_flipped_bit_is_noticed)
{
    const char *path = own_file("whole.tvr");
    struct recording_writer *w = writer(path);
    for (int i = 0; i < 4; i++) {
        put_text_record(w, START + (uint64_t)i, "some text\n");
        recording_flush(w);
    }
    cr_assert_eq(recording_writer_end(w, NULL, NULL), 0);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        struct record got;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct recording_reader *r = recording_reader_from(
            fmemopen(bytes, len, "r"), "memory", NULL, NULL);
        while (r && recording_next(r, &got))
            cr_assert(got.len == 10 && !memcmp(got.bytes, "some text\n", 10));
        cr_assert(!r || recording_cut(r), "bit %zu", bit);
        recording_close(r);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}

Test(recording_file, what_is_no_recording)
{
    struct error err = {""};
    int code = 0;
    write_file(own_file("x.tc"), "test \"a scenario\"\n", 18);
    cr_assert_null(recording_open(own_file("x.tc"), &code, &err));
    cr_assert_eq(code, -EINVAL);
    cr_assert(strstr(err.text, "no recording"), "%s", err.text);
    cr_assert_null(recording_open(own_file("none.tvr"), &code, &err));
    cr_assert_eq(code, -ENOENT);
    cr_assert_null(recording_open("/tmp", &code, &err));
    cr_assert_eq(code, -EISDIR, "%d %s", code, err.text);
}

// A scenario, or whatever else, is never overwritten; a recording is.
Test(recording_file, overwrites_recordings_only)
{
    struct error err = {""};
    write_file(own_file("y.tc"), "test \"a scenario\"\n", 18);
    cr_assert_eq(recording_check(own_file("y.tc"), &err), -EEXIST);
    cr_assert_eq(recording_check("/no/such/dir/x.tvr", &err), -ENOENT);
    struct recording_writer *w = writer(own_file("z.tvr"));
    cr_assert_eq(recording_writer_end(w, NULL, NULL), 0);
    cr_assert_eq(recording_check(own_file("z.tvr"), &err), 0, "%s", err.text);
    cr_assert_eq(recording_check(own_file("new.tvr"), &err), 0);
    cr_assert_neq(access(own_file("new.tvr"), F_OK), 0);
}

Test(recording_file, a_full_disk_is_told_at_the_end)
{
    struct recording_info info = info_for_tests();
    struct error err = {""};
    if (access("/dev/full", W_OK))
        cr_skip_test("there is no /dev/full");
    struct recording_writer *w =
        recording_writer_new("/dev/full", &info, NULL, &err);
    cr_assert_not_null(w, "%s", err.text);
    cr_assert(recording_writer_failed(w));
    put_text_record(w, START, "lost");
    cr_assert_eq(recording_writer_end(w, &info, &err), -ENOSPC);
    cr_assert(strstr(err.text, "cut off"), "%s", err.text);
}

// More than a block holds, and all of it in order.
Test(recording_file, many_blocks)
{
    const char *path = own_file("many.tvr");
    struct recording_writer *w = writer(path);
    char text[4001];
    memset(text, 'x', sizeof(text));
    text[4000] = '\0';
    for (uint64_t i = 0; i < 500; i++) {
        snprintf(text, 9, "%08u", (unsigned)i);
        text[8] = 'x';
        put_text_record(w, START + i, text);
    }
    cr_assert_eq(recording_writer_end(w, NULL, NULL), 0);
    struct recording_reader *r = reader(path);
    struct record got;
    for (unsigned i = 0; i < 500; i++) {
        snprintf(text, 9, "%08u", i);
        cr_assert_eq(recording_next(r, &got), 1);
        cr_assert(got.ns == START + i && got.len == 4000 &&
                  !memcmp(got.bytes, text, 8));
    }
    cr_assert_eq(recording_next(r, &got), 0);
    cr_assert_null(recording_cut(r));
    recording_close(r);
}

Test(recording_file, crc_is_zlibs)
{
    cr_assert_eq(crc32_of(0, "123456789", 9), 0xcbf43926U);
    cr_assert_eq(crc32_of(crc32_of(0, "1234", 4), "56789", 5), 0xcbf43926U);
}

Test(recording_file, numbers)
{
    static const uint64_t values[] = {
        0, 1, 127, 128, 16383, 16384, UINT64_MAX >> 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
            uint8_t memory[64];
            struct bytes_out o = bytes_out(memory, sizeof(memory));
            put_varint(&o, values[i]);
            put_delta(&o, values[i], values[k]);
            struct bytes_in in = {memory, o.at, false};
            cr_assert_eq(get_varint(&in), values[i]);
            cr_assert_eq(get_delta(&in, values[k]), values[i]);
            cr_assert(!in.bad && !bytes_left(&in));
        }
    }
    // Eleven bytes, or more than 64 bits.
    static const uint8_t wrong[][11] = {
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2},
        {0x80}};
    for (size_t i = 0; i < 3; i++) {
        struct bytes_in in = {wrong[i], wrong[i] + (i == 2 ? 1 : 11), false};
        get_varint(&in);
        cr_assert(in.bad, "%zu", i);
    }
}
