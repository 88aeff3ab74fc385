// SPDX-License-Identifier: Apache-2.0
// A real distribution kernel, where there is one: TOYVMM_TEST_KERNEL, or the
// host's own.
#include "src/tests/boot_fixture.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Fills path; skips the test when there is no readable kernel.
static void find_kernel(char *path, size_t size)
{
    const char *given = getenv("TOYVMM_TEST_KERNEL");
    if (given) {
        snprintf(path, size, "%s", given);
        return;
    }
    glob_t found;
    path[0] = '\0';
    if (glob("/boot/vmlinuz*", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && !path[0]; i++)
            if (access(found.gl_pathv[i], R_OK) == 0)
                snprintf(path, size, "%s", found.gl_pathv[i]);
        globfree(&found);
    }
    if (!path[0])
        cr_skip_test("no kernel: set TOYVMM_TEST_KERNEL to a vmlinuz");
}

Test(boot_real, kernel_is_loaded_and_entered_where_it_says)
{
    char path[512];
    find_kernel(path, sizeof(path));
    struct boot_request request = request_for(path);
    request.memory = 256 * MIB;
    request.cpus = 2;
    struct guest_memory mem;
    struct boot_state s = load_ok(&request, &mem);
    cr_assert_geq(s.kernel_gpa, MIB);
    cr_assert_gt(s.kernel_size, 4 * MIB);
    cr_assert_lt(s.rip - s.kernel_gpa, s.kernel_size);
    // Code, not a hole.
    static const uint8_t nothing[16] = {0};
    cr_assert_neq(memcmp(guest_memory_at(&mem, s.rip, 16), nothing, 16), 0);
    guest_memory_unmap(&mem);
}

Test(boot_real, kernel_says_how_much_memory_it_needs)
{
    char path[512];
    find_kernel(path, sizeof(path));
    struct boot_request request = request_for(path);
    request.memory = MIB;
    assert_refused(&request, -22, "memory 1M is too small: kernel", path);
}
