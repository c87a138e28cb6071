# Offers the kiosk's screen to operators, and says on it who watches: lines of the X session. The daemon lets nobody else in,
# and writes who watches into a file that only it can write.
{ settings, thymesh, programs, run ? "/run" }:
let
  inherit (thymesh.text) quote;
  socket = "${run}/thymesh-screens/kiosk.sock";
  watched = "${run}/thymesh-watched/kiosk";
in
[
  # Without the bar nobody would know: then there is no screen to watch. The daemon makes the folder of the sockets.
  "command -v ${programs.bar} >/dev/null || echo 'kiosk: the screen is not offered, since dzen2 is missing' >&2"
  "while command -v ${programs.bar} >/dev/null; do"
  "  rm -f ${socket}"
  "  [ ! -d ${dirOf socket} ] || ${programs.x0vncserver} -display \"$DISPLAY\" -SecurityTypes None -rfbport -1 -rfbunixpath ${socket} -rfbunixmode 0600"
  "  sleep 5"
  "done &"
  # The bar ends with its input. What has come over it since is below it again after a second.
  "while :; do"
  "  if [ -s ${watched} ]; then"
  "    while [ -s ${watched} ]; do"
  "      printf '%s: %s\\n' ${quote settings.screenText} \"$(cut -d ' ' -f 1 ${watched} | sort -u | tr '\\n' ' ')\""
  "      sleep 1"
  "    done | ${programs.bar} -h 40 -ta c -bg '#b00020' -fg '#ffffff' -fn sans-16 -e 'sigusr1=raise' &"
  "    bar=$!"
  "    while sleep 1; kill -USR1 \"$bar\" 2>/dev/null; do :; done"
  "  fi"
  "  sleep 1"
  "done &"
]
