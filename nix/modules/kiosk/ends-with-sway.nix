# The session ends with the compositor. Sway lets what it has started live on, with a login the unit doesn't end it either, and the
# loops of an old session would take socket, bar and screen from the new one. Its socket's name has its process ID.
[
  "compositor=\${SWAYSOCK%.sock} compositor=\${compositor##*.}"
  "(while kill -0 \"\$compositor\" 2>/dev/null; do sleep 1; done; kill -TERM 0) &"
]
