/** A device whose updates go well, fail, or take something away; projects and questions that the scenarios share. */

import assert from 'node:assert/strict'
import { parseEntry } from '../../../node/activation/journal-entry.ts'
import type { RebootPolicy } from '../../../protocol/release/reboot-policy.ts'
import type { UpdatePolicyInput } from '../../../protocol/release/update-policy.ts'
import type { Row } from '../../e2e/helpers/fleet.ts'
import { blobModule, hello } from '../../e2e/helpers/project.ts'
import type { LabDevice } from '../device.ts'
import type { LabFleet } from '../fleet.ts'

/** Short, so that a scenario need not wait long; the machine is loaded, though. */
export const quickPolicy: UpdatePolicyInput = {
  health: { settleSeconds: 3 },
  confirm: { deadlineSeconds: 60, peers: 1 },
}

/** A unit that fails until there is a file of its name, which a power cut takes away. */
export const needy = (name: string) => `units."${name}.service" = {
  Service.Type = "oneshot"; Service.RemainAfterExit = true;
  Service.ExecStart = "/bin/sh -c 'test -e /run/${name}-needs'"; wantedBy = [ "multi-user.target" ];
};`

/** The body of a module, in Nix, that a release adds: its `portable`, and its policy. */
export interface Extra {
  portable?: string
  /** So much that no device has: it must be fetched. */
  noiseMegabytes?: number
  policy?: UpdatePolicyInput & { reboot?: RebootPolicy }
}

const toNix = (value: unknown) => `builtins.fromJSON ''${JSON.stringify(value)}''`

/** modules/extra.nix */
function extraModule({ portable = '', policy = quickPolicy }: Extra): string {
  return `{ portable = _: { ${portable} }; policy = _: ${toNix(policy)}; }`
}

export class Updates {
  readonly fleet: LabFleet
  readonly device: LabDevice

  constructor(fleet: LabFleet, device: LabDevice) {
    this.fleet = fleet
    this.device = device
  }

  /** Commits what a release shall have; `message` tells its generation from others. */
  async commit(message: string, extra: Extra = {}): Promise<void> {
    const blob = extra.noiseMegabytes && { megabytes: extra.noiseMegabytes, noise: true }
    await this.fleet.operator.commit(message, {
      'modules/blob.nix': blobModule,
      'modules/extra.nix': extraModule(extra),
      'configs/hello.json': hello(message, { extra: {}, ...(blob && { blob }) }),
    })
  }

  /** Deploys, and gives the device's row when it has ended, or after so long; the operator stays in reach meanwhile. */
  async deploy(message: string, extra: Extra = {}, seconds = 85): Promise<Row> {
    await this.commit(message, extra)
    const timeout = ['--timeout', String(seconds)]
    const { stdout, stderr } = await this.fleet.operator.run('deploy', '-m', message, ...timeout, '--json')
    const row = (JSON.parse(stdout) as { devices?: Row[] }).devices?.find(({ device }) => device === this.device.name)
    assert.ok(row, `${stdout}${stderr}`)
    return row
  }

  async deployed(message: string, extra: Extra = {}): Promise<void> {
    const row = await this.deploy(message, extra, 240)
    assert.equal(row.state, 'running', JSON.stringify(row))
    await this.is(message)
  }

  /** The running generation, by a file of it. */
  async message(): Promise<string> {
    return (await this.device.host.exec(['cat', '/etc/hello'])).stdout.trim()
  }

  async boots(): Promise<string> {
    return (await this.device.host.exec(['readlink', '/etc/thymesh/boot'])).stdout.trim()
  }

  /** The generation runs and is the boot default, all of it, and the machine is healthy. */
  async is(message: string): Promise<void> {
    const { host } = this.device
    assert.equal(await this.message(), message)
    assert.equal(await this.boots(), await this.device.running())
    assert.equal(await host.unit('hello.service', 'ActiveState'), 'active')
  }

  /** Gives a needy unit what it needs, so that the generation that is held for it is committed. */
  async heal(unit: string, message: string): Promise<void> {
    const { host } = this.device
    await host.must(['touch', `/run/${unit}-needs`])
    await host.must(['systemctl', 'restart', `${unit}.service`])
    await this.journalled('committed')
    await this.is(message)
  }

  async journal() {
    const { code, stdout } = await this.device.host.exec(['cat', '/var/lib/thymesh/activation/journal'])
    return code === 0 ? parseEntry(stdout) : undefined
  }

  /** Waits until the journal says so, of a release after this one. */
  async journalled(state: string, after = 0): Promise<void> {
    await this.device.until(`to be ${state}`, async () => {
      const entry = await this.journal()
      return entry?.state === state && entry.release > after
    })
  }

  async status(): Promise<Row> {
    const { devices } = await this.fleet.operator.json<{ devices: Row[] }>('status')
    const row = devices.find(({ device }) => device === this.device.name)
    assert.ok(row)
    return row
  }
}
