# Passwords are set from the decrypted secrets once these are there: accounts are made earlier than that.
{ settings, thymesh }:
let
  inherit (thymesh.text) quote lines;
  accounts = builtins.filter (one: one.password != null)
    (settings.users ++ [{ name = "root"; password = settings.rootPassword; }]);
in
{
  wanted = accounts != [ ];
  accounts = map (one: one.name) accounts;
  secrets = map (one: one.password.path) accounts;
  script = lines (map
    (one: lines [
      "hash=$(cat ${quote one.password.path})"
      # An empty hash would let everybody in.
      "case $hash in '$'*) ;; *) echo ${quote "the secret ${one.password.name} is no password hash"} >&2; exit 1 ;; esac"
      "printf '%s:%s\\n' ${quote one.name} \"$hash\" | chpasswd -e"
    ])
    accounts);
}
