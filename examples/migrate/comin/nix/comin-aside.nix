# Takes what a host says to comin, and does nothing with it: Thymesh's daemon updates the host.
{ lib, ... }: {
  options.services.comin = lib.mkOption { type = lib.types.anything; default = { }; };
}
