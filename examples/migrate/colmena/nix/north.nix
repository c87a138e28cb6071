# The node north of the hive.
import ./node.nix "north"
