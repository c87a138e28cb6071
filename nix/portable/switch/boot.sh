# What a reboot starts: the link /etc/thymesh/boot, and a unit that runs `test` of the generation behind it.

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
ExecStart=/etc/thymesh/boot/bin/switch-to-configuration test --no-wait

[Install]
WantedBy=multi-user.target
EOF
}

# On disk before the next step, also if the power goes. Some syncs know no files.
sync_to_disk() { sync "$@" 2>/dev/null || sync; }

boot() {
  system="$etc/systemd/system"
  mkdir -p "$etc/thymesh" "$system/multi-user.target.wants"
  write_boot_unit >"$system/thymesh-boot.service.new"
  sync_to_disk "$system/thymesh-boot.service.new"
  mv -fT "$system/thymesh-boot.service.new" "$system/thymesh-boot.service"
  replace_link ../thymesh-boot.service "$system/multi-user.target.wants/thymesh-boot.service"
  keep_from_garbage boot etc/thymesh/boot
  # The whole file system of the store: a generation that boots must not have empty files.
  sync_to_disk -f "$here"
  sync_to_disk "$system" "$system/multi-user.target.wants"
  # The one step that decides.
  replace_link "$top" "$etc/thymesh/boot"
  sync_to_disk "$etc/thymesh"
  say "boots $top"
}
