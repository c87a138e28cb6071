# The daemon's settings file out of the module's settings; what isn't set keeps the daemon's default.
settings:
let
  said = set: removeAttrs set (builtins.filter (key: set.${key} == null || set.${key} == { } || set.${key} == [ ]) (builtins.attrNames set));
in
said {
  inherit (settings) bootstrap mdns dht clock log;
  listen = if settings.port == 4460 then null else [ "/ip4/0.0.0.0/tcp/${toString settings.port}" "/ip6/::/tcp/${toString settings.port}" ];
  # A daemon of the version before doesn't know it.
  portMapping = if settings.portMapping then true else null;
  upload = said { bytesPerSecond = settings.uploadBytesPerSecond; peers = settings.uploadPeers; };
  staging = said { bytes = settings.stagingBytes; };
  metrics = if settings.metrics then said { port = settings.metricsPort; scrape = settings.metricsScrape; } else false;
  cache = if settings.cache then { port = settings.cachePort; } else false;
}
