// SPDX-License-Identifier: Apache-2.0
// Where runs come from, and whether their host is quiet.
#include "harness/history/noise.h"
#include "harness/history/origin.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/toyvmm-origin-XXXXXX";

static const char *file(const char *name, const char *text)
{
    static char path[256];
    if (strstr(folder, "XXXXXX"))
        cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static void clean(void)
{
    static const char *const names[] = {"/abc", "/cpuinfo", ""};
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        remove(path);
    }
}

Test(origin, sha256_of_a_file, .fini = clean)
{
    char sum[65];
    struct error err = {""};
    cr_assert_eq(origin_file_sha256(file("abc", "abc"), sum, &err), 0);
    // FIPS 180-2, appendix B.1
    cr_expect_str_eq(sum, "ba7816bf8f01cfea414140de5dae2223"
                          "b00361a396177a9cb410ff61f20015ad");
    cr_expect_eq(origin_file_sha256("/no/such/kernel", sum, &err), -ENOENT);
    cr_expect(strstr(err.text, "/no/such/kernel"));
}

Test(origin, the_first_processor, .fini = clean)
{
    struct origin_cpu cpu;
    origin_cpu(file("cpuinfo", "processor\t: 0\n"
                               "model\t\t: 1\n"
                               "model name\t: AMD EPYC 7763\n"
                               "microcode\t: 0xa0011d1\n\n"
                               "processor\t: 1\n"
                               "model name\t: another\n"),
               &cpu);
    cr_expect_str_eq(cpu.model, "AMD EPYC 7763");
    cr_expect_str_eq(cpu.microcode, "0xa0011d1");
    origin_cpu("/no/such/file", &cpu);
    cr_expect_str_eq(cpu.model, "unknown");
    cr_expect_str_eq(cpu.microcode, "");
}

static char *github(const char *name)
{
    static char sha[] = "0123";
    static char head[] = "feature";
    static char ref[] = "12/merge";
    static char none[] = "";
    if (!strcmp(name, "GITHUB_SHA"))
        return sha;
    if (!strcmp(name, "GITHUB_HEAD_REF"))
        return head;
    if (!strcmp(name, "GITHUB_REF_NAME"))
        return ref;
    return strcmp(name, "TOYVMM_COMMIT") ? NULL : none;
}

static char *nothing(const char *name)
{
    (void)name;
    return NULL;
}

Test(origin, what_a_ci_says)
{
    struct origin_commit c;
    origin_commit(github, &c);
    cr_expect_str_eq(c.commit, "0123", "an empty variable says nothing");
    cr_expect_str_eq(c.branch, "feature", "not the merge's");
    cr_expect_null(c.job);
    origin_commit(nothing, &c);
    cr_expect_null(c.commit);
}

static const struct noise_look quiet = {
    .cpu_known = true,
    .load_known = true,
    .busy = 1000,
    .idle = 1000,
    .processors = 4,
};

Test(noise, a_quiet_host_has_no_warning)
{
    struct noise_look after = quiet;
    char text[NOISE_TEXT];
    after.busy += 100; // one of four, ours
    after.idle += 300;
    cr_expect_str_eq(noise_warning(&quiet, &after, 1, text), "");
}

Test(noise, each_disturbance_is_named)
{
    struct noise_look after = quiet;
    char text[NOISE_TEXT];
    after.busy += 380;
    after.steal += 20;
    after.frequency_known = true;
    after.slowest_khz = 1200000;
    after.fastest_khz = 3600000;
    noise_warning(&quiet, &after, 1, text);
    cr_expect(strstr(text, "5.0 %"), "%s", text);
    cr_expect(strstr(text, "2.8 of 4 processors"), "%s", text);
    cr_expect(strstr(text, "1.2 to 3.6 GHz"), "%s", text);
}

Test(noise, this_host_can_be_looked_at)
{
    struct noise_look look;
    noise_look("", &look);
    cr_expect(look.cpu_known);
    cr_expect(look.load_known);
    cr_expect_geq(look.processors, 1);
    noise_look("/no/such/root", &look);
    cr_expect_not(look.cpu_known || look.load_known || look.frequency_known);
}
