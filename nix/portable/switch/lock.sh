# One switch at a time. The lock lies in /run, so a reboot frees it; with flock the end of the process does too.

state="$root/run/thymesh"

status=0
stage=
locked_directory=

# Also where a command fails that shouldn't (set -e): a full disk must not look like a preflight that said no.
on_exit() {
  code=$?
  trap - EXIT
  [ -z "$locked_directory" ] || rmdir "$state/lock.d" 2>/dev/null || true
  if [ "$stage" = changing ]; then
    complain "stopped halfway; run this or another generation's switch-to-configuration again"
    exit 3
  fi
  exit "$code"
}
trap on_exit EXIT
trap 'exit 1' HUP INT TERM

busy() {
  complain "another switch-to-configuration is running (process $(cat "$state/lock-holder" 2>/dev/null || echo unknown)); nothing was changed"
  exit 1
}

lock() {
  mkdir -p "$state"
  if command -v flock >/dev/null 2>&1; then
    exec 9>>"$state/lock"
    flock -n 9 || busy
  else
    if ! mkdir "$state/lock.d" 2>/dev/null; then
      holder=$(cat "$state/lock-holder" 2>/dev/null || true)
      # A holder may not have written its process ID yet: only one that is known to be dead loses the lock.
      if [ -z "$holder" ] || kill -0 "$holder" 2>/dev/null; then busy; fi
    fi
    locked_directory=yes
  fi
  printf '%s\n' "$$" >"$state/lock-holder"
}
