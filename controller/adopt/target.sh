# The part of `thymesh adopt` on the machine itself: one function a verb. All but `facts` are root's. Answers are lines
# KEY=VALUE between two lines with a nonce, whatever else a login prints.
home=/var/lib/thymesh-adopt
journal=$home/journal
state=/var/lib/thymesh

say() { printf '%s=%s\n' "$1" "$2"; }
fail() { say error "$1"; say message "$2"; exit 1; }
value() { sed -n "s/^$1 //p" "$journal" 2>/dev/null | tail -n 1; }
note() { printf '%s\n' "$*" >>"$journal" && sync "$journal"; }
has() { command -v "$1" >/dev/null 2>&1; }
# Of a step that was cut, the program may still run.
lock() {
  mkdir -p "$home" || fail step-failed "can't make $home"
  exec 9>"$home/lock"
  flock -w 300 9 || fail adoption-runs 'another adoption of this machine still runs'
}
package() { dpkg-query -W -f='${db:Status-Status} ${Version}' thymesh 2>/dev/null || true; }
packages() { dpkg-query -W -f='${db:Status-Status} ${binary:Package}\n' | sed -n 's/^installed //p' | sort; }

do_facts() {
  if [ -r /etc/os-release ]; then
    . /etc/os-release
    say os "${ID-}"; say like "${ID_LIKE-}"; say system "${PRETTY_NAME-}"
  fi
  say kernel "$(uname -s)"
  say machine "$(uname -m)"
  say architecture "$(dpkg --print-architecture 2>/dev/null)"
  say host "$(uname -n)"
  say user "$(id -un)"
  if [ "$(id -u)" = 0 ]; then say root yes
  elif ! has sudo; then say root none
  elif sudo -n true 2>/dev/null; then say root sudo
  else say root asks; fi
  [ ! -d /run/systemd/system ] || say systemd yes
  say container "$(systemd-detect-virt -c 2>/dev/null)"
  say nix "$(nix --version 2>/dev/null | sed -n 's/^.* //p')"
  [ ! -S /nix/var/nix/daemon-socket/socket ] || say nixDaemon yes
  say thymesh "$(package | sed -n 's/^installed //p')"
  has thymesh && say program "$(command -v thymesh)"
  systemctl cat thymesh.service >/dev/null 2>&1 && say unit yes
  systemctl is-active -q thymesh.service 2>/dev/null && say daemon yes
  say freeVar "$(df -Pk /var/lib 2>/dev/null | awk 'NR == 2 { print $4 }')"
  say freeUsr "$(df -Pk /usr 2>/dev/null | awk 'NR == 2 { print $4 }')"
  say memory "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)"
  say clock "$(date +%s)"
  # 116C is 4460.
  grep -qs '^ *[0-9]*: [0-9A-F]*:116C [0-9A-F]*:[0-9A-F]* 0A ' /proc/net/tcp /proc/net/tcp6 && say port4460 yes
  say client "${SSH_CONNECTION%% *}"
  if [ -f "$journal" ]; then
    say adopting "$(value name)"; say adoptingFleet "$(value fleet)"; say joined "$(value joined)"
  fi
}

do_clock() { date -s "@$1" >/dev/null || fail step-failed "can't set the clock"; }

do_begin() {
  lock
  if [ -f "$journal" ]; then
    [ "$(value name)" = "$1" ] && [ "$(value fleet)" = "$2" ] || fail other-adoption "$(value name)"
    return 0
  fi
  before=none; [ -z "$(package)" ] || before=package
  member=no; [ ! -e "$state/identity.key" ] || member=yes
  settings=no; [ ! -e /etc/thymesh/node.json ] || settings=yes
  {
    printf 'name %s\nfleet %s\nbefore %s\nmember %s\nsettings %s\n' "$1" "$2" "$before" "$member" "$settings" >"$journal.new" &&
      sync "$journal.new" && mv "$journal.new" "$journal" && sync "$home"
  } || fail disk-full "can't write the journal in $home"
}

hash_of() { sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1; }

do_holds() { [ "$(hash_of "$home/package.deb")" != "$1" ] || say held yes; }

do_copy() {
  lock
  head -c "$1" >"$home/package.part" || { rm -f "$home/package.part"; fail disk-full "can't write $1 bytes in $home"; }
  [ "$(hash_of "$home/package.part")" = "$2" ] || { rm -f "$home/package.part"; fail step-failed 'the package came damaged'; }
  mv "$home/package.part" "$home/package.deb" && note copied
}

# VERSION, and `apt` where Nix is wanted of it.
do_install() {
  lock
  if [ ! -f "$home/packages" ]; then packages >"$home/packages.new" && mv "$home/packages.new" "$home/packages"; fi
  note installing
  export DEBIAN_FRONTEND=noninteractive
  apt="apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold --no-install-recommends"
  dpkg --configure -a >&2 || true
  if [ "$2" = apt ] && ! has nix; then
    { apt-get -q -o DPkg::Lock::Timeout=300 update && $apt install nix-bin; } >&2 || fail no-nix "apt-get can't install nix-bin"
  fi
  if [ "$(package)" != "installed $1" ]; then
    $apt install "$home/package.deb" >&2 || fail step-failed "apt-get can't install the package"
    [ "$(package)" = "installed $1" ] || fail step-failed "expected version $1, got $(package)"
  fi
  # What others install later is not ours to take back.
  if [ ! -f "$home/added" ]; then
    packages | comm -13 "$home/packages" - >"$home/added.new" && mv "$home/added.new" "$home/added"
  fi
  note installed
}

# NAME [SITE]; the token comes by standard input, and stays in memory.
do_join() {
  lock
  set -- join - --name "$1" ${2:+--site "$2"} --no-start --json
  if [ "$(value member)" = no ]; then systemctl stop thymesh.service 2>/dev/null || true; fi
  answer=$(thymesh "$@") || fail step-failed "$(printf %s "$answer" | sed -n 's/.*"message":"\([^"]*\)".*/\1/p')"
  peer=$(printf %s "$answer" | sed -n 's/.*"peer":"\([A-Za-z0-9]*\)".*/\1/p')
  [ -n "$peer" ] || fail step-failed 'expected the ID of a peer from thymesh join'
  note "joined $peer"
  say peer "$peer"
}

do_start() {
  lock
  # On NixOS the configuration has enabled it, and nothing else can.
  systemctl is-enabled -q thymesh.service || systemctl enable -q thymesh.service >&2 || fail step-failed 'the daemon was not enabled'
  systemctl start thymesh.service >&2 || fail step-failed 'the daemon did not start'
  note started
}

do_daemon() {
  say active "$(systemctl is-active thymesh.service 2>/dev/null)"
  say line "$(journalctl -u thymesh.service -o cat -n 1 --no-pager 2>/dev/null | cut -c 1-400)"
}

do_finish() { rm -rf "$home"; }

do_undo() {
  [ -f "$journal" ] || { rm -rf "$home"; return 0; }
  lock
  export DEBIAN_FRONTEND=noninteractive
  if [ "$(value member)" = no ]; then
    systemctl stop thymesh.service 2>/dev/null || true
    rm -rf "$state"
    [ "$(value settings)" = yes ] || rm -f /etc/thymesh/node.json
  fi
  if has dpkg; then
    dpkg --configure -a >&2 || true
    if [ "$(value before)" = none ] && [ -n "$(package)" ]; then dpkg --purge thymesh >&2 || fail step-failed 'the package was not removed'; fi
    if [ -f "$home/packages" ]; then
      added=$(packages | comm -13 "$home/packages" - | grep -vx thymesh)
      [ ! -f "$home/added" ] || added=$(printf '%s\n' "$added" | comm -12 "$home/added" -)
      # shellcheck disable=SC2086 # a list of names
      [ -z "$added" ] || apt-get -q -y -o DPkg::Lock::Timeout=300 purge $added >&2 || fail step-failed 'packages were not removed'
    fi
  fi
  rm -rf "$home"
}

# NONCE VERB ARGUMENT…
framed() {
  nonce=$1 verb=$2
  shift 2
  printf '\n%s begin\n' "$nonce"
  ("do_$verb" "$@")
  printf '\n%s end %d\n' "$nonce" "$?"
}
