# Helpers for text that goes into shell scripts and unit files.
rec {
  # A string as one word of the shell, whatever it contains.
  quote = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString text)}'";

  lines = builtins.concatStringsSep "\n";
}
