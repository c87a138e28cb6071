# The daemon's unit as part of a generation, for a package with bin/thymesh. It lies in /run and so comes before that of a package
# of the distribution. Both are made of one template.
package:
let
  hardening = builtins.fromJSON (builtins.readFile ../../node-hardening.json);
  value = given: if given == true then "yes" else if builtins.isList given then builtins.concatStringsSep " " given else given;
  lines = map (key: "${key}=${value hardening.${key}}") (builtins.attrNames hardening);
in
{
  text = builtins.replaceStrings
    [ "@PROGRAM@" "@HARDENING@" ]
    [ "${package}/bin/thymesh" (builtins.concatStringsSep "\n" lines) ]
    (builtins.readFile ../../thymesh.service);
  wantedBy = [ "multi-user.target" ];
}
