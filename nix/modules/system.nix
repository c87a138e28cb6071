{
  displayName = { en = "System"; de = "System"; };
  description = { en = "Programs, memory, watchdog and the kernel's settings"; de = "Programme, Speicher, Watchdog und Einstellungen des Kernels"; };
  category = "system";
  icon = "chip";

  settings = {
    packages = { type = "list"; of.type = "package"; displayName = { en = "Programs"; de = "Programme"; }; description = "For everyone who logs in"; };
    watchdogSeconds = { type = "int"; min = 5; max = 3600; unit = "s"; required = false; example = 15; displayName = { en = "Watchdog"; de = "Watchdog"; }; description = "The hardware restarts a machine that hangs for that long; boards allow 15 s and less, if they say no more"; };
    swapMegabytes = { type = "int"; min = 1; max = 1048576; unit = "MiB"; required = false; displayName = { en = "Swap file"; de = "Auslagerungsdatei"; }; description = "On NixOS only"; };
    zramPercent = { type = "int"; min = 1; max = 300; unit = "%"; required = false; displayName = { en = "Compressed swap in memory (zram)"; de = "Komprimierte Auslagerung im Speicher (zram)"; }; description = "Of the memory; on NixOS only"; };
    kernelModules = {
      type = "list";
      of = { type = "string"; pattern = "[a-zA-Z0-9_-]+"; patternHint = "a kernel module's name"; };
      displayName = { en = "Kernel modules"; de = "Kernelmodule"; };
    };
    kernelParameters = {
      type = "list";
      of = { type = "string"; pattern = "[^ \"\t\n]+"; patternHint = "one parameter, without spaces"; };
      displayName = { en = "Kernel parameters"; de = "Kernelparameter"; };
      description = "On NixOS only; they count from the next boot";
    };
    sysctl = {
      type = "list";
      key = "key";
      displayName = { en = "Settings of the running kernel (sysctl)"; de = "Einstellungen des laufenden Kernels (sysctl)"; };
      of = {
        type = "group";
        settings = {
          key = { type = "string"; pattern = "[a-zA-Z0-9_./*-]+"; patternHint = "a name such as vm.swappiness"; displayName = { en = "Name"; de = "Name"; }; };
          value = { type = "string"; displayName = { en = "Value"; de = "Wert"; }; };
        };
      };
    };
  };

  nixos = { settings, ... }: { lib, options, ... }:
    let
      watchdog = "${toString settings.watchdogSeconds}s";
    in
    {
      environment.systemPackages = settings.packages;
      # nixpkgs 25.05 has it by another name.
      systemd = lib.mkIf (settings.watchdogSeconds != null) (
        if options.systemd ? settings then { settings.Manager.RuntimeWatchdogSec = watchdog; } else { watchdog.runtimeTime = watchdog; }
      );
      swapDevices = if settings.swapMegabytes == null then [ ] else [{ device = "/var/lib/swapfile"; size = settings.swapMegabytes; }];
      zramSwap = lib.mkIf (settings.zramPercent != null) { enable = true; memoryPercent = settings.zramPercent; };
      boot.kernelModules = settings.kernelModules;
      boot.kernelParams = settings.kernelParameters;
      boot.kernel.sysctl = builtins.listToAttrs (map (one: { name = one.key; inherit (one) value; }) settings.sysctl);
    };

  portable = { settings, thymesh, ... }:
    let
      inherit (thymesh.text) lines;
      inherit (thymesh.systemd) once;
      when = condition: set: if condition then set else { };
      watchdog = "[Manager]\nRuntimeWatchdogSec=${toString settings.watchdogSeconds}s\n";
      modules = lines settings.kernelModules + "\n";
      sysctl = lines (map (one: "${one.key} = ${one.value}") settings.sysctl) + "\n";
    in
    {
      inherit (settings) packages;
      needs = (if settings.kernelModules == [ ] then [ ] else [{ programs = [ "modprobe" ]; package = "kmod"; }])
        ++ (if settings.sysctl == [ ] then [ ] else [{ programs = [ "sysctl" ]; package = "procps"; }]);
      etc = when (settings.watchdogSeconds != null) { "systemd/system.conf.d/10-thymesh.conf".text = watchdog; }
        // when (settings.kernelModules != [ ]) { "modules-load.d/thymesh.conf".text = modules; }
        // when (settings.sysctl != [ ]) { "sysctl.d/90-thymesh.conf".text = sysctl; };
      units = when (settings.watchdogSeconds != null) {
        "thymesh-watchdog.service" = once { description = "Watchdog"; script = "systemctl daemon-reexec"; triggers = [ watchdog ]; };
      }
      // when (settings.kernelModules != [ ]) {
        "thymesh-kernel-modules.service" = once { description = "Kernel modules"; script = "modprobe --all ${builtins.concatStringsSep " " settings.kernelModules}"; };
      }
      // when (settings.sysctl != [ ]) {
        "thymesh-sysctl.service" = once { description = "Settings of the running kernel"; script = "sysctl --quiet --load=/etc/sysctl.d/90-thymesh.conf"; triggers = [ sysctl ]; };
      };
    };
}
