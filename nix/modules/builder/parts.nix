# What a builder is on both targets: a Nix daemon of its own over the device's store, which only the account `thymesh-builder`
# may ask, and as a user that it doesn't trust; and that account, whose only program asks it.
{ settings, system, thymesh }:
let
  inherit (thymesh.text) lines;
in
rec {
  account = "thymesh-builder";
  folder = "/etc/thymesh-builder";
  socket = "/run/thymesh-builder/socket";

  # The machine's own settings first (substituters, proxies): of the same setting the last line counts. `tools` are folders
  # that builders see in the sandbox.
  config = { tools ? "" }: lines ([
    "!include /etc/nix/nix.conf"
    "allowed-users = ${account}"
    "trusted-users = root"
    "build-users-group = nixbld"
    "sandbox = true"
    "sandbox-fallback = false"
    "max-jobs = ${toString settings.maxJobs}"
    "builders ="
    "extra-platforms = ${builtins.concatStringsSep " " (builtins.filter (one: one != system) settings.systems)}"
  ] ++ (if tools == "" then [ ] else [ "sandbox-paths = ${tools}" ])) + "\n";

  environment = {
    NIX_CONF_DIR = folder;
    NIX_DAEMON_SOCKET_PATH = socket;
    NIX_REMOTE = "local";
  };

  # Builds give way to what the device is for, and are ended first where memory is short.
  service = {
    RuntimeDirectory = "thymesh-builder";
    Nice = "10";
    CPUWeight = "20";
    IOWeight = "20";
    OOMPolicy = "continue";
    OOMScoreAdjust = "500";
    TasksMax = "infinity";
    LimitNOFILE = "1048576";
    Restart = "on-failure";
    RestartSec = "5";
  } // (if settings.memoryMegabytes == null then { } else { MemoryMax = "${toString settings.memoryMegabytes}M"; });

  # The login shell of the account: whatever is asked for, this is what runs.
  shell = daemon: lines [
    "NIX_REMOTE=unix://${socket}"
    "HOME=/run/thymesh-builder"
    "export NIX_REMOTE HOME"
    "unset NIX_CONF_DIR NIX_CONFIG NIX_USER_CONF_FILES"
    "exec ${daemon} --stdio"
  ];
}
