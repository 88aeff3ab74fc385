// SPDX-License-Identifier: Apache-2.0
// What `init` finds in a folder, by content, and what it takes of it.
#include "harness/tests/cli_init.h"

TestSuite(init, .init = enter_folder, .fini = leave_folder);

static struct init_file sniffed(const char *name)
{
    struct init_file f = {.path = NULL};
    struct error err = {""};
    cr_assert_eq(init_sniff(name, &f, &err), 0, "%s", err.text);
    return f;
}

Test(init, kernels_are_what_the_machine_loads)
{
    put_bzimage("a", "6.9.1-a", 0);
    struct init_file f = sniffed("a");
    cr_expect_eq(f.kind, INIT_KERNEL);
    cr_expect_str_eq(f.what, "bzImage, Linux 6.9.1-a");
    cr_expect_str_eq(f.version, "6.9.1-a");
    cr_expect_str_eq(f.refused, "");

    put_vmlinux("b", "Linux version %s (%s)\nLinux version 5.10.2-b (x)");
    f = sniffed("b");
    cr_expect_eq(f.kind, INIT_KERNEL);
    cr_expect_str_eq(f.what, "vmlinux, Linux 5.10.2-b");

    // A program is no kernel, whatever it is called.
    put_vmlinux("c", "version of a program");
    cr_expect_eq(sniffed("c").kind, INIT_OTHER);

    // The machine refuses it, and says why.
    run_shell("head -c 3000 a >cut");
    f = sniffed("cut");
    cr_expect_eq(f.kind, INIT_KERNEL);
    cr_expect(strstr(f.refused, "truncated"), "%s", f.refused);

    // What is called a kernel and is none is told of.
    run_shell("(cat a; head -c 3000 /dev/urandom) | gzip -c >vmlinuz-6.9.1");
    f = sniffed("vmlinuz-6.9.1");
    cr_expect_eq(f.kind, INIT_KERNEL);
    cr_expect(strstr(f.refused, "compressed with gzip"), "%s", f.refused);
}

Test(init, initrds_are_archives_however_packed)
{
    put_cpio("a");
    cr_expect_str_eq(sniffed("a").what, "cpio archive");
    run_shell("head -c 40000 /dev/urandom >noise && cat a noise >long");
    run_shell("gzip -c long >b && xz -c long >c");
    struct init_file f = sniffed("b");
    cr_expect_eq(f.kind, INIT_INITRD);
    cr_expect_str_eq(f.what, "cpio archive, gzip");
    cr_expect_str_eq(sniffed("c").what, "cpio archive, xz");
    // Packed, but something else: also under an initrd's name.
    run_shell("gzip -c noise >initrd.img");
    cr_expect_eq(sniffed("initrd.img").kind, INIT_OTHER);
    // Damaged behind its magic number.
    run_shell("(printf '\\037\\213'; head -c 600 noise) >initramfs");
    cr_expect_eq(sniffed("initramfs").kind, INIT_OTHER);
}

Test(init, an_unknown_packer_is_believed_by_the_name)
{
    run_shell("(printf '\\050\\265\\057\\375'; head -c 600 /dev/zero) >initrd");
    run_shell("cp initrd other");
    setenv("PATH", "/nonexistent", 1);
    struct init_file f = sniffed("initrd");
    cr_expect_eq(f.kind, INIT_INITRD);
    cr_expect(strstr(f.what, "zstd (by its name)"), "%s", f.what);
    cr_expect_eq(sniffed("other").kind, INIT_OTHER);
    setenv("PATH", "/usr/bin:/bin", 1);
}

Test(init, disks_and_where_their_root_is)
{
    char ext4[4096] = "";
    put_mbr("a");
    struct init_file f = sniffed("a");
    cr_expect_eq(f.kind, INIT_DISK);
    cr_expect_eq(f.root, 2, "%d", f.root);

    ext4[1024 + 56] = '\x53';
    ext4[1024 + 57] = '\xef';
    put_bytes("b", ext4, sizeof(ext4));
    f = sniffed("b");
    cr_expect_str_eq(f.what, "raw, an ext2, ext3 or ext4 file system");
    cr_expect_eq(f.root, INIT_ROOT_WHOLE);

    // GPT: two partitions, the second one is of the type "root".
    uint8_t gpt[8192] = {[512 + 72] = 2, [512 + 84] = 128};
    memcpy(gpt + 512, "EFI PART", 8);
    memcpy(gpt + 1024,
           "\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4",
           16);
    gpt[1024 + 41] = 0xff;
    memcpy(gpt + 1024 + 128,
           "\xe3\xbc\x68\x4f\xcd\xe8\xb1\x4d\x96\xe7\xfb\xca\xf9\x84\xb7\x09",
           16);
    put_bytes("c", gpt, sizeof(gpt));
    cr_expect_eq(sniffed("c").root, 2);

    // A boot sector alone has no partitions, text is text.
    uint8_t sector[512] = {[0] = 0xeb, [446] = 7, [510] = 0x55, [511] = 0xaa};
    put_bytes("d", sector, sizeof(sector));
    cr_expect_eq(sniffed("d").kind, INIT_OTHER);
    put_file("e", "disk.img\n");
    cr_expect_eq(sniffed("e").kind, INIT_OTHER);

    // One that needs another file is not taken.
    uint8_t qcow2[512] = {'Q', 'F', 'I', 0xfb, [7] = 3, [15] = 104};
    put_bytes("f", qcow2, sizeof(qcow2));
    f = sniffed("f");
    cr_expect_eq(f.kind, INIT_DISK);
    cr_expect(strstr(f.refused, "backing file"), "%s", f.refused);
}

static struct init_found scanned(void)
{
    struct init_found found;
    struct error err = {""};
    cr_assert_eq(init_scan(test_folder, &found, &err), 0, "%s", err.text);
    return found;
}

Test(init, an_empty_folder_is_one)
{
    struct init_found found = scanned();
    cr_expect_eq(found.count, 0U);
    cr_expect_eq(found.looked_at, 0U);
    init_found_free(&found);
    struct error err = {""};
    cr_expect_lt(init_scan("/nonexistent", &found, &err), 0);
    cr_expect(*err.text);
}

Test(init, links_lead_nowhere)
{
    run_shell("mkdir -p sub/deep .hidden && ln -s .. sub/up && ln -s /proc p &&"
              "ln -s nothing dangling && mkfifo fifo");
    put_bzimage("sub/deep/kernel", "6.1.0", 0);
    put_bzimage(".hidden/kernel", "6.1.0", 0);
    run_shell("ln -s sub/deep/kernel vmlinuz");
    struct init_found found = scanned();
    // The same file by two names is one.
    cr_assert_eq(found.count, 1U);
    cr_expect_eq(found.looked_at, 2U);
    cr_expect_str_eq(found.files[0].path, "vmlinuz");
    init_found_free(&found);
}

Test(init, what_is_near_is_seen_in_a_large_folder)
{
    run_shell("mkdir many && cd many && seq -f f%.0f 21000 | xargs touch");
    put_bzimage("kernel", "6.1.0", 0);
    struct init_found found = scanned();
    cr_expect(found.cut_short);
    cr_expect_leq(found.looked_at, (size_t)INIT_ENTRIES_MAX);
    cr_expect_eq(found.count, 1U);
    init_found_free(&found);
}

// Each packed file is a process: of thousands not all are unpacked.
Test(init, so_many_packed_files_are_looked_into)
{
    run_shell("head -c 2000 /dev/urandom | gzip >packed && seq -f p%.0f 150 |"
              "xargs -n 1 cp packed");
    put_cpio("a");
    struct init_found found = scanned();
    cr_expect_eq(found.count, 1U);
    cr_expect_eq(found.unpacked, (size_t)INIT_UNPACKED_MAX);
    init_found_free(&found);
}

Test(init, what_cannot_be_read_is_counted)
{
    put_bzimage("mine", "6.1.0", 0);
    put_bzimage("theirs", "6.1.0", 0);
    run_shell("mkdir closed && touch closed/f && chmod 0 theirs closed && "
              "chmod 755 .");
    if (!geteuid())
        cr_assert_eq(seteuid(65534), 0);
    struct init_found found = scanned();
    if (!getuid())
        cr_assert_eq(seteuid(0), 0);
    run_shell("chmod 700 closed");
    cr_assert_eq(found.count, 1U);
    cr_expect_str_eq(found.files[0].path, "mine");
    cr_expect_eq(found.unreadable, 2U);
    init_found_free(&found);
}

// A machine for what lies here, as the command would make it.
static struct init_picked picked(const struct init_found *found,
                                 const struct options *o)
{
    struct init_picked p;
    struct error err = {""};
    cr_assert_eq(init_pick(found, test_folder, o, &p, &err), 0, "%s", err.text);
    return p;
}

Test(init, the_newest_is_taken_unless_one_is_named)
{
    put_bzimage("a", "6.1.0", 50);
    put_bzimage("b", "6.2.0", 5);
    run_shell("mkdir sub");
    put_cpio("initrd-6.2.0");
    put_cpio("sub/newer");
    run_shell("touch -d '1 hour ago' initrd-6.2.0");
    struct options o = {.npaths = 0};
    struct init_found found = scanned();
    struct init_picked p = picked(&found, &o);
    cr_expect_str_eq(p.machine.kernel->path, "b");
    cr_expect_str_eq(p.machine.initrd->path, "initrd-6.2.0", "of its version");
    cr_expect(!p.machine.guest && !p.machine.known);
    init_picked_free(&p);
    o.machine.kernel = "./sub/../a";
    p = picked(&found, &o);
    cr_expect_str_eq(p.machine.kernel->path, "a");
    cr_expect_str_eq(p.machine.initrd->path, "sub/newer");
    init_picked_free(&p);
    o.machine.kernel = "sub/newer";
    struct error err = {""};
    cr_expect_eq(init_pick(&found, test_folder, &o, &p, &err), -EINVAL);
    cr_expect(strstr(err.text, "cpio"), "%s", err.text);
    init_picked_free(&p);
    init_found_free(&found);
}

Test(init, a_kernel_tree_is_not_searched)
{
    run_shell("mkdir -p linux/arch/x86/boot linux/drivers &&"
              "touch linux/Kconfig linux/Kbuild");
    put_file("linux/.config", "CONFIG_KUNIT=y\nCONFIG_LIST_KUNIT_TEST=y\n"
                              "# CONFIG_SERIAL_8250_CONSOLE is not set\n"
                              "CONFIG_INITRAMFS_SOURCE=\"\"\n");
    put_bzimage("linux/arch/x86/boot/bzImage", "6.9.0", 0);
    put_vmlinux("linux/vmlinux", "Linux version 6.9.0 (");
    put_bzimage("linux/drivers/odd", "6.9.0", 0);
    run_shell("touch -d '1 hour ago' linux/vmlinux");
    const struct options o = {.npaths = 0};
    struct init_found found = scanned();
    cr_assert_eq(found.count, 2U);
    cr_assert_str_eq(found.tree, "linux");
    cr_expect(found.tree_built && found.config.read);
    cr_expect(found.config.kunit && found.config.kunit_tests);
    cr_expect(!found.config.serial_console && !found.config.initramfs);
    struct init_picked p = picked(&found, &o);
    cr_expect(p.in_tree && p.machine.known && p.machine.guest);
    cr_expect_str_eq(p.machine.kernel->path, "linux/arch/x86/boot/bzImage");
    cr_expect_str_eq(p.machine.symbols, "linux/vmlinux");
    init_picked_free(&p);
    init_found_free(&found);
}
