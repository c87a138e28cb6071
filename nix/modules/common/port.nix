# The number of a port, as a setting of this name.
displayName: { type = "int"; min = 1; max = 65535; inherit displayName; }
