#!/bin/sh
# Before the files go. dpkg says `remove` or `upgrade`, rpm how many versions will be left.
set -e
case "${1:-remove}" in upgrade | failed-upgrade | [1-9]*) exit 0 ;; esac
[ -d /run/systemd/system ] || exit 0
systemctl --quiet disable --now millrace-agent.service || true
