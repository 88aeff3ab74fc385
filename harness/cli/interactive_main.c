// SPDX-License-Identifier: Apache-2.0
// --interactive: from the command line to a session. See interactive.h.
#include "harness/cli/interactive.h"

#include "harness/cli/launch.h"
#include "harness/cli/learn_header.h"
#include "harness/cli/learning.h"

#include <stdlib.h>

// The session, and what is learnt of it.
static int interact_with(const struct options *o, const struct selected *one,
                         const struct guest *guest, const char *accelerator,
                         struct error *err)
{
    if (!o->learn)
        return interactive_run(guest, accelerator, o->no_sandbox, NULL, err);
    char *header = learn_header(
        o->learn, one ? one->what.scenario : NULL,
        one ? selected_machine(one, &o->machine) : &o->machine, guest, err);
    struct lesson lesson = {o->learn, header};
    int exit_code = EXIT_UNABLE;
    if (header)
        exit_code =
            interactive_run(guest, accelerator, o->no_sandbox, &lesson, err);
    free(header);
    return exit_code;
}

int interactive_main(const struct options *o, const struct selection *s,
                     int argc, char **argv)
{
    struct error err = {""};
    const char *accelerator;
    struct guest guest;
    const struct selected *one = s->count ? &s->list[0] : NULL;
    if (o->learn && learning_check(o->learn, &err))
        return complain(&err, EXIT_WRONG);
    int code = guest_make(
        &guest, one ? one->what.scenario : NULL,
        one ? selected_machine(one, &o->machine) : &o->machine, &err);
    if (!code)
        code = guest_check(&guest, &err);
    if (code) {
        guest_free(&guest);
        return complain(&err, exit_for(code));
    }
    int exit_code = EXIT_UNABLE;
    const char *outputs[] = {guest.net.pcap, guest.vsock.path, o->learn};
    if (!launch_settle(o, argc, argv, guest.memory, outputs, 3, &accelerator,
                       &err))
        exit_code = interact_with(o, one, &guest, accelerator, &err);
    guest_free(&guest);
    return complain(&err, exit_code);
}
