/** The files of a new project: small enough to read in a minute, complete enough to deploy. */

/** Written once, then the user's own. */
export function flakeFile(fleetName: string): string {
  return `{
  description = "The fleet ${fleetName}";

  # Which Thymesh builds this fleet. The \`thymesh\` command brings its own: --override-input thymesh …
  inputs.thymesh.url = "github:thymesh/thymesh?dir=nix";

  outputs = { self, thymesh, ... }: thymesh.lib.mkFleet { project = self; };
}
`
}

/** A config that works on any Linux with Nix, with a unit that runs where there is systemd. */
export const sampleFiles: Record<string, string> = {
  'configs/hello.json': `{
  "displayName": "Hello",
  "modules": {
    "hello": { "message": "Hello from Thymesh" }
  }
}
`,
  'devices/first.json': `{
  "config": "hello"
}
`,
  'modules/hello.nix': `# A module: settings with their types, and what they do to a system.
{
  displayName = "Hello";
  description = "Writes a message to /etc/hello and to the journal.";

  settings.message = {
    type = "string";
    default = "hello";
    displayName = "Message";
  };

  portable = { settings, ... }: {
    etc."hello".text = "\${settings.message}\\n";
    units."hello.service" = {
      Unit.Description = "Say hello";
      Service = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "/bin/sh -c 'cat /etc/hello'";
      };
      wantedBy = [ "multi-user.target" ];
      restartTriggers = [ settings.message ];
    };
  };
}
`,
  'README.md': `# A fleet

\`configs/\` says what devices can be, \`devices/\` which device is what, \`modules/\` what a config is made of.

    git commit -am 'Change the message'
    thymesh deploy
    thymesh status
`,
}
