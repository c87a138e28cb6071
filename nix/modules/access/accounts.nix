# Accounts on the portable target. Which ones we made, and whose passwords we set, is written down first: an account that is
# no longer declared is closed, and its files stay. The distribution's own accounts only lose the password that we gave.
{ settings, thymesh, passwords }:
let
  inherit (thymesh.text) quote lines;
  folder = "/var/lib/thymesh-users";
  made = "${folder}/made";
  given = "${folder}/passwords";
  account = one: [
    # An account that was closed before is opened again.
    "if id ${quote one.name} >/dev/null 2>&1; then"
    "  if grep -qxF -e ${quote one.name} ${made}; then usermod --expiredate '' ${quote one.name}; fi"
    "else"
    "  printf '%s\\n' ${quote one.name} >>${made}"
    "  useradd --create-home --shell /bin/bash --comment ${quote one.fullName} ${quote one.name}"
    "fi"
  ]
  ++ map (group: "groupadd --system --force ${quote group} && usermod --append --groups ${quote group} ${quote one.name}") one.groups;
  names = list: builtins.concatStringsSep " " (map quote ([ "" ] ++ list));
  keep = list: file: "printf '%s\\n' ${names list} | sort -u >${file}.new && mv ${file}.new ${file}";

  # Keys in the account's own folder would still let in, so it expires as a whole; whoever is logged in is logged out.
  closing = ''
    close() {
      usermod --lock --expiredate 1 "$1"
      loginctl terminate-user "$1" 2>/dev/null || true
    }
    lock() { usermod --lock "$1"; }
    # each FILE ACTION NAME…: does ACTION to each account of the list but those of these names
    each() {
      list=$1 action=$2
      shift 2
      [ -f "$list" ] || return 0
      while IFS= read -r account; do
        [ -n "$account" ] || continue
        for wanted; do if [ "$wanted" = "$account" ]; then continue 2; fi; done
        if id "$account" >/dev/null 2>&1; then "$action" "$account"; fi
      done <"$list"
    }
  '';
  ready = "mkdir -p ${folder}; touch ${made} ${given}";
  users = map (one: one.name) settings.users;
in
{
  users = lines ([ closing ready "each ${made} close ${names users}" ] ++ builtins.concatMap account settings.users);
  passwords = lines [
    closing
    ready
    "each ${given} lock ${names passwords.accounts}"
    # Before the passwords are set, so that none is set and forgotten.
    "{ cat ${given}; printf '%s\\n' ${names passwords.accounts}; } | sort -u >${given}.all && mv ${given}.all ${given}"
    passwords.script
    (keep passwords.accounts given)
  ];
  leaveUsers = lines [ closing "each ${made} close" ];
  leavePasswords = lines [ closing "each ${given} lock" "rm -f ${given}" ];
}
