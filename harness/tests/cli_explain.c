// SPDX-License-Identifier: Apache-2.0
// --explain: what it says of each part of a scenario.
#include "harness/cli/cli.h"
#include "harness/cli/explain.h"
#include "harness/tests/cli_files.h"

TestSuite(explain, .init = enter_folder, .fini = leave_folder);

// What --explain says of a.tc.
static char *explain(const char *text, struct options *o, int expected)
{
    char path[] = "a.tc";
    char *paths[] = {path};
    struct selection s;
    struct error err = {""};
    put_file(path, text);
    o->paths = paths;
    o->npaths = 1;
    cr_assert_eq(selection_make(&s, o, stderr, &err), 0, "%s", err.text);
    FILE *f = fopen("out", "we");
    cr_expect_eq(explain_run(o, &s, f), expected);
    fclose(f);
    selection_free(&s);
    return get_file("out");
}

static void expect_lines(const char *said, const char *const *lines, size_t n)
{
    const char *at = said;
    for (size_t i = 0; i < n; i++) {
        const char *found = strstr(at, lines[i]);
        cr_expect(found, "\"%s\" is missing, or not at its place:\n%s",
                  lines[i], said);
        at = found ? found : at;
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(explain, the_header)
{
    static const char *const lines[] = {
        "a.tc: T [mode=b c]\n",
        "cases: 2\n",
        "./a[mode=b_c]  (this one is explained)\n",
        "./a[mode=d]\n",
        "machine\n",
        " guest         mine, which is real\n",
        "               it is a test\n",
        " kernel        k\n",
        " initrd        /i\n",
        " command line  quiet slow=1 on=fast\n",
        " memory        64M\n",
        " boots         4\n",
        "               and 2 before them, not counted\n",
        " serial ports  ttyS0 to ttyS1\n",
        " network       eth0: 10.0.2.15 by DHCP, gateway 10.0.2.2, nothing "
        "else, address 02:",
        "port 8022 of this machine's loopback is the guest's port 22\n",
        "the gateway's port 8080 is that of this machine's loopback\n",
        "its frames are written to x.pcap\n",
        " sockets       CID 9: a program here reaches the guest's port by v.s "
        "and \"CONNECT PORT\",\n",
        "               the guest that connects to CID 2 one that listens on "
        "v.s_PORT\n",
        " shares        src: ., read-only\n",
        "               out: ../x, what the guest writes changes it\n",
        "test\n",
        " whole         180 s * 2 = 360 s  [line 5]\n",
        " one wait      30 s * 2 = 60 s  [unless it is set]\n",
        " tags          smoke slow\n",
        "files that it uses\n",
        "    common.tci  [line 17]\n",
        "variables\n",
        " extra         \"given\"  [--set]\n",
        " kind          \"fast\"  [line 7]\n",
        " mode          \"b c\"  [matrix, line 8]\n",
        " shared        \"by all\"  [common.tci:1]\n",
        "needs\n",
        " net           holds  [line 9]\n",
        "fails at once on\n",
        " built-in ones, on the kernel's lines:\n",
        " panic",
        "/bad ${kind}/i: \"it was b c\"  [line 10]\n",
        "m{/dev/x}  [line 11]\n",
        "allows\n",
        "    oops  [line 12]\n",
        "steps\n",
        "    1. type \"given\" and Enter  [common.tci:2]\n",
    };
    struct override set = {"extra", "given"};
    struct options o = {
        .nsets = 1,
        .sets = &set,
        .timeout_scale = 2,
        .repeat = 4,
        .warmups = 2,
        .machine = {.cmdline = "+ on=fast", .memory = UINT64_C(64) << 20},
    };
    put_file("guest.conf", "name real\nnote it is a test\nkernel k\n"
                           "initrd /i\ncmdline quiet\n");
    setenv("TOYVMM_GUEST_MINE", "guest.conf", 1);
    put_file("common.tci", "set shared \"by all\"\nsend \"${extra}\"\n");
    char *said =
        explain("test \"T\"\nguest mine\ncmdline + \"slow=1\"\n"
                "serial 2\ntimeout 3m\ntags smoke slow\n"
                "set kind fast\nmatrix mode \"b c\" d\nneeds net\n"
                "fail /bad ${kind}/i \"it was ${mode}\"\n"
                "fail m{/dev/x}\nallow oops\n"
                "net user reach 8080 forward 8022:22 pcap x.pcap\n"
                "vsock v.s cid 9\nshare . as src\nshare ../x as out writable\n"
                "use \"common.tci\"\n",
                &o, EXIT_PASSED);
    expect_lines(said, lines, COUNT(lines));
    cr_expect_null(strstr(said, "page-fault oops"), "it is allowed:\n%s", said);
    free(said);
}

Test(explain, a_guest_brings_its_disks)
{
    static const char *const lines[] = {
        " disks         vda: /root image, what the guest writes is dropped\n",
        "               vdb: /second, what the guest writes is dropped\n",
        "               vdc: k, read-only, serial number c\n",
        "               vdd: d, what the guest writes changes it\n",
        "               vde: q, vhdx by qemu-storage-daemon, read-only\n",
    };
    struct options o = {.timeout_scale = 1};
    put_file("guest.conf", "name real\nkernel k\ndisk /root image\n"
                           "disk /second\n");
    put_file("q", "vhdxfile");
    setenv("TOYVMM_GUEST_MINE", "guest.conf", 1);
    char *said = explain("guest mine\ndisk k readonly serial \"c\"\n"
                         "disk d writable\ndisk q readonly\nnmi\n",
                         &o, EXIT_PASSED);
    expect_lines(said, lines, COUNT(lines));
    free(said);
}

Test(explain, the_steps)
{
    static const char *const lines[] = {
        "1. wait for /Welcome to (?<os>\\S+)/m at most 30 s (step-timeout); it "
        "sets ${os}  [line 3]\n",
        "2. wait for /x/ on ttyS1 at most 1.5 s; stamp the mark m  [line 4]\n",
        "3. wait until the guest resets, at most 250 ms  [",
        "4. wait until nothing was printed for 2 s  [",
        "5. type \"fast \\n${os}\" and Enter  [",
        "6. type a secret text  [",
        "7. press ctrl-c  [",
        "8. log in as \"root\" with a password (not shown) and wait for a "
        "shell's prompt /> $/, each wait at most 30 s (step-timeout)  [",
        "9. run \"ls\" at most 30 s (step-timeout); its exit status must be 1; "
        "output and status are kept as out  [",
        "10. check that out has /x/  [",
        "11. check that out has /y/ >= 2 times  [",
        "12. check that the status of out == 1  [",
        "13. check that the mark m < 5 s  [",
        "14. report the metric speed: 1.5 MB/s  [",
        "15. wait at most 5 s for the first of these:  [",
        "    /a/:\n",
        "        15.1. report \"a\"  [",
        "    none of them in time: nothing to do\n",
        "16. if os == \"alpine\":  [",
        "    16.1. 3 times:  [",
        "        16.1.1. send the machine a non-maskable interrupt  [",
        "    16.2. break the serial line  [",
        "    16.3. press the machine's power button  [",
        "otherwise:\n",
        "    16.4. the group \"g\":  [",
        "        16.4.1. fail at once on /z/ during:  [",
        "17. ask the guest to power off, and end it after 10 s  [",
    };
    struct options o = {.machine = {.kernel = "k"}};
    char *said = explain(
        "kernel \"k\"\nset kind fast\n"
        "expect /Welcome to (?<os>\\S+)/m\n"
        "expect on ttyS1 /x/ within 1.5s mark m\nexpect reset within 250ms\n"
        "expect idle 2s\nsend \"${kind} \\n${os}\"\n"
        "type \"hunter2\" secret\nkey ctrl-c\n"
        "login \"root\" password \"hunter2\" prompt /> $/\n"
        "run \"ls\" status 1 as out\ncheck out has /x/\n"
        "check out count /y/ >= 2\ncheck status out == 1\n"
        "check mark m < 5s\nmetric speed 1.5 MB/s\n"
        "expect one within 5s {\n/a/ { log \"a\" }\ntimeout { }\n}\n"
        "if os == alpine {\nrepeat 3 { nmi }\nkey break\npower button\n} else "
        "{\n"
        "group \"g\" { never /z/ { reset } }\n}\npoweroff\n",
        &o, EXIT_PASSED);
    expect_lines(said, lines, COUNT(lines));
    cr_expect_null(strstr(said, "hunter2"), "%s", said);
    free(said);
}

Test(explain, a_variable_that_a_step_sets_has_no_value_yet)
{
    struct options o = {.machine = {.kernel = "k"}};
    char *said = explain("kernel \"k\"\nset a 1\nset b 2\nset c 3\n"
                         "group \"g\" { expect /(?<a>.)/ }\n"
                         "run \"x\" as b\nsend \"${a}${b}${c}\"\n",
                         &o, EXIT_PASSED);
    cr_expect(strstr(said, "type \"${a}${b}3\" and Enter"), "%s", said);
    free(said);
}

Test(explain, a_machine_that_nobody_knows)
{
    struct options o = {.verbosity = 0};
    put_file("guest.sh", "#!/bin/sh\nexit 2\n");
    cr_assert_eq(chmod("guest.sh", 0700), 0);
    setenv("TOYVMM_FIXTURES", test_folder, 1);
    char *said = explain("guest nobody\nnmi\n", &o, EXIT_WRONG);
    cr_expect(strstr(said, "nobody: there is no guest \"nobody\""), "%s", said);
    free(said);
    put_file("guest.sh", "#!/bin/sh\nexit 3\n");
    said = explain("guest later\nnmi\n", &o, EXIT_PASSED);
    cr_expect(strstr(said, "later: not there yet: a run builds or fetches it"),
              "%s", said);
    cr_expect(strstr(said, "1. send the machine"), "the steps follow");
    free(said);
}
