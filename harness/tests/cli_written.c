// SPDX-License-Identifier: Apache-2.0
// What scenarios write beside reports, and the address of a guest's card.
#include "harness/cli/written.h"
#include "harness/tests/cli_files.h"

TestSuite(written, .init = enter_folder, .fini = leave_folder);

static void define_guest(void)
{
    put_file("guest.conf", "kernel k\n");
    setenv("TOYVMM_GUEST_MINE", "guest.conf", 1);
}

static void select_files(struct selection *s, char **paths, size_t n)
{
    struct options o = {.paths = paths, .npaths = n};
    struct error err = {""};
    cr_assert_eq(selection_make(s, &o, stderr, &err), 0, "%s", err.text);
}

Test(written, one_of_each_folder)
{
    char a[] = "a.tc", b[] = "b.tc", c[] = "c.tc";
    char *paths[] = {a, b, c};
    const struct guest_overrides none = {.memory = 0};
    struct selection s;
    struct written w;
    struct error err = {""};
    define_guest();
    put_file(a,
             "guest mine\nset f there\nnet user pcap \"${f}/a.pcap\"\nnmi\n");
    put_file(b, "guest mine\ndisk there/b.img writable\ndisk other/c.img\n"
                "disk third/d.img readonly\nnet none\nnmi\n");
    put_file(c, "guest mine\nnet user pcap c.pcap\nvsock sockets/v\n"
                "share in as a\nshare out as b writable\nnmi\n");
    select_files(&s, paths, 3);
    cr_assert_eq(written_collect(&w, &s, &none, &err), 0, "%s", err.text);
    cr_assert_eq(w.count, 4U);
    cr_expect_str_eq(w.paths[0], "there/a.pcap");
    cr_expect_str_eq(w.paths[1], "c.pcap");
    cr_expect_str_eq(w.paths[2], "sockets/v");
    cr_expect_str_eq(w.paths[3], "out/.", "the folder itself, not its own");
    written_free(&w);
    selection_free(&s);
}

// The address of the only case of a file.
static void mac_of(char *path, const char *text, uint8_t mac[6])
{
    const struct guest_overrides none = {.memory = 0};
    struct selection s;
    struct guest guest;
    struct error err = {""};
    put_file(path, text);
    select_files(&s, &path, 1);
    cr_assert_eq(guest_make(&guest, s.list[0].what.scenario, &none, &err), 0);
    memcpy(mac, guest.net.mac, 6);
    guest_free(&guest);
    selection_free(&s);
}

Test(written, a_card_has_an_address_of_its_own)
{
    static const char text[] = "guest mine\nnet user\nnmi\n";
    char a[] = "a.tc", again[] = "./a.tc", b[] = "b.tc";
    uint8_t first[6], mac[6];
    define_guest();
    mac_of(a, text, first);
    cr_expect_eq(first[0] & 3, 2, "a local one, of one card");
    mac_of(again, text, mac);
    cr_expect_eq(memcmp(first, mac, 6), 0, "wherever the file lies");
    mac_of(b, text, mac);
    cr_expect_neq(memcmp(first, mac, 6), 0);
    mac_of(a, "test \"x\"\nguest mine\nnet user\nnmi\n", mac);
    cr_expect_neq(memcmp(first, mac, 6), 0);
}
