// SPDX-License-Identifier: Apache-2.0
// One boot that shows what can be waited for. See init.h. This program runs
// itself: on a scenario that ends when the guest is up, and then, on what that
// boot recorded, on each scenario that could be written, until one passes. The
// last word is the matcher's own.
#include "harness/cli/accel.h"
#include "harness/cli/cli.h"
#include "harness/cli/init.h"
#include "harness/cli/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORDING "out/boot/recording.tvr"

// Lines of a console's end that are told, and bytes in which they are looked
// for.
#define TAIL_LINES 12
#define TAIL_BYTES 4096

struct bench {
    char folder[64];
    char self[PATH_MAX];
    char recording[PATH_MAX];
    const struct options *options;
    struct error *err;
};

// ---- Running ourselves ------------------------------------------------------

static int spawn(const struct bench *b, char **argv, pid_t *pid)
{
    // The runs of a trial are none of this folder's.
    char state[96], value[80];
    char **environment = NULL;
    size_t n = 0;
    snprintf(state, sizeof(state), "XDG_STATE_HOME=%s", b->folder);
    while (environ[n])
        n++;
    environment = calloc(n + 2, sizeof(*environment));
    if (!environment)
        return ENOMEM;
    size_t kept = 0;
    environment[kept++] = state;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(environ[i], "XDG_STATE_HOME=", 15) != 0)
            environment[kept++] = environ[i];
    }
    snprintf(value, sizeof(value), "%s/words", b->folder);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &ours);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, value,
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addchdir_np(&actions, b->folder);
    int failed =
        posix_spawn(pid, b->self, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(environment);
    return failed;
}

// The exit code of this program on text as boot.tc, in the bench's folder; a
// negative errno where it can't be started.
static int run(const struct bench *b, const char *text, const char *replay)
{
    static const char *const accelerators[] = {"auto", "kvm", "rig"};
    char path[96];
    const char *words[12] = {b->self, "--quiet"};
    size_t n = 2;
    snprintf(path, sizeof(path), "%s/boot.tc", b->folder);
    int code = text ? new_file_write(path, text, 0666, true, b->err)
                    : error_set(b->err, -ENOMEM, "out of memory");
    if (code)
        return code;
    if (replay) {
        words[n++] = "--replay";
        words[n++] = replay;
    } else {
        words[n++] = "--accel";
        words[n++] = accelerators[b->options->accelerator];
    }
    words[n++] = "--output-dir";
    words[n++] = replay ? "again" : "out";
    words[n++] = "boot.tc";
    char *argv[sizeof(words) / sizeof(*words)];
    memcpy(argv, words, sizeof(argv));
    pid_t pid;
    int status = 0;
    fflush(NULL);
    int failed = spawn(b, argv, &pid);
    if (failed)
        return error_errno(b->err, failed, "%s can't be run", b->self);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_INTERRUPTED;
}

// ---- What it said -----------------------------------------------------------

// The end of a file in the bench's folder, on the heap; NULL: nothing.
static char *tail_of(const struct bench *b, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", b->folder, name);
    char *text = calloc(1, TAIL_BYTES + 1);
    FILE *f = fopen(path, "re");
    size_t n = 0;
    if (text && f) {
        if (fseek(f, -TAIL_BYTES, SEEK_END))
            rewind(f);
        n = fread(text, 1, TAIL_BYTES, f);
    }
    if (f)
        fclose(f);
    if (!n) {
        free(text);
        return NULL;
    }
    return text;
}

// Printable, and of lines the last ones: what a guest prints is nobody's word
// to this terminal.
static char *make_tame(char *text, int lines)
{
    char *to = text, *begin = text;
    for (const char *at = text; *at; at++) {
        if (*at == '\x1b' && at[1] == '[') {
            at += 2;
            while (*at && (*at < '@' || *at > '~'))
                at++;
            if (!*at)
                break;
        } else if (*at == '\n' || (*at >= ' ' && *at < 0x7f)) {
            *to++ = *at;
        }
    }
    while (to > text && (to[-1] == '\n' || to[-1] == ' '))
        to--;
    *to = '\0';
    for (begin = to; begin > text; begin--) {
        if (begin[-1] == '\n' && !--lines)
            break;
    }
    memmove(text, begin, strlen(begin) + 1);
    return text;
}

static char *tell_tail(const struct bench *b, const char *name, int lines)
{
    char *text = tail_of(b, name);
    return text ? make_tame(text, lines) : NULL;
}

// ---- Which one passes -------------------------------------------------------

static int passes(const struct bench *b, const struct init_machine *m,
                  enum init_end end, unsigned parts)
{
    char *text = init_scenario(m, end, parts | INIT_TRIED);
    int code = run(b, text, b->recording);
    free(text);
    return code < 0 ? code : code == EXIT_PASSED;
}

// What a scenario may have before its end is found first: a kernel that is told
// to be quiet has no first line.
static int choose_parts(const struct bench *b, const struct init_machine *m,
                        bool ktap, unsigned *parts)
{
    static const unsigned all[] = {INIT_BANNER | INIT_KTAP, INIT_BANNER, 0};
    int code = 0;
    for (size_t i = !ktap; !code && i < sizeof(all) / sizeof(*all); i++) {
        *parts = all[i];
        code = all[i] ? passes(b, m, INIT_ENDS, all[i]) : 1;
    }
    return code < 0 ? code : 0;
}

static int choose(const struct bench *b, const struct init_machine *m,
                  bool ktap, struct init_trial *t)
{
    int code = choose_parts(b, m, ktap, &t->parts);
    for (int end = m->known ? INIT_END_LOGIN : INIT_END_PROMPT;
         !code && end < INIT_ENDS; end++) {
        code = passes(b, m, (enum init_end)end, t->parts);
        t->end = (enum init_end)end;
    }
    if (code > 0)
        t->outcome = INIT_SEEN;
    return code < 0 ? code : 0;
}

// Why the last run failed, as that said: behind the place in its scenario.
static char *tell_reason(const struct bench *b)
{
    char *text = tail_of(b, "words");
    char *at = text ? strstr(text, "boot.tc:") : NULL;
    at = at ? strstr(at, ": ") : NULL;
    if (at) {
        at += 2;
        at[strcspn(at, "\n")] = '\0';
        memmove(text, at, strlen(at) + 1);
        return make_tame(text, 1);
    }
    free(text);
    return NULL;
}

// Boots; 1 when there is a recording now.
static int boot(struct bench *b, const struct init_machine *m,
                struct init_trial *t)
{
    // What is known is tried as it will be written: what it types is recorded.
    char *text =
        m->known ? init_scenario(m, INIT_END_LOGIN, INIT_BANNER | INIT_TRIED)
                 : init_probe(m);
    int code = run(b, text, NULL);
    free(text);
    snprintf(b->recording, sizeof(b->recording), "%s/" RECORDING, b->folder);
    if (code == EXIT_INTERRUPTED)
        return error_set(b->err, -EINTR, "interrupted");
    if (code < 0)
        return code;
    if ((code == EXIT_PASSED || code == EXIT_FAILED) &&
        !access(b->recording, R_OK))
        return 1;
    t->outcome = INIT_UNRUN;
    t->words = tell_tail(b, "words", 4);
    return 0;
}

// A guest that panics later on has begun user space, too: that is no pass.
static int judge(const struct bench *b, const struct init_machine *m, bool ktap,
                 struct init_trial *t)
{
    char *text = init_probe(m);
    int code = run(b, text, b->recording);
    free(text);
    if (code < 0)
        return code;
    if (code != EXIT_PASSED && code != EXIT_FAILED) {
        t->words = tell_tail(b, "words", 4);
        return 0;
    }
    t->outcome = INIT_UNSEEN;
    if (code != EXIT_PASSED)
        t->reason = tell_reason(b);
    t->words = tell_tail(b, "again/boot/console.ttyS0.log", TAIL_LINES);
    return code == EXIT_PASSED ? choose(b, m, ktap, t) : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static int begin(struct bench *b)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || strlen(tmp) > 32)
        tmp = "/tmp";
    ssize_t len = readlink("/proc/self/exe", b->self, sizeof(b->self) - 1);
    if (len < 0)
        return error_errno(b->err, errno, "finding this program");
    b->self[len] = '\0';
    snprintf(b->folder, sizeof(b->folder), "%s/toyvmm-init-XXXXXX", tmp);
    if (!mkdtemp(b->folder))
        return error_errno(b->err, errno, "a folder in %s", tmp);
    return 0;
}

int init_try(const struct init_machine *m, const struct options *o, bool ktap,
             struct init_trial *t, struct error *err)
{
    struct bench b = {.options = o, .err = err};
    const char *accelerator;
    struct error why = {""};
    *t = (struct init_trial){.outcome = INIT_UNRUN, .end = INIT_ENDS};
    if (!o->replay && accel_choose(o->accelerator, &accelerator, &why) < 0) {
        t->words = strdup(why.text);
        return 0;
    }
    if (o->replay && !realpath(o->replay, b.recording))
        return error_errno(err, errno, "the recording %s", o->replay);
    int code = begin(&b);
    if (code)
        return code;
    // The run that is interrupted ends by itself, and its folder goes.
    signal(SIGINT, SIG_IGN);
    code = o->replay ? 1 : boot(&b, m, t);
    if (code > 0)
        code = judge(&b, m, ktap, t);
    nftw(b.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return code;
}
