#!/bin/sh
# The part of an update that needs no daemon: placed beside the journal before the switch, started by systemd.
#   guard.sh test DIRECTORY        runs the new generation's switch-to-configuration test
#   guard.sh roll-back DIRECTORY   at the deadline, or when the daemon asks: back to the old one, unless it was committed
#   guard.sh boot-deadline DIRECTORY  the same of a generation that was booted: by a boot of the old one, which is the default
# DIRECTORY is that of one attempt: `attempt` says what is old and new; `decision` is a link that only one can make;
# `result` and `outcome` hold exit codes, written when there is something to say.

set -u
action=$1
directory=$2
PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"

value() { sed -n "s/^$1=//p" "$directory/attempt"; }
new=$(value new)
old=$(value old)
target=$(value target)
id=$(value id)
# Where the store lies, if not at /.
store=$(value store)
retry_seconds=2

running() { readlink /run/current-system 2>/dev/null; }
# Without room on the disk nothing is said, and all is done.
say() { printf '%s\n' "$*" >>"$directory/output"; } 2>/dev/null
sync_to_disk() { sync "$@" 2>/dev/null || sync; }

# keep NAME TEXT: writes a file atomically, or not at all
keep() {
  if ! printf '%s\n' "$2" >"$directory/$1.new" 2>/dev/null; then
    rm -f "$directory/$1.new"
    return 1
  fi
  sync_to_disk "$directory/$1.new"
  mv -f "$directory/$1.new" "$directory/$1"
  sync_to_disk "$directory"
}

# run PROGRAM ACTION: with its output in memory first, so that a full disk fails no switch
run() {
  lines=$(mktemp /run/thymesh-output.XXXXXX 2>/dev/null || mktemp 2>/dev/null || echo /dev/null)
  "$1" "$2" >"$lines" 2>&1
  ended=$?
  if [ "$lines" != /dev/null ]; then
    cat "$lines" 2>/dev/null >>"$directory/output"
    rm -f "$lines"
  fi
  return "$ended"
} 2>/dev/null

# Decides to go back. The link can be made only once: by this script, or by the daemon that commits or holds. A disk that
# takes no link must not keep a generation that nobody confirmed.
may_go_back() {
  ln -sn roll-back "$directory/decision" 2>/dev/null
  case $(readlink "$directory/decision") in
    commit | hold) return 1 ;;
  esac
}

# Rolls back to the old generation; on a machine's first update there is none, and the new one is turned off.
go_back() {
  if [ -n "$old" ]; then
    run "$store$old/bin/switch-to-configuration" test
  elif [ "$target" = portable ]; then
    run "$store$new/bin/switch-to-configuration" off
  else
    say "there is no generation to go back to"
    false
  fi
}

# The link alone says nothing: a switch that ended otherwise may not have started the units. 4 says that some of them failed.
is_back() { [ "$(running)" = "$old" ] && { [ "$code" = 0 ] || [ "$code" = 4 ]; }; }

case $action in
  test)
    # Only a result counts; a switch that has one does not run again.
    [ ! -e "$directory/result" ] || exit 0
    keep started "$$"
    run "$store$new/bin/switch-to-configuration" test
    keep result "$?"
    ;;
  boot-deadline)
    # Nothing runs where the new generation could not be put in place.
    case $(running) in
      "$old") exit 0 ;;
      "$new" | '') ;;
      *) exit 0 ;;
    esac
    may_go_back || exit 0
    # Once: should it boot again, another reboot would not help.
    [ ! -e "$directory/rebooted" ] || exit 0
    say "it was not confirmed after its boot: the machine starts anew, with $old"
    keep rebooted yes
    systemctl reboot
    ;;
  roll-back)
    may_go_back || exit 0
    [ ! -e "$directory/outcome" ] || exit 0
    sync_to_disk "$directory"
    systemctl stop "thymesh-activate-$id.service" 2>/dev/null
    say "going back to $old"
    for round in 1 2 3; do
      go_back
      code=$?
      say "round $round ended with code $code"
      if is_back; then break; fi
      sleep "$retry_seconds"
    done
    keep outcome "$code"
    if ! is_back && [ -n "$old" ] && [ ! -e "$directory/rebooted" ]; then
      # The last resort: the boot default is still the old generation.
      say "it could not be brought back: the machine starts anew"
      keep rebooted yes
      systemctl reboot
    fi
    ;;
esac
