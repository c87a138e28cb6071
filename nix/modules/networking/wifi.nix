# Wi-Fi passwords: one file of all of them, as wpa_supplicant reads it, made in a tmpfs from the single secrets.
{ settings, thymesh }:
let
  inherit (thymesh.text) quote lines;
  wanted = builtins.filter (one: one.security == "psk") settings.wifi;
  indexOf = one:
    let find = index: if builtins.elemAt settings.wifi index == one then index else find (index + 1);
    in find 0;
in
rec {
  # The paths of the single secrets.
  secrets = map (one: one.password.path) wanted;
  secretsFile = "/run/thymesh/wifi-passwords";
  passwordName = index: "password_${toString index}";
  secretsScript = lines (
    [ "umask 027" "mkdir -p /run/thymesh" "rm -f ${secretsFile}.new" ": >${secretsFile}.new" ]
    ++ map
      (one: "password=$(cat ${quote one.password.path}); printf '%s=%s\\n' ${passwordName (indexOf one)} \"$password\" >>${secretsFile}.new")
      wanted
    # Newer wpa_supplicants don't run as root.
    ++ [ "chgrp wpa_supplicant ${secretsFile}.new 2>/dev/null || true" "mv -f ${secretsFile}.new ${secretsFile}" ]
  );
}
