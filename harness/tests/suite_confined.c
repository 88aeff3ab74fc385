// SPDX-License-Identifier: Apache-2.0
// The process of a case, whatever becomes of its machine: it opens what the
// case has named, and nothing else.
#include "harness/suite/case.h"
#include "harness/suite/paths.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- The paths --------------------------------------------------------------

Test(suite_paths, of_a_case)
{
    const struct case_control control = {.folder = "/run/x"};
    char symbols[] = "System.map";
    const struct guest guest = {.symbols = symbols};
    const struct scenario s = {.path = "a.tc"};
    struct case_paths p;
    cr_assert_eq(case_paths_find(&p, &control, &s, &guest, "out/a.tvr"), 0);
    cr_assert_eq(p.paths.nread, 2U);
    cr_expect_str_eq(p.paths.read[0], "a.tc");
    cr_expect_str_eq(p.paths.read[1], "System.map");
    cr_assert_eq(p.paths.nwritten, 2U);
    cr_expect_str_eq(p.paths.written[0], "/run/x");
    cr_expect_str_eq(p.paths.written[1], "out/");
    case_paths_free(&p);
    cr_assert_eq(case_paths_find(&p, &control, &s, &guest, "a.tvr"), 0);
    cr_expect_str_eq(p.paths.written[1], ".");
    case_paths_free(&p);
    cr_assert_eq(case_paths_find(&p, NULL, &s, &guest, NULL), 0);
    cr_expect_eq(p.paths.nwritten, 0U);
    case_paths_free(&p);
}

// ---- The process ------------------------------------------------------------

// A kernel that halts; where there is no KVM there will be no machine for it.
struct kernel {
    Elf64_Ehdr eh;
    Elf64_Phdr ph;
    uint8_t text[16];
} __attribute__((packed));

static struct kernel new_kernel(void)
{
    return (struct kernel){
        .eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
                           EV_CURRENT},
               .e_type = ET_EXEC,
               .e_machine = EM_X86_64,
               .e_version = EV_CURRENT,
               .e_entry = 0x100000,
               .e_phoff = offsetof(struct kernel, ph),
               .e_ehsize = sizeof(Elf64_Ehdr),
               .e_phentsize = sizeof(Elf64_Phdr),
               .e_phnum = 1},
        .ph = {.p_type = PT_LOAD,
               .p_offset = offsetof(struct kernel, text),
               .p_vaddr = 0xffffffff81000000,
               .p_paddr = 0x100000,
               .p_filesz = 16,
               .p_memsz = 16},
        .text = {0xfa, 0xf4}, // cli, hlt
    };
}

static const char text[] = "test    \"It halts\"\n"
                           "kernel  \"kernel\"\n"
                           "memory  64M\n"
                           "timeout 5s\n"
                           "expect  halt\n";

struct fixture {
    char dir[64], path[128];
};

static const char *path(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
    return f->path;
}

static void write_file(struct fixture *f, const char *name, const void *bytes,
                       size_t len)
{
    int fd = open(path(f, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static void set_up(struct fixture *f)
{
    const struct kernel kernel = new_kernel();
    snprintf(f->dir, sizeof(f->dir), "/tmp/toyvmm-test-case-XXXXXX");
    cr_assert_not_null(mkdtemp(f->dir));
    cr_assert_eq(mkdir(path(f, "own"), 0700), 0);
    cr_assert_eq(mkdir(path(f, "recordings"), 0700), 0);
    write_file(f, "kernel", &kernel, sizeof(kernel));
    write_file(f, "a.tc", text, sizeof(text) - 1);
}

static void tear_down(struct fixture *f)
{
    static const char *const files[] = {
        "own/fresh",        "recordings/fresh",
        "recordings/a.tvr", "recordings/a.tvr.cast",
        "kernel",           "a.tc"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(path(f, files[i]));
    rmdir(path(f, "own"));
    rmdir(path(f, "recordings"));
    rmdir(f->dir);
}

static int count_confined(void *owner, struct error *err)
{
    int *times = owner;
    (void)err;
    ++*times;
    return 0;
}

static void on_console(void *owner, struct console *c)
{
    (void)owner, (void)c;
}

// Runs the case; how often its process was confined, or -1.
static int run_case(struct fixture *f, bool no_sandbox)
{
    char tc[128], own[128], record[128];
    snprintf(tc, sizeof(tc), "%s/a.tc", f->dir);
    snprintf(own, sizeof(own), "%s/own", f->dir);
    snprintf(record, sizeof(record), "%s/recordings/a.tvr", f->dir);
    struct plan_case what = {
        .path = tc, .suite = "s", .name = "a", .record = record};
    const struct plan plan = {
        .accelerator = "kvm",
        .no_sandbox = no_sandbox,
        .ncases = 1,
        .cases = &what,
    };
    int times = 0;
    const struct case_control control = {
        .console = on_console,
        .confined = count_confined,
        .folder = own,
        .owner = &times,
    };
    struct result result;
    result_init(&result);
    int code = case_run(&plan, 0, clock_now_ns(), &control, &result);
    result_free(&result);
    return code ? -1 : times;
}

static int try_open(const char *name, int flags)
{
    int fd = open(name, flags | O_CLOEXEC, 0600);
    int code = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

// In a child: the first of these that is not as it should be, from 1 on.
static int look_confined(struct fixture *f)
{
    char *const argv[] = {NULL};
    if (run_case(f, false) != 1)
        return 99;
    int refused = toyvmm_confines_files() ? EACCES : 0;
    const bool as_expected[] = {
        execve("/bin/true", argv, argv) < 0 && errno == EPERM,
        try_open(path(f, "own/fresh"), O_WRONLY | O_CREAT) == 0,
        try_open(path(f, "recordings/fresh"), O_WRONLY | O_CREAT) == 0,
        try_open(path(f, "kernel"), O_RDONLY) == 0,
        try_open(path(f, "kernel"), O_WRONLY) == refused,
        try_open(path(f, "a.tc"), O_RDONLY) == 0,
        try_open(path(f, "a.tc"), O_WRONLY) == refused,
        try_open("/etc/passwd", O_RDONLY) == refused,
    };
    for (size_t i = 0; i < sizeof(as_expected) / sizeof(*as_expected); i++)
        if (!as_expected[i])
            return (int)i + 1;
    return 0;
}

static int look_free(struct fixture *f)
{
    if (run_case(f, true) != 0)
        return 99;
    return try_open("/etc/passwd", O_RDONLY) == 0 ? 0 : 1;
}

static void in_a_child(int (*look)(struct fixture *f))
{
    struct fixture f;
    int status;
    set_up(&f);
    pid_t pid = fork();
    if (pid == 0)
        _exit(look(&f));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    tear_down(&f);
    cr_assert(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 0, "expectation %d", WEXITSTATUS(status));
}

Test(suite_confined, a_worker)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("a build with sanitizers has no sandbox");
#endif
    in_a_child(look_confined);
}

Test(suite_confined, without_a_sandbox)
{
    in_a_child(look_free);
}
