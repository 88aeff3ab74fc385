// SPDX-License-Identifier: Apache-2.0
// `needs`: when it holds, and what is said when it doesn't.
#include "harness/cli/needs.h"
#include "harness/tests/cli_files.h"

TestSuite(needs, .init = enter_folder, .fini = leave_folder);

// The reason why a need doesn't hold; "" when it does.
static const char *why(enum need_kind kind, const char *guest,
                       const char *accelerator)
{
    static char out[512];
    struct need need = {.kind = kind, .guest = guest};
    const struct scenario s = {.path = "a.tc", .title = "a"};
    struct error err = {""};
    char *text = needs_reason(&s, &need, accelerator, false, &err);
    cr_expect_str_eq(err.text, "");
    snprintf(out, sizeof(out), "%s", text ? text : "");
    free(text);
    return out;
}

Test(needs, an_accelerator)
{
    cr_expect_str_eq(why(NEED_KVM, NULL, "kvm"), "");
    cr_expect_str_eq(why(NEED_RIG, NULL, "rig"), "");
    cr_expect_str_eq(why(NEED_RIG, NULL, "exact"), "");
    cr_expect_str_eq(why(NEED_KVM, NULL, "rig"), "needs kvm; this is the rig");
    cr_expect_str_eq(why(NEED_RIG, NULL, "kvm"),
                     "needs rig; this is the host's KVM");
    cr_expect_str_eq(why(NEED_KVM, NULL, NULL),
                     "needs kvm; guests can't run here");
}

Test(needs, a_network)
{
    cr_expect_str_eq(why(NEED_NET, NULL, "kvm"), "");
    // The one that it asks for.
    char path[] = "a.tc";
    char *paths[] = {path};
    struct options o = {.paths = paths, .npaths = 1};
    struct selection s;
    struct error err = {""};
    const char *accelerator = NULL;
    put_file(path, "guest x\nnet tap no-such-tap\nneeds net\nnmi\n");
    cr_assert_eq(selection_make(&s, &o, stderr, &err), 0, "%s", err.text);
    cr_assert_eq(needs_check(&o, &s, &accelerator, &err), 0, "%s", err.text);
    cr_expect_str_eq(s.list[0].skip,
                     "needs net; there is no tap interface no-such-tap here: "
                     "`sudo ip tuntap add no-such-tap mode tap user $USER && "
                     "sudo ip link set no-such-tap up' makes it");
    selection_free(&s);
}

Test(needs, a_guest)
{
    put_file("guest.conf", "kernel k\n");
    setenv("TOYVMM_GUEST_MINE", "guest.conf", 1);
    cr_expect_str_eq(why(NEED_GUEST, "mine", "kvm"), "");
    setenv("TOYVMM_GUEST_MINE", "missing.conf", 1);
    cr_expect_str_eq(why(NEED_GUEST, "mine", "kvm"),
                     "needs guest mine; guest definition missing.conf: No such "
                     "file or directory");
    setenv("TOYVMM_FIXTURES", "/nowhere", 1);
    cr_expect(strstr(why(NEED_GUEST, "other", "kvm"), "needs guest other; "));
}

// A guest.sh that counts its calls, and has no guest.
static void put_script(void)
{
    put_file("guest.sh", "#!/bin/sh\necho \"$*\" >>asked\nexit 2\n");
    cr_assert_eq(chmod("guest.sh", 0700), 0);
    setenv("TOYVMM_FIXTURES", test_folder, 1);
}

Test(needs, the_first_that_does_not_hold_is_the_reason)
{
    char path[] = "a.tc";
    char *paths[] = {path};
    struct options o = {.paths = paths, .npaths = 1};
    struct selection s;
    struct error err = {""};
    const char *accelerator = NULL;
    put_script();
    put_file(path, "guest x\nmatrix a 1 2 3\nneeds guest x\nneeds net\nnmi\n");
    cr_assert_eq(selection_make(&s, &o, stderr, &err), 0, "%s", err.text);
    cr_assert_eq(needs_check(&o, &s, &accelerator, &err), 0, "%s", err.text);
    cr_expect_null(accelerator, "nobody asks for one");
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(s.list[i].skip,
                         "needs guest x; there is no guest \"x\"");
        cr_expect_str_eq(s.list[i].skip_where, "a.tc:3:7");
    }
    cr_expect(file_is("asked", "resolve x\n"), "once, and it may be built");
    selection_free(&s);
}

Test(needs, nothing_is_built_to_explain)
{
    put_script();
    why(NEED_GUEST, "x", "kvm");
    cr_expect(file_is("asked", "resolve --no-build x\n"));
}
