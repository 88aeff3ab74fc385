// SPDX-License-Identifier: Apache-2.0
// Finds and reads guest definitions. See guest.h.
#include "harness/guests/guest.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool guest_parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long long n = strtoull(text, &end, 10);
    unsigned shift = 0;
    if (*end) {
        const char *unit = strchr(units, toupper((unsigned char)*end));
        if (!unit || !*unit)
            return false;
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    if (errno || *end || n > UINT64_MAX >> shift)
        return false;
    *bytes = (uint64_t)n << shift;
    return true;
}

// A disk that the guest needs: what it writes there is dropped.
static int take_disk(struct guest *guest, const char *path)
{
    struct toyvmm_disk *more =
        reallocarray(guest->disks, guest->ndisks + 1, sizeof(*guest->disks));
    char *copy = more ? strdup(path) : NULL;
    if (more)
        guest->disks = more;
    if (!copy)
        return -ENOMEM;
    guest->disks[guest->ndisks++] =
        (struct toyvmm_disk){.path = copy, .mode = TOYVMM_DISK_DROPS};
    return 0;
}

static int take_line(struct guest *guest, const char *key, const char *value)
{
    const struct {
        const char *key;
        char **field;
    } fields[] = {
        {"name", &guest->name},     {"kernel", &guest->kernel},
        {"initrd", &guest->initrd}, {"cmdline", &guest->cmdline},
        {"note", &guest->note},
    };
    if (!strcmp(key, "memory"))
        return guest_parse_size(value, &guest->memory) ? 0 : -EINVAL;
    if (!strcmp(key, "disk"))
        return take_disk(guest, value);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(key, fields[i].key) != 0)
            continue;
        free(*fields[i].field);
        *fields[i].field = strdup(value);
        return *fields[i].field ? 0 : -ENOMEM;
    }
    return strcmp(key, "requested") ? -EINVAL : 0;
}

int guest_conf_read(struct guest *guest, const char *path, struct error *err)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return error_errno(err, errno, "guest definition %s", path);
    char *line = NULL;
    size_t size = 0;
    int code = 0;
    for (unsigned n = 1; !code && getline(&line, &size, f) > 0; n++) {
        line[strcspn(line, "\n")] = '\0';
        char *value = line + strcspn(line, " \t");
        if (*value)
            *value++ = '\0';
        value += strspn(value, " \t");
        if (!*line || *line == '#')
            continue;
        code = take_line(guest, line, value);
        if (code)
            error_set(err, code, "%s:%u: what is \"%s %s\"?", path, n, line,
                      value);
    }
    free(line);
    fclose(f);
    if (!code && !guest->kernel)
        code = error_set(err, -EINVAL, "%s names no kernel", path);
    return code;
}

// TOYVMM_GUEST_ and the name in capitals.
static void variable_name(const char *guest, char *out, size_t size)
{
    snprintf(out, size, "TOYVMM_GUEST_%s", guest);
    for (char *c = out; *c; c++)
        *c =
            isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
}

// The first place that has a guest.sh.
static bool find_script(char *out, size_t size)
{
    const char *env = getenv("TOYVMM_FIXTURES");
    char exe[4096] = "";
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash = n > 0 ? strrchr(exe, '/') : NULL;
    if (slash)
        *slash = '\0';
    char installed[sizeof(exe) + 64];
    snprintf(installed, sizeof(installed), "%s/../share/toyvmm/fixtures", exe);
    const char *const places[] = {
        env, *TOYVMM_FIXTURES_DIR ? TOYVMM_FIXTURES_DIR : NULL, installed};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!places[i])
            continue;
        snprintf(out, size, "%s/guest.sh", places[i]);
        if (!access(out, X_OK) || places[i] == env)
            return true;
    }
    return false;
}

// Runs `guest.sh resolve NAME`, with --no-build unless it may build, and reads
// the path that it prints, which the variable then has; what it says on
// standard error is for the user.
static int run_script(const char *script, const char *name, bool build,
                      const char *variable, char **path, struct error *err)
{
    int out[2];
    if (pipe2(out, O_CLOEXEC))
        return error_errno(err, errno, "guest %s", name);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    char *const argv[] = {strdup(script), strdup("resolve"),
                          strdup(build ? name : "--no-build"),
                          build ? NULL : strdup(name), NULL};
    pid_t pid;
    int failed = posix_spawn(&pid, script, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    for (size_t i = 0; i < sizeof(argv) / sizeof(argv[0]); i++)
        free(argv[i]);
    if (failed) {
        close(out[0]);
        return error_errno(err, failed, "%s can't be run", script);
    }
    FILE *f = fdopen(out[0], "r");
    size_t size = 0;
    if (f && getline(path, &size, f) > 0)
        (*path)[strcspn(*path, "\n")] = '\0';
    if (f)
        fclose(f);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && *path && **path) {
        setenv(variable, *path, 1);
        return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return error_set(err, -EINVAL, "there is no guest \"%s\"", name);
    return error_set(err, -ENOENT, "the guest \"%s\" can't be had here", name);
}

static int find(struct guest *guest, const char *name, bool build,
                struct error *err)
{
    char variable[256];
    variable_name(name, variable, sizeof(variable));
    const char *known = getenv(variable);
    if (known && *known)
        return guest_conf_read(guest, known, err);
    char script[4096];
    if (!find_script(script, sizeof(script)))
        return error_set(err, -ENOENT,
                         "guest %s: no guest definitions found; set "
                         "TOYVMM_FIXTURES to the folder with guest.sh",
                         name);
    char *path = NULL;
    int code = run_script(script, name, build, variable, &path, err);
    if (!code && path)
        code = guest_conf_read(guest, path, err);
    free(path);
    return code;
}

int guest_conf_find(struct guest *guest, const char *name, struct error *err)
{
    return find(guest, name, true, err);
}

int guest_conf_look(struct guest *guest, const char *name, struct error *err)
{
    return find(guest, name, false, err);
}
