# switch-to-configuration of Thymesh's portable target: makes this generation the one that runs or boots.
# Runs on the device, with its sh, coreutils (mv -T) and systemctl.

set -eu
umask 022
PATH="${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"

say() { printf '%s\n' "$*"; }
complain() { printf 'switch-to-configuration: %s\n' "$*" >&2; }

usage() {
  complain "$1"
  cat >&2 <<'EOF'
usage: switch-to-configuration ACTION [--root DIR] [--no-wait]
  test          make this generation run now; a reboot comes back with the one that boots
  boot          make this generation the one that boots
  boot-once     start this generation at the next boot only; what boots after that stays as it is
  switch        test, then boot
  dry-activate  say what test would do
  off           make no generation run: stop its units, remove its links; it boots no more, if it did
  --root DIR    the system lies in DIR (with its store in DIR/nix/store); nothing is started or stopped
  --no-wait     don't wait for units to start (for the boot itself)
exit status: 0 done, 1 nothing was changed, 2 wrong usage, 3 stopped halfway, 4 done, but units failed
EOF
  exit 2
}

action=
root=
rooted=
wait_for_units=yes
while [ $# -gt 0 ]; do
  case $1 in
    test | boot | boot-once | switch | dry-activate | off)
      [ -z "$action" ] || usage "more than one action: $action and $1"
      action=$1
      ;;
    --root)
      [ $# -ge 2 ] || usage "--root needs a directory"
      root=$2 rooted=yes
      shift
      ;;
    --root=*) root=${1#--root=} rooted=yes ;;
    --no-wait) wait_for_units= ;;
    *) usage "unknown action or option: $1" ;;
  esac
  shift
done
[ -n "$action" ] || usage "expected an action"

if [ -n "$rooted" ]; then
  { [ -n "$root" ] && [ -d "$root" ]; } || usage "--root: there is no directory '$root'"
  root=$(CDPATH='' cd -P -- "$root" && pwd -P)
  # "/etc" and "$root/etc" are then the same for --root /.
  [ "$root" != / ] || root=
elif [ "$(id -u)" != 0 ]; then
  usage "only root can change this system; with --root DIR anyone can change the one in DIR"
fi

# This generation: where its files are now ($here), and what its path is on the system ($top).
here=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)
top="@storeDir@/${here##*/}"
if [ ! -e "$root$top/thymesh/target" ]; then
  usage "there is no $root$top; run a generation that lies in the store of this system"
fi
