// SPDX-License-Identifier: Apache-2.0
// Room for guests. See jobs.h.
#include "harness/cli/jobs.h"

#include "harness/guests/guest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

// As --jobs N has it.
#define JOBS_MOST 256

#define PATH_ROOM 4200

// ---- Files of the kernel's --------------------------------------------------

// The number behind the word at a line's beginning ("": of the first line);
// false where there is none ("max", or no such file).
static bool read_number(const char *path, const char *word, uint64_t *number)
{
    FILE *f = fopen(path, "re");
    char line[256];
    bool found = false;
    size_t len = strlen(word);
    while (f && !found && fgets(line, sizeof(line), f)) {
        const char *at = line + len;
        if (strncmp(line, word, len) != 0)
            continue;
        at += strspn(at, " \t:");
        errno = 0;
        *number = strtoull(at, NULL, 10);
        found = isdigit((unsigned char)*at) && !errno;
        if (!len)
            break;
    }
    if (f)
        fclose(f);
    return found;
}

// One version's names.
struct cgroup_files {
    const char *mount, *limit, *used, *cache;
};

// What the limit of one group leaves; false: it has none.
static bool left_in(const struct cgroup_files *v, const char *root,
                    const char *group, uint64_t *left)
{
    char path[PATH_ROOM];
    uint64_t limit, used, cache = 0;
    snprintf(path, sizeof(path), "%s%s%s/%s", root, v->mount, group, v->limit);
    if (!read_number(path, "", &limit))
        return false;
    snprintf(path, sizeof(path), "%s%s%s/%s", root, v->mount, group, v->used);
    if (!read_number(path, "", &used))
        return false;
    snprintf(path, sizeof(path), "%s%s%s/memory.stat", root, v->mount, group);
    read_number(path, v->cache, &cache);
    used = used > cache ? used - cache : 0;
    *left = limit > used ? limit - used : 0;
    return true;
}

// The least of a group and those above it. In a container the path may be one
// of the host's: what isn't there limits nothing.
static void look_up(const struct cgroup_files *v, const char *root,
                    const char *group, struct jobs_room *room)
{
    char at[PATH_ROOM / 2];
    uint64_t left;
    snprintf(at, sizeof(at), "%s", group);
    for (;;) {
        if (left_in(v, root, at, &left) && left < room->memory) {
            room->memory = left;
            room->by = "the cgroup's limit";
        }
        char *slash = strrchr(at, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

// "0::/a/b" is version 2, "4:cpu,memory:/a/b" version 1.
static void look_at_cgroups(const char *root, struct jobs_room *room)
{
    static const struct cgroup_files v1 = {
        "/sys/fs/cgroup/memory", "memory.limit_in_bytes",
        "memory.usage_in_bytes", "total_inactive_file"};
    static const struct cgroup_files v2 = {"/sys/fs/cgroup", "memory.max",
                                           "memory.current", "inactive_file"};
    char path[PATH_ROOM], line[PATH_ROOM / 2];
    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        line[strcspn(line, "\n")] = '\0';
        *group++ = '\0';
        if (!strcmp(group, "/"))
            *group = '\0';
        char *save = NULL;
        if (!controllers[1])
            look_up(&v2, root, group, room);
        for (char *c = strtok_r(controllers + 1, ",", &save); c;
             c = strtok_r(NULL, ",", &save)) {
            if (!strcmp(c, "memory"))
                look_up(&v1, root, group, room);
        }
    }
    if (f)
        fclose(f);
}

static unsigned own_cpus(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
    return count > 1 ? (unsigned)count : 1;
}

void jobs_look(const struct jobs_host *host, struct jobs_room *room)
{
    char path[PATH_ROOM];
    uint64_t kib;
    *room = (struct jobs_room){.cpus = host->cpus ? host->cpus : own_cpus(),
                               .memory = UINT64_MAX};
    snprintf(path, sizeof(path), "%s/proc/meminfo", host->root);
    if (read_number(path, "MemAvailable", &kib)) {
        room->memory = kib << 10;
        room->by = "MemAvailable";
    }
    look_at_cgroups(host->root, room);
}

// ---- So many ----------------------------------------------------------------

unsigned jobs_beside(const struct jobs_room *room, uint64_t each)
{
    unsigned most = room->cpus < JOBS_MOST ? room->cpus : JOBS_MOST;
    uint64_t fit = room->memory / (each ? each : 1);
    if (fit >= most)
        return most;
    return fit ? (unsigned)fit : 1;
}

// Of a guest that can't be had it is found out later.
static uint64_t guest_memory(const struct selected *one,
                             const struct plan_case *c)
{
    struct guest guest;
    struct error ignored;
    uint64_t memory = 0;
    if (!guest_make(&guest, one->what.scenario, &c->machine, &ignored))
        memory = guest.memory;
    guest_free(&guest);
    return memory;
}

unsigned jobs_settle(const struct jobs_room *room, const struct selection *s,
                     struct boots *b, uint64_t extra, bool replay)
{
    unsigned least = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct plan_case *c = &b->cases[i];
        const struct selected *one = &s->list[b->list[i].selected];
        if (c->skip)
            continue;
        c->needs = JOBS_OWN_MEMORY + extra;
        if (!replay)
            c->needs += guest_memory(one, c);
        c->beside = jobs_beside(room, c->needs);
        if (!least || c->beside < least)
            least = c->beside;
    }
    return least ? least : 1;
}

// "3 boots 4 at a time", "1 boot alone".
static void tell_class(FILE *f, const struct boots *b, unsigned beside)
{
    size_t count = 0;
    uint64_t needs = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->cases[i].skip || b->cases[i].beside != beside)
            continue;
        count++;
        if (b->cases[i].needs > needs)
            needs = b->cases[i].needs;
    }
    if (!count)
        return;
    fprintf(f, "; %zu boot%s of at most %" PRIu64 " MiB ", count,
            count == 1 ? "" : "s", needs >> 20);
    if (beside > 1)
        fprintf(f, "%u at a time", beside);
    else
        fputs(count > 1 ? "one at a time" : "alone", f);
}

void jobs_tell(FILE *f, const struct jobs_room *room, const struct boots *b)
{
    fprintf(f, "jobs: %u processor%s, ", room->cpus,
            room->cpus == 1 ? "" : "s");
    if (room->memory == UINT64_MAX)
        fputs("free memory not known", f);
    else
        fprintf(f, "%" PRIu64 " MiB free by %s", room->memory >> 20, room->by);
    for (unsigned n = JOBS_MOST; n > 0; n--)
        tell_class(f, b, n);
    fputc('\n', f);
}
