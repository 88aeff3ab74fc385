// SPDX-License-Identifier: Apache-2.0
// --learn: the header of the machine that was booted, and the process that
// writes whatever ends the others.
#include "harness/cli/learn_header.h"
#include "harness/cli/learning.h"
#include "harness/tests/cli_files.h"
#include "src/base/clock.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

// What is told on the terminal goes to files.
static void enter(void)
{
    enter_folder();
    cr_assert(freopen("told", "we", stdout));
    cr_assert(freopen("complained", "we", stderr));
}

TestSuite(learn, .init = enter, .fini = leave_folder);

static void has_told(const char *words)
{
    char *text = get_file("told");
    cr_expect(strstr(text, words), "%s", text);
    free(text);
}

// ---- The header -------------------------------------------------------------

static struct scenario *read_text(const char *path, const char *text)
{
    struct scenario *s = NULL;
    struct diagnostics diags = {.count = 0};
    struct error err = {""};
    int code =
        scenario_parse(path, text, strlen(text), NULL, 0, &s, &diags, &err);
    cr_assert_eq(code, 0, "%s\n%s", err.text,
                 diags.count ? diags.list[0].message : "");
    diagnostics_free(&diags);
    return s;
}

// What text boots with these overrides, as the header of new.
static char *header_of(const char *text, const struct guest_overrides *o,
                       const char *new)
{
    struct error err = {""};
    struct guest guest;
    struct scenario *s = text ? read_text("in/old.tc", text) : NULL;
    cr_assert_eq(guest_make(&guest, s, o, &err), 0, "%s", err.text);
    char *header = learn_header(new, s, o, &guest, &err);
    cr_assert(header, "%s", err.text);
    guest_free(&guest);
    scenario_free(s);
    // It is one.
    char *whole = NULL;
    cr_assert_geq(asprintf(&whole, "%sexpect /x/\n", header), 0);
    scenario_free(read_text(new, whole));
    free(whole);
    return header;
}

static void header_is(const char *text, const struct guest_overrides *o,
                      const char *new, const char *want)
{
    char *header = header_of(text, o, new);
    cr_expect_str_eq(header, want, "%s--- instead of\n%s", header, want);
    free(header);
}

static void put_guest(void)
{
    put_file("guest.conf", "name small-1\nkernel vmlinux\ninitrd initrd\n"
                           "cmdline console=ttyS0 own\nmemory 128M\n");
    cr_assert_eq(setenv("TOYVMM_GUEST_SMALL", "guest.conf", 1), 0);
    cr_assert_eq(mkdir("in", 0777), 0);
    put_file("in/vmlinux", "x");
    put_file("in/disk.img", "x");
    put_file("own", "x");
}

Test(learn, header_of_a_guest)
{
    const struct guest_overrides none = {.kernel = NULL};
    put_guest();
    header_is("guest small\nmemory 300M\ncpus 2\nmachine mmio\nserial 2\n"
              "cmdline + \"debug\"\nneeds kvm\nexpect /x/\n",
              &none, "new.tc",
              "guest small\ncmdline + \"debug\"\nmemory 300M \ncpus 2\n"
              "serial 2\nmachine mmio\nneeds kvm \n");
    const struct guest_overrides some = {.cmdline = "+ \"more\"",
                                         .memory = UINT64_C(1) << 30,
                                         .cpus = 3,
                                         .kernel = "own"};
    header_is("guest small\ncpus 2\nset x 7\ncmdline + \"n=${x}\"\n"
              "expect /x/\n",
              &some, "new.tc",
              "guest small\nkernel \"own\"\ncmdline + \"n=7\"\n"
              "cmdline + \"\\\"more\\\"\"\nmemory 1024M \ncpus 3\n");
    const struct guest_overrides other = {.cmdline = "quiet"};
    header_is("guest small\ncmdline + \"debug\"\nexpect /x/\n", &other,
              "new.tc", "guest small\ncmdline \"quiet\"\n");
}

Test(learn, header_of_files)
{
    const struct guest_overrides none = {.kernel = NULL};
    char want[512];
    put_guest();
    header_is("kernel vmlinux\ndisk disk.img readonly serial \"a\\\"b\"\n"
              "port \"org.x.y\"\nexpect /x/\n",
              &none, "in/new.tc",
              "kernel \"vmlinux\"\ndisk \"disk.img\" readonly serial "
              "\"a\\\"b\"\nport \"org.x.y\"\n");
    // From another folder they are named whole.
    cr_assert_eq(mkdir("out", 0777), 0);
    snprintf(want, sizeof(want),
             "kernel \"%s/in/vmlinux\"\nnet user forward 8022:22 reach 80\n",
             test_folder);
    header_is("kernel vmlinux\nnet user forward 8022:22 reach 80\nexpect /x/\n",
              &none, "out/new.tc", want);
    // No scenario at all.
    const struct guest_overrides own = {.kernel = "own", .cmdline = "a b"};
    header_is(NULL, &own, "new.tc", "kernel \"own\"\ncmdline \"a b\"\n");
}

// ---- The process ------------------------------------------------------------

#define HEADER "guest busybox\n"
#define WANTED                                                                 \
    "login   \"root\" password \"pw\"\n"                                       \
    "run     \"id\" status any\n"

static void print(const struct learning *g, const char *text)
{
    static struct console_batch b;
    uint64_t now_ns = clock_now_ns();
    b.kind = CONSOLE_BYTES;
    b.len = strlen(text);
    memcpy(b.bytes, text, b.len);
    b.nstamps = 1;
    b.stamps[0] = (struct stamp){0, now_ns};
    b.now_ns = now_ns;
    learning_batch(g, &b);
}

static void type(const struct learning *g, const char *keys)
{
    learning_typed(g, 0, keys, strlen(keys));
}

static void have_a_session(const struct learning *g)
{
    learning_started(g);
    print(g, "login: ");
    type(g, "root\r");
    print(g, "root\r\nPassword: ");
    type(g, "pw\r");
    print(g, "\r\n# ");
    type(g, "id\r");
    print(g, "id\r\n0\r\n# ");
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);
    return len >= n && !strcmp(text + len - n, end);
}

static void learnt_is(const char *path, const char *steps)
{
    char *text = get_file(path);
    cr_expect(ends_with(text, steps), "%s", text);
    free(text);
}

Test(learn, process_writes)
{
    struct learning g = {.socket = -1};
    struct error err = {""};
    struct stat st;
    cr_assert_eq(learning_check("new.tc", &err), 0, "%s", err.text);
    cr_assert_eq(learning_begin(&g, "new.tc", HEADER, &err), 0);
    have_a_session(&g);
    learning_expect(&g, 0);
    cr_expect_eq(learning_end(&g, &err), 0, "%s", err.text);
    learnt_is("new.tc", "login   \"root\" password \"pw\"\n"
                        "run     \"id\" status any as id\n"
                        "check   id has /^0$/m\n");
    has_told("\r\n[expected: 0]\r\n"
             "[learnt 3 steps; to run them: toyvmm-test new.tc]\n"
             "[it holds a password; only you can read it]\n");
    // It holds a password.
    cr_assert_eq(stat("new.tc", &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    // ... and is there now.
    cr_expect_eq(learning_check("new.tc", &err), -EEXIST);
    cr_expect(strstr(err.text, "--learn: new.tc is there already"));
    cr_expect_lt(learning_check("no/new.tc", &err), 0);
    cr_expect(strstr(err.text, "no/new.tc"), "%s", err.text);
}

// A machine that is killed has said nothing of its end.
Test(learn, killed_machine)
{
    struct learning g = {.socket = -1};
    struct error err = {""};
    cr_assert_eq(learning_begin(&g, "new.tc", HEADER, &err), 0);
    pid_t machine = fork();
    if (!machine) {
        have_a_session(&g);
        type(&g, "half a li");
        raise(SIGKILL);
    }
    cr_assert_eq(waitpid(machine, NULL, 0), machine);
    cr_expect_eq(learning_end(&g, &err), 0, "%s", err.text);
    learnt_is("new.tc", WANTED);
}

// The process with the terminal is killed, too.
Test(learn, killed_parent)
{
    struct learning g = {.socket = -1};
    struct error err = {""};
    int ends[2];
    char byte;
    cr_assert_eq(pipe(ends), 0);
    pid_t parent = fork();
    if (!parent) {
        cr_assert_eq(learning_begin(&g, "new.tc", HEADER, &err), 0);
        have_a_session(&g);
        raise(SIGKILL);
    }
    cr_assert_eq(waitpid(parent, NULL, 0), parent);
    // The learner has the pipe's other end, until it has ended.
    close(ends[1]);
    cr_assert_eq(read(ends[0], &byte, 1), 0);
    learnt_is("new.tc", WANTED);
}

Test(learn, end_of_the_machine)
{
    struct learning g = {.socket = -1};
    struct error err = {""};
    static struct console_batch b = {.kind = CONSOLE_EVENT};
    b.event.kind = TOYVMM_EVENT_RESET;
    b.event.ns = clock_now_ns();
    cr_assert_eq(learning_begin(&g, "new.tc", HEADER, &err), 0);
    learning_started(&g);
    learning_batch(&g, &b);
    cr_expect_eq(learning_end(&g, &err), 0, "%s", err.text);
    learnt_is("new.tc", "guest   busybox\n\nexpect  reset\n");
}

// A file that has come meanwhile stays, and so does what was learnt.
Test(learn, somebody_elses_file)
{
    struct learning g = {.socket = -1};
    struct error err = {""};
    cr_assert_eq(learning_begin(&g, "new.tc", HEADER, &err), 0);
    have_a_session(&g);
    put_file("new.tc", "mine");
    cr_expect_eq(learning_end(&g, &err), 0, "%s", err.text);
    cr_expect(file_is("new.tc", "mine"));
    learnt_is("new-2.tc", WANTED);
    has_told("toyvmm-test new-2.tc]");
}

Test(learn, nothing_was_done)
{
    struct learning g = {.socket = -1};
    struct error err = {""};
    cr_assert_eq(learning_begin(&g, "new.tc", HEADER, &err), 0);
    learning_started(&g);
    cr_expect_eq(learning_end(&g, &err), 0, "%s", err.text);
    cr_expect_neq(access("new.tc", F_OK), 0);
    has_told("[nothing was typed or printed: new.tc is not written]\n");
    // One that dies is told of, and disturbs nobody.
    cr_assert_eq(learning_begin(&g, "new.tc", HEADER, &err), 0);
    cr_assert_eq(kill(g.pid, SIGKILL), 0);
    have_a_session(&g);
    cr_expect_eq(learning_end(&g, &err), 1);
    cr_expect(strstr(err.text, "died of SIGKILL"), "%s", err.text);
    // And without one nothing happens.
    have_a_session(&g);
}
