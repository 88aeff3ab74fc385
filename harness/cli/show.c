// SPDX-License-Identifier: Apache-2.0
// The command line of `show`. See show.h.
#include "harness/cli/show.h"

#include "harness/cli/cli.h"
#include "harness/recording/show.h"
#include "src/toyvmm.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: toyvmm-test show [options] RECORDING\n"
    "\n"
    "Prints what --record wrote, a row for each line, with the seconds since\n"
    "the process started. Before the text stands what the row is: nothing for\n"
    "what the guest printed, > typed, * the machine, ! what was done to it,\n"
    "= a mark.\n"
    "\n"
    "  --since-last   how long after the row before; then the longest gaps\n"
    "  --port N       ttySN alone\n"
    "  --raw          the bytes of one port (ttyS0), as they came\n"
    "  --json         a JSON object for each record\n"
    "  --cast         an asciicast v2 of one port (ttyS0)\n";

static int take_port(const char *text, struct show_options *o,
                     struct error *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 0 || n >= TOYVMM_PORTS)
        return error_set(err, -EINVAL, "--port %s: give a number from 0 to %d",
                         text, TOYVMM_PORTS - 1);
    o->port = (int)n;
    return 0;
}

static int parse(int argc, char **argv, struct show_options *o,
                 const char **path, struct error *err)
{
    static const struct option longs[] = {
        {"since-last", no_argument, NULL, 's'},
        {"port", required_argument, NULL, 'p'},
        {"raw", no_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {"cast", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const struct {
        int id;
        enum show_format format;
    } formats[] = {{'r', SHOW_RAW}, {'j', SHOW_JSON}, {'c', SHOW_CAST}};
    int id;
    optind = 0;
    opterr = 0;
    *path = NULL;
    while ((id = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
        if (id == 'h')
            return 0;
        if (id == '?' || id == ':')
            return error_set(err, -EINVAL, "%s %s; see toyvmm-test show --help",
                             argv[optind - 1],
                             id == ':' ? "needs a value" : "is no option here");
        if (id == 's')
            o->since_last = true;
        if (id == 'p' && take_port(optarg, o, err))
            return -EINVAL;
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
            if (formats[i].id == id)
                o->format = formats[i].format;
        }
    }
    if (argc - optind != 1)
        return error_set(err, -EINVAL,
                         "show takes one recording; see toyvmm-test show "
                         "--help");
    *path = argv[optind];
    return 0;
}

int show_main(int argc, char **argv)
{
    struct show_options o = {.port = -1};
    struct error err = {""};
    const char *path;
    int code = parse(argc, argv, &o, &path, &err);
    if (!code && !path)
        return fputs(usage, stdout) < 0 ? EXIT_UNABLE : EXIT_PASSED;
    if (!code)
        code = show_recording(stdout, path, &o, &err);
    if (!code)
        return EXIT_PASSED;
    // Whoever reads us has seen enough.
    if (code != -EPIPE)
        fprintf(stderr, "toyvmm-test: %s\n", err.text);
    return code == -EINVAL ? EXIT_WRONG : EXIT_UNABLE;
}
