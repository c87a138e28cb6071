# The same as screen.nix in a session of Wayland: wayvnc offers the screen, and a bar of swaynag says who watches.
{ settings, thymesh, programs, run ? "/run" }:
let
  inherit (thymesh.text) quote;
  socket = "${run}/thymesh-screens/kiosk.sock";
  watched = "${run}/thymesh-watched/kiosk";
in
[
  # Without the bar nobody would know: then there is no screen to watch. The daemon makes the folder of the sockets.
  "command -v ${programs.bar} >/dev/null || echo 'kiosk: the screen is not offered, since swaynag is missing' >&2"
  "while command -v ${programs.bar} >/dev/null; do"
  "  rm -f ${socket}"
  # A configuration of the kiosk's user would make it ask for a password, or listen elsewhere.
  "  [ ! -d ${dirOf socket} ] || (umask 077; exec ${programs.wayvnc} --config /dev/null --unix-socket ${socket})"
  "  sleep 5"
  "done &"
  # Whoever closes the bar has it again after a second, as has one that says other names.
  "while :; do"
  "  said= bar="
  "  while [ -s ${watched} ]; do"
  "    names=$(cut -d ' ' -f 1 ${watched} | sort -u | tr '\\n' ' ')"
  "    if [ \"$names\" != \"$said\" ] || ! kill -0 \"$bar\" 2>/dev/null; then"
  "      [ -z \"$bar\" ] || kill \"$bar\" 2>/dev/null"
  "      ${programs.bar} --layer overlay --edge top --font 'sans 16' --background b00020 --text ffffff --border-bottom b00020 --message ${quote settings.screenText}\": $names\" &"
  "      bar=$! said=$names"
  "    fi"
  "    sleep 1"
  "  done"
  "  [ -z \"$bar\" ] || kill \"$bar\" 2>/dev/null"
  "  sleep 1"
  "done &"
]
