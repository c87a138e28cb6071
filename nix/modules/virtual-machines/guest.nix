# The settings of one guest. Sizes have the bounds of `thymesh vm` (controller/vms/limits.ts).
let
  # It stands in scripts, and among the options of an overlay.
  path = displayName: description: kind: {
    type = "path";
    required = false;
    pattern = "/[a-zA-Z0-9._/+-]+";
    patternHint = "an absolute path of letters, digits and . _ + -";
    visible.kind = kind;
    inherit displayName description;
  };
in
{
  name = {
    type = "string";
    pattern = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
    patternHint = "lowercase letters, digits and inner hyphens, at most 63";
    displayName = { en = "Name"; de = "Name"; };
    description = "That of devices/NAME.json, which says its config and its site";
  };
  kind = {
    type = "choice";
    choices = [
      { value = "container"; displayName = { en = "Container"; de = "Container"; }; }
      { value = "qemu"; displayName = { en = "Machine in QEMU"; de = "Maschine in QEMU"; }; }
    ];
    default = "container";
    displayName = { en = "Kind"; de = "Art"; };
    description = "A container for configs of the target portable, QEMU for NixOS";
  };
  root = path { en = "Root"; de = "Wurzel"; }
    "A folder of the device with a distribution to boot from, as debootstrap makes it. The device's own /usr, if nothing is set"
    "container";
  image = path { en = "Image"; de = "Abbild"; }
    "A raw disk of the device with an EFI system partition. Its copy is the guest's disk"
    "qemu";
  imagePackage = {
    type = "package";
    required = false;
    visible.kind = "qemu";
    displayName = { en = "Package with the image"; de = "Paket mit dem Abbild"; };
    description = "In place of `image`: the release brings it, as a file *.img in the package's folder";
  };
  memoryMegabytes = { type = "int"; min = 256; max = 1048576; unit = "MiB"; default = 1024; displayName = { en = "Memory"; de = "Speicher"; }; };
  processors = {
    type = "int";
    min = 1;
    max = 256;
    default = 1;
    displayName = { en = "Processors"; de = "Prozessoren"; };
    description = "A container may use as much time as so many have";
  };
  diskMegabytes = {
    type = "int";
    min = 512;
    max = 1048576;
    unit = "MiB";
    default = 8192;
    displayName = { en = "Disk"; de = "Platte"; };
    description = "A file of the device that grows with what is written. It can be made larger, not smaller";
  };
  network = {
    type = "choice";
    choices = [
      { value = "nat"; displayName = { en = "All that the device reaches"; de = "Alles, was das Gerät erreicht"; }; }
      { value = "device"; displayName = { en = "This device and its guests"; de = "Dieses Gerät und seine Gäste"; }; }
    ];
    default = "nat";
    visible.kind = "container";
    displayName = { en = "Network"; de = "Netzwerk"; };
    description = "With `device` it gets only those releases that this device or a guest beside it holds. A machine in QEMU reaches all that the device reaches";
  };
  autostart = {
    type = "bool";
    default = true;
    displayName = { en = "Start with the device"; de = "Mit dem Gerät starten"; };
    description = "Otherwise by the unit: systemctl start thymesh-guest-NAME";
  };
  token = {
    type = "secret";
    allowed = [ "single-line" ];
    required = false;
    displayName = { en = "Join token"; de = "Beitritts-Token"; };
    description = "For this name and one device. The guest joins with it when it is made; after that nobody needs it";
  };
}
