# A host's NixOS module, as comin's repository had it.
{ pkgs, ... }: {
  networking.hostName = "till";
  services.comin = {
    enable = true;
    remotes = [{ name = "origin"; url = "https://git.example.org/tills.git"; branches.main.name = "main"; }];
  };
  environment.systemPackages = [ pkgs.htop ];
}
