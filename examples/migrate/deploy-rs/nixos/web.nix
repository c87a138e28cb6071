# A host's NixOS module, as the flake had it: both outputs use it.
{ pkgs, ... }: {
  networking.hostName = "web";
  networking.firewall.allowedTCPPorts = [ 80 443 ];
  services.openssh.enable = true;
  environment.systemPackages = [ pkgs.git ];
}
