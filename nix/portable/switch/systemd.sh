# What systemd has to do: stop what is gone, restart what changed, start what is wanted.

property() { systemctl show -p "$2" -- "$1" | sed -n "s/^$2=//p"; }

is_up() {
  case $(property "$1" ActiveState) in active | activating | reloading | refreshing) true ;; *) false ;; esac
}

# Crashed, also if systemd is about to try it again.
has_failed() {
  [ "$(property "$1" ActiveState)" = failed ] || [ "$(property "$1" SubState)" = auto-restart ]
}

# A target that is reached or being reached: what it wants is to run.
is_reached() {
  case $(property "$1" Job) in '' | 0) is_up "$1" ;; *) true ;; esac
}

# running_units NAME: itself if it is up; of a template all instances that are
running_units() {
  case $1 in
    *@.*)
      systemctl list-units --plain --no-legend --full --state=active,activating,reloading -- "${1%%@.*}@*.${1##*.}" |
        while read -r instance _; do printf '%s\n' "$instance"; done
      ;;
    *) if is_up "$1"; then printf '%s\n' "$1"; fi ;;
  esac
}

# Names of units that are gone, also of those that don't run.
names_gone() {
  older_generations | while IFS= read -r old; do units_of "$old"; done | sort -u | while IFS= read -r name; do
    if [ ! -e "$here/units/$name" ]; then printf '%s\n' "$name"; fi
  done
}

units_gone() { names_gone | while IFS= read -r name; do running_units "$name"; done; }

# A unit that failed and is gone isn't a failure of the generation that runs now.
forget_failures() {
  names_gone | while IFS= read -r name; do
    case $name in *@.*) name="${name%%@.*}@*.${name##*.}" ;; esac
    systemctl reset-failed -- "$name" 2>/dev/null || true
  done
}

is_off() { grep -qE "^[[:space:]]*$2[[:space:]]*=[[:space:]]*(no|false|off|0)[[:space:]]*\$" "$here/units/$1"; }

units_changed() {
  units_of "$here" | while IFS= read -r name; do
    # Nothing of a target or a slice itself runs.
    case $name in *.target | *.slice) continue ;; esac
    older_generations | while IFS= read -r old; do
      if [ -e "$old/units/$name" ] && [ "$(cat "$old/units/$name")" != "$(cat "$here/units/$name")" ]; then
        running_units "$name"
        break
      fi
    done
  done
}

units_restarted() {
  units_changed | while IFS= read -r name; do
    file=$name
    [ -e "$here/units/$file" ] || file="${name%%@*}@.${name##*.}"
    if is_off "$file" X-RestartIfChanged; then
      complain "$name changed and keeps running as it was (X-RestartIfChanged=false)"
    else
      printf '%s\n' "$name"
    fi
  done
}

# units_to_start [DONE…]: wanted by a target that is reached, not up, and not started by us already
units_to_start() {
  wants_of "$here" | while IFS= read -r want; do
    name=${want##*/}
    case " $* " in *" $name "*) continue ;; esac
    if is_reached "${want%.wants/*}" && { ! is_up "$name" || has_failed "$name"; }; then printf '%s\n' "$name"; fi
  done | sort -u
}

# sockets_among UNIT…, others_among UNIT…
sockets_among() { for name in "$@"; do case $name in *.socket) printf '%s\n' "$name" ;; esac; done; }
others_among() { for name in "$@"; do case $name in *.socket) ;; *) printf '%s\n' "$name" ;; esac; done; }

# restart UNIT…: sockets first and without their services, since systemd refuses to start a socket whose service runs.
# shellcheck disable=SC2046,SC2086
restart() {
  sockets=$(sockets_among "$@")
  others=$(others_among "$@")
  holding=$(for name in $sockets; do
    for service in $(property "$name" Triggers); do if is_up "$service"; then printf '%s\n' "$service"; fi; done
  done)
  if [ -n "$holding" ]; then systemctl stop -- $holding || true; fi
  if [ -n "$sockets" ]; then systemctl $no_block restart -- $sockets || true; fi
  if [ -n "$others" ]; then systemctl $no_block restart -- $others || true; fi
}

# Failed, or not there without having failed: all but services stay active once they are started.
is_missing() {
  case $1 in
    *.service) has_failed "$1" ;;
    *) has_failed "$1" || ! is_up "$1" ;;
  esac
}

# invocations UNIT…: "web.service ID", a line each; systemd gives a unit another ID with every start
invocations() { for name in "$@"; do printf '%s %s\n' "$name" "$(property "$name" InvocationID)"; done; }

# was_refused UNIT: it was not started since $before was taken, and not because of its conditions: its file is bad, or
# something that it requires is missing. One that was to be restarted may still run as it was.
was_refused() {
  printf '%s\n' "$before" | grep -qxF -e "$(invocations "$1")" && [ "$(property "$1" ConditionResult)" != no ]
}

# report VERB UNIT…: a line each
report() {
  verb=$1
  shift
  for name in "$@"; do say "$verb $name"; done
}

# Unit names have no blanks, so lists of them are split into words.
# shellcheck disable=SC2046,SC2086
stop_gone_units() {
  gone=$(units_gone)
  if [ -n "$gone" ]; then
    systemctl stop -- $gone || complain "not all of these could be stopped:" $gone
    report stopped $gone
  fi
}

# shellcheck disable=SC2086
start_units() {
  no_block=
  [ -n "$wait_for_units" ] || no_block=--no-block
  systemctl daemon-reload
  forget_failures

  touched=$(units_restarted)
  before=
  if [ -n "$touched" ]; then
    before=$(invocations $touched)
    systemctl reset-failed -- $touched 2>/dev/null || true
    restart $touched
    report restarted $touched
  fi
  # Again, since a target that was started may want more.
  for round in 1 2 3; do
    starting=$(units_to_start $touched)
    [ -n "$starting" ] || break
    systemctl reset-failed -- $starting 2>/dev/null || true
    before=$(printf '%s\n' "$before"; invocations $starting)
    systemctl $no_block start -- $starting || true
    report started $starting
    touched="$touched $starting"
    # Without waiting there is nothing new to see.
    [ -n "$wait_for_units" ] || break
  done

  [ -n "$wait_for_units" ] || return 0
  failed=
  refused=
  for name in $touched; do
    if was_refused "$name"; then refused="$refused $name"
    elif is_missing "$name"; then failed="$failed $name"
    fi
  done
  if [ -n "$refused" ]; then
    report refused $refused
    complain "systemd did not start these units:$refused (see: systemctl status NAME)"
    status=4
  fi
  if [ -n "$failed" ]; then
    report failed $failed
    complain "these units failed:$failed (see: journalctl -u NAME)"
    status=4
  fi
}

# shellcheck disable=SC2046,SC2086
say_what_would_be_done() {
  report 'would stop' $(units_gone)
  changed=$(units_restarted)
  report 'would restart' $changed
  report 'would start' $(units_to_start $changed)
}
