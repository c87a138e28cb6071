/** A fleet in the lab: an operator on the bridge, whose commands run on this computer, and devices that are machines. */

import { mkdirSync } from 'node:fs'
import { Fleet } from '../e2e/helpers/fleet.ts'
import { LabDevice, type LabDeviceOptions } from './device.ts'
import { LabNetwork } from './network.ts'

export class LabFleet {
  readonly network: LabNetwork
  /** The operator: `json('deploy')`, `commit(…)`, as in the tests with processes. */
  readonly operator: Fleet
  readonly #ends: (() => Promise<unknown>)[] = []
  readonly #devices: LabDevice[] = []

  private constructor(network: LabNetwork, operator: Fleet) {
    this.network = network
    this.operator = operator
  }

  /** A founded fleet that declares these devices, all with the config `hello`, and no machine yet. */
  static async create(...devices: string[]): Promise<LabFleet> {
    const network = await LabNetwork.create()
    const operator = await Fleet.prepare({ host: network.address, through: argv => network.argv(argv) })
    const fleet = new LabFleet(network, operator)
    try {
      mkdirSync(operator.project, { recursive: true })
      await operator.found(...devices)
      // The sample's own device.
      await operator.commit('No first device', { 'devices/first.json': undefined })
      return fleet
    } catch (thrown) {
      await fleet[Symbol.asyncDispose]()
      throw thrown
    }
  }

  /** A device that has booted and looks for the fleet. */
  async device(
    options: Omit<LabDeviceOptions, 'network' | 'token'> & { network?: LabNetwork; token?: string },
  ): Promise<LabDevice> {
    const token = options.token ?? (await this.operator.token())
    const device = await LabDevice.create({ network: this.network, ...options, token })
    this.#devices.push(device)
    await device.host.boot()
    return device
  }

  /** Another network, such as that of a site that is cut off. */
  async otherNetwork(): Promise<LabNetwork> {
    const network = await LabNetwork.create()
    this.#ends.push(() => network[Symbol.asyncDispose]())
    return network
  }

  /** Takes the operator's laptop to a network: its next commands run there. */
  visit(network: LabNetwork): void {
    this.operator.through = argv => network.argv(argv)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#devices.map(device => device[Symbol.asyncDispose]()))
    await this.operator.remove()
    for (const end of this.#ends.reverse()) await end()
    await this.network[Symbol.asyncDispose]()
  }
}
