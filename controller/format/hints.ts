/**
 * Hints for errors of protocol/ and node/ and for failed updates, by code. Most are made where nobody knows whether a
 * person or a peer will meet them, and have no hint; those of the controller always have one.
 */

const groups: readonly (readonly [codes: readonly string[], hint: string])[] = [
  [
    ['malformed', 'not-canonical', 'too-large', 'wrong-base'],
    'It is cut off, mistyped, damaged or of another version of Thymesh: copy or fetch it again.',
  ],
  [
    ['key-invalid', 'narinfo-invalid', 'nix32-invalid', 'store-path-invalid'],
    'Restore the file that it is in from a backup. If no file has it, report this with THYMESH_DEBUG=1.',
  ],
  [['other-fleet'], "Use one of this fleet: `thymesh root show` prints the fleet's ID."],
  [['other-peer'], 'Give each device a state of its own: a state must not be copied to another device.'],
  [['beyond-grant'], 'Make a join token that fits: thymesh token --names NAME --site SITE.'],
  [['no-token'], 'Join the fleet: thymesh join --name NAME.'],
  [['not-a-relay'], 'Make a token with `thymesh token --relay --names NAME`, and give the courier a state of its own.'],
  [['expired'], 'Set the clock if it is wrong. Otherwise sign it again: `thymesh token`, `thymesh members renew`.'],
  [['revoked', 'token-revoked'], 'Make a new join token with `thymesh token`, and join again with a new identity.'],
  [['reports-used-up'], 'Run `thymesh members renew NAME`, and find out who else has the key of the device.'],
  [
    [
      ...['not-signed', 'wrong-hash', 'wrong-version', 'rollback', 'out-of-order', 'unknown-role', 'incomplete'],
      ...['wrong-document', 'wrong-release', 'superseded'],
    ],
    'It is not what this fleet has signed: do not trust its source. Run `thymesh status` where another peer is in reach.',
  ],
  [['unowned-key'], 'Do not sign it: ask its author whose keys these are.'],
  [['daemon-runs'], 'Stop the daemon first: systemctl stop thymesh.'],
  [['updating'], 'Wait until the update has ended; start the daemon if it does not run.'],
  [['no-member'], 'Name the state of a device with --state DIRECTORY.'],
  [['no-trust'], 'Run `thymesh status` where a device is in reach: every device has the metadata.'],
  [['stale'], 'Make the proposal again: the fleet has newer metadata by now.'],
  [['nothing-changes', 'threshold', 'unknown-operator'], '`thymesh root show` lists operators, keys and thresholds.'],
  [
    ['busy', 'ended', 'closed', 'timed-out', 'not-connected', 'refused', 'misbehaved'],
    'Try again in a moment: the peer is busy, or the connection was lost.',
  ],
  [
    ['not-found', 'no-peer', 'no-source', 'missing-document', 'missing-recipe', 'not-described'],
    'Try again when a peer that has it is in reach.',
  ],
  [['not-served'], "Use an operator's controller: devices show their logs to controllers only."],
  [
    ['no-log', 'too-old', 'damaged'],
    'Look at its journal: thymesh logs NAME --unit thymesh. See docs/audit.md on what a device keeps of its log.',
  ],
  [['not-encrypted-to-us'], 'Use the machine of an operator whom the device knew when it wrote it.'],
  [
    ['no-reader', 'no-pipe'],
    'Its grant demands a recording. Look at the journal of the device: thymesh logs NAME --unit thymesh.',
  ],
  [['no-journal'], 'Read the log on the device itself: journalctl -u thymesh.'],
  [['failed'], 'Set THYMESH_DEBUG=1 where the program runs that failed, and try again.'],
  [['invalid-unit'], 'Name the unit as `systemctl` does, such as web.service.'],
  [['invalid', 'unreadable'], 'Fix the file, or restore it from a backup.'],
  [['readable-by-others'], 'Run chmod 600 on it (a folder: 700). Others may have read it.'],
  [
    ['wrong-manifest', 'wrong-shard', 'duplicate-device'],
    'Deploy again; if it comes again, see docs/trust.md on stolen keys.',
  ],
  [['no-shard', 'shards-missing'], 'Bring another controller of the fleet in reach: each has all parts of a release.'],
  [['newer-state'], 'A newer version of Thymesh has written it: start that version again.'],
  [['in-use'], 'Wait until the other process has ended, or end it.'],
  [['port-unavailable'], 'End the program that uses the port, or choose another one in the settings.'],
  [['timeout'], 'Look at what the program waits for, then try again.'],
  [['disk-full', 'budget-too-small'], 'Free some space, for example with nix-collect-garbage, then try again.'],
  [['chunk-lost', 'unusable'], 'Look at the disk and at the rights of the state folder.'],
  [['store-unavailable'], 'Check that Nix answers: nix store ping.'],
  [['protocol', 'daemon-refused'], 'Read what Nix says, and report it with the output of nix --version.'],
  [['signature-refused'], "Add the fleet's Nix key (`thymesh root show`) to trusted-public-keys of the store's Nix."],
  [
    ['nar-mismatch', 'path-invalid', 'path-unknown', 'reference-missing'],
    'Repair the store: nix-store --verify --check-contents --repair. Then try again.',
  ],
  [['nar-too-large'], 'Make the path smaller: one path can have 64 GiB.'],
  [['other-content'], 'As root on the device: nix-store --repair-path PATH. The update is tried again.'],
  [
    ['not-bound'],
    'Deploy with this version, which signs it. If nobody has deployed it, see docs/trust.md on stolen keys.',
  ],
  [['not-a-relay'], 'Join it as a relay: make a token with `thymesh token --relay`.'],
  [['not-understood'], 'Use a newer version of Thymesh.'],
  [['older-version'], 'Update the device first: its version has no such access.'],
  [['not-sent', 'private-address'], 'Look at the channel in alerts.json: docs/alerts.md says what each needs.'],
  [['unknown-route', 'wrong-method'], 'docs/api.md lists the routes.'],
  [
    ['unknown', 'nowhere', 'missed', 'port-taken'],
    'Nothing has to be done: another way is tried. `thymesh netcheck` says what this network allows.',
  ],
  [['absent', 'garbled'], 'Turn on PCP, NAT-PMP or UPnP in the router, or forward a port by hand: docs/relays.md.'],
  [['wrong-closure', 'wrong-recipe'], 'Deploy again with --force.'],
  [['interrupted'], 'Nothing has to be done: the device tries the update again.'],
  [
    ['not-running', 'rollback-failed'],
    'Inspect the device. A reboot starts the generation that `thymesh device` shows.',
  ],
  [['unsupported'], 'Remove `root` from the settings of the device.'],
  [['needs-reboot'], 'Set `reboot` of the module updates to when-needed, and when the device may reboot.'],
  [
    ['no-boot-once'],
    'Set `reboot` of the module updates to never where the update can be switched to; else update this device by hand.',
  ],
  [['wrong-system'], "Correct `system` in the config's file, and deploy again."],
  [
    ['missing-program'],
    'Install on the device what the message names: it goes on by itself within five minutes. Or deploy without that module.',
  ],
  [['downgrade'], 'Run `thymesh rollback`: it makes a new release from an old one.'],
  [['health-failed', 'degraded'], 'Read the log: thymesh logs NAME --activation. Fix the config and deploy again.'],
  [['no-contact'], 'Fix the network configuration, or change `confirm.peers` of the update policy.'],
  [['deadline'], 'Fix the part that hangs, or raise `confirm.deadlineSeconds` of the update policy.'],
  [['boot-failed'], 'Read the journal of those boots on the device: journalctl -b -1.'],
  [['too-many-attempts'], 'Find out why the machine or the daemon stops during the switch, then deploy again.'],
  [['store-damaged'], 'Run the `nix-store --repair-path` of the message as root on that machine.'],
  [['equivocation'], 'Find out who signed the second document. Then deploy: a higher version ends it.'],
  [['thread-died', 'pool-stopped'], 'Set THYMESH_DEBUG=1, try again, and report it with the log.'],
  [['switch-failed'], 'Read the last lines of the switch, fix the config and deploy again.'],
  [['secret-not-for-us', 'secret-unreadable'], 'Deploy again: secrets are then encrypted to this device.'],
  [['secret-place'], 'Mount a tmpfs at /run, as systemd does.'],
  [['secret-account'], 'Make the user or group on the device, or give the secret to root.'],
]

const hints: ReadonlyMap<string, string> = new Map(groups.flatMap(([codes, hint]) => codes.map(code => [code, hint])))

/** The hint for an error with this code that has none of its own. */
export function hintFor(code: string): string | undefined {
  return hints.get(code)
}
