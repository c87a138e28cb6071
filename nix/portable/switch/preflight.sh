# Everything that can be found wrong before anything is changed.

problems=
problem() {
  complain "$1"
  problems=yes
}

preflight() {
  if [ -n "$rooted" ]; then
    for directory in "$root/etc" "$root/run"; do
      if [ -h "$directory" ]; then problem "$directory is a link, which could lead out of $root"; fi
    done
  fi
  if exists "$current"; then
    if [ ! -h "$current" ]; then
      problem "$current isn't a link"
    else
      running="$root$(readlink "$current")"
      if [ ! -e "$running" ]; then
        complain "the generation that runs, $running, isn't in the store; its units can't be compared"
      elif [ "$(cat "$running/thymesh/target" 2>/dev/null || true)" != portable ]; then
        problem "$running runs here, which isn't a generation of Thymesh's portable target"
      fi
    fi
  fi
  if [ -z "$rooted" ]; then
    if [ ! -d /run/systemd/system ] || ! command -v systemctl >/dev/null 2>&1; then
      problem "systemd doesn't run here; to change files only, use --root /"
    fi
  fi
  etc_preflight
  units_preflight
  if [ -n "$problems" ]; then
    complain "nothing was changed"
    exit 1
  fi
}
