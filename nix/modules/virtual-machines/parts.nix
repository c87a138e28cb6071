# What a guest is on both targets: a unit, which the program of the daemon prepares, connects and stops by a plan in a file.
{ settings, project, config, device, thymesh }:
let
  inherit (builtins) fromJSON listToAttrs map pathExists readFile replaceStrings;
  fail = guest: text: throw "virtual-machines.guests: ${guest.name}: ${text}";

  # Its own file in the project: it is a device as all others are.
  declared = guest:
    let file = project + "/devices/${guest.name}.json";
    in
    if device != null && device.name == guest.name then fail guest "a device can't be its own guest"
    else if ! pathExists file then
      fail guest "there is no devices/${guest.name}.json; a guest is a device: thymesh device add ${guest.name} --config CONFIG"
    else fromJSON (readFile file);

  image = guest:
    if guest.image != null && guest.imagePackage != null then fail guest "has both image and imagePackage; expected one"
    else if guest.image != null then guest.image
    else if guest.imagePackage != null then "${guest.imagePackage}/*.img"
    else fail guest "has no image; a machine in QEMU needs image or imagePackage";

  # The devices that run this config as it is: each would have the same guests, and a device is there once.
  hosts =
    let
      files = builtins.filter (name: builtins.match ".*\\.json" name != null) (builtins.attrNames (builtins.readDir (project + "/devices")));
      ours = builtins.filter (name: (fromJSON (readFile (project + "/devices/${name}"))).config or null == config) files;
    in
    if device != null || builtins.length ours < 2 then [ ]
    else throw "virtual-machines.guests: ${builtins.concatStringsSep ", " ours} have the config ${config}, and a guest is on one device; expected guests in the file of the device that runs them";

  folder = guest: "/var/lib/thymesh-guests/${guest.name}";
  planFile = guest: "/etc/thymesh-guests/${guest.name}.json";
in
rec {
  inherit (settings) guests;
  # Whether each guest can be at all: asked by `thymesh check` too, which builds nothing. Packages aren't looked into.
  possible = builtins.all
    (guest: builtins.isAttrs (declared guest) && hosts == [ ]
      && (guest.kind == "container" || guest.image == null && guest.imagePackage != null || image guest != ""))
    guests;
  containers = builtins.filter (guest: guest.kind == "container") guests;
  machines = builtins.filter (guest: guest.kind == "qemu") guests;
  each = make: listToAttrs (map make guests);
  unitName = guest: "thymesh-guest-${guest.name}";
  planName = guest: "thymesh-guests/${guest.name}.json";

  # `program` starts a machine in QEMU. The token is no part of what a restart looks at: it may go once the guest has joined.
  plan = guest: program: builtins.toJSON ({
    v = 1;
    inherit (guest) name kind memoryMegabytes diskMegabytes processors;
    site = (declared guest).site or null;
    token = if guest.token == null then null else guest.token.path;
  } // (if guest.kind == "container" then { inherit (guest) root network; } else { inherit program; })) + "\n";

  # The script that starts a copy of its image, as the image `vm` of a config has it.
  script = guest: { qemu, firmware, variables }: replaceStrings
    [ "@qemu@" "@image@" "@name@" "@firmware@" "@variables@" ]
    [ "${qemu}" (image guest) guest.name "${firmware}" "${variables}" ]
    (readFile ../../nixos/run-vm.sh);

  triggers = guest: [ (builtins.toJSON (removeAttrs guest [ "token" "autostart" "image" "imagePackage" ])) ];

  description = guest: "Guest ${guest.name}";
  # The secrets are there before, and the disks are.
  after = [ "network.target" "local-fs.target" thymesh.systemd.secretsReady ];
  wants = [ thymesh.systemd.secretsReady ];

  service = guest: thymeshProgram:
    let step = name: "${thymeshProgram} guest ${name} ${planFile guest}";
    in
    {
      Type = "exec";
      ExecStartPre = step "prepare";
      ExecStart = "/bin/sh ${folder guest}/start.sh";
      ExecStartPost = step "connect";
      ExecStop = step "stop";
      # A first start copies Nix and the program to the guest's disk, or an image.
      TimeoutStartSec = "900";
      # Longer than `stop` waits for the guest to shut down.
      TimeoutStopSec = "240";
      KillMode = "mixed";
      KillSignal = "SIGKILL";
      Restart = "on-failure";
      RestartSec = "30";
      Slice = "machine.slice";
      Delegate = "yes";
      OOMPolicy = "continue";
      TasksMax = "16384";
      CPUQuota = "${toString (guest.processors * 100)}%";
    } // (if guest.kind == "container" then { MemoryMax = "${toString guest.memoryMegabytes}M"; } else { });
}
