# Links: /run/current-system says what runs. All other links go through it and never change their target, so that
# one rename changes all contents at once, and after a reboot (/run is empty) none of them gives anything.

current="$root/run/current-system"

# points_to PATH TARGET: PATH is a link with exactly this target
points_to() { [ -h "$1" ] && [ "$(readlink "$1")" = "$2" ]; }

# replace_link TARGET PATH: at no time is there no link, and none is made in a folder that PATH leads to. It removes the
# remains of an interrupted run.
replace_link() {
  if [ -h "$2.thymesh-new" ]; then rm -f "$2.thymesh-new"; fi
  if points_to "$2" "$1"; then return; fi
  if exists "$2"; then
    ln -sT "$1" "$2.thymesh-new"
    mv -T "$2.thymesh-new" "$2"
  else
    ln -sT "$1" "$2"
  fi
}

exists() { [ -e "$1" ] || [ -h "$1" ]; }

# The generations whose units may be running: the current one, and those that an interrupted switch came from.
older_generations() {
  for link in "$current" "$state"/pending/*; do
    if [ -h "$link" ]; then
      generation="$root$(readlink "$link")"
      if [ -d "$generation/units" ]; then printf '%s\n' "$generation"; fi
    fi
  done
}

# Until the units are done, remember where we came from: if this is interrupted, the next switch compares with it too.
begin() {
  mkdir -p "$state/pending"
  if [ -h "$current" ]; then
    old=$(readlink "$current")
    replace_link "$old" "$state/pending/${old##*/}"
  fi
}

finish() { rm -rf "$state/pending"; }

# Nix's garbage collector keeps what runs and what boots. Relative, so that it is right from outside a root too.
keep_from_garbage() {
  if [ -d "$root/nix/var/nix/gcroots" ]; then
    replace_link "../../../../$2" "$root/nix/var/nix/gcroots/thymesh-$1"
  fi
}
