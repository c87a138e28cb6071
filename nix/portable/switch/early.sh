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

# differs FOLDER: something in it is new, gone or other than before
differs() {
  before_all=$(came_from)
  if [ -z "$before_all" ]; then
    [ -n "$(etc_in "$1" "$here")" ]
    return
  fi
  # shellcheck disable=SC2086
  [ -n "$(etc_in "$1" "$here" $before_all | while IFS= read -r path; do
    for old in $before_all; do
      if [ ! -e "$old/etc/$path" ] || [ ! -e "$here/etc/$path" ] ||
        [ "$(cat "$old/etc/$path")" != "$(cat "$here/etc/$path")" ]; then printf '%s\n' "$path"; fi
    done
  done)" ]
}

not_in_force() { say "not in force: $1"; }

# told FOLDER COMMAND…: runs the command when something in the folder is other than before
told() {
  folder=$1
  shift
  if differs "$folder"; then
    if (PATH="$PATH:/usr/lib/systemd:/lib/systemd" && "$@"); then say "applied /etc/$folder"
    else not_in_force "/etc/$folder: $1 failed"
    fi
  fi
}

# given FOLDER COMMAND…: the same, with the files of this generation as arguments. Removing a file undoes nothing.
given() {
  # shellcheck disable=SC2046
  if [ -n "$(etc_in "$1" "$here")" ]; then
    told "$@" $(etc_in "$1" "$here" | while IFS= read -r path; do printf '/etc/%s\n' "$path"; done)
  elif differs "$1"; then
    not_in_force "the removal of /etc/$1, before the next boot"
  fi
}

# D-Bus must never be restarted: everything is connected to it.
reload_dbus() { if is_up dbus.service; then systemctl reload dbus.service; fi; }
reload_udev() { udevadm control --reload && udevadm trigger; }
# shellcheck disable=SC2086
restart_journal() { systemctl $no_block try-restart systemd-journald.service; }
reload_user_managers() {
  for manager in $(running_units 'user@.service'); do systemctl kill --kill-who=main --signal=HUP -- "$manager"; done
}

apply_early_files() {
  given sysusers.d systemd-sysusers
  given tmpfiles.d systemd-tmpfiles --create
  given modules-load.d systemd-modules-load
  given sysctl.d systemd-sysctl
  given binfmt.d systemd-binfmt
  told udev/rules.d reload_udev
  told systemd/system.conf.d systemctl daemon-reexec
  told systemd/journald.conf.d restart_journal
  told dbus-1/system.d reload_dbus
  told dbus-1/system-services reload_dbus
  told systemd/user reload_user_managers
  for path in systemd/logind.conf.d modprobe.d; do
    if [ -n "$(came_from)" ] && differs "$path"; then not_in_force "/etc/$path, before the next boot"; fi
  done
  # Read before any generation is there.
  for path in fstab crypttab systemd/system-generators initramfs-tools default/grub; do
    if [ -n "$(etc_in "$path" "$here")" ]; then not_in_force "/etc/$path: it is read before a generation is there"; fi
  done
}
