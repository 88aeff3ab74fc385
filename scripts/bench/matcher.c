// SPDX-License-Identifier: Apache-2.0
// Measures the matcher: makes a console log, runs it through all the filters,
// the matcher and a watch, or through PCRE2 alone. Run by matcher.sh.
#include "harness/console/matcher.h"
#include "harness/console/pattern_exec.h"
#include "src/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN "finished: (\\d+) targets ok"

// What the kernel says when something is wrong; 25 patterns, as in real use.
#define STAMP "\\[ *[0-9]+\\.[0-9]{6}\\](?:\\[ *[TC][0-9]+\\])? "
#define BEGIN "(?m)(?:^(?:<[0-7]>)?|" STAMP ")"
static const char *const fails[] = {
    BEGIN "Kernel panic - not syncing: Attempted to kill init!",
    BEGIN "(?:Kernel panic - not syncing: )?VFS: (?:Unable to mount root fs|"
          "Cannot open root device)",
    BEGIN "(?:Kernel panic - not syncing: |PANIC: early exception 0x)",
    BEGIN "(?:(?:traps: )?PANIC: double fault|(?:Oops: )?double fault: )",
    BEGIN "(?:Oops: )?general protection fault(?:, [^:\\n]{0,99})?: ",
    BEGIN "BUG: (?:unable to handle |kernel NULL pointer dereference)",
    BEGIN "(?:Oops: )?[A-Za-z][^:\\n]{0,99}: [0-9a-f]{4} \\[#[0-9]+\\]",
    BEGIN "BUG: KASAN: ",
    BEGIN "BUG: KCSAN: ",
    BEGIN "BUG: KMSAN: ",
    BEGIN "BUG: KFENCE: ",
    BEGIN "UBSAN: [^\\n]{1,99} in [^ \\n]+:[0-9]+",
    BEGIN "watchdog: BUG: soft lockup - CPU#[0-9]+ stuck for",
    BEGIN "(?:NMI )?watchdog: Watchdog detected hard LOCKUP on cpu",
    BEGIN "(?:rcu: )?INFO: rcu_[a-z_]+ (?:self-detected stall on CPU|"
          "detected (?:expedited )?stalls on )",
    BEGIN "INFO: task [^\\n]{1,99}:[0-9]+ blocked for more than [0-9]+ seconds",
    BEGIN "(?:Memory cgroup out of memory|Out of memory): Killed process [0-9]",
    BEGIN "(?:WARNING|INFO|BUG): (?:possible (?:circular|recursive) locking|"
          "inconsistent lock state|suspicious RCU usage|held lock freed)",
    BEGIN "WARNING: CPU: [0-9]+ PID: [0-9]+ at ",
    BEGIN "kernel BUG at [^ \\n]+:[0-9]+!",
    BEGIN "BUG: sleeping function called from invalid context",
    BEGIN "BUG: scheduling while atomic",
    "^Segmentation fault",
    "^FATAL: ",
    "assertion .* failed$",
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (x * UINT64_C(0x2545f4914f6cdd1d)) >> 33;
}

// A boot and a build on a serial console: kernel messages, some of which cut
// into a line, user space with colours, UTF-8 and progress bars. @ is a number.
static const char *const kernel_lines[] = {
    "usb 1-@: new high-speed USB device number @ using xhci_hcd",
    "ACPI: PCI: Interrupt link LNKA configured for IRQ @",
    "clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x@ @",
    "EXT4-fs (vda@): mounted filesystem with ordered data mode.",
    "audit: type=1400 audit(@.@:2): apparmor=\"STATUS\"",
};
static const char *const user_lines[] = {
    "  CC [M]  drivers/net/ethernet/intel/e1000/e1000_main_@.o",
    "  AR      drivers/gpu/drm/built-in.a",
    "Setting up libpython3.@-minimal:amd64 (3.11.2-6+deb12u@) ...",
    "Get:@ http://mirror.example/debian bookworm/main amd64 libc6 [@ kB]",
    "make[@]: Entering directory '/usr/src/linux-@'",
    "gcc -O2 -Wall -Wextra -g -c -o obj/file@.o src/file@.c",
    "ok @ - tests/regress/sorting_of_many_rows_@",
    "drwxr-xr-x   @ root     root           @ Nov 30  2023 bin",
    "[\033[0;32m  OK  \033[0m] Started \033[0;1;39mservice @\033[0m.",
    "\033[1;34mlib@\033[m  \033[1;32mld-musl-x86_64.so.@\033[m",
    "checking for \xe2\x80\x98strndup\xe2\x80\x99 number @... yes",
    "make[@]: @ targets ok",
    "\r 10% [#   ]\r 50% [##  ]\r100% [####] @ of @",
};

static void write_line(FILE *f, const char *line, uint64_t *random)
{
    for (; *line; line++) {
        if (*line == '@') {
            fprintf(f, "%u", (unsigned)(next(random) % 10000));
        } else {
            fputc(*line, f);
        }
    }
    fputs("\r\n", f);
}

// A byte comes each microsecond, in the log's clock as in the stamps: as of a
// guest, its messages are live.
#define BYTE_US 1

static void write_lines(FILE *f, uint64_t *random)
{
    uint64_t r = next(random);
    if (r % 5 >= 2) {
        write_line(f, user_lines[r / 8 % COUNT(user_lines)], random);
        return;
    }
    bool cuts = r / 64 % 16 == 0;
    fputs(cuts ? "Starting netw" : "", f);
    uint64_t us = (uint64_t)ftell(f) * BYTE_US;
    fprintf(f, "[%5" PRIu64 ".%06" PRIu64 "] ", us / 1000000, us % 1000000);
    write_line(f, kernel_lines[r / 8 % COUNT(kernel_lines)], random);
    if (cuts) {
        write_line(f, "ork", random);
    }
}

static int make_log(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        return 1;
    }
    uint64_t random = 4711;
    fputs("[    0.000000] Linux version 6.1.0\r\n", f);
    while ((size_t)ftell(f) < size) {
        write_lines(f, &random);
    }
    fputs("finished: 4711 targets ok\r\n", f);
    return fclose(f) != 0;
}

static uint8_t *read_log(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    long size = ftell(f);
    rewind(f);
    uint8_t *bytes = malloc((size_t)size + 1);
    *len = bytes ? fread(bytes, 1, (size_t)size, f) : 0;
    fclose(f);
    return bytes;
}

static struct pattern *compile(const char *source)
{
    struct error err = {""};
    struct pattern *p = pattern_compile(source, strlen(source), 0, NULL, &err);
    if (!p) {
        fprintf(stderr, "%s: %s\n", source, err.text);
        exit(1);
    }
    return p;
}

// In pieces of a console's batch; as the guest sends them, each byte has its
// own stamp, or else each batch one.
static bool run_matcher(const uint8_t *bytes, size_t len, bool stamp_each)
{
    struct error err;
    struct matcher *m = matcher_new(NULL, &err);
    struct watch *w = watch_new(&err);
    static struct stamp stamps[CONSOLE_BATCH];
    for (size_t i = 0; i < COUNT(fails); i++) {
        watch_add_fail(w, compile(fails[i]), &err);
    }
    const struct pattern *p = compile(PATTERN);
    struct match match;
    struct watch_hit hit;
    bool found = false;
    uint64_t ns = 1;
    for (size_t at = 0; at < len && !found; at += CONSOLE_BATCH) {
        size_t n = len - at < CONSOLE_BATCH ? len - at : CONSOLE_BATCH;
        size_t nstamps = stamp_each ? n : 1;
        for (size_t i = 0; i < nstamps; i++) {
            ns = 1 + (at + i) * BYTE_US * NS_PER_US;
            stamps[i] = (struct stamp){(uint32_t)i, ns};
        }
        matcher_feed(m, bytes + at, n, stamps, nstamps);
        if (watch_feed(w, bytes + at, n, stamps, nstamps, &hit)) {
            fprintf(stderr, "fired: %s\n", hit.line);
            return false;
        }
        found = matcher_look(m, &p, 1, ns, &match, &err) == MATCH_FOUND;
    }
    return found && match.groups[1].len == 4;
}

static bool run_pcre(const uint8_t *bytes, size_t len)
{
    struct error err;
    struct pattern_scratch s = {0};
    int code;
    const struct pattern *p = compile(PATTERN);
    return pattern_scratch_init(&s, &err) == 0 &&
           pattern_exec(p, &s, (const char *)bytes, len, 0, 0, false, &code) ==
               EXEC_FULL;
}

// CPU time, system calls included: other work on the machine doesn't count.
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0) {
        return make_log(argv[2], strtoul(argv[3], NULL, 10));
    }
    if (argc != 3) {
        fprintf(stderr,
                "usage: %s make FILE BYTES | matcher FILE | "
                "stamped FILE | pcre FILE\n",
                argv[0]);
        return 2;
    }
    size_t len;
    uint8_t *bytes = read_log(argv[2], &len);
    uint64_t start = cpu_ns();
    bool found = strcmp(argv[1], "pcre") == 0
                     ? run_pcre(bytes, len)
                     : run_matcher(bytes, len, strcmp(argv[1], "stamped") == 0);
    uint64_t took = cpu_ns() - start;
    free(bytes);
    if (!found) {
        fprintf(stderr, "the pattern was not found\n");
        return 1;
    }
    // MB/s: bytes for each microsecond.
    printf("%.1f\n", (double)len * 1000 / (double)took);
    return 0;
}
