#!/bin/sh
# After the files are in place, of a package (its postinst) or of the tarball: user, groups, folders, unit.
# Run again by an upgrade, it changes nothing that is there.
set -e
user=millrace-agent
state=/var/lib/millrace-agent

getent group "$user" >/dev/null || groupadd --system "$user"
getent passwd "$user" >/dev/null ||
  useradd --system --gid "$user" --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
# The group of serial ports: Debian and Fedora call it dialout, others uucp.
for group in dialout uucp; do
  if getent group "$group" >/dev/null; then usermod --append --groups "$group" "$user" && break; fi
done
install -d -o "$user" -g "$user" -m 0700 "$state"
install -d -o root -g "$user" -m 0750 /etc/millrace
chgrp "$user" /etc/millrace/agent.yaml
chmod 0640 /etc/millrace/agent.yaml

[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl enable --quiet millrace-agent.service
if systemctl is-active --quiet millrace-agent.service; then
  systemctl restart millrace-agent.service
else
  echo "Next: millrace-agent setup --config /etc/millrace/agent.yaml && systemctl start millrace-agent"
fi
