# systemd's part: stop units that are gone, restart changed ones, start wanted ones.

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

# Whether a file of this generation has a setting that is off, or on
is_on() { [ -e "$here/units/$1" ] && grep -qE "^[[:space:]]*$2[[:space:]]*=[[:space:]]*(yes|true|on|1)[[:space:]]*\$" "$here/units/$1"; }
is_off() { [ -e "$here/units/$1" ] && grep -qE "^[[:space:]]*$2[[:space:]]*=[[:space:]]*(no|false|off|0)[[:space:]]*\$" "$here/units/$1"; }

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

# The distribution's own units that are back from under a generation's, or that gave way to one: those that ran before it, or
# that start with the machine.
units_restored() {
  conflicts=$(conflicts_of "$here")
  {
    names_gone
    cat "$replaced" 2>/dev/null || true
  } | sort -u | while IFS= read -r name; do
    # A template itself never runs.
    case $name in *@.*) continue ;; esac
    if [ -e "$here/units/$(file_of "$name")" ] || printf '%s\n' "$conflicts" | grep -qxF -e "$name"; then continue; fi
    if [ "$(property "$name" LoadState)" != loaded ] || is_up "$name"; then continue; fi
    if listed "$replaced" "$name"; then
      printf '%s\n' "$name"
      continue
    fi
    for target in $(property "$name" WantedBy) $(property "$name" RequiredBy); do
      if is_reached "$target"; then
        printf '%s\n' "$name"
        break
      fi
    done
  done
}

units_restarted() {
  { units_changed; drop_ins_changed; cat "$state/pending/replaced" 2>/dev/null || true; } | sort -u | while IFS= read -r name; do
    file=$(file_of "$name")
    if is_off "$file" X-RestartIfChanged || is_on "$file" RefuseManualStop || is_on "$file" RefuseManualStart; then
      complain "$name changed and keeps running as it was, since its file says that nobody restarts it"
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
    if is_on "$name" RefuseManualStart; then continue; fi
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

# among LIST UNIT…, beyond LIST UNIT…: those that are in a list of names, and those that aren't
among() (
  list=$1
  shift
  for name in "$@"; do case " $list " in *" $name "*) printf '%s\n' "$name" ;; esac; done
)
beyond() (
  list=$1
  shift
  for name in "$@"; do case " $list " in *" $name "*) ;; *) printf '%s\n' "$name" ;; esac; done
)

# take_up CHANGED MISSING: restarts and starts these, and remembers them in $touched
# shellcheck disable=SC2086
take_up() {
  [ -n "$1$2" ] || return 0
  systemctl reset-failed -- $1 $2 2>/dev/null || true
  before=$(printf '%s\n' "$before"; invocations $1 $2)
  if [ -n "$1" ]; then
    restart $1
    report restarted $1
  fi
  if [ -n "$2" ]; then
    systemctl $no_block start -- $2 || true
    report started $2
  fi
  touched=$(printf '%s ' $touched $1 $2)
}

# shellcheck disable=SC2046,SC2086
start_units() {
  no_block=
  [ -n "$wait_for_units" ] || no_block=--no-block
  systemctl daemon-reload
  apply_early_files
  forget_failures

  touched=
  before=
  secrets=thymesh-secrets.service
  changed=$(units_restarted)
  missing="$(units_to_start $changed) $(units_restored)"
  # First units that make accounts, then the secrets that belong to these: all other units may need both.
  for early in "$(property $secrets After)" $secrets; do
    take_up "$(among "$early" $changed)" "$(among "$early" $missing)"
  done
  take_up "$(beyond "$touched" $changed)" "$(beyond "$touched" $(units_restored))"
  # Again, since a target that was started may want more.
  for round in 1 2 3; do
    missing=$(units_to_start $touched)
    [ -n "$missing" ] || break
    take_up '' "$missing"
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
