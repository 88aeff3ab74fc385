// SPDX-License-Identifier: Apache-2.0
// The scenario that is written, and the one that looks what could be. See
// init.h. Both are laid out by the scenario room, which so has read them.
#include "harness/cli/init.h"
#include "harness/scenario/format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

// A text of the language: what is special in one is escaped.
static void put_text(FILE *f, const char *base, const char *text)
{
    fputc('"', f);
    for (int part = 0; part < 2; part++) {
        for (const char *at = part ? text : base; *at; at++) {
            if (strchr("\"\\$", *at))
                fputc('\\', f);
            fputc(*at, f);
        }
    }
    fputc('"', f);
}

static void put_path(FILE *f, const struct init_machine *m, const char *word,
                     const char *path)
{
    fprintf(f, "%s ", word);
    put_text(f, *path == '/' ? "" : m->base, path);
    fputc('\n', f);
}

static void put_cmdline(FILE *f, const struct init_machine *m)
{
    char root[64] = "";
    if (m->disk && m->root == INIT_ROOT_WHOLE)
        snprintf(root, sizeof(root), "root=/dev/vda rw ");
    else if (m->disk && m->root != INIT_ROOT_UNKNOWN)
        snprintf(root, sizeof(root), "root=/dev/vda%d rw ", m->root);
    if (*root)
        fprintf(f, "# %s\n",
                m->root_guess
                    ? "Where the disk has its root file system is a guess."
                    : "root= is where the disk has its root file system.");
    fprintf(f, "cmdline \"%sconsole=ttyS0 panic=-1\"\n", root);
}

// An initrd is in memory twice while it is unpacked, and grows.
static unsigned memory_mib(const struct init_machine *m)
{
    uint64_t packed = m->initrd ? m->initrd->size : 0;
    if (packed > 96 * MIB)
        return 2048;
    return packed > 16 * MIB ? 1024 : m->disk || m->initrd ? 512 : 256;
}

static void put_machine(FILE *f, const struct init_machine *m)
{
    if (m->guest) {
        if (m->kernel || m->initrd)
            fprintf(f, "# The guest busybox lends its %s.\n",
                    m->kernel ? "initrd: BusyBox, where root logs in with the "
                                "password root"
                              : "kernel, Debian's");
        fputs("guest busybox\n", f);
    }
    if (m->kernel)
        put_path(f, m, "kernel", m->kernel->path);
    if (m->initrd)
        put_path(f, m, "initrd", m->initrd->path);
    if (m->disk) {
        fputs("# What the guest writes is dropped: the image stays as it is.\n",
              f);
        put_path(f, m, "disk", m->disk->path);
    }
    if (m->symbols) {
        fputs("# Names for the addresses in a failure's report.\n", f);
        put_path(f, m, "symbols", m->symbols);
    }
    put_cmdline(f, m);
    fprintf(f, "memory %uM\n", memory_mib(m));
}

const char *init_end_words(enum init_end end)
{
    static const char *const words[] = {
        [INIT_END_LOGIN] = "root logs in and runs a command",
        [INIT_END_PROMPT] = "a login prompt comes",
        [INIT_END_SHELL] = "a shell's prompt comes",
        [INIT_END_TARGET] = "systemd reaches its target",
        [INIT_END_POWEROFF] = "the guest powers itself off",
        [INIT_END_RESET] = "the guest reboots",
        [INIT_END_INIT] = "the kernel starts user space",
        [INIT_ENDS] = "",
    };
    return words[end];
}

static const char *const steps[] = {
    [INIT_END_LOGIN] =
        "# Logs in, and runs a command: `release` is what it printed.\n"
        "login \"root\" password \"root\"\n"
        "run \"uname -r\" as release\n",
    [INIT_END_PROMPT] =
        "# The login prompt. With a password that you know, go on with\n"
        "#     login \"root\" password \"...\"\n"
        "#     run   \"uname -r\" as release\n"
        "expect /login: $/\n",
    [INIT_END_SHELL] =
        "# A shell's prompt: type with `send \"ls\"`, and wait for what it\n"
        "# prints with `expect /.../`.\n"
        "expect /[#$>] $/\n",
    [INIT_END_TARGET] =
        "# systemd says that it is up.\n"
        "expect m{Reached target .*(?:[Mm]ulti-?[Uu]ser|[Gg]raphical)}\n",
    [INIT_END_POWEROFF] = "# The guest powers itself off when it is done.\n"
                          "expect poweroff\n",
    [INIT_END_RESET] = "# The guest reboots when it is done.\n"
                       "expect reset\n",
    [INIT_END_INIT] =
        "# User space begins. Go on with what your programs print:\n"
        "#     expect /a line that tells that all is well/\n"
        "expect /Run (?<init>\\S+) as init process/\n",
    [INIT_ENDS] = "",
};

static void put_steps(FILE *f, const struct init_machine *m, enum init_end end,
                      unsigned parts)
{
    if (parts & INIT_BANNER)
        fputs(
            "# The kernel's first line; ${version} is what it says of itself.\n"
            "expect /Linux version (?<version>\\S+)/\n\n",
            f);
    if (parts & INIT_KTAP)
        fputs("# KUnit: each of its tests is one in the reports.\n"
              "ktap within 5m\n\n",
              f);
    fputs(steps[end], f);
    if (end == INIT_END_LOGIN && parts & INIT_BANNER)
        fputs("check release == \"${version}\"\n", f);
    if (end == INIT_END_LOGIN && m->disk)
        fputs("\n# The disk is there.\n"
              "run \"cat /sys/block/vda/size\" as sectors\n"
              "check sectors > 0\n",
              f);
    if (end == INIT_END_LOGIN)
        fputs("poweroff\n", f);
}

// In the canonical layout. What can't be read would be a mistake of ours: it is
// given as it is, for the trial to fail with the reader's own words.
static char *lay_out(char *text)
{
    char *out = NULL;
    size_t len;
    struct diagnostics diags = {.count = 0};
    struct error ignored;
    if (!text)
        return NULL;
    int code = scenario_format("boot.tc", text, strlen(text), &out, &len,
                               &diags, &ignored);
    diagnostics_free(&diags);
    if (code)
        return text;
    free(text);
    return out;
}

// The text that is written to f, closed with it and laid out.
static char *finish(FILE *f, char **text)
{
    bool failed = ferror(f);
    if (fclose(f) || failed) {
        free(*text);
        return NULL;
    }
    return lay_out(*text);
}

char *init_scenario(const struct init_machine *m, enum init_end end,
                    unsigned parts)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    fprintf(f,
            "# Written by `toyvmm-test init`: yours to change. It passes when "
            "%s.\n# %s\n"
            "test \"It boots\"\ntags smoke\n\n",
            init_end_words(end),
            parts & INIT_TRIED ? "It was seen to pass." : "It was not tried.");
    put_machine(f, m);
    fprintf(f, "timeout %s\n\n", parts & INIT_KTAP ? "8m" : "2m");
    put_steps(f, m, end, parts);
    return finish(f, &text);
}

char *init_probe(const struct init_machine *m)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    put_machine(f, m);
    fputs("timeout 8m\n\n"
          "expect one within 40s {\n"
          "/login: $/ {}\n/[#$>] $/ {}\npoweroff {}\nreset {}\n"
          "timeout {}\n}\n",
          f);
    return finish(f, &text);
}
