// SPDX-License-Identifier: Apache-2.0
// What goes into the rig: the job's encoding, the initramfs, the modules'
// order, and the options that shape them.
#include "harness/rig/cpio.h"
#include "harness/rig/job.h"
#include "harness/rig/kernel.h"
#include "harness/rig/options.h"
#include "harness/rig/prepare.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A scratch directory that the test is in; the caller removes it.
static void enter_scratch(char path[64])
{
    snprintf(path, 64, "/tmp/rig-test-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    cr_assert_eq(chdir(path), 0);
}

static void leave_scratch(const char *path)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", path);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

static void fill_job(struct job *job)
{
    static char arg[] = "a b\xff\n'\"", empty[] = "",
                env[] = "X=\x80=", dir[] = "/tmp/a,b";
    memset(job, 0, sizeof(*job));
    job->cwd = "/tmp/w w";
    job->hostname = "host";
    job->state.umask = 027;
    cr_assert_eq(job_list_add(&job->args, arg), 0);
    cr_assert_eq(job_list_add(&job->args, empty), 0);
    cr_assert_eq(job_list_add(&job->env, env), 0);
    cr_assert_eq(job_list_add(&job->shares, dir), 0);
}

Test(rig_job, any_bytes_survive)
{
    struct job job, copy;
    uint8_t *bytes;
    size_t len;
    fill_job(&job);
    cr_assert_eq(job_encode(&job, &bytes, &len, NULL), 0);
    cr_assert_eq(job_decode(&copy, bytes, len, NULL), 0);
    cr_expect_str_eq(copy.cwd, "/tmp/w w");
    cr_expect_str_eq(copy.hostname, "host");
    cr_expect_eq(copy.state.umask, 027);
    cr_expect_eq(copy.args.count, 2);
    cr_expect_str_eq(copy.args.items[0], "a b\xff\n'\"");
    cr_expect_str_eq(copy.args.items[1], "");
    cr_expect_null(copy.args.items[2]);
    cr_expect_str_eq(copy.env.items[0], "X=\x80=");
    cr_expect_str_eq(copy.shares.items[0], "/tmp/a,b");
    job_free(&job);
    job_free(&copy);
    free(bytes);
}

Test(rig_job, a_cut_job_is_refused)
{
    struct job job;
    uint8_t *bytes;
    size_t len;
    fill_job(&job);
    cr_assert_eq(job_encode(&job, &bytes, &len, NULL), 0);
    job_free(&job);
    size_t whole = 0; // prefixes that end between records may be complete
    for (size_t n = 0; n < len; n++) {
        uint8_t *cut = malloc(n + 1);
        cr_assert_not_null(cut);
        memcpy(cut, bytes, n);
        whole += job_decode(&job, cut, n, NULL) == 0;
        job_free(&job);
        free(cut);
    }
    cr_expect_eq(whole, 1, "all but the list of shares");
    bytes[len - 1] = 'x'; // a string without its end
    cr_expect_eq(job_decode(&job, bytes, len, NULL), -EINVAL);
    job_free(&job);
    free(bytes);
}

Test(rig_job, cpio_is_what_cpio_reads)
{
    if (system("command -v cpio >/dev/null") != 0)
        cr_skip_test("cpio is not installed");
    char dir[64];
    enter_scratch(dir);
    FILE *out = fopen("a.cpio", "w");
    cr_assert_not_null(out);
    struct cpio cpio = {.out = out};
    cpio_add(&cpio, "d", S_IFDIR | 0755, 0, "", 0);
    for (size_t n = 0; n < 9; n++) {
        char name[16];
        snprintf(name, sizeof(name), "d/%.*s", (int)n + 1, "abcdefghi");
        cpio_add(&cpio, name, S_IFREG | 0640, 0, "12345678", n);
    }
    cr_assert_eq(cpio_end(&cpio, NULL), 0);
    fclose(out);
    cr_expect_eq(system("cpio -id --quiet < a.cpio && "
                        "test \"$(cat d/abcdefgh)\" = 1234567 && "
                        "test \"$(stat -c %a d/abc)\" = 640 && "
                        "test \"$(ls d | wc -l)\" = 9"),
                 0);
    leave_scratch(dir);
}

// A file like a kernel module: two sections, and "depends=NEEDS".
static void write_module(const char *name, const char *needs)
{
    struct {
        Elf64_Ehdr h;
        Elf64_Shdr s[2];
        char names[16];
        char info[64];
    } m;
    memset(&m, 0, sizeof(m));
    memcpy(m.h.e_ident, ELFMAG, SELFMAG);
    m.h.e_shoff = sizeof(m.h);
    m.h.e_shentsize = sizeof(m.s[0]);
    m.h.e_shnum = 2;
    m.h.e_shstrndx = 0;
    memcpy(m.names, "\0.modinfo", 10);
    m.s[0].sh_offset = (size_t)(m.names - (char *)&m);
    m.s[0].sh_size = sizeof(m.names);
    m.s[1].sh_name = 1;
    m.s[1].sh_offset = (size_t)(m.info - (char *)&m);
    m.s[1].sh_size = sizeof(m.info);
    snprintf(m.info, sizeof(m.info), "license=x%cdepends=%s", 0, needs);
    FILE *f = fopen(name, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(&m, sizeof(m), 1, f), 1);
    fclose(f);
}

Test(rig_job, modules_come_after_what_they_need)
{
    char dir[64];
    enter_scratch(dir);
    mkdir("sub", 0755);
    write_module("sub/kvm-amd.ko", "kvm,ccp");
    write_module("kvm.ko", "irqbypass");
    write_module("irqbypass.ko", "");
    write_module("circle.ko", "circle");
    FILE *f = fopen("modules.builtin", "w");
    fputs("kernel/drivers/crypto/ccp.ko\n", f);
    fclose(f);
    struct module_list list = {NULL, 0};
    struct error err = {{0}};
    cr_assert_eq(modules_add(&list, dir, "kvm_amd", &err), 0, "%s", err.text);
    cr_assert_eq(list.count, 3);
    cr_expect_str_eq(list.items[0].name, "irqbypass");
    cr_expect_str_eq(list.items[1].name, "kvm");
    cr_expect_str_eq(list.items[2].name, "kvm_amd");
    cr_expect_eq(modules_add(&list, dir, "virtiofs", &err), -ENOENT);
    cr_expect_not_null(strstr(err.text, "virtiofs"));
    cr_expect_eq(modules_add(&list, dir, "circle", &err), -ELOOP);
    modules_free(&list);
    leave_scratch(dir);
}

Test(rig_job, a_damaged_module_is_refused)
{
    char dir[64];
    enter_scratch(dir);
    write_module("good.ko", "");
    char bytes[1024];
    FILE *f = fopen("good.ko", "r");
    cr_assert_not_null(f);
    size_t len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    struct module_list list = {NULL, 0};
    for (size_t at = 0; at < len; at++) {
        char *bad = malloc(len);
        cr_assert_not_null(bad);
        memcpy(bad, bytes, len);
        bad[at] = (char)(bad[at] ^ 0xff);
        f = fopen("bad.ko", "w");
        cr_assert_not_null(f);
        fwrite(bad, 1, at % 2 ? len : at, f); // damaged or cut short
        fclose(f);
        free(bad);
        modules_add(&list, dir, "bad", NULL); // no crash, by the sanitizers
        modules_free(&list);
    }
    leave_scratch(dir);
}

// Options from one line of words; they point into the line.
struct line {
    char text[256];
    char *argv[16];
    struct options options;
};

static int parse(struct line *line, const char *text, struct error *err)
{
    int argc = 0;
    char *rest = NULL;
    snprintf(line->text, sizeof(line->text), "rig %s", text);
    for (char *word = strtok_r(line->text, " ", &rest); word && argc < 15;
         word = strtok_r(NULL, " ", &rest))
        line->argv[argc++] = word;
    line->argv[argc] = NULL;
    return options_parse(&line->options, argc, line->argv, err);
}

Test(rig_job, options_stop_at_the_command)
{
    struct line line;
    const struct options *o = &line.options;
    struct error err = {{0}};
    cr_assert_eq(
        parse(&line, "--memory 2G --rw /tmp --rw=/a ls -l --x --memory", &err),
        0, "%s", err.text);
    cr_expect_eq(o->memory, UINT64_C(2) << 30);
    cr_expect_eq(o->rw.count, 2);
    cr_expect_eq(o->ncommand, 4);
    cr_expect_str_eq(o->command[2], "--x");
    options_free(&line.options);
    cr_assert_eq(parse(&line, "-- --help", &err), 0);
    cr_expect_eq(o->action, RIG_RUN);
    cr_expect_str_eq(o->command[0], "--help");
    options_free(&line.options);
}

Test(rig_job, packed_files_have_paths_inside)
{
    struct line line;
    const struct options *o = &line.options;
    struct error err = {{0}};
    cr_assert_eq(parse(&line,
                       "--exact --pack a --as /x --pack b --as /y --as /z "
                       "--pack c cmd",
                       &err),
                 0, "%s", err.text);
    cr_assert_eq(o->as.count, 3);
    cr_expect_str_eq(o->pack.items[0], "a");
    cr_expect_str_eq(o->as.items[0], "/x");
    cr_expect_str_eq(o->as.items[1], "/z");
    cr_expect_str_eq(o->as.items[2], "c");
    options_free(&line.options);
    cr_expect_eq(parse(&line, "--exact --as /x --pack a cmd", &err), -EINVAL);
    cr_expect(strstr(err.text, "after a --pack"), "%s", err.text);
    options_free(&line.options);
    cr_expect_eq(parse(&line, "--exact --pack a --as x cmd", &err), -EINVAL);
    cr_expect(strstr(err.text, "absolute path"), "%s", err.text);
    options_free(&line.options);
}

Test(rig_job, wrong_options_are_named)
{
    static const char *const cases[] = {
        "--memory 0 x",    "--memory 255M x",
        "--memory 65G x",  "--memory 99999999999999999999G x",
        "--memory 1024 x", "--memory -1G x",
        "--memory 1Gx x",  "--cpus 0 x",
        "--cpus 17 x",     "--cpus 1x x",
        "--timeout 0 x",   "--timeout soon x",
        "--machine pc x",  "--nonsense x",
        "--kernel",        "-x",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct line line;
        struct error err = {{0}};
        cr_expect_eq(parse(&line, cases[i], &err), -EINVAL, "%s", cases[i]);
        cr_expect_not_null(strstr(err.text, line.argv[1]), "%s", err.text);
        options_free(&line.options);
    }
    struct line nothing;
    cr_expect_eq(parse(&nothing, "", NULL), -EINVAL);
    options_free(&nothing.options);
}

Test(rig_job, exact_is_one_processor_with_a_seed)
{
    struct line line;
    const struct options *o = &line.options;
    struct error err = {{0}};
    cr_assert_eq(parse(&line, "--exact --seed 126 --pack /a --pack b x", &err),
                 0, "%s", err.text);
    cr_expect(o->exact);
    cr_expect_eq(o->seed, 126);
    cr_expect_eq(o->pack.count, 2);
    cr_expect_eq(o->timeout_s, 3600);
    options_free(&line.options);
    cr_assert_eq(parse(&line, "x", NULL), 0);
    cr_expect_not(o->exact);
    cr_expect_eq(o->timeout_s, 120);
    options_free(&line.options);
    static const char *const wrong[] = {
        "--exact --cpus 2 x",  "--exact --machine q35 x",
        "--pack /a x",         "--exact --seed -1 x",
        "--exact --seed 1x x", "--exact --seed 9223372036854775808 x",
        "--out /tmp x",        "--exact --out /tmp --rw /tmp x",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(parse(&line, wrong[i], &err), -EINVAL, "%s", wrong[i]);
        options_free(&line.options);
    }
}

static int prepare(struct preparation *p, struct line *line, const char *text,
                   struct error *err)
{
    struct terminal none = {.fd = -1};
    memset(p, 0, sizeof(*p));
    cr_assert_eq(parse(line, text, NULL), 0);
    return prepare_job(p, &line->options, &none, err);
}

Test(rig_job, shares_are_real_sorted_and_few)
{
    char dir[64], wanted[2][96];
    enter_scratch(dir);
    cr_assert_eq(mkdir("b", 0755), 0);
    cr_assert_eq(mkdir("b/in", 0755), 0);
    cr_assert_eq(mkdir("bb", 0755), 0);
    cr_assert_eq(symlink("bb", "a"), 0);
    cr_assert_eq(chdir("b/in"), 0);
    struct preparation p;
    struct line line;
    struct error err = {{0}};
    cr_assert_eq(prepare(&p, &line, "--rw ../../a --rw .. true", &err), 0, "%s",
                 err.text);
    snprintf(wanted[0], sizeof(wanted[0]), "%s/b", dir);
    snprintf(wanted[1], sizeof(wanted[1]), "%s/bb", dir);
    cr_assert_eq(p.job.shares.count, 2);
    cr_expect_str_eq(p.job.shares.items[0], wanted[0]);
    cr_expect_str_eq(p.job.shares.items[1], wanted[1]);
    prepare_free(&p);
    options_free(&line.options);
    leave_scratch(dir);
}

Test(rig_job, what_can_not_be_shared_is_refused)
{
    static const char *const bad[] = {
        "/",    "/proc",    "/proc/self", "/sys/kernel",
        "/dev", "/dev/shm", "/nowhere",   "/etc/passwd",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[64];
        struct preparation p;
        struct line line;
        struct error err = {{0}};
        snprintf(text, sizeof(text), "--rw %s true", bad[i]);
        cr_expect_eq(prepare(&p, &line, text, &err), -EINVAL, "%s", bad[i]);
        cr_expect_not_null(strstr(err.text, bad[i]), "%s", err.text);
        prepare_free(&p);
        options_free(&line.options);
    }
}

static const char *variable(const struct job *job, const char *name)
{
    for (size_t i = 0; i < job->env.count; i++)
        if (strncmp(job->env.items[i], name, strlen(name)) == 0)
            return job->env.items[i];
    return "";
}

// Where and how it was started is no chance of a command's.
Test(rig_job, exact_knows_nothing_of_the_shell_around_it)
{
    struct preparation p;
    struct line line;
    struct error err = {{0}};
    cr_assert_eq(setenv("OLDPWD", "/somewhere", 1), 0);
    cr_assert_eq(setenv("TOYVMM_GUEST_X", "/x/guest.conf", 1), 0);
    cr_assert_eq(prepare(&p, &line, "--exact true", &err), 0, "%s", err.text);
    cr_expect_str_eq(variable(&p.job, "OLDPWD="), "");
    cr_expect_str_eq(variable(&p.job, "TOYVMM_GUEST_X="),
                     "TOYVMM_GUEST_X=/x/guest.conf");
    cr_expect_str_eq(variable(&p.job, "TOYVMM_RIG="), "TOYVMM_RIG=exact");
    for (size_t i = 1; i < p.job.env.count; i++)
        cr_expect_leq(strcmp(p.job.env.items[i - 1], p.job.env.items[i]), 0);
    cr_expect_str_eq(p.job.hostname, "rig");
    cr_expect(p.job.state.exact);
    cr_expect_eq(p.job.state.fds[0], JOB_FD_CLOSED);
    // When it starts is the seed's.
    uint32_t phase = p.job.state.phase_ns;
    cr_expect_lt(phase, 8000000);
    prepare_free(&p);
    options_free(&line.options);
    cr_assert_eq(prepare(&p, &line, "--exact --seed 2 true", &err), 0);
    cr_expect_neq(p.job.state.phase_ns, phase);
    prepare_free(&p);
    options_free(&line.options);
}

// A directory with another name each time makes no difference in there.
Test(rig_job, what_is_handed_out_has_one_name_inside)
{
    char dir[64];
    struct preparation p;
    struct line line;
    struct error err = {{0}};
    enter_scratch(dir);
    cr_assert_eq(mkdir("b", 0755), 0);
    cr_assert_eq(prepare(&p, &line, "--exact --out b true", &err), 0, "%s",
                 err.text);
    cr_assert_eq(p.job.shares.count, 1);
    cr_expect_str_eq(p.job.shares.items[0], RIG_OUT);
    cr_assert_eq(p.out.count, 1);
    cr_expect_eq(strncmp(p.out.items[0], dir, strlen(dir)), 0);
    prepare_free(&p);
    options_free(&line.options);
    cr_expect_eq(prepare(&p, &line, "--exact --out /nowhere true", &err),
                 -EINVAL);
    cr_expect_not_null(strstr(err.text, "/nowhere"), "%s", err.text);
    prepare_free(&p);
    options_free(&line.options);
    leave_scratch(dir);
}
