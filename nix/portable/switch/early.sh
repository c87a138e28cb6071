# Files below /etc that programs read before this generation is there, or only once. These programs are told of changes after
# the links are made and before units start; at boot, of all files.

# etc_in FOLDER GENERATION…: the paths below etc/ of these that are FOLDER or lie in it, a line each
etc_in() {
  folder=$1
  shift
  for generation in "$@"; do
    while IFS= read -r path; do
      case $path in "$folder" | "$folder"/*) printf '%s\n' "$path" ;; esac
    done <"$generation/thymesh/etc-files"
  done | sort -u
}

# Where this switch comes from; none at the start of the machine.
came_from() {
  for link in "$state"/pending/*; do
    if [ -h "$link" ] && [ -e "$root$(readlink "$link")/thymesh/etc-files" ]; then printf '%s\n' "$root$(readlink "$link")"; fi
  done
}

# differing FOLDER: the paths below etc/ in it that are new, gone or other than before, a line each
differing() {
  before_all=$(came_from)
  if [ -z "$before_all" ]; then
    etc_in "$1" "$here"
    return
  fi
  # shellcheck disable=SC2086
  etc_in "$1" "$here" $before_all | while IFS= read -r path; do
    for old in $before_all; do
      if [ ! -e "$old/etc/$path" ] || [ ! -e "$here/etc/$path" ] ||
        [ "$(cat "$old/etc/$path")" != "$(cat "$here/etc/$path")" ]; then printf '%s\n' "$path"; fi
    done
  done
}
differs() { [ -n "$(differing "$1")" ]; }

# At the start of the machine everything is read with this generation in place.
is_boot() { [ -z "$(came_from)" ] && [ -z "$wait_for_units" ]; }

# drop_in_units PATH…: the units that drop-ins below etc/ are of, a line each. Of a target or a slice itself nothing runs.
drop_in_units() {
  for path in "$@"; do printf '%s\n' "$path"; done |
    sed -n 's|^systemd/system/\([^/]*\.[a-z]*\)\.d/[^/]*\.conf$|\1|p' | sed '/\.target$/d; /\.slice$/d' | sort -u
}

# Units that run and whose drop-ins are others than before.
# shellcheck disable=SC2046
drop_ins_changed() {
  if is_boot; then return; fi
  for name in $(drop_in_units $(differing systemd/system)); do
    for unit in $(running_units "$name"); do
      if may_restart "$unit"; then printf '%s\n' "$unit"; fi
    done
  done
}

# Everything is connected to D-Bus.
may_restart() {
  case $1 in dbus.service | dbus-broker.service) return 1 ;; esac
  [ "$(property "$1" RefuseManualStop)" != yes ] && [ "$(property "$1" RefuseManualStart)" != yes ]
}

# What is not in force, for the daemon's report: "FOLDER: reason" a line. In /run, so that a boot begins anew.
notes="$state/not-in-force"

# not_in_force PATH REASON
not_in_force() {
  say "not in force: /etc/$1: $2"
  printf '%s\n' "/etc/$1: $2" >>"$notes.new"
}

# begin_notes PATH…: what was not in force before this switch isn't yet, unless it is taken up now
begin_notes() {
  mkdir -p "$state"
  : >"$notes.new"
  [ -f "$notes" ] || return 0
  for path in "$@"; do
    if ! differs "$path"; then grep -F -e "/etc/$path: " "$notes" >>"$notes.new" || true; fi
  done
}

# told FOLDER COMMAND…: runs the command when something in the folder is other than before
told() {
  folder=$1
  shift
  differs "$folder" || return 0
  if said=$(PATH="$PATH:/usr/lib/systemd:/lib/systemd" && "$@" 2>&1); then say "applied /etc/$folder"
  else not_in_force "$folder" "$(printf '%s\n' "${said:-"$1 failed"}" | sed 's/^[^ ]*: [0-9]*: //; q')"
  fi
}

# given FOLDER COMMAND…: the same, with the files of this generation as arguments. Removing a file undoes nothing.
given() {
  # shellcheck disable=SC2046
  if [ -n "$(etc_in "$1" "$here")" ]; then
    told "$@" $(etc_in "$1" "$here" | while IFS= read -r path; do printf '/etc/%s\n' "$path"; done)
  elif differs "$1"; then
    not_in_force "$1" 'what its removed files did is undone by a boot at the earliest'
  fi
}

# D-Bus must never be restarted: everything is connected to it.
reload_dbus() { if is_up dbus.service; then systemctl reload dbus.service; fi; }
reload_udev() { udevadm control --reload && udevadm trigger; }
# shellcheck disable=SC2086
restart_journal() { systemctl $no_block try-restart systemd-journald.service; }
# Without --strict it ends well although the kernel refused a value; systemd before 252 doesn't know it.
apply_sysctl() {
  said=$(systemd-sysctl --strict "$@" 2>&1) && return
  case $said in *'unrecognized option'*) systemd-sysctl "$@" ;; *) printf '%s\n' "$said" && false ;; esac
}
# systemd-modules-load ends well when there is no such module.
load_modules() {
  systemd-modules-load "$@" || return
  sed -n 's/^[[:space:]]*\([^#;[:space:]]\{1,\}\).*/\1/p' "$@" | while IFS= read -r module; do
    if [ ! -e "/sys/module/$(printf '%s' "$module" | tr - _)" ] && ! modprobe --dry-run --quiet -- "$module"; then
      echo "the kernel has no module $module"
      exit 1
    fi
  done
}
reload_user_managers() {
  for manager in $(running_units 'user@.service'); do systemctl kill --kill-who=main --signal=HUP -- "$manager"; done
}

at_boot='systemd/logind.conf.d modprobe.d'
# Read before any generation is there.
too_early='fstab crypttab systemd/system-generators initramfs-tools default/grub'

# shellcheck disable=SC2046
apply_early_files() {
  begin_notes sysusers.d tmpfiles.d modules-load.d sysctl.d binfmt.d udev/rules.d systemd/system.conf.d \
    systemd/journald.conf.d dbus-1/system.d dbus-1/system-services systemd/user $at_boot \
    $(drop_in_units $(etc_in systemd/system "$here") | sed 's|.*|systemd/system/&.d|')
  given sysusers.d systemd-sysusers
  given tmpfiles.d systemd-tmpfiles --create
  given modules-load.d load_modules
  given sysctl.d apply_sysctl
  given binfmt.d systemd-binfmt
  told udev/rules.d reload_udev
  told systemd/system.conf.d systemctl daemon-reexec
  told systemd/journald.conf.d restart_journal
  told dbus-1/system.d reload_dbus
  told dbus-1/system-services reload_dbus
  told systemd/user reload_user_managers
  for path in $at_boot; do
    if ! is_boot && differs "$path"; then not_in_force "$path" 'it is read at the next boot'; fi
  done
  if ! is_boot; then
    for name in $(drop_in_units $(differing systemd/system)); do
      for unit in $(running_units "$name"); do
        may_restart "$unit" || not_in_force "systemd/system/$name.d" "$unit is not restarted before the next boot"
      done
    done
  fi
  for path in $too_early; do
    if [ -n "$(etc_in "$path" "$here")" ]; then not_in_force "$path" 'it is read before a generation is there'; fi
  done
  mv -f "$notes.new" "$notes"
}
