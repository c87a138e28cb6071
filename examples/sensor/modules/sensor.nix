{
  displayName = { en = "Sensor"; de = "Sensor"; };
  description = "Reads a value from a file, such as the board's temperature, and reports it to a collector";
  category = "applications";

  settings = {
    source = {
      type = "path";
      default = "/sys/class/thermal/thermal_zone0/temp";
      displayName = { en = "File to read"; de = "Zu lesende Datei"; };
    };
    quantity = { type = "string"; pattern = "[a-z_]+"; default = "temperature"; };
    divisor = { type = "int"; min = 1; default = 1000; description = "The kernel counts in thousandths of a degree"; };
    collector = { type = "string"; pattern = "https?://[^ \t\n]+"; patternHint = "a URL"; example = "http://hub:8100/"; };
    schedule = { type = "schedule"; kinds = [ "calendar" "interval" ]; default = { kind = "interval"; every = "1min"; }; };
  };

  portable = { settings, device, thymesh, ... }:
    let
      config = builtins.toJSON {
        inherit (settings) source quantity divisor collector;
        name = if device == null then "" else device.name;
      };
    in
    {
      etc."sensor/config.json".text = config + "\n";
      etc."sensor/sensor.py".source = ../app/sensor.py;
      units = thymesh.schedule.portable "sensor" settings.schedule {
        Unit = { Description = "Read the sensor and report"; After = "network-online.target"; Wants = "network-online.target"; };
        Service = {
          ExecStart = "/usr/bin/env python3 /etc/sensor/sensor.py /etc/sensor/config.json";
          DynamicUser = true;
          # What couldn't be reported waits here.
          StateDirectory = "sensor";
        };
      };
    };
}
