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

/** What Nix calls machines of the kind that Node says. */
export const nixSystems: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'x86_64-linux',
  arm64: 'aarch64-linux',
  ia32: 'i686-linux',
  arm: 'armv7l-linux',
  riscv64: 'riscv64-linux',
}

/**
 * A config that works on any Linux with Nix, with a unit that runs where there is systemd. It is for machines like the
 * operator's, who can build for nothing else without further ado.
 */
export function sampleFiles(architecture: NodeJS.Architecture = process.arch): Record<string, string> {
  return {
    'configs/hello.json': `{
  "displayName": "Hello",
  "system": "${nixSystems[architecture] ?? 'x86_64-linux'}",
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
    'alerts.json': alertRules,
    'artifacts/README.md': `Files and folders that configs put on devices: \`thymesh artifact add FILE\`.
`,
    'secrets/README.md': `Secrets, encrypted with age to operators and devices: \`thymesh secret add NAME\`.
`,
    'README.md': `# A fleet

\`configs/\` says what devices can be, \`devices/\` which device is what, \`modules/\` what a config is made of.

    git commit -am 'Change the message'
    thymesh deploy
    thymesh status
    thymesh alerts                  # by the rules of alerts.json, which tell nobody else until it names a channel
`,
  }
}

/** What is wrong in any fleet. `thymesh alerts` and the page show it; whom to tell by which channel is the user's to say. */
const alertRules = `{
  "rules": [
    { "name": "absent", "when": { "absent": "24h" } },
    { "name": "disk-full", "when": { "metric": "disk", "above": 90, "for": "15m", "clear": 85 } },
    { "name": "too-hot", "when": { "metric": "temperature", "above": 80, "for": "10m", "clear": 75 } },
    { "name": "weak-supply", "when": { "metric": "under-voltage", "above": 0, "for": "5m" } },
    { "name": "worn", "when": { "wear": 80 }, "resolve": false },
    { "name": "update-failed", "when": { "state": "failed" } },
    { "name": "rolled-back", "when": { "state": "rolled-back" } },
    { "name": "rollout-held", "when": { "held": true } },
    { "name": "no-news", "when": { "freshness": "expired", "for": "1h" } },
    { "name": "certificate", "when": { "certificate": "14d" } },
    { "name": "contradiction", "when": { "contradiction": true }, "severity": "critical" },
    { "name": "copied-key", "when": { "clone": true }, "severity": "critical" }
  ]
}
`

/** A module to begin with. */
export function moduleFile(name: string): string {
  return `# What configs can set, and what it does to a system.
{
  displayName = "${name}";
  description = "";

  settings.enable = {
    type = "bool";
    default = true;
    displayName = "Enabled";
  };

  portable = { settings, ... }: {
  };
}
`
}
