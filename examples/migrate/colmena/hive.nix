# The hive, as Colmena has it: nothing in this file was changed for Thymesh.
{
  meta.nixpkgs = <nixpkgs>;

  defaults = { pkgs, ... }: {
    deployment.targetUser = "root";
    services.openssh.enable = true;
    environment.systemPackages = [ pkgs.htop ];
  };

  north = { name, ... }: {
    deployment = { targetHost = "north.example.org"; tags = [ "gate" ]; };
    networking.hostName = name;
    networking.firewall.allowedTCPPorts = [ 80 ];
  };

  south = { name, nodes, ... }: {
    deployment.targetHost = "south.example.org";
    networking.hostName = name;
    networking.firewall.allowedTCPPorts = nodes.ports or [ 8080 ];
  };
}
