# Guests of a machine with a distribution: containers boot from its own /usr, or from a root beside it.
{ settings, project, config, device, system, thymesh, ... }:
let
  parts = import ./parts.nix { inherit settings project config device thymesh; };
  # Debian's packages ovmf and qemu-efi-aarch64.
  firmware = {
    x86_64-linux = { firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd"; variables = "/usr/share/OVMF/OVMF_VARS_4M.fd"; };
    aarch64-linux = { firmware = "/usr/share/AAVMF/AAVMF_CODE.fd"; variables = "/usr/share/AAVMF/AAVMF_VARS.fd"; };
  };
  own = firmware.${system} or (throw "virtual-machines.guests: a machine in QEMU can't run on ${system}; expected x86_64-linux or aarch64-linux");
  program = guest: "/etc/thymesh-guests/${guest.name}.sh";
  need = list: programs: package: if list == [ ] then [ ] else [{ inherit programs package; }];
  inherit (parts) containers machines;
in
{
  units = parts.each (guest: {
    name = "${parts.unitName guest}.service";
    value = {
      Unit = { Description = parts.description guest; After = parts.after; Wants = parts.wants; };
      # The daemon has written the program.
      Service = parts.service guest "/var/lib/thymesh/bin/thymesh";
      restartTriggers = parts.triggers guest;
    } // (if guest.autostart then { wantedBy = [ "multi-user.target" ]; } else { });
  });
  etc = parts.each (guest: { name = parts.planName guest; value.text = parts.plan guest (program guest); })
    // builtins.listToAttrs (map
    (guest: {
      name = "thymesh-guests/${guest.name}.sh";
      value = { executable = true; text = "#!/bin/sh\n" + parts.script guest (own // { qemu = "/usr"; }); };
    })
    machines);
  needs =
    need containers [ "systemd-nspawn" ] "systemd-container"
    ++ need containers [ "ip" ] "iproute2"
    ++ need containers [ "mkfs.ext4" ] "e2fsprogs"
    ++ need (builtins.filter (guest: guest.network == "nat") containers) [ "nft" ] "nftables"
    ++ need machines [ "qemu-system-x86_64" "qemu-system-aarch64" ] "qemu-system"
    ++ need machines [ "sfdisk" ] "fdisk"
    ++ need machines [ "mcopy" ] "mtools";
}
