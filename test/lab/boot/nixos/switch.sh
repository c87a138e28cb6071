# switch-to-configuration of the stand-in: NixOS's actions on a Debian root, and its systemd-boot builder's files.
#   check test boot switch, and activate: what stage 2 does at a boot
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
action=$1
# The store's link is the file itself: the top level is where this was called.
top=$(cd "$(dirname "$0")/.." && pwd -P)
running=$(readlink /run/current-system || true)

check() {
  [ "${NIXOS_NO_CHECK:-}" != 1 ] && [ -e "$running/switch-inhibitors" ] || return 0
  # One line of JSON with plain values: an inhibitor that both have with another value refuses.
  for pair in $(tr -d '{} ' <"$top/switch-inhibitors" | tr , ' '); do
    name=${pair%%:*}
    old=$(tr -d '{} ' <"$running/switch-inhibitors" | tr , '\n' | grep -F -- "$name:" || true)
    if [ -n "$old" ] && [ "$old" != "$pair" ]; then
      echo "There are changes to critical components of the system: $name"
      echo "Switching into this system is not recommended. Reboot instead."
      exit 1
    fi
  done
}

activate() {
  sh "$top/accounts"
  ln -sfn "$top/etc" /etc/static.new
  mv -fT /etc/static.new /etc/static
  (cd "$top/etc" && find . ! -type d ! -path './systemd/system/*') | while read -r file; do
    mkdir -p "$(dirname "/etc/$file")"
    ln -sfn "/etc/static/${file#./}" "/etc/$file"
  done
  ln -sfn "$top" /run/current-system.new
  mv -fT /run/current-system.new /run/current-system
}

units() { (cd "$1/etc/systemd/system" 2>/dev/null && for unit in *.service; do [ ! -e "$unit" ] || echo "$unit"; done); }
text() { cat "$1/etc/systemd/system/$2" 2>/dev/null || true; }

switch_units() {
  old=$running
  for unit in $(units "$old"); do
    if [ ! -e "$top/etc/systemd/system/$unit" ] && ! text "$old" "$unit" | grep -q '^X-StopOnRemoval=false'; then
      systemctl stop -- "$unit"
    elif [ "$(text "$old" "$unit")" != "$(text "$top" "$unit")" ] && systemctl is-active --quiet -- "$unit" &&
      ! text "$top" "$unit" | grep -q '^X-RestartIfChanged=false'; then
      systemctl stop -- "$unit"
    fi
  done
  activate
  systemctl daemon-reload
  # All at once, so that their order holds. The target is there already: what it newly wants is not started with it.
  # shellcheck disable=SC2046
  systemctl start -- multi-user.target $(cd "$top/etc/systemd/system/multi-user.target.wants" && ls) || exit 4
}

# As systemd-boot-builder of 26.11: an entry for each generation, named by its hash, new ones with a counter.
install_loader() {
  esp=/boot
  # As the builder does, also when it fails: FAT recovers little of what a power cut finds half written.
  trap 'sync -f "$esp"' EXIT
  mkdir -p "$esp/EFI/nixos" "$esp/loader/entries"
  counts=$(cat "$top/boot-counting")
  keep=
  for link in /nix/var/nix/profiles/system-*-link; do
    [ -h "$link" ] || continue
    generation=$(readlink "$link")
    number=${link##*system-} number=${number%-link}
    id=$(printf '%s' "$generation" | sha256sum | cut -c 1-32)
    for part in kernel initrd; do
      file="$esp/EFI/nixos/$(basename "$(readlink "$generation/$part")").efi"
      if [ ! -e "$file" ]; then
        cp "$(readlink -f "$generation/$part")" "$file.tmp"
        sync "$file.tmp"
        mv "$file.tmp" "$file"
      fi
      keep="$keep ${file##*/}"
    done
    entry=$(ls "$esp/loader/entries" | grep -E "^nixos-$id(\+.*)?\.conf$" | head -n 1 || true)
    if [ -z "$entry" ]; then
      entry="nixos-$id${counts:++$counts}.conf"
    fi
    cat >"$esp/loader/entries/.new" <<END
title NixOS
sort-key nixos
version Generation $number
linux /EFI/nixos/$(basename "$(readlink "$generation/kernel")").efi
initrd /EFI/nixos/$(basename "$(readlink "$generation/initrd")").efi
options init=$generation/init $(cat "$generation/kernel-params")
END
    sync "$esp/loader/entries/.new"
    mv "$esp/loader/entries/.new" "$esp/loader/entries/$entry"
    keep="$keep $entry"
    if [ "$generation" = "$top" ]; then default="nixos-$id.conf"; fi
  done
  printf 'timeout 0\npreferred %s\ndefault nixos-*\nconsole-mode keep\n' "$default" >"$esp/loader/loader.conf.tmp"
  sync "$esp/loader/loader.conf.tmp"
  mv "$esp/loader/loader.conf.tmp" "$esp/loader/loader.conf"
  for file in "$esp"/EFI/nixos/* "$esp"/loader/entries/*; do
    case " $keep " in *" ${file##*/} "*) ;; *) rm -f "$file" ;; esac
  done
}

case $action in
  check) check ;;
  activate) activate ;;
  test) check && switch_units ;;
  boot) install_loader ;;
  switch) install_loader && check && switch_units ;;
  *) echo "usage: switch-to-configuration check|test|boot|switch" >&2 && exit 2 ;;
esac
