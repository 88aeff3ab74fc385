// SPDX-License-Identifier: Apache-2.0
// What a host's counters tell about its quiet. See noise.h.
#include "harness/history/noise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_TEXT 512

static FILE *open_at(const char *root, const char *path)
{
    char text[PATH_TEXT];
    snprintf(text, sizeof(text), "%s%s", root, path);
    return fopen(text, "re");
}

// proc(5): "cpu user nice system idle iowait irq softirq steal ..."
static void look_at_time(const char *root, struct noise_look *out)
{
    FILE *f = open_at(root, "/proc/stat");
    char line[512];
    uint64_t t[8];
    size_t n = 0;
    if (f && fgets(line, sizeof(line), f) && !strncmp(line, "cpu ", 4)) {
        char *at = line + 4;
        for (char *end = at; n < 8; at = end, n++) {
            t[n] = strtoull(at, &end, 10);
            if (end == at)
                break;
        }
    }
    if (n == 8) {
        out->cpu_known = true;
        out->busy = t[0] + t[1] + t[2] + t[5] + t[6];
        out->idle = t[3] + t[4];
        out->steal = t[7];
    }
    if (f)
        fclose(f);
}

static void look_at_load(const char *root, struct noise_look *out)
{
    FILE *f = open_at(root, "/proc/loadavg");
    char line[128];
    char *end;
    if (f && fgets(line, sizeof(line), f)) {
        out->load = strtod(line, &end);
        out->load_known = end != line;
    }
    if (f)
        fclose(f);
}

static void look_at_frequency(const char *root, struct noise_look *out)
{
    for (unsigned i = 0; i < out->processors; i++) {
        char path[PATH_TEXT];
        char line[64];
        snprintf(path, sizeof(path),
                 "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", i);
        FILE *f = open_at(root, path);
        uint64_t khz = 0;
        if (f && fgets(line, sizeof(line), f))
            khz = strtoull(line, NULL, 10);
        if (f)
            fclose(f);
        if (!khz)
            continue;
        if (!out->frequency_known || khz < out->slowest_khz)
            out->slowest_khz = khz;
        if (khz > out->fastest_khz)
            out->fastest_khz = khz;
        out->frequency_known = true;
    }
}

void noise_look(const char *root, struct noise_look *out)
{
    *out = (struct noise_look){0};
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    out->processors = online > 0 ? (unsigned)online : 1;
    look_at_time(root, out);
    look_at_load(root, out);
    look_at_frequency(root, out);
}

static void say(char out[NOISE_TEXT], const char *text)
{
    size_t len = strlen(out);
    snprintf(out + len, NOISE_TEXT - len, "%s%s",
             len ? ", " : "this host is too noisy to be sure: ", text);
}

const char *noise_warning(const struct noise_look *before,
                          const struct noise_look *after, unsigned own,
                          char out[NOISE_TEXT])
{
    char text[160];
    *out = '\0';
    bool timed = before->cpu_known && after->cpu_known &&
                 after->busy + after->idle + after->steal >
                     before->busy + before->idle + before->steal;
    if (timed) {
        double steal = (double)(after->steal - before->steal);
        double busy = (double)(after->busy - before->busy);
        double all = steal + busy + (double)(after->idle - before->idle);
        if (steal >= 0.01 * all) {
            snprintf(text, sizeof(text),
                     "other virtual machines took %.1f %% of its time",
                     100 * steal / all);
            say(out, text);
        }
        double others = busy / all * after->processors - own;
        if (others > 0.25 * after->processors) {
            snprintf(text, sizeof(text),
                     "other processes kept %.1f of %u processors busy", others,
                     after->processors);
            say(out, text);
        }
    } else if (after->load_known &&
               after->load > own + 0.25 * after->processors) {
        snprintf(text, sizeof(text), "its load is %.1f on %u processors",
                 after->load, after->processors);
        say(out, text);
    }
    if (after->frequency_known &&
        (double)after->slowest_khz < 0.85 * (double)after->fastest_khz) {
        snprintf(text, sizeof(text),
                 "its processors run at %.1f to %.1f GHz (a fixed frequency "
                 "or the performance governor helps)",
                 (double)after->slowest_khz / 1e6,
                 (double)after->fastest_khz / 1e6);
        say(out, text);
    }
    return out;
}
