// SPDX-License-Identifier: Apache-2.0
// `toyvmm-test init`: looks, tries, writes, and says why. See init.h.
#include "harness/cli/init.h"

#include "harness/cli/cli.h"
#include "harness/cli/commands.h"
#include "harness/cli/launch.h"
#include "harness/cli/new_file.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Others of a kind that are named; the rest is counted.
#define OTHERS 4

struct job {
    const struct options *options;
    FILE *words;           // where it is explained
    char folder[PATH_MAX]; // its real path
    char base[PATH_MAX];   // the same and a slash
    struct init_found found;
    struct init_picked picked;
    struct init_ci ci;
    struct init_trial trial;
    bool tried;
    struct error err;
};

__attribute__((format(printf, 3, 4))) static void
tell(const struct job *j, const char *word, const char *format, ...)
{
    va_list arguments;
    fprintf(j->words, "%-8s", word);
    va_start(arguments, format);
    vfprintf(j->words, format, arguments);
    va_end(arguments);
    fputc('\n', j->words);
}

// A name that was found, for a terminal.
static const char *shown(const char *name)
{
    return init_name_is_plain(name) ? name : "(a name that can't be shown)";
}

// ---- What was found ---------------------------------------------------------

static void tell_others(const struct job *j, enum init_kind kind,
                        const struct init_file *chosen, const char *option)
{
    size_t others = 0;
    for (size_t i = 0; i < j->found.count; i++) {
        const struct init_file *f = &j->found.files[i];
        if (f->kind != kind || f == chosen ||
            (j->picked.machine.symbols == f->path))
            continue;
        if (others++ >= OTHERS)
            continue;
        if (*f->refused)
            tell(j, "", "not %s: %s", shown(f->path), f->refused);
        else
            tell(j, "", "also %s (%s): %s takes it", f->path, f->what, option);
    }
    if (others > OTHERS)
        tell(j, "", "and %zu more", others - OTHERS);
}

static void tell_kind(const struct job *j, enum init_kind kind,
                      const struct init_file *f, const char *name,
                      const char *option)
{
    if (f)
        tell(j, "found", "%s %s (%s)", name, f->path, f->what);
    tell_others(j, kind, f, option);
}

static void warn_of_config(const struct job *j)
{
    const struct init_config *c = &j->found.config;
    const struct init_machine *m = &j->picked.machine;
    if (!j->picked.in_tree || !c->read)
        return;
    if (!c->serial_console)
        tell(j, "but",
             "CONFIG_SERIAL_8250_CONSOLE is not set: without it the "
             "kernel prints nothing on ttyS0");
    if (!c->initrd && (m->known || m->initrd))
        tell(j, "but",
             "CONFIG_BLK_DEV_INITRD is not set: the kernel takes no "
             "initrd");
    if (!c->virtio_blk && m->disk)
        tell(j, "but",
             "CONFIG_VIRTIO_BLK is not built in: the disk is found "
             "only with the module");
}

static void tell_found(const struct job *j)
{
    const struct init_machine *m = &j->picked.machine;
    tell_kind(j, INIT_KERNEL, m->kernel, "kernel", "--kernel");
    tell_kind(j, INIT_INITRD, m->initrd, "initrd", "--initrd");
    tell_kind(j, INIT_DISK, m->disk, "disk", "--disk");
    if (!m->kernel && !m->initrd && !m->disk)
        tell(j, "found",
             "nothing to boot in %zu files: the guest busybox is taken, which "
             "is made of Debian's packages",
             j->found.looked_at);
    else if (m->guest)
        tell(j, "", "the guest busybox lends %s",
             m->kernel   ? "its initrd"
             : m->initrd ? "its kernel"
                         : "kernel and initrd");
    if (j->found.cut_short)
        tell(j, "but", "only the first %d entries were looked at",
             INIT_ENTRIES_MAX);
    if (j->found.unreadable)
        tell(j, "but", "%zu could not be read: %s%s", j->found.unreadable,
             shown(j->found.unreadable_name),
             j->found.unreadable > 1 ? ", ..." : "");
    warn_of_config(j);
}

// ---- Trying -----------------------------------------------------------------

static void tell_cure(const struct job *j)
{
    const struct init_machine *m = &j->picked.machine;
    if (!j->trial.words)
        tell(j, "next",
             "the kernel printed nothing: it needs "
             "CONFIG_SERIAL_8250_CONSOLE=y, or this is no Linux kernel for a "
             "PC");
    else if (!m->known && !m->initrd && m->disk)
        tell(j, "next",
             "is the root file system there, and are virtio_blk and its driver "
             "built into the kernel? Give the kernel's --initrd, or another "
             "--disk");
    tell(j, "", "%s",
         "`toyvmm-test init --no-run` writes the files all the same; "
         "`toyvmm-test --console boot.tc` then shows all of the console");
}

// 0 to go on; else an exit code.
static int try_it(struct job *j)
{
    const struct options *o = j->options;
    struct init_machine m = j->picked.machine;
    bool ktap = j->picked.in_tree && j->found.config.kunit &&
                j->found.config.kunit_tests;
    struct init_trial *t = &j->trial;
    m.base = j->base;
    t->parts = INIT_BANNER;
    t->end = m.known ? INIT_END_LOGIN : INIT_END_INIT;
    if (o->no_run && !o->replay)
        return 0;
    tell(j, "trying", "%s",
         o->replay ? "what was recorded"
                   : "one boot, some seconds long, or a minute in the rig");
    fflush(j->words);
    int code = init_try(&m, o, ktap, t, &j->err);
    if (code)
        return code == -EINTR ? EXIT_INTERRUPTED
                              : complain(&j->err, exit_for(code));
    if (t->outcome == INIT_UNRUN && o->replay) {
        fprintf(stderr, "%s\n", t->words ? t->words : "no recording");
        return EXIT_WRONG;
    }
    if (t->outcome == INIT_UNRUN) {
        t->parts = INIT_BANNER;
        t->end = m.known ? INIT_END_LOGIN : INIT_END_INIT;
        tell(j, "but", "it could not be tried here: %s",
             t->words ? t->words : "no reason is known");
        return 0;
    }
    j->tried = true;
    if (t->outcome == INIT_UNSEEN) {
        tell(j, "failed", "%s",
             t->reason ? t->reason : "nothing came that could be waited for");
        if (t->words)
            fprintf(j->words, "the console's end:\n%s\n", t->words);
        tell_cure(j);
        tell(j, "", "nothing was written");
        return EXIT_FAILED;
    }
    tell(j, "passed", "%s", init_end_words(t->end));
    if (m.known && t->end != INIT_END_LOGIN)
        tell(j, "but", "root could not log in and run a command%s%s",
             t->reason ? ": " : "", t->reason ? t->reason : "");
    if (ktap && !(t->parts & INIT_KTAP))
        tell(j, "but",
             "KUnit's tests are left out: they did not pass, or none "
             "ran; add `ktap` to see them");
    return 0;
}

// ---- Writing ----------------------------------------------------------------

// What is to be written; a name is below the folder, or below the repository.
struct file {
    char path[PATH_MAX];
    char *text; // owned
    bool executable;
    const char *why;
};

#define FILES 3

static void name_file(struct file *file, const char *folder, const char *name)
{
    snprintf(file->path, sizeof(file->path), "%.3000s/%.1000s", folder, name);
}

static size_t name_files(const struct job *j, struct file files[FILES])
{
    size_t n = 0;
    name_file(&files[n++], j->folder, "boot.tc");
    name_file(&files[n++], j->ci.root, "ci/boot-test.sh");
    files[1].executable = true;
    if (*j->ci.definition)
        name_file(&files[n++], j->ci.root, j->ci.definition);
    return n;
}

// Before anything boots.
static int refuse_existing(struct job *j)
{
    struct file files[FILES] = {0};
    struct stat st;
    size_t n = name_files(j, files), there = 0;
    if (j->options->force || j->options->dry_run)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (lstat(files[i].path, &st))
            continue;
        there++;
        fprintf(stderr, "toyvmm-test: %s is there already\n", files[i].path);
    }
    if (there)
        fputs("toyvmm-test: nothing was written; --force replaces what is "
              "there\n",
              stderr);
    return there ? EXIT_WRONG : 0;
}

// The tree below the repository's top, or NULL.
static const char *tree_for_ci(const struct job *j, char path[PATH_MAX])
{
    const char *slash = strrchr(j->ci.scenario, '/');
    if (!j->picked.in_tree)
        return NULL;
    int n = slash ? (int)(slash - j->ci.scenario) : 0;
    if (strcmp(j->found.tree, ".") != 0)
        snprintf(path, PATH_MAX, "%.*s%s%s", n, j->ci.scenario, n ? "/" : "",
                 j->found.tree);
    else
        snprintf(path, PATH_MAX, "%.*s", n ? n : 1, n ? j->ci.scenario : ".");
    return path;
}

static int write_file(const struct job *j, const struct file *file,
                      struct error *err)
{
    if (!file->text)
        return error_set(err, -ENOMEM, "out of memory");
    if (j->options->dry_run)
        return printf("---- %s\n%s\n", file->path, file->text) < 0 ? -EIO : 0;
    int code =
        new_file_write(file->path, file->text, file->executable ? 0777 : 0666,
                       j->options->force, err);
    if (!code)
        tell(j, "wrote", "%s: %s", file->path, file->why);
    return code;
}

static void tell_next(const struct job *j)
{
    static const char *const lines[] = {
        [INIT_PLAIN] = "let your CI run ci/boot-test.sh",
        [INIT_GITHUB] = "set the repository's variable TOYVMM_DEB to the URL "
                        "of toyvmm-test's package",
        [INIT_GITLAB] = "set the CI variable TOYVMM_DEB to the URL of "
                        "toyvmm-test's package",
        [INIT_JENKINS] = "add to a stage of the Jenkinsfile: sh "
                         "'ci/boot-test.sh'; and to its post: junit 'boot.xml'",
    };
    const char *folder = j->options->npaths ? j->options->paths[0] : "";
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s%sboot.tc", folder, *folder ? "/" : "");
    fprintf(j->words, "%-8stoyvmm-test ", "next");
    init_put_word(j->words, path);
    fputc('\n', j->words);
    if (j->ci.include)
        tell(j, "", "add to .gitlab-ci.yml: include: [{local: %s}]",
             j->ci.definition);
    tell(j, "", "%s", lines[j->ci.service]);
    if (!j->picked.in_tree && j->picked.machine.kernel)
        tell(j, "",
             "the kernel must be there in the CI, too: commit it, or "
             "have it made before");
}

static int write_all(struct job *j)
{
    struct file files[FILES] = {0};
    char path[PATH_MAX], why[128];
    const char *tree = tree_for_ci(j, path);
    size_t n = name_files(j, files);
    int code = 0;
    snprintf(why, sizeof(why), "passes when %s%s", init_end_words(j->trial.end),
             j->tried ? "" : ", which was not tried");
    files[0].text = init_scenario(&j->picked.machine, j->trial.end,
                                  j->trial.parts | (j->tried ? INIT_TRIED : 0));
    files[0].why = why;
    files[1].text = init_ci_script(&j->ci, tree);
    files[1].why = "runs it in a CI, with a JUnit report";
    if (n > 2) {
        files[2].text = init_ci_definition(&j->ci, tree);
        files[2].why = j->ci.why;
    }
    for (size_t i = 0; !code && i < n; i++)
        code = write_file(j, &files[i], &j->err);
    for (size_t i = 0; i < n; i++)
        free(files[i].text);
    if (code)
        return complain(&j->err, code == -EEXIST ? EXIT_WRONG : EXIT_UNABLE);
    tell_next(j);
    return EXIT_PASSED;
}

// ---- All of it --------------------------------------------------------------

static int check(const struct options *o, struct error *err)
{
    if (o->npaths > 1)
        return error_set(err, -EINVAL,
                         "init takes one folder; see "
                         "toyvmm-test init --help");
    if (o->exact)
        return error_set(err, -EINVAL, "--accel exact is not for init");
    if (o->no_run && o->replay)
        return error_set(err, -EINVAL,
                         "--no-run and --replay: give one of them");
    return 0;
}

static int look(struct job *j)
{
    const struct options *o = j->options;
    const char *folder = o->npaths ? o->paths[0] : ".";
    int code = check(o, &j->err);
    if (!code && !realpath(folder, j->folder))
        code = error_errno(&j->err, errno, "the folder %s", folder);
    if (!code)
        code = init_scan(j->folder, &j->found, &j->err);
    if (!code)
        code = init_pick(&j->found, j->folder, o, &j->picked, &j->err);
    if (!code && j->found.tree && !j->found.tree_built &&
        !j->picked.machine.kernel)
        code = error_set(&j->err, -EINVAL,
                         "%s is a kernel tree without arch/x86/boot/bzImage "
                         "or vmlinux: build it (`make`), or give --kernel",
                         j->found.tree);
    if (code)
        return complain(&j->err, EXIT_WRONG);
    snprintf(j->base, sizeof(j->base), "%.4000s/", j->folder);
    init_ci_find(j->folder, &j->ci);
    return refuse_existing(j);
}

int init_main(const struct options *o, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct job j = {.options = o, .words = o->dry_run ? stderr : stdout};
    int code = look(&j);
    if (!code) {
        tell_found(&j);
        code = try_it(&j);
    }
    if (!code)
        code = write_all(&j);
    free(j.trial.words);
    free(j.trial.reason);
    init_picked_free(&j.picked);
    init_found_free(&j.found);
    return code;
}
