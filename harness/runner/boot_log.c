// SPDX-License-Identifier: Apache-2.0
// The console's lines, one by one. See boot_log.h.
#include "harness/runner/boot_log.h"

#include "src/base/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// Lines that were logged by several CPUs at once may stand in another order
// than their times by so much.
#define DISORDER_NS NS_PER_MS

// "[    1.234567]" or "[    1.234567][    T1]" at the start; where the text
// behind it begins, or NULL.
static const char *take_time(const char *line, uint64_t *ns)
{
    const char *at = line;
    if (*at == '<') {
        // The log level, with console_msg_format=syslog: "<6>[ ...".
        at += 1 + strspn(at + 1, "0123456789");
        if (*at != '>')
            return NULL;
        at++;
    }
    if (*at != '[')
        return NULL;
    at += 1 + strspn(at + 1, " ");
    char *end;
    if (!isdigit((unsigned char)*at))
        return NULL;
    uint64_t seconds = strtoull(at, &end, 10);
    size_t digits = *end == '.' ? strspn(end + 1, "0123456789") : 0;
    if (digits != 6 || end[7] != ']' || seconds > 1000000000)
        return NULL;
    *ns = seconds * 1000000000 + strtoull(end + 1, NULL, 10) * 1000;
    at = end + 8;
    if (*at == '[' && strchr(at, ']')) // printk's caller
        at = strchr(at, ']') + 1;
    return at + strspn(at, " ");
}

static void keep_initcall(struct boot_log *log, const struct initcall *call)
{
    log->ninitcalls++;
    log->initcalls_us += call->us;
    size_t at = log->ntop;
    if (at == INITCALL_TOP && log->top[at - 1].us >= call->us)
        return;
    if (at == INITCALL_TOP)
        at--;
    else
        log->ntop++;
    for (; at > 0 && log->top[at - 1].us < call->us; at--)
        log->top[at] = log->top[at - 1];
    log->top[at] = *call;
}

// init/main.c: "initcall %pS returned %d after %lld usecs", the name with its
// offset, size and module.
static void take_initcall(struct boot_log *log, const char *text)
{
    static const char word[] = "initcall ";
    if (strncmp(text, word, sizeof(word) - 1) != 0)
        return;
    const char *name = text + sizeof(word) - 1;
    const char *returned = strstr(name, " returned ");
    const char *after = returned ? strstr(returned, " after ") : NULL;
    if (!after || !isdigit((unsigned char)after[7]) || !strstr(after, " usecs"))
        return;
    struct initcall call = {.us = strtoull(after + 7, NULL, 10),
                            .result = (int)strtol(returned + 10, NULL, 10)};
    size_t len = strcspn(name, "+ ");
    if (len >= sizeof(call.name))
        len = sizeof(call.name) - 1;
    memcpy(call.name, name, len);
    if (call.us < UINT64_C(1) << 40)
        keep_initcall(log, &call);
}

// "1min 2.345s", "345ms", "12us": systemd's format_timespan.
static uint64_t take_span(const char *text, const char *end)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {
        {"min", 60e9}, {"ms", 1e6}, {"us", 1e3}, {"h", 3600e9}, {"s", 1e9},
    };
    double total = 0;
    while (text < end) {
        char *after;
        text += strspn(text, " ");
        double n = strtod(text, &after);
        if (after == text || after > end || !(n >= 0 && n < 1e9))
            return 0;
        size_t u = 0;
        size_t count = sizeof(units) / sizeof(units[0]);
        while (u < count &&
               strncmp(after, units[u].name, strlen(units[u].name)) != 0)
            u++;
        if (u == count)
            return 0;
        total += n * units[u].ns;
        text = after + strlen(units[u].name);
        text += strspn(text, " ");
    }
    return total < 1e18 ? (uint64_t)(total + 0.5) : 0;
}

static void take_systemd(struct boot_log *log, const char *line)
{
    static const char words[] = "Startup finished in ";
    const char *at = strstr(line, words);
    const char *equals = at ? strstr(at, " = ") : NULL;
    if (!equals)
        return;
    const struct {
        const char *name;
        uint64_t *ns;
    } parts[] = {
        {"(firmware)", &log->systemd_firmware},
        {"(loader)", &log->systemd_loader},
        {"(kernel)", &log->systemd_kernel},
        {"(initrd)", &log->systemd_initrd},
        {"(userspace)", &log->systemd_userspace},
    };
    at += sizeof(words) - 1;
    while (at && at < equals) {
        const char *open = strchr(at, '(');
        if (!open || open > equals)
            break;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            if (!strncmp(open, parts[i].name, strlen(parts[i].name)))
                *parts[i].ns = take_span(at, open);
        }
        at = strstr(open, " + ");
        if (at)
            at += 3;
    }
    const char *total = equals + 3;
    size_t len = strcspn(total, "\r\n");
    while (len && (total[len - 1] == '.' || total[len - 1] == ' '))
        len--;
    log->systemd_total = take_span(total, total + len);
    log->has_systemd = log->systemd_total > 0;
}

// False for a line that was there before.
static bool take_clock(struct boot_log *log, uint64_t ns)
{
    if (ns > log->kernel_last)
        log->repeats = false;
    else if (ns + DISORDER_NS < log->kernel_last)
        log->repeats = true;
    if (log->repeats)
        return false;
    log->kernel_lines++;
    if (ns > log->kernel_last)
        log->kernel_last = ns;
    return true;
}

static void take_line(struct boot_log *log, const char *line)
{
    uint64_t ns = 0;
    line += strspn(line, "\r");
    const char *text = take_time(line, &ns);
    if (text && !take_clock(log, ns))
        return;
    if (text) {
        // The first one is init; later ones are what it tries next.
        if (!log->kernel_init && !strncmp(text, "Run ", 4) &&
            strstr(text, " as init process"))
            log->kernel_init = ns;
        take_initcall(log, text);
    }
    take_systemd(log, line);
}

void boot_log_feed(struct boot_log *log, const void *bytes, size_t len)
{
    const char *at = bytes, *end = at + len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);
        size_t room = sizeof(log->line) - 1 - log->len;
        memcpy(log->line + log->len, at, n < room ? n : room);
        log->len += n < room ? n : room;
        if (newline)
            boot_log_end(log);
        at += n + (newline != NULL);
    }
}

void boot_log_end(struct boot_log *log)
{
    log->line[log->len] = '\0';
    if (log->len)
        take_line(log, log->line);
    log->len = 0;
}
