# The file of the compositor of a kiosk under Wayland: one program on the whole screen, and no keys. It is sway, since others
# for kiosks (cage) let no program draw above the page, as the bar has to that says who watches.
{ settings, thymesh, session }:
let
  inherit (thymesh.text) lines;
  when = condition: texts: if condition then texts else [ ];
  # Sway counts clockwise.
  degrees = { normal = "normal"; right = "90"; inverted = "180"; left = "270"; };
in
lines (
  [ "xwayland disable" ]
  ++ when (settings.resolution != null) [ "output * mode ${settings.resolution}" ]
  ++ [
    "output * transform ${degrees.${settings.rotation}}"
    "default_border none"
    "for_window [app_id=\".*\"] fullscreen enable"
  ]
  ++ when settings.hideCursor [ "seat * hide_cursor 1000" ]
  ++ [ "exec ${session}" ]
) + "\n"
