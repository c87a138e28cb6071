/** Thymis's built-in modules in Thymesh's words: settings of one become settings of others, the rest is told. */

import type { ThymisModule } from './state.ts'

/** Of one entry: what it becomes, and what has no counterpart. */
export interface Converted {
  type?: string
  readonly modules: Record<string, Record<string, unknown>>
  /** Sentences for the operator. */
  readonly left: string[]
  /** Names of secrets that have to be added. */
  readonly secrets: Set<string>
}

type Settings = Readonly<Record<string, unknown>>
type Rule = (settings: Settings, to: Converter) => void

/** Converts an entry's modules; `entry` is its name here. */
export function convertModules(entry: string, modules: readonly ThymisModule[]): Converted {
  const to = new Converter(entry)
  for (const { type, settings } of modules) {
    const name = (type.split('.').at(-1) ?? type).replace(/Module$/, '')
    const rule = rules[name]
    if (rule === undefined) {
      to.leave(`the module ${type}: nothing of Thymesh's is like it`)
      continue
    }
    const unread = new Set(Object.keys(settings).filter(key => isSet(settings[key])))
    rule(
      watched(settings, key => unread.delete(key)),
      to,
    )
    for (const key of unread) to.leave(`${name}.${key}: nothing of Thymesh's is like it`)
  }
  return to
}

/** The same settings, which tell which of them were read. */
function watched(settings: Settings, read: (key: string) => unknown): Settings {
  return new Proxy(settings, {
    get: (target, key) => {
      read(String(key))
      return target[String(key)]
    },
  })
}

class Converter implements Converted {
  type?: string
  readonly modules: Record<string, Record<string, unknown>> = {}
  readonly left: string[] = []
  readonly secrets = new Set<string>()
  readonly entry: string

  constructor(entry: string) {
    this.entry = entry
  }

  /** Settings that say nothing are left out. */
  set(module: string, settings: Settings): void {
    const said = Object.entries(settings).filter(([, value]) => isSet(value))
    if (said.length > 0) this.modules[module] = { ...this.modules[module], ...Object.fromEntries(said) }
  }

  add(module: string, key: string, elements: readonly unknown[]): void {
    const there = (this.modules[module]?.[key] ?? []) as unknown[]
    this.set(module, { [key]: [...there, ...elements] })
  }

  leave(sentence: string): void {
    this.left.push(`${this.entry}: ${sentence}`)
  }

  /** Thymis's project has the ID of a secret only; its value is in Thymis's database. */
  secret(id: unknown, use: string): string | undefined {
    if (typeof id !== 'string' || id === '') return undefined
    const name = `${use}-${id
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '')
      .slice(0, 8)}`
    this.secrets.add(name)
    return name
  }

  /** One that stood in the project for all to read. */
  exposed(value: unknown, use: string): string | undefined {
    if (!isSet(value)) return undefined
    this.secrets.add(use)
    this.leave(`the secret ${use} stood in Thymis's project, and in its history, in plain: choose a new one`)
    return use
  }
}

const rules: Readonly<Record<string, Rule>> = {
  ThymisDevice(settings, to) {
    const type = String(settings.device_type ?? '').replace('x86_64', 'x86-64')
    if (/^(?:generic-x86-64|generic-aarch64|raspberry-pi-[345])$/.test(type)) to.type = type
    else if (type !== '') to.leave(`the device type ${type}: make one (docs/device-types.md)`)
    to.set('device', { hostName: settings.device_name })
    // Images are made of any type; nixpkgs says the state version; there is no controller to be found.
    void [settings.image_format, settings.nix_state_version, settings.agent_controller_url]
  },

  Localization(settings, to) {
    to.set('device', { timeZone: settings.timezone })
    to.set('networking', { timeServers: column(settings.time_servers, 'server') })
  },

  Networking(settings, to) {
    const ssid = settings.wifi_ssid
    const password = to.exposed(settings.wifi_password, 'wifi')
    const auth = settings.wifi_auth
    const protocols = column(settings.wifi_auth_protocols, 'protocol')
    if (isSet(auth)) to.leave('wifi: lines of wpa_supplicant stand in the store: no password may be in them')
    if (isSet(ssid)) {
      const security = isSet(auth)
        ? { security: 'custom', auth }
        : password === undefined
          ? { security: 'open' }
          : { password }
      to.add('networking', 'wifi', [{ ssid, ...security, ...(protocols.length > 0 && { authProtocols: protocols }) }])
    }
    const fixed = rows(settings.static_networks).map(row => ({
      interface: row.interface,
      ipv4Address: row.ipv4address,
      ipv4PrefixLength: number(row.ipv4prefixLength),
      ipv6Address: row.ipv6address,
      ipv6PrefixLength: number(row.ipv6prefixLength),
      gateway: row.gateway,
      gateway6: row.gateway6,
      isDefaultGateway: row.isDefaultGateway,
    }))
    to.set('networking', { static: fixed.map(saying), nameservers: column(settings.nameservers, 'nameserver') })
  },

  SecurityAccess(settings, to) {
    to.set('access', {
      rootPassword: to.secret(settings.password_secret, 'root-password'),
      rootKeys: column(settings.authorized_keys, 'key'),
      certificates: column(settings.security_pki_certificates, 'certificate'),
    })
  },

  Files(settings, to) {
    const secrets = rows(settings.secrets).map(row => ({
      secret: saying({ secret: to.secret(row.secret, 'file'), owner: row.owner, group: row.group, mode: row.mode }),
      path: row.path,
    }))
    const artifacts = rows(settings.artifacts).map(({ artifact, path, owner, group, mode }) =>
      saying({ artifact, path, owner, group, mode }),
    )
    if (artifacts.length > 0) to.leave('artifacts: copy them with `thymesh artifact add`')
    to.set('files', { secrets, artifacts })
  },

  OCIContainers(settings, to) {
    const pairs = (value: unknown) => rows(value).map(({ key, value: text }) => ({ key, value: text }))
    const containers = rows(settings.containers).map(row =>
      saying({
        name: row.container_name,
        image: row.image,
        ports: rows(row.ports).map(({ host, container }) => ({ host: number(host), container: number(container) })),
        volumes: rows(row.volumes).map(({ host, container }) => ({ host, container })),
        environment: pairs(row.environment),
        labels: pairs(row.labels),
      }),
    )
    to.set('containers', { containers })
  },

  Kiosk(settings, to) {
    const vnc = settings.enable_vnc
    const password = to.exposed(settings.vnc_password, 'vnc')
    to.set('kiosk', {
      url: settings.kiosk_url,
      resolution: settings.xrandr_mode,
      rotation: settings.xrandr_rotation,
      volume: number(settings.volume),
      audioSink: settings.audio_sink_fuzzy,
      vnc,
      ...(vnc === true && { vncPassword: password }),
    })
  },

  Whatever(settings, to) {
    to.set('custom-nix', { nixos: settings.settings })
  },

  Bash(settings, to) {
    const program = { name: to.entry, script: settings.script, schedule: schedule(settings.timer_config) }
    to.add('bash', 'programs', [saying({ ...program, packages: column(settings.packages, 'package') })])
  },

  Python(settings, to) {
    const program = { name: to.entry, script: settings.script, schedule: schedule(settings.timer_config) }
    const pythonPackages = column(settings.python_packages, 'package')
    const systemPackages = column(settings.system_packages, 'package')
    to.add('python', 'programs', [saying({ ...program, pythonPackages, systemPackages })])
  },
}

/** A timer of Thymis as a schedule (docs/modules.md). */
function schedule(value: unknown): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const timer = value as Settings
  if (timer.timer_type === 'realtime') {
    const calendar = Array.isArray(timer.on_calendar) ? timer.on_calendar : []
    return saying({ kind: 'calendar', calendar, persistent: timer.persistent, randomDelay: timer.randomized_delay_sec })
  }
  if (timer.timer_type === 'monotonic') {
    const { on_unit_active_sec: every, on_boot_sec: afterBoot, accuracy_sec: accuracy } = timer
    return saying({ kind: 'interval', every, afterBoot, accuracy })
  }
  return { kind: 'always' }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
}

function saying(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => isSet(value)))
}

/** A list of Thymis is one of objects, also where each has one setting. */
function rows(value: unknown): Settings[] {
  return Array.isArray(value) ? value.filter(row => typeof row === 'object' && row !== null) : []
}

function column(value: unknown, key: string): unknown[] {
  return rows(value).flatMap(row => (isSet(row[key]) ? [row[key]] : []))
}

/** Numbers are texts in many of its forms. */
function number(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
}
