// SPDX-License-Identifier: Apache-2.0
// Files of --results: what is written comes back; whatever is cut off, changed
// or foreign is refused and harms nothing.
#include "harness/report/bundle.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/toyvmm-bundle-XXXXXX";

static void make(struct bundle *b)
{
    struct result r;
    result_init(&r);
    r.verdict = VERDICT_FAILED;
    result_set(&r.suite, "folder");
    result_set(&r.title, "a title");
    result_add_mark(&r, "userspace", 7, 5, 3);
    result_add_reading(&r, "kernel.init", 9);
    char *bytes = malloc(3);
    cr_assert_not_null(bytes);
    memcpy(bytes, "a\0b", 3);
    result_add_console(&r, 0, bytes, 3, 1);
    *b = (struct bundle){.id = strdup("0123"),
                         .commit = strdup("abc"),
                         .split = strdup("x"),
                         .duration_ns = 11,
                         .shard = 2,
                         .shards = 5};
    cr_assert_eq(bundle_add(b, "id", "case#07.head", "head", 7, true, &r), 0);
    b->entries[0].kernel_sha256 = strdup("feed");
}

static void save(void)
{
    struct bundle b;
    struct error err = {""};
    make(&b);
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(bundle_save(&b, path, &err), 0, "%s", err.text);
    bundle_free(&b);
}

Test(bundle, comes_back)
{
    struct bundle b;
    struct error err = {""};
    save();
    cr_assert_eq(bundle_load(&b, path, &err), 0, "%s", err.text);
    unlink(path);
    cr_expect_str_eq(b.id, "0123");
    cr_expect_str_eq(b.commit, "abc");
    cr_expect_null(b.branch);
    cr_expect(b.shard == 2 && b.shards == 5 && b.duration_ns == 11);
    cr_assert_eq(b.count, 1);
    const struct bundle_entry *e = &b.entries[0];
    cr_expect_str_eq(e->name, "case#07.head");
    cr_expect_str_eq(e->side, "head");
    cr_expect_str_eq(e->kernel_sha256, "feed");
    cr_expect_null(e->initrd_sha256);
    cr_expect(e->warmup && e->number == 7);
    cr_expect_eq(e->result.verdict, VERDICT_FAILED);
    cr_expect_eq(e->result.marks[0].wall_ns, 7);
    cr_expect_eq(e->result.readings[0].ns, 9);
    cr_expect_arr_eq(e->result.consoles[0].bytes, "a\0b", 3);
    bundle_free(&b);
}

static int load_bytes(const char *bytes, size_t len)
{
    struct bundle b;
    struct error err = {""};
    FILE *f = fopen(path, "we");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
    int code = bundle_load(&b, path, &err);
    if (!code)
        bundle_free(&b);
    else
        cr_expect_neq(*err.text, '\0');
    return code;
}

Test(bundle, damage_is_refused)
{
    static char bytes[4096];
    save();
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f);
    size_t len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    cr_assert(len > 100 && len < sizeof(bytes));
    for (size_t cut = 0; cut < len; cut++)
        cr_expect_eq(load_bytes(bytes, cut), -EINVAL, "cut at %zu", cut);
    // Any byte changed: read or refused, and no length is believed that the
    // file is too short for.
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)~bytes[i];
        load_bytes(bytes, len);
        bytes[i] = (char)~bytes[i];
    }
    bytes[6] = '9';
    cr_expect_eq(load_bytes(bytes, len), -EPROTO);
    cr_expect_eq(load_bytes("<testsuite>..", 13), -EINVAL);
    unlink(path);
}
