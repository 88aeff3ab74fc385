// SPDX-License-Identifier: Apache-2.0
// Host, images and commit of a run. See origin.h.
#include "harness/history/origin.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int origin_file_sha256(const char *path, char out[65], struct error *err)
{
    errno = 0;
    if (SHA256File(path, out))
        return 0;
    return error_errno(err, errno ? errno : EIO, "%s", path);
}

// The value of "key<blanks>: value", or NULL.
static const char *value_of(char *line, const char *key)
{
    size_t len = strlen(key);
    if (strncmp(line, key, len) != 0)
        return NULL;
    const char *at = line + len + strspn(line + len, " \t");
    if (*at != ':')
        return NULL;
    at++;
    line[strcspn(line, "\n")] = '\0';
    return at + strspn(at, " \t");
}

void origin_cpu(const char *path, struct origin_cpu *out)
{
    *out = (struct origin_cpu){.model = "unknown"};
    FILE *f = fopen(path, "re");
    char line[4096];
    // Processors are separated by an empty line.
    while (f && fgets(line, sizeof(line), f) && *line != '\n') {
        const char *model = value_of(line, "model name");
        const char *microcode = value_of(line, "microcode");
        if (model)
            snprintf(out->model, sizeof(out->model), "%s", model);
        if (microcode)
            snprintf(out->microcode, sizeof(out->microcode), "%s", microcode);
    }
    if (f)
        fclose(f);
}

// The first of these variables that says something.
static const char *first_of(char *(*get)(const char *name),
                            const char *const *names)
{
    for (; *names; names++) {
        const char *value = get(*names);
        if (value && *value)
            return value;
    }
    return NULL;
}

void origin_commit(char *(*get)(const char *name), struct origin_commit *out)
{
    static const char *const commits[] = {
        "TOYVMM_COMMIT",
        "GITHUB_SHA",
        "CI_COMMIT_SHA",       // GitLab
        "GIT_COMMIT",          // Jenkins
        "BUILD_SOURCEVERSION", // Azure Pipelines
        "CIRCLE_SHA1",
        "BUILDKITE_COMMIT",
        "CIRRUS_CHANGE_IN_REPO",
        NULL,
    };
    // Of a pull request the branch that it comes from.
    static const char *const branches[] = {
        "TOYVMM_BRANCH",
        "GITHUB_HEAD_REF",
        "GITHUB_REF_NAME",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
        "CI_COMMIT_REF_NAME",
        "CHANGE_BRANCH", // Jenkins, multi-branch
        "BRANCH_NAME",
        "GIT_BRANCH",
        "SYSTEM_PULLREQUEST_SOURCEBRANCH",
        "BUILD_SOURCEBRANCHNAME",
        "CIRCLE_BRANCH",
        "BUILDKITE_BRANCH",
        "CIRRUS_BRANCH",
        NULL,
    };
    static const char *const jobs[] = {
        "TOYVMM_JOB",          "GITHUB_RUN_ID",  "CI_JOB_URL",
        "BUILD_URL",           "BUILD_BUILDID",  "CIRCLE_BUILD_URL",
        "BUILDKITE_BUILD_URL", "CIRRUS_TASK_ID", NULL,
    };
    out->commit = first_of(get, commits);
    out->branch = first_of(get, branches);
    out->job = first_of(get, jobs);
}
