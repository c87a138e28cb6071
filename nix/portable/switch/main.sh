# The actions.

# Never called in a condition: there, set -e would be off.
activate() {
  stage=changing
  begin
  if [ -z "$rooted" ]; then
    note_replaced
    stop_gone_units
  fi
  mkdir -p "$root/run"
  keep_from_garbage current run/current-system
  replace_link "$top" "$current"
  etc_activate
  units_activate
  say "runs $top"
  if [ -z "$rooted" ]; then
    leave_gone
    leave_keep
    start_units
    forget_replaced
  fi
  finish
  stage=
}

# The running generation is compared with an empty one. Never called in a condition, as above.
deactivate() {
  stage=changing
  begin
  was=$top
  top=/run/thymesh/nothing
  here="$state/nothing"
  mkdir -p "$here/thymesh" "$here/units"
  : >"$here/thymesh/etc-files"
  if points_to "$etc/thymesh/boot" "$was"; then rm -f "$etc/thymesh/boot"; fi
  if [ -z "$rooted" ]; then stop_gone_units; fi
  etc_activate
  units_activate
  rm -f "$current"
  say "runs nothing"
  if [ -z "$rooted" ]; then
    leave_gone
    start_units
    forget_replaced
  fi
  finish
  rm -rf "$here"
  stage=
}

case $action in
  dry-activate)
    preflight
    say "would run $top"
    if [ -z "$rooted" ]; then say_what_would_be_done; fi
    ;;
  test | switch)
    lock
    preflight
    activate
    if [ "$action" = switch ]; then
      if [ "$status" = 0 ]; then boot; else complain "so this generation wasn't made the one that boots"; fi
    fi
    exit "$status"
    ;;
  boot)
    lock
    boot
    ;;
  boot-once)
    lock
    boot_once
    ;;
  off)
    lock
    deactivate
    ;;
esac
