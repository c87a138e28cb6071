# The boot default: the link /etc/thymesh/boot, and a unit that runs `test` of the generation behind it.
#
# Boots are counted if the caller asks for it (THYMESH_BOOT_TRIES): the daemon does, and
# ends the count when it is up and well after a boot. After so many boots without that, the generation before comes back.
#
# A generation that is staged for one boot (boot-once) is taken by that boot before it starts: should it hang, the next one
# starts what boots by default.

write_boot_unit() {
  cat <<'EOF'
[Unit]
Description=Start the generation that Thymesh set for boot
DefaultDependencies=no
RequiresMountsFor=/nix/store /etc/thymesh
After=local-fs.target systemd-tmpfiles-setup.service
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
# Once a boot: later this would undo a generation that is being tested.
ConditionPathExists=!/run/current-system

[Service]
Type=oneshot
RemainAfterExit=yes
# Without waiting: the units that it starts may wait for targets that wait for this.
ExecStartPre=-/bin/sh /etc/thymesh/count-boot
ExecStart=/bin/sh -c 'cd /etc/thymesh && for link in boot-trying boot; do if [ -x $$link/bin/switch-to-configuration ]; then exec $$link/bin/switch-to-configuration test --no-wait; fi; done; exit 1'

[Install]
WantedBy=multi-user.target
EOF
}

# The counter depends on no generation: it is what helps when one is broken.
write_boot_counter() {
  cat <<'EOF'
# Takes what is to be booted once, which counts for nothing else. Counts this boot; after too many without a good one, the previous generation becomes the boot default.
cd /etc/thymesh || exit 1
rm -f boot-trying
if [ -h boot-once ]; then
  mv -fT boot-once boot-trying
  sync . 2>/dev/null || sync
  exit 0
fi
tries=$(cat boot-tries 2>/dev/null) || exit 0
count=$(($(cat boot-count 2>/dev/null || echo 0) + 1))
if [ "$count" -gt "$tries" ] && [ -x boot-previous/bin/switch-to-configuration ]; then
  ln -sfn "$(readlink boot)" boot-failed
  mv -fT boot-previous boot
  rm -f boot-tries
  count=0
fi
echo "$count" >boot-count.new
sync boot-count.new 2>/dev/null || sync
mv -f boot-count.new boot-count
sync . 2>/dev/null || sync
EOF
}

# count_boots: what to go back to, and after how many boots; set before the generation is what boots
count_boots() {
  case ${THYMESH_BOOT_TRIES:-} in
    '' | *[!0-9]*)
      rm -f "$etc/thymesh/boot-tries"
      return
      ;;
  esac
  if [ -h "$etc/thymesh/boot" ] && ! points_to "$etc/thymesh/boot" "$top"; then
    replace_link "$(readlink "$etc/thymesh/boot")" "$etc/thymesh/boot-previous"
    keep_from_garbage boot-previous etc/thymesh/boot-previous
  fi
  rm -f "$etc/thymesh/boot-count" "$etc/thymesh/boot-failed"
  printf '%s\n' "$THYMESH_BOOT_TRIES" >"$etc/thymesh/boot-tries.new"
  mv -f "$etc/thymesh/boot-tries.new" "$etc/thymesh/boot-tries"
}

# On disk before the next step, also if the power goes. Some syncs know no files.
sync_to_disk() { sync "$@" 2>/dev/null || sync; }

install_boot_unit() {
  system="$etc/systemd/system"
  mkdir -p "$etc/thymesh" "$system/multi-user.target.wants"
  write_boot_unit >"$system/thymesh-boot.service.new"
  sync_to_disk "$system/thymesh-boot.service.new"
  mv -fT "$system/thymesh-boot.service.new" "$system/thymesh-boot.service"
  write_boot_counter >"$etc/thymesh/count-boot.new"
  sync_to_disk "$etc/thymesh/count-boot.new"
  mv -fT "$etc/thymesh/count-boot.new" "$etc/thymesh/count-boot"
  replace_link ../thymesh-boot.service "$system/multi-user.target.wants/thymesh-boot.service"
  # The whole file system of the store: a generation that boots must not have empty files.
  sync_to_disk -f "$here"
  sync_to_disk "$system" "$system/multi-user.target.wants"
}

boot_once() {
  install_boot_unit
  keep_from_garbage boot-once etc/thymesh/boot-once
  replace_link "$top" "$etc/thymesh/boot-once"
  sync_to_disk "$etc/thymesh"
  say "boots $top once"
}

boot() {
  install_boot_unit
  count_boots
  keep_from_garbage boot etc/thymesh/boot
  sync_to_disk "$etc/thymesh"
  # The one step that decides.
  replace_link "$top" "$etc/thymesh/boot"
  sync_to_disk "$etc/thymesh"
  say "boots $top"
}
