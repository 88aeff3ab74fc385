#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Opens /dev/kvm to this runner's user, where there is one that is closed to
# them: with the udev rule beside this file, as hosted runners need it. Never
# fails: without KVM the rig takes over.
set -u
here=$(dirname "$0")
if [ ! -e /dev/kvm ]; then
    echo "no /dev/kvm here: guests will run in the rig, at an emulator's speed"
elif [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
    echo "/dev/kvm can be used"
elif sudo -n true 2>/dev/null && [ -d /etc/udev/rules.d ]; then
    sudo cp "$here/65-kvm.rules" /etc/udev/rules.d/ &&
        sudo udevadm control --reload-rules &&
        sudo udevadm trigger --name-match=kvm --settle &&
        echo "/dev/kvm was opened by a udev rule"
else
    echo "/dev/kvm is closed to $(id -un), who may not change that"
fi
exit 0
