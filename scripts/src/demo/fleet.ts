/** The demo's fleet: a project with a real web application, an operator's home, and devices in a folder each. */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replaceOnce } from '../../../test/helpers/replace.ts'
import { cli, Daemon, freePorts, repository, runToEnd, runUntilLeft } from './processes.ts'

export const deviceNames = [1, 2, 3, 4, 5, 6].map(number => `device-${number}`)

export class DemoFleet {
  readonly directory: string
  readonly project: string
  readonly home: string
  readonly #ports: number[]
  readonly #daemons = new Map<string, Daemon>()

  private constructor(directory: string, ports: number[]) {
    this.directory = directory
    this.project = join(directory, 'project')
    this.home = join(directory, 'home')
    this.#ports = ports
  }

  /** A project like any operator's, its interpreter put into this machine's Nix store. */
  static async make(): Promise<DemoFleet> {
    const directory = await mkdtemp(join(tmpdir(), 'thymesh-demo-'))
    const fleet = new DemoFleet(directory, await freePorts(1 + deviceNames.length))
    await cp(join(repository, 'examples/web'), fleet.project, { recursive: true })
    for (const file of await readdir(join(fleet.project, 'devices'))) await rm(join(fleet.project, 'devices', file))
    for (const name of deviceNames) {
      await writeFile(join(fleet.project, 'devices', `${name}.json`), '{ "config": "web" }\n')
    }
    await runToEnd('sh', ['./fetch-interpreter', process.execPath], { cwd: fleet.project, timeoutMs: 120_000 })
    const controller = fleet.#address(0)
    const flags = ['--listen', controller, '--bootstrap', controller, '--no-mdns', '--name', 'demo', '--no-passphrase']
    await cli(fleet.project, fleet.home, ['init', '.', ...flags], 60_000)
    return fleet
  }

  root(device: string): string {
    return join(this.directory, device, 'root')
  }

  /** Sets what the application answers: a setting of its config, and a line of its source. */
  async setVersion(version: string): Promise<void> {
    const config = join(this.project, 'configs/web.json')
    const settings = JSON.parse(await readFile(config, 'utf8'))
    settings.modules.web.message = `hello from version ${version}`
    // The machine's own kind, which the interpreter was fetched for.
    settings.system = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux'
    await writeFile(config, `${JSON.stringify(settings, null, 2)}\n`)
    const source = join(this.project, 'app/server.mjs')
    const text = await readFile(source, 'utf8')
    await writeFile(source, replaceOnce(text, /^const version = '.*'$/m, `const version = '${version}'`))
    const git = (...args: string[]) => runToEnd('git', args, { cwd: this.project, timeoutMs: 30_000 })
    await git('add', '-A')
    const author = ['-c', 'user.name=Demo', '-c', 'user.email=demo@localhost']
    await git(...author, 'commit', '--quiet', '--allow-empty', '-m', `Version ${version}`)
  }

  /** A token whose devices look for the controller and for the first device. */
  async token(): Promise<string> {
    const flags = ['--names', 'device-*', '--bootstrap', this.#address(1)]
    const { token } = await cli<{ token: string }>(this.project, this.home, ['token', ...flags], 30_000)
    return token
  }

  async startDevice(device: string, token: string): Promise<void> {
    const directory = join(this.directory, device)
    await mkdir(this.root(device), { recursive: true })
    const at = (name: string) => join(directory, name)
    const place = ['--state', at('state'), '--store', at('root'), '--root', at('root')]
    const mesh = ['--listen', this.#address(1 + deviceNames.indexOf(device)), '--no-mdns', '--log', 'info']
    const args = ['--join', token, '--name', device, ...place, ...mesh]
    this.#daemons.set(device, new Daemon(device, args, at('log')))
  }

  /** The web page of its controller, in a browser where there is one, until the operator leaves. */
  async page(): Promise<void> {
    await runUntilLeft(['web'], { cwd: this.project, env: { THYMESH_HOME: this.home } })
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#daemons.values()].map(daemon => daemon.stop()))
  }

  /** Stops the devices and removes everything; stores are read-only trees. */
  async remove(): Promise<void> {
    await this.stop()
    await runToEnd('chmod', ['-R', 'u+w', this.directory], { cwd: '/', timeoutMs: 60_000 }).catch(() => {})
    await rm(this.directory, { recursive: true, force: true })
  }

  #address(index: number): string {
    return `/ip4/127.0.0.1/tcp/${this.#ports[index]}`
  }
}
