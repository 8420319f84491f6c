#!/bin/sh
# After the files have gone. Only a purge takes the configuration, the user and what was not sent yet.
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
[ "${1:-remove}" = purge ] || exit 0
rm -rf /var/lib/millrace-agent
rm -f /etc/millrace/agent.yaml
rmdir --ignore-fail-on-non-empty /etc/millrace 2>/dev/null || true
if getent passwd millrace-agent >/dev/null; then userdel millrace-agent; fi
if getent group millrace-agent >/dev/null; then groupdel millrace-agent; fi
