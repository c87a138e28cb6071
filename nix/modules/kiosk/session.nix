# What runs in the kiosk's session, of X or of Wayland; `programs` are commands.
{ settings, thymesh, programs, run ? "/run" }:
let
  inherit (thymesh.text) quote lines;
  when = condition: texts: if condition then texts else [ ];
  isWayland = settings.display == "wayland";
  options = (if isWayland then [ "--ozone-platform=wayland" ] else [ ]) ++ settings.browserOptions;
  # Of Wayland, the compositor's file says all this: sway.nix.
  x11 = [
    # A screen that goes dark is no kiosk.
    "${programs.xset} s off -dpms || true"
    "output=$(${programs.xrandr} | sed -n 's/^\\([^ ]*\\) connected.*/\\1/p' | head -n 1)"
  ]
  ++ when (settings.resolution != null) [ "${programs.xrandr} --output \"$output\" --mode ${quote settings.resolution} || true" ]
  ++ [ "${programs.xrandr} --output \"$output\" --rotate ${settings.rotation} || true" ]
  # Both programs of that name know -idle.
  ++ when settings.hideCursor [ "${programs.unclutter} -idle 1 &" ]
  ++ when settings.vnc [
    (builtins.concatStringsSep " " ([
      programs.x11vnc
      "-display :0 -forever -shared -noxdamage -rfbport ${toString settings.vncPort} -passwdfile ${quote settings.vncPassword.path}"
    ] ++ when settings.vncLocal [ "-localhost" ]) + " &")
  ];
in
lines (
  when (! isWayland) x11
  ++ when isWayland (import ./ends-with-sway.nix)
  ++ when (settings.audioSink != null) [
    "sink=$(${programs.pactl} list short sinks | cut -f 2 | grep -iF -e ${quote settings.audioSink} | head -n 1)"
    "[ -z \"$sink\" ] || ${programs.pactl} set-default-sink \"$sink\""
  ]
  ++ when (settings.volume != null) [ "${programs.pactl} set-sink-volume @DEFAULT_SINK@ ${toString settings.volume}% || true" ]
  ++ when settings.screen (import ./screen.nix { inherit settings thymesh programs run; })
  ++ [
    # A browser that ends, or crashes, comes back.
    "while :; do"
    "  ${programs.browser} --kiosk --noerrdialogs --disable-infobars --no-first-run --disable-session-crashed-bubble ${builtins.concatStringsSep "" (map (one: "${quote one} ") options)}${quote settings.url}"
    "  sleep 2"
    "done"
  ]
) + "\n"
