# Options of `podman run` that both targets say in the same words.
one:
let when = condition: option: if condition then [ option ] else [ ];
in
when (one.network != null) "--network=${one.network}"
++ when (one.user != null) "--user=${one.user}"
++ map (device: "--device=${device}") one.devices
++ map (capability: "--cap-add=${capability}") one.capabilities
++ when one.privileged "--privileged"
++ (if one.registryLogin == null then [ ] else [ "--authfile=${one.registryLogin.path}" ])
