#!/bin/sh
# Installs the Millrace edge agent from this tarball, where no package fits: ./install.sh [install | remove | purge]
# Installing again, an older or a newer version, keeps the configuration and what was not sent yet; so does remove.
set -e
here=$(dirname "$(readlink -f "$0")")
lib=/usr/lib/millrace-agent
unit=/usr/lib/systemd/system/millrace-agent.service
[ "$(id -u)" = 0 ] || { echo "Run this as root." >&2; exit 1; }

case "${1:-install}" in
install)
  # Beside the running one, then in its place: a process that runs keeps its open files.
  rm -rf "$lib.new"
  cp -R "$here/lib" "$lib.new"
  rm -rf "$lib"
  mv "$lib.new" "$lib"
  install -D -m 0644 "$here/millrace-agent.service" "$unit"
  ln -sf "$lib/bin/millrace-agent" /usr/bin/millrace-agent
  [ -e /etc/millrace/agent.yaml ] || install -D -m 0640 "$here/agent.yaml" /etc/millrace/agent.yaml
  sh "$here/installed.sh"
  ;;
remove | purge)
  sh "$here/removing.sh" remove
  rm -rf "$lib"
  rm -f "$unit" /usr/bin/millrace-agent
  sh "$here/removed.sh" "$1"
  ;;
*)
  echo "usage: $0 [install | remove | purge]" >&2
  exit 2
  ;;
esac
