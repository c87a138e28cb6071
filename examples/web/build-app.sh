# Builds the application: its files, and a program that starts it from wherever it is called.
cp -R "$app" "$out"
chmod u+w "$out"
mkdir "$out/bin"
cat >"$out/bin/web-app" <<EOF
#!/bin/sh
exec $command $out/server.mjs "\$@"
EOF
chmod 755 "$out/bin/web-app"
