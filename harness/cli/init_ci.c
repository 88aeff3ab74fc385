// SPDX-License-Identifier: Apache-2.0
// The CI's files: a script that installs and runs the command, and, where it
// is known which service the repository uses, a definition that calls it. See
// init.h; ci/ has the same for a whole suite.
#include "harness/cli/init.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- Which service ----------------------------------------------------------

static bool is_there(const char *root, const char *name)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof(path), "%s/%s", root, name) < PATH_MAX &&
           !access(path, F_OK);
}

// The first line of a small file, without its end; "" when there is none.
static void first_line(const char *path, char *line, int size)
{
    FILE *f = fopen(path, "re");
    if (!f || !fgets(line, size, f))
        *line = '\0';
    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = '\0';
}

// The repository's configuration: of a worktree that of the whole one.
static void find_git_config(const char *root, char config[PATH_MAX])
{
    char git[PATH_MAX], line[PATH_MAX], common[PATH_MAX];
    struct stat st;
    snprintf(config, PATH_MAX, "%s/.git/config", root);
    snprintf(git, sizeof(git), "%s/.git", root);
    if (stat(git, &st) || !S_ISREG(st.st_mode))
        return;
    first_line(git, line, sizeof(line));
    if (strncmp(line, "gitdir: ", 8) != 0)
        return;
    const char *dir = line + 8;
    if (*dir == '/')
        snprintf(git, sizeof(git), "%s", dir);
    else if (snprintf(git, sizeof(git), "%s/%s", root, dir) >= PATH_MAX)
        return;
    if (snprintf(common, sizeof(common), "%s/commondir", git) >= PATH_MAX)
        return;
    first_line(common, line, sizeof(line));
    int n = *line == '/' ? snprintf(config, PATH_MAX, "%s/config", line)
                         : snprintf(config, PATH_MAX, "%s/%s%sconfig", git,
                                    line, *line ? "/" : "");
    if (n >= PATH_MAX)
        *config = '\0';
}

// The host of a remote, origin's before others'.
static enum init_service find_host(const char *root)
{
    char config[PATH_MAX], line[1024];
    enum init_service service = INIT_PLAIN;
    bool origin = false, decided = false;
    find_git_config(root, config);
    FILE *f = fopen(config, "re");
    while (f && !decided && fgets(line, sizeof(line), f)) {
        char *at = line + strspn(line, " \t");
        if (*at == '[')
            origin = !strncmp(at, "[remote \"origin\"]", 17);
        if (strncmp(at, "url", 3) != 0)
            continue;
        enum init_service one = strstr(at, "github")   ? INIT_GITHUB
                                : strstr(at, "gitlab") ? INIT_GITLAB
                                                       : INIT_PLAIN;
        decided = origin;
        if (origin || service == INIT_PLAIN)
            service = one;
    }
    if (f)
        fclose(f);
    return service;
}

static void settle(struct init_ci *ci, enum init_service service,
                   const char *definition, const char *why)
{
    ci->service = service;
    snprintf(ci->definition, sizeof(ci->definition), "%s", definition);
    ci->why = why;
}

void init_ci_find(const char *folder, struct init_ci *ci)
{
    static const char github[] = ".github/workflows/boot.yml";
    *ci = (struct init_ci){.service = INIT_PLAIN, .why = ""};
    snprintf(ci->root, sizeof(ci->root), "%s", folder);
    // The repository's top, or the folder itself outside of one.
    while (*ci->root && !is_there(ci->root, ".git")) {
        char *slash = strrchr(ci->root, '/');
        *slash = '\0';
    }
    bool repository = *ci->root;
    if (!repository)
        snprintf(ci->root, sizeof(ci->root), "%s", folder);
    const char *below = folder + strlen(ci->root);
    below += *below == '/';
    snprintf(ci->scenario, sizeof(ci->scenario), "%.4000s%sboot.tc", below,
             *below ? "/" : "");
    enum init_service host = repository ? find_host(ci->root) : INIT_PLAIN;
    if (is_there(ci->root, ".gitlab-ci.yml")) {
        settle(ci, INIT_GITLAB, "ci/boot.gitlab-ci.yml",
               "there is a .gitlab-ci.yml");
        ci->include = true;
    } else if (is_there(ci->root, ".github/workflows")) {
        settle(ci, INIT_GITHUB, github, "there is .github/workflows");
    } else if (is_there(ci->root, "Jenkinsfile")) {
        settle(ci, INIT_JENKINS, "", "there is a Jenkinsfile");
    } else if (host == INIT_GITHUB) {
        settle(ci, host, github, "the git remote is at GitHub");
    } else if (host == INIT_GITLAB) {
        settle(ci, host, ".gitlab-ci.yml", "the git remote is at GitLab");
    }
}

// ---- The script -------------------------------------------------------------

void init_put_word(FILE *f, const char *text)
{
    fputc('\'', f);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", f);
        else
            fputc(*text, f);
    }
    fputc('\'', f);
}

static const char script_begin[] =
    "#!/bin/sh\n"
    "# Written by `toyvmm-test init`: yours to change. Boots the scenario and\n"
    "# writes boot.xml (JUnit) and boot.html. Guests run with this host's KVM\n"
    "# where /dev/kvm can be used, else in the rig, ten times slower. Exit "
    "codes:\n"
    "# 0 passed, 1 failed, 2 the scenario is wrong, 3 guests can't run here.\n"
    "set -eu\n"
    "cd \"$(dirname \"$0\")/..\"\n"
    "program=${TOYVMM_TEST:-toyvmm-test}\n"
    "\n"
    "# TOYVMM_DEB: the package, a file or a URL, for a runner without it.\n"
    "if ! command -v \"$program\" >/dev/null 2>&1; then\n"
    "    if [ -z \"${TOYVMM_DEB:-}\" ]; then\n"
    "        echo \"toyvmm-test isn't installed: set TOYVMM_DEB to its "
    "package, \"\\\n"
    "            \"a file or a URL\" >&2\n"
    "        exit 3\n"
    "    fi\n"
    "    folder=$(mktemp -d)\n"
    "    chmod 755 \"$folder\"\n"
    "    apt-get -qq update\n"
    "    case $TOYVMM_DEB in\n"
    "    *://*)\n"
    "        apt-get -qq install -y ca-certificates curl\n"
    "        curl -fsSL -o \"$folder/toyvmm-test.deb\" \"$TOYVMM_DEB\"\n"
    "        ;;\n"
    "    *) cp \"$TOYVMM_DEB\" \"$folder/toyvmm-test.deb\" ;;\n"
    "    esac\n"
    "    apt-get -qq install -y \"$folder/toyvmm-test.deb\"\n"
    "fi\n";

char *init_ci_script(const struct init_ci *ci, const char *tree)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    fputs(script_begin, f);
    if (tree) {
        fputs("\n# The kernel, where it isn't built yet.\ntree=", f);
        if (*tree == '-')
            fputs("./", f);
        init_put_word(f, tree);
        fputs("\nif [ ! -e \"$tree/arch/x86/boot/bzImage\" ] &&\n"
              "    [ ! -e \"$tree/vmlinux\" ]; then\n"
              "    [ -e \"$tree/.config\" ] || make -C \"$tree\" "
              "x86_64_defconfig\n"
              "    make -C \"$tree\" olddefconfig\n"
              "    make -C \"$tree\" -j\"$(nproc)\" bzImage\n"
              "fi\n",
              f);
    }
    fputs("\nexec \"$program\" --junit boot.xml --html boot.html ", f);
    // A path is no option.
    if (*ci->scenario == '-')
        fputs("./", f);
    init_put_word(f, ci->scenario);
    fputc('\n', f);
    bool failed = ferror(f);
    if (fclose(f) || failed) {
        free(text);
        return NULL;
    }
    return text;
}

// ---- The definitions --------------------------------------------------------

#define TOOLS "bc bison build-essential flex libelf-dev libssl-dev"

static const char github[] =
    "# Written by `toyvmm-test init`: yours to change. Boots the scenario on\n"
    "# every push. Hosted Linux runners have KVM; where one has not, the rig "
    "is\n"
    "# used by itself. The repository's variable TOYVMM_DEB is the URL of\n"
    "# toyvmm-test's package.\n"
    "name: boot\n"
    "on:\n"
    "  push:\n"
    "  pull_request:\n"
    "permissions:\n"
    "  contents: read\n"
    "\n"
    "jobs:\n"
    "  boot:\n"
    "    runs-on: ubuntu-latest\n"
    "    container:\n"
    "      image: debian:12\n"
    "      options: --device /dev/kvm\n"
    "    timeout-minutes: 60\n"
    "    steps:\n"
    "      - name: Install git\n"
    "        run: apt-get -qq update && apt-get -qq install -y git\n"
    "      - uses: actions/checkout@v4\n"
    "      - name: Guests\n"
    "        uses: actions/cache@v4\n"
    "        with:\n"
    "          path: /root/.cache/toyvmm\n"
    "          key: toyvmm-guests\n"
    "%s"
    "      - name: Boot\n"
    "        env:\n"
    "          TOYVMM_DEB: ${{ vars.TOYVMM_DEB }}\n"
    "        run: ci/boot-test.sh\n"
    "      - uses: actions/upload-artifact@v4\n"
    "        if: always()\n"
    "        with:\n"
    "          name: boot\n"
    "          path: |\n"
    "            boot.xml\n"
    "            boot.html\n";

static const char github_tools[] =
    "      - name: What the kernel's build needs\n"
    "        run: apt-get -qq install -y " TOOLS "\n";

static const char gitlab[] =
    "# Written by `toyvmm-test init`: yours to change. Boots the scenario on\n"
    "# every push. A runner whose containers have /dev/kvm (`devices =\n"
    "# [\"/dev/kvm\"]` in its configuration) uses it; on any other the rig is "
    "used\n"
    "# by itself. The CI variable TOYVMM_DEB is the URL of toyvmm-test's "
    "package.\n"
    "boot:\n"
    "  image: debian:12\n"
    "  timeout: 60 minutes\n"
    "  variables:\n"
    "    TOYVMM_CACHE: $CI_PROJECT_DIR/.toyvmm-cache\n"
    "  cache:\n"
    "    key: toyvmm-guests\n"
    "    paths: [.toyvmm-cache]\n"
    "%s"
    "  script:\n"
    "    - ci/boot-test.sh\n"
    "  artifacts:\n"
    "    when: always\n"
    "    paths: [boot.xml, boot.html]\n"
    "    reports:\n"
    "      junit: boot.xml\n";

static const char gitlab_tools[] =
    "  before_script:\n"
    "    - apt-get -qq update && apt-get -qq install -y " TOOLS "\n";

char *init_ci_definition(const struct init_ci *ci, const char *tree)
{
    char *text = NULL;
    int n = ci->service == INIT_GITHUB
                ? asprintf(&text, github, tree ? github_tools : "")
                : asprintf(&text, gitlab, tree ? gitlab_tools : "");
    return n < 0 ? NULL : text;
}
