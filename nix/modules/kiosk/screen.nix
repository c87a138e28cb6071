# Offers the kiosk's screen to operators, and says on it who watches: lines of the session. The daemon lets nobody else in, and
# writes who watches into a file that only it can write.
{ settings, thymesh, programs, run ? "/run" }:
let
  inherit (thymesh.text) quote;
  isWayland = settings.display == "wayland";
  socket = "${run}/thymesh-screens/kiosk.sock";
  watched = "${run}/thymesh-watched/kiosk";
  names = "\"$(cut -d ' ' -f 1 ${watched} | sort -u | tr '\\n' ' ')\"";
  offer =
    # A configuration of the kiosk's user would make it ask for a password, or listen elsewhere.
    if isWayland then "(umask 077; exec ${programs.wayvnc} --config /dev/null --unix-socket ${socket})"
    else "${programs.x0vncserver} -display \"$DISPLAY\" -SecurityTypes None -rfbport -1 -rfbunixpath ${socket} -rfbunixmode 0600";
  # The bar ends with its input. What has come over it since is below it again after a second.
  bar = [
    "while :; do"
    "  if [ -s ${watched} ]; then"
    "    while [ -s ${watched} ]; do"
    "      printf '%s: %s\\n' ${quote settings.screenText} ${names}"
    "      sleep 1"
    "    done | ${programs.bar} -h 40 -ta c -bg '#b00020' -fg '#ffffff' -fn sans-16 -e 'sigusr1=raise' &"
    "    bar=$!"
    "    while sleep 1; kill -USR1 \"$bar\" 2>/dev/null; do :; done"
    "  fi"
    "  sleep 1"
    "done &"
  ];
  # A bar stands on one output: each has one of its own, and where none is known, the one that has the focus. Whoever closes a bar
  # has it again after a second, as has one that says other names.
  bars = [
    "while :; do"
    "  said= bars="
    "  while [ -s ${watched} ]; do"
    "    names=${names}"
    "    outputs=$(${programs.swaymsg} -p -t get_outputs 2>/dev/null | sed -n '/(inactive)/d; /(disabled)/d; s/^Output \\([^ ]*\\).*/\\1/p')"
    "    for bar in $bars; do kill -0 \"$bar\" 2>/dev/null || said=; done"
    "    if [ \"$names$outputs\" != \"$said\" ]; then"
    "      [ -z \"$bars\" ] || kill $bars 2>/dev/null"
    "      bars= said=$names$outputs"
    "      for output in \${outputs:-focused}; do"
    "        [ \"$output\" = focused ] && on= || on=\"--output $output\""
    "        ${programs.bar} $on --layer overlay --edge top --font 'sans 16' --background b00020 --text ffffff --border-bottom b00020 --message ${quote settings.screenText}\": $names\" &"
    "        bars=\"$bars $!\""
    "      done"
    "    fi"
    "    sleep 1"
    "  done"
    "  [ -z \"$bars\" ] || kill $bars 2>/dev/null"
    "  sleep 1"
    "done &"
  ];
in
[
  # Without the bar nobody would know: then there is no screen to watch. The daemon makes the folder of the sockets.
  "command -v ${programs.bar} >/dev/null || echo 'kiosk: the screen is not offered, since ${if isWayland then "swaynag" else "dzen2"} is missing' >&2"
  "while command -v ${programs.bar} >/dev/null; do"
  "  rm -f ${socket}"
  "  [ ! -d ${dirOf socket} ] || ${offer}"
  "  sleep 5"
  "done &"
] ++ (if isWayland then bars else bar)
