// SPDX-License-Identifier: Apache-2.0
// The machine of `toyvmm-test exec`, as a process: what toyvmm-rig --vmm starts
// in place of an emulator. Not for users. Private to the command.
//
//   toyvmm-test exec-machine PORT CONSOLE NAME KERNEL INITRD CMDLINE MEMORY
//                            CPUS [DIR...]
//
// PORT and CONSOLE are descriptors of sockets: the guest's virtio port and its
// ttyS0 are connected to them. NAME is the port's, MEMORY is in bytes. The
// guest finds "/" under the tag fs0, which it can't change, and each DIR as
// fs1, fs2, ..., which it can.
#pragma once

// The word behind the program's name.
#define EXEC_MACHINE "exec-machine"

// The whole command line. Runs the machine until its guest resets it or PORT
// is closed; the exit code. What goes wrong is told on stderr.
int exec_machine_main(int argc, char **argv);
