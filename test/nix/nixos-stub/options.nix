# The NixOS options that modules of this repository set, with the types that nixpkgs (25.05 and newer) gives them.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  inherit (types) anything attrsOf between bool coercedTo either enum int lines listOf named nonEmptyListOf nonEmptyStr nullOr oneOf package path phrase port raw singleLineStr str strMatching submodule unspecified withoutPlainPackages;
  option = type: mkOption { inherit type; };
  with' = default: type: mkOption { inherit type default; };
  off = with' false bool;
  none = with' null;
  empty = type: with' [ ] (listOf type);
  set = type: with' { } (attrsOf type);
  group = options: submodule { inherit options; };
  atom = oneOf [ bool int str path package ];
  unitOption = phrase "systemd option" (either atom (listOf atom));
  unitNames = empty (strMatching "[a-zA-Z0-9@%:_.\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)");
  unit = {
    description = with' "" singleLineStr;
    documentation = empty str;
    after = unitNames;
    partOf = unitNames;
    conflicts = unitNames;
    before = unitNames;
    wants = unitNames;
    requires = unitNames;
    wantedBy = unitNames;
    requiredBy = unitNames;
    restartTriggers = empty unspecified;
    unitConfig = set unitOption;
  };
  service = unit // {
    path = empty (either package str);
    script = with' "" lines;
    environment = set (nullOr (oneOf [ str path package ]));
    serviceConfig = set unitOption;
    restartIfChanged = with' true bool;
    stopIfChanged = with' true bool;
  };
  timer = unit // { timerConfig = set unitOption; };
  names = coercedTo (listOf str) (list: builtins.listToAttrs (map (name: { inherit name; value = true; }) list)) (attrsOf bool);
  keys.keys = empty singleLineStr;
  address = bits: group { address = option str; prefixLength = option (between 0 bits); };
  gateway = nullOr (coercedTo str (address: { inherit address; }) (group { address = option str; interface = none (nullOr str); }));
  nixAtom = phrase "Nix config atom (null, bool, int, float, str, path or package)" (nullOr (oneOf [ bool int str path package ]));
  nixSetting = either nixAtom (listOf nixAtom);
  protocols = [ "WPA-PSK" "WPA-EAP" "IEEE8021X" "NONE" "WPA-NONE" "FT-PSK" "FT-EAP" "FT-EAP-SHA384" "WPA-PSK-SHA256" "WPA-EAP-SHA256" "SAE" "FT-SAE" "WPA-EAP-SUITE-B" "WPA-EAP-SUITE-B-192" "OSEN" "FILS-SHA256" "FILS-SHA384" "FT-FILS-SHA256" "FT-FILS-SHA384" "OWE" "DPP" ];
in
{
  options = {
    system.stateVersion = option str;
    system.name = option str;
    system.build = with' { } (named "open submodule of lazy attribute set of unspecified value" (attrsOf anything));
    nixpkgs.config = with' { } (named "nixpkgs config" anything);
    nix.package = with' { outPath = "/nix/store/nix"; } package;
    nix.settings = mkOption {
      default = { };
      type = submodule {
        freeformType = attrsOf nixSetting;
        options = {
          trusted-users = empty str;
          max-jobs = with' "auto" (either int (named "value \"auto\" (singular enum)" (enum [ "auto" ])));
        };
      };
    };
    nix.gc.automatic = off;
    documentation.enable = with' true bool;

    networking.hostName = with' "nixos" (strMatching "^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$");
    networking.nameservers = empty str;
    networking.timeServers = empty str;
    networking.interfaces = set (group { ipv4.addresses = empty (address 32); ipv6.addresses = empty (address 128); });
    networking.defaultGateway = none gateway;
    networking.defaultGateway6 = none gateway;
    networking.firewall.allowedTCPPorts = empty port;
    networking.firewall.allowedUDPPorts = empty port;
    networking.wireless = {
      enable = off;
      interfaces = empty str;
      secretsFile = none (nullOr path);
      networks = set (group {
        pskRaw = none (nullOr (strMatching "([[:xdigit:]]{64})|(ext:[^=]+)"));
        authProtocols = with' [ "WPA-PSK" ] (listOf (enum protocols));
        auth = none (nullOr str);
        hidden = off;
      });
    };
    time.timeZone = none (nullOr (named "string without spaces" (strMatching "[^ ]*")));
    i18n.defaultLocale = with' "en_US.UTF-8" str;
    console.keyMap = with' "us" (either str path);

    users.mutableUsers = with' true bool;
    users.users = set (group {
      isNormalUser = off;
      isSystemUser = off;
      description = with' "" (named "string, not containing newlines or colons" (strMatching "[^\n:]*"));
      group = with' "" str;
      shell = none (nullOr (withoutPlainPackages (either package (named "absolute path, not containing newlines or colons" path // { class = "phrase"; }))));
      extraGroups = empty str;
      openssh.authorizedKeys = keys;
    });
    services.openssh.enable = off;
    services.openssh.settings = mkOption {
      default = { };
      type = submodule {
        freeformType = attrsOf (phrase "atom (null, bool, int, float or string)" (nullOr (oneOf [ bool int str ])));
        options = {
          PasswordAuthentication = with' true (nullOr bool);
          PermitRootLogin = with' "prohibit-password" (nullOr (enum [ "yes" "without-password" "prohibit-password" "forced-commands-only" "no" ]));
        };
      };
    };
    security.sudo.wheelNeedsPassword = with' true bool;
    security.pam.services = set (group { unixAuth = with' true bool; });
    security.pki.certificates = empty str;

    systemd.settings.Manager = mkOption { default = { }; type = submodule { freeformType = attrsOf unitOption; }; };
    zramSwap.enable = off;
    zramSwap.memoryPercent = with' 50 types.ints.positive;
    swapDevices = empty (group { device = option (named "non-empty string" nonEmptyStr); size = none (nullOr int); });
    boot.kernelModules = with' { } names;
    boot.kernel.sysctl = mkOption { default = { }; type = submodule { freeformType = attrsOf (phrase "sysctl option value" (nullOr (oneOf [ bool int str ]))); }; };
    users.groups = set (group { gid = none (nullOr int); });
    systemd.services = set (group service);
    systemd.timers = set (group timer);
    environment.systemPackages = empty package;
    environment.etc = set (group { source = option path; text = none (nullOr lines); mode = with' "symlink" str; });
    services.udev.extraRules = with' "" lines;

    virtualisation.podman.enable = off;
    virtualisation.oci-containers.backend = with' "podman" (enum [ "podman" "docker" ]);
    virtualisation.oci-containers.containers = set (group {
      image = option str;
      cmd = empty str;
      ports = empty str;
      volumes = empty str;
      environment = set str;
      environmentFiles = empty path;
      labels = set str;
      autoStart = with' true bool;
      dependsOn = empty str;
      extraOptions = empty str;
    });

    services.cage.enable = off;
    services.cage.user = with' "demo" str;
    services.cage.program = with' "/bin/sh" path;
    services.cage.environment = set str;
    fonts.packages = empty path;
    services.xserver.enable = off;
    services.xserver.windowManager.session = with' [ ] (named "unspecified value" (listOf (group { name = option str; start = option lines; })));
    services.displayManager.defaultSession = none (nullOr (named "session name" str));
    services.displayManager.autoLogin.enable = off;
    services.displayManager.autoLogin.user = none (nullOr str);
    services.pipewire.enable = off;
    services.pipewire.alsa.enable = off;
    services.pipewire.pulse.enable = off;
    hardware.graphics.enable = off;

    boot.loader.systemd-boot.enable = off;
    boot.loader.systemd-boot.configurationLimit = none (nullOr int);
    boot.loader.systemd-boot.bootCounting.enable = off;
    boot.loader.systemd-boot.bootCounting.tries = with' 3 types.ints.positive;
    boot.loader.efi.canTouchEfiVariables = off;
    boot.loader.grub.enable = with' true bool;
    boot.loader.generic-extlinux-compatible.enable = off;
    boot.loader.generic-extlinux-compatible.configurationLimit = with' 20 int;
    boot.kernelParams = with' [ ] (named "list of string, with spaces inside double quotes" (listOf (strMatching ''([^ "]|"[^"]*")*'')));
    boot.kernelPackages = with' { } raw;
    boot.growPartition = off;
    boot.tmp.cleanOnBoot = off;
    boot.supportedFilesystems = with' { } names;
    hardware.cpu.intel.updateMicrocode = off;
    hardware.cpu.amd.updateMicrocode = off;
    hardware.enableRedistributableFirmware = off;
    services.qemuGuest.enable = off;
    fileSystems = set (group {
      device = none (nullOr nonEmptyStr);
      fsType = with' "auto" nonEmptyStr;
      options = with' [ "defaults" ] (nonEmptyListOf nonEmptyStr);
      autoResize = off;
    });
    services.getty.helpLine = with' "" lines;
  };
}
