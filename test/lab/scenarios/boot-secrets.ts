/** Secrets for users that the same update makes, with NixOS's units, on a machine that boots by UEFI. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BootFleet } from '../boot/fleet.ts'
import type { Scenario } from './scenario.ts'

/** A user, a secret of theirs, and a unit that reads it as that user. */
const ownersModule = `{
  settings.key = { type = "secret"; owner = "lamp"; };
  settings.user = { type = "string"; default = "lamp"; };
  nixos = { settings, thymesh, ... }: let needs = [ "\${thymesh.systemd.secretsReady}" ]; in {
    users.users.lamp.isSystemUser = true;
    systemd.services.a-lamp = {
      wantedBy = [ "multi-user.target" ]; after = needs; wants = needs;
      script = "cat \${settings.key.path} >/run/lamp/read; stat -c %U:%a \${settings.key.path} >/run/lamp/owner";
      serviceConfig = { Type = "oneshot"; RemainAfterExit = true; User = "lamp"; RuntimeDirectory = "lamp"; };
    };
  };
}`

export const bootSecrets: Scenario = {
  name: 'boot-secrets',
  title: "UEFI: secrets for a user that the same update makes are laid between NixOS's accounts and its units",
  async run(trials) {
    await using fleet = await BootFleet.booted()
    const { machine, operator } = fleet
    // A secret is for the keys of devices that are known.
    await fleet.joins()
    const file = join(operator.directory, 'key')
    await writeFile(file, 'plain-4711')
    await operator.json('secret', 'add', 'key', '--from', file)
    await operator.write({ 'modules/owners.nix': ownersModule })
    const modules = { owners: { key: 'key' } }
    const hasRead = async (text: string) => {
      assert.equal(await machine.must('cat /run/lamp/read /run/lamp/owner'), `${text}lamp:400`)
      assert.equal(await machine.must('systemctl is-active a-lamp.service'), 'active')
    }
    await trials.of('by a switch', async () => {
      assert.notEqual((await machine.exec('id lamp')).code, 0)
      await fleet.update({ hello: 'two', modules })
      await hasRead('plain-4711')
    })
    await trials.of('rotated, and by a boot', async () => {
      await writeFile(file, 'plain-0815')
      await operator.json('secret', 'rotate', 'key', '--from', file)
      await fleet.update({ hello: 'three', modules, nixos: 'boot.kernelParams = [ "lab.three" ];' })
      await hasRead('plain-0815')
    })
  },
}
