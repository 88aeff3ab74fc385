// SPDX-License-Identifier: Apache-2.0
// What the exact rig is made of, in 64 digits. See
// exact_fingerprint.h.
#include "harness/cli/exact_fingerprint.h"

#include "harness/cli/accel.h"
#include "harness/history/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// What a program writes to its standard output, at most size - 1 bytes of it.
static int output_of(char *const *argv, char *out, size_t size,
                     struct error *err)
{
    int ends[2] = {-1, -1};
    pid_t pid;
    size_t len = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(err, errno, "a pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int failed = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (!failed) {
        char rest[512];
        bool room = len + 1 < size;
        ssize_t n = read(ends[0], room ? out + len : rest,
                         room ? size - 1 - len : sizeof(rest));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += room ? (size_t)n : 0;
    }
    out[len] = '\0';
    close(ends[0]);
    if (failed)
        return error_errno(err, failed, "%s can't be run", argv[0]);
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return error_set(err, -ENODEV, "%s failed", argv[0]);
    return 0;
}

// The rest of the line that begins with key, into out.
static bool find_line(const char *text, const char *key, char *out, size_t size)
{
    for (const char *at = text; at && *at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, key, strlen(key)) != 0)
            continue;
        at += strlen(key);
        snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
        return true;
    }
    return false;
}

static int add_file(SHA2_CTX *c, const char *path, struct error *err)
{
    char sum[65];
    int code = origin_file_sha256(path, sum, err);
    if (!code)
        SHA256Update(c, (const uint8_t *)sum, sizeof(sum));
    return code;
}

int exact_fingerprint(char **out, struct error *err)
{
    char sum[65];
    char rig[4200], text[10000], qemu[4200], kernel[4200];
    *text = '\0';
    char check[] = "--check", verbose[] = "--verbose", version[] = "--version";
    if (!accel_find_rig(rig, sizeof(rig)))
        return error_set(err, -ENOENT, "the rig's program was not found");
    char *const ask_rig[] = {rig, check, verbose, NULL};
    int code = output_of(ask_rig, text, sizeof(text), err);
    if (code)
        return code;
    if (!find_line(text, "qemu: ", qemu, sizeof(qemu)) ||
        !find_line(text, "kernel: ", kernel, sizeof(kernel)))
        return error_set(err, -ENODEV, "%s does not say what it runs", rig);
    char *const ask_qemu[] = {qemu, version, NULL};
    code = output_of(ask_qemu, text, sizeof(text), err);
    if (code)
        return code;
    SHA2_CTX c;
    SHA256Init(&c);
    SHA256Update(&c, (const uint8_t *)text, strlen(text) + 1);
    code = add_file(&c, kernel, err);
    if (!code)
        code = add_file(&c, "/proc/self/exe", err);
    if (!code)
        code = add_file(&c, rig, err);
    if (code)
        return code;
    SHA256End(&c, sum);
    *out = strdup(sum);
    return *out ? 0 : error_set(err, -ENOMEM, "out of memory");
}
