// SPDX-License-Identifier: Apache-2.0
// See report.h.
#include "harness/rig/report.h"

#include "src/base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAIL_LINES 20

void report_init(struct report *report, const char *who, bool verbose,
                 const struct terminal *terminal)
{
    memset(report, 0, sizeof(*report));
    report->who = who;
    report->verbose = verbose;
    report->terminal = terminal;
    report->console = report->messages = -1;
    report->begin = report->last = clock_now_ns();
}

void report_line(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

static const char *line_end(const struct report *report)
{
    return report->terminal->raw ? "\r" : "";
}

void report_step(struct report *report, const char *what)
{
    uint64_t now = clock_now_ns();
    if (report->verbose)
        report_line("%6.3f s (+%.3f): %s%s",
                    (double)(now - report->begin) / 1e9,
                    (double)(now - report->last) / 1e9, what, line_end(report));
    report->last = now;
}

void report_started(struct report *report, const struct frame_started *times)
{
    report_step(report, "the command runs");
    if (!report->verbose)
        return;
    const struct {
        const char *what;
        uint64_t at;
    } steps[] = {
        {"its kernel reached init", times->init},
        {"its port was open", times->port},
        {"its /dev/kvm was there", times->kvm},
        {"its files were mounted", times->mounts},
        {"it started the command", times->command},
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        report_line("         %s's own clock %.3f s: %s%s", report->who,
                    (double)steps[i].at / 1e9, steps[i].what, line_end(report));
}

void report_note(const struct report *report, const struct frame *frame)
{
    report_line("%.*s%s", (int)frame->len, (const char *)frame->payload,
                line_end(report));
}

void report_prepare(const struct report *report, struct pollfd fds[2])
{
    fds[0] = (struct pollfd){.fd = report->console, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = report->messages, .events = POLLIN};
}

static void tail_add(struct tail *tail, const char *bytes, size_t len)
{
    if (len > TAIL_SIZE) {
        bytes += len - TAIL_SIZE;
        len = TAIL_SIZE;
    }
    size_t keep = tail->len < TAIL_SIZE - len ? tail->len : TAIL_SIZE - len;
    memmove(tail->bytes, tail->bytes + tail->len - keep, keep);
    memcpy(tail->bytes + keep, bytes, len);
    tail->len = keep + len;
}

// False at the end.
static bool collect(int fd, struct tail *tail, bool show)
{
    char buf[4096];
    ssize_t n = read(fd, buf, sizeof(buf));
    if (n <= 0)
        return n < 0;
    tail_add(tail, buf, (size_t)n);
    if (show)
        fwrite(buf, 1, (size_t)n, stderr);
    return true;
}

void report_collect(struct report *report, const struct pollfd fds[2])
{
    if (fds[0].revents &&
        !collect(report->console, &report->console_tail, report->verbose))
        report->console = -1;
    if (fds[1].revents &&
        !collect(report->messages, &report->messages_tail, report->verbose))
        report->messages = -1;
}

static bool is_noise(const char *line, size_t len)
{
    // virtiofsd's word for "QEMU is gone".
    static const char noise[] = "Unexpected poll revents";
    return memmem(line, len, noise, sizeof(noise) - 1) != NULL;
}

// One line, made safe for a terminal.
static void print_line(const char *line, size_t len)
{
    fputs("    ", stderr);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c != '\r')
            fputc(c == '\t' || (c >= ' ' && c < 127) ? c : '?', stderr);
    }
    fputc('\n', stderr);
}

// The last lines of a text.
static void print_tail(const char *who, const char *title,
                       const struct tail *tail)
{
    size_t from = tail->len;
    int lines = 0;
    while (from > 0 && (lines += tail->bytes[from - 1] == '\n') <= TAIL_LINES)
        from--;
    while (from < tail->len) {
        const char *line = tail->bytes + from;
        const char *end = memchr(line, '\n', tail->len - from);
        size_t len = end ? (size_t)(end - line) : tail->len - from;
        if (!is_noise(line, len)) {
            if (title)
                report_line("%s%s:", who, title);
            title = NULL;
            print_line(line, len);
        }
        from += len + 1;
    }
}

// A panic's own sentence, which the trace that follows it buries.
static void print_panic(const struct report *report)
{
    const struct tail *console = &report->console_tail;
    static const char mark[] = "Kernel panic - not syncing: ";
    size_t len = sizeof(mark) - 1;
    const char *panic = memmem(console->bytes, console->len, mark, len);
    if (!panic)
        return;
    panic += len;
    size_t rest = console->len - (size_t)(panic - console->bytes);
    size_t n = 0;
    while (n < rest && panic[n] >= ' ' && panic[n] < 127)
        n++;
    report_line("%s's kernel panicked: %.*s", report->who, (int)n, panic);
}

void report_failure(struct report *report, const struct error *err)
{
    struct pollfd fds[2];
    int more = 1;
    // What was printed last may not have been read yet.
    while (more > 0) {
        report_prepare(report, fds);
        more = poll(fds, 2, 20);
        report_collect(report, fds);
    }
    report_line("%s", err->text);
    if (report->verbose || report->explained)
        return;
    print_panic(report);
    print_tail("", "its programs said", &report->messages_tail);
    print_tail(report->who, "'s console ended with", &report->console_tail);
}
