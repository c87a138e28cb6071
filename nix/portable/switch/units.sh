# Unit files: links in /run/systemd/system, which a reboot forgets. A link is ours if it goes to /run/current-system.

units="$root/run/systemd/system"

# units_of GENERATION: "web.service", a line each; wants_of GENERATION: "multi-user.target.wants/web.service"
units_of() {
  for file in "$1"/units/*; do
    if [ -f "$file" ]; then printf '%s\n' "${file##*/}"; fi
  done
}
wants_of() {
  for file in "$1"/units/*.wants/*; do
    if [ -h "$file" ]; then printf '%s\n' "${file#"$1/units/"}"; fi
  done
}

unit_link_is_ours() {
  [ -h "$1" ] && case $(readlink "$1") in /run/current-system/units/*) true ;; *) false ;; esac
}

# enabled_link PATH: `systemctl enable` of a unit of ours has made it: to the store, so that it would go on hiding newer ones in /run
enabled_link() {
  [ -h "$1" ] && case $(readlink "$1") in @storeDir@/*/units/"${1##*/}") true ;; *) false ;; esac
}

units_check() {
  if exists "$units/$1" && ! unit_link_is_ours "$units/$1"; then
    problem "$units/$1 is in the way and isn't Thymesh's; move it away"
  fi
  case $1 in */*) return ;; esac
  # /etc comes before /run: our unit would never be seen.
  if exists "$etc/systemd/system/$1" && ! enabled_link "$etc/systemd/system/$1"; then
    problem "$etc/systemd/system/$1 would hide the unit of this generation; move it away"
  fi
}

# A generation without a daemon after one with it: the machine's own must be there, or nobody would hear of this device again.
daemon_check() {
  daemon=thymesh.service
  if [ -e "$here/units/$daemon" ] || ! unit_link_is_ours "$units/$daemon"; then return; fi
  for directory in "$etc/systemd/system" "$root/usr/local/lib/systemd/system" "$root/usr/lib/systemd/system" "$root/lib/systemd/system"; do
    if exists "$directory/$daemon" && ! enabled_link "$directory/$daemon"; then return; fi
  done
  problem "this generation brings no daemon, and the machine has none of its own: install the package thymesh first, or set \`package\` of the module thymesh"
}

units_preflight() {
  for name in $(units_of "$here") $(wants_of "$here"); do units_check "$name"; done
  daemon_check
}

# The distribution's units that run, and that a generation puts its own over: what ran before runs again after it.
replaced="$state/replaced-units"

# file_of NAME: the unit's file: an instance has that of its template
file_of() {
  if [ -e "$here/units/$1" ] || exists "$units/$1"; then printf '%s\n' "$1"
  else
    case $1 in
      *@*.*) printf '%s\n' "${1%%@*}@.${1##*.}" ;;
      *) printf '%s\n' "$1" ;;
    esac
  fi
}

# conflicts_of GENERATION: what systemd stops when it starts a unit of it, a line each
conflicts_of() {
  for name in $(units_of "$1"); do sed -n 's/^[[:space:]]*Conflicts[[:space:]]*=//p' "$1/units/$name"; done |
    tr -s '[:space:]' '\n' | sed '/^$/d; /%/d' | sort -u
}

# Called before the links change, so what is up is the distribution's. Until the switch is done they also count as changed;
# what only gives way to a unit of ours stays as it is.
note_replaced() {
  for name in $(units_of "$here"); do
    if ! unit_link_is_ours "$units/$name"; then running_units "$name"; fi
  done >>"$state/pending/replaced"
  cat "$state/pending/replaced" >>"$replaced"
  for name in $(conflicts_of "$here"); do
    if ! unit_link_is_ours "$units/$(file_of "$name")" && is_up "$name"; then printf '%s\n' "$name"; fi
  done >>"$replaced"
}

# Those that no generation replaces, or makes give way, any more are forgotten.
forget_replaced() {
  [ -f "$replaced" ] || return 0
  conflicts=$(conflicts_of "$here")
  sort -u "$replaced" | while IFS= read -r name; do
    if unit_link_is_ours "$units/$(file_of "$name")" || printf '%s\n' "$conflicts" | grep -qxF -e "$name"; then
      printf '%s\n' "$name"
    fi
  done | write_list "$replaced"
}

units_activate() {
  mkdir -p "$units"
  for link in "$etc/systemd/system"/*; do
    if enabled_link "$link"; then rm -f "$link"; fi
  done
  for link in "$units"/* "$units"/*.wants/*; do
    name=${link#"$units/"}
    if unit_link_is_ours "$link" && ! exists "$here/units/$name"; then rm -f "$link"; fi
  done
  for name in $(units_of "$here") $(wants_of "$here"); do
    mkdir -p "$units/${name%"${name##*/}"}"
    replace_link "/run/current-system/units/${name##*/}" "$units/$name"
  done
  for directory in "$units"/*.wants; do
    if [ -d "$directory" ]; then rmdir "$directory" 2>/dev/null || true; fi
  done
}
