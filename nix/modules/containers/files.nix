# The unit of the module `files`, for a container with a folder of the device: that module puts a new folder in the place
# of the old one, which a container that runs would go on showing.
one:
if builtins.any (volume: builtins.substring 0 1 volume.host == "/") one.volumes then [ "thymesh-files.service" ] else [ ]
