// SPDX-License-Identifier: Apache-2.0
// Report files of the command line. See report_files.h.
#include "harness/cli/report_files.h"

#include "harness/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_stdout(const char *path)
{
    return path && !strcmp(path, "-");
}

int report_files_check(const struct options *o, struct error *err)
{
    size_t on_stdout = 0;
    for (size_t i = 0; i < REPORTS; i++) {
        on_stdout += is_stdout(o->reports[i]);
        if (on_stdout > 1)
            return error_set(err, -EINVAL,
                             "--%s -: another report goes to standard output "
                             "already",
                             report_name((enum report_kind)i));
        int code = o->reports[i] ? output_check(o->reports[i], err) : 0;
        if (code)
            return code;
    }
    return 0;
}

int report_files_begin(struct report_files *files, const struct options *o,
                       struct error *err)
{
    *files = (struct report_files){o->reports, -1};
    for (size_t i = 0; i < REPORTS; i++) {
        if (!is_stdout(o->reports[i]))
            continue;
        fflush(stdout);
        files->stdout_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        if (files->stdout_fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
            return error_errno(err, errno, "standard output can't be used");
    }
    return 0;
}

// One report; to standard output with the real one in its place.
static int write_one(const struct report_files *files, enum report_kind kind,
                     const struct report_run *run, struct error *err)
{
    const char *path = files->paths[kind];
    if (!is_stdout(path))
        return report_write(kind, path, run, err);
    fflush(stdout);
    if (dup2(files->stdout_fd, STDOUT_FILENO) < 0)
        return error_errno(err, errno, "standard output can't be used");
    int code = report_write(kind, path, run, err);
    clearerr(stdout);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return code;
}

int report_files_end(struct report_files *files, const struct report_run *run,
                     FILE *complaints)
{
    int failed = 0;
    for (size_t i = 0; i < REPORTS; i++) {
        struct error err = {""};
        int code = files->paths[i]
                       ? write_one(files, (enum report_kind)i, run, &err)
                       : 0;
        if (!code)
            continue;
        fprintf(complaints, "toyvmm-test: %s\n", err.text);
        failed = code;
    }
    if (files->stdout_fd >= 0)
        close(files->stdout_fd);
    files->stdout_fd = -1;
    return failed;
}
