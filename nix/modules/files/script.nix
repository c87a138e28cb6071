# Puts files where they are wanted: artifacts as copies, since owners and modes of the store's can't change; secrets as
# links, so that their bytes are in the tmpfs only. Files of earlier runs that are wanted no more go; files that somebody
# else put there stay, and are not touched. `place.sh` follows no link where others own the folder.
{ settings, thymesh }:
let
  inherit (thymesh.text) quote lines;
  list = "/var/lib/thymesh-files/list";
  artifact = one: "put ${quote "${one.artifact}"} ${quote one.path} ${one.owner}:${one.group} ${one.mode}";
  secret = one: "point ${quote one.secret.path} ${quote one.path}";
  paths = map (one: one.path) (settings.artifacts ++ settings.secrets);
  place = builtins.readFile ./place.sh;
in
{
  # When the config has no files at all any more.
  leave = ''
    ${place}
    if [ -f ${list} ]; then
      while IFS= read -r path; do take_away "$path"; done <${list}
      rm -f ${list}
    fi
  '';
  wanted = paths != [ ];
  after = if settings.secrets == [ ] then [ ] else [ thymesh.systemd.secretsReady ];
  script = ''
    ${place}
    mkdir -p ${dirOf list}
    touch ${list}
    printf '%s\n' ${builtins.concatStringsSep " " (map quote paths)} >${list}.new
    while IFS= read -r path; do
      if [ -e "$path" ] || [ -h "$path" ]; then
        grep -qxF -e "$path" ${list} || { echo "$path is in the way and isn't Thymesh's; move it away" >&2; exit 1; }
      fi
    done <${list}.new
    # Whatever happens from here on, these are known to be ours.
    cat ${list} ${list}.new | sort -u >${list}.all
    mv ${list}.all ${list}
    while IFS= read -r path; do
      if ! grep -qxF -e "$path" ${list}.new; then take_away "$path"; fi
    done <${list}
  '' + lines (map artifact settings.artifacts ++ map secret settings.secrets) + "\nmv ${list}.new ${list}\n";
}
