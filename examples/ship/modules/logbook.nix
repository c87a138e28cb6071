# A file that stands for what the ship runs.
{
  displayName = "Logbook";
  settings.motto = {
    type = "string";
    displayName = "Motto";
    default = "Ahoy";
  };
  portable = { settings, ... }: { etc."logbook/motto".text = "${settings.motto}\n"; };
}
