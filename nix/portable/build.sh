# Builds a top level: the plan, made by default.nix, calls one of these functions per line.

# Links in a store must not depend on who builds.
umask 022

parent() {
  case $1 in
    */*) mkdir -p "$out/${1%/*}" ;;
  esac
}

# Takes away what there is so far: out of a sandbox, Nix moves the remains of a failed build to /nix/store, also when
# it builds for a store elsewhere.
fail() {
  echo "$1" >&2
  rm -rf "$out"
  exit 1
}

# text PATH FILE: a file with this content
text() {
  parent "$1"
  cat "$2" >"$out/$1"
}

# executable PATH: marks a file that stands there already
executable() {
  chmod 0755 "$out/$1"
}

# link PATH TARGET
link() {
  parent "$1"
  [ -e "$2" ] || fail "$1: its source $2 doesn't exist"
  ln -s "$2" "$out/$1"
}

# want UNIT TARGET: the unit is started with the target
want() {
  mkdir -p "$out/units/$2.wants"
  ln -s "../$1" "$out/units/$2.wants/$1"
}

# package PATH: its programs
package() {
  for program in "$1"/bin/*; do
    [ -e "$program" ] || continue
    link="$out/sw/bin/${program##*/}"
    if [ -h "$link" ]; then
      [ "$link" -ef "$program" ] && continue
      fail "two packages of config $configName have a program ${program##*/}; one is $program"
    fi
    ln -s "$program" "$link"
  done
}

mkdir -p "$out/bin" "$out/etc" "$out/units" "$out/sw/bin" "$out/thymesh"
cat "$switchPath" >"$out/bin/switch-to-configuration"
chmod 0755 "$out/bin/switch-to-configuration"
printf '%s' "$configName" >"$out/name"
printf '%s' "$system" >"$out/system"
printf 'portable' >"$out/thymesh/target"
. "$planPath"
