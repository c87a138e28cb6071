/** The house rules that a machine can check: who imports what, head sentences, file sizes, words that may not be committed. */

import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { circlesOf, exportsOf, importsOf, product, sources, textOf } from './helpers/sources.ts'

/** Lines that a file may have; the aim is 250. */
const maxLines = 350

/** The parts of the project that each part may import. */
const allowed: Record<string, readonly string[]> = {
  protocol: ['protocol'],
  node: ['protocol', 'node'],
  controller: ['protocol', 'node', 'controller'],
}

/** The folders of each part, top to bottom: a file imports from its own folder and those below it. */
const floors: Record<string, readonly string[]> = {
  protocol: [
    'protocol/bundle',
    'protocol/messages',
    'protocol/alerts',
    'protocol/metrics',
    'protocol/trust',
    'protocol/report',
    'protocol/release',
    'protocol/members',
    'protocol/closure',
    'protocol/nix',
    'protocol/audit',
    'protocol/signing',
    'protocol/encoding',
    'protocol',
  ],
  node: [
    'node/device',
    'node/page',
    'node/api',
    'node/courier',
    'node/peer',
    'node/carry',
    'node/standing',
    'node/access',
    'node/logs',
    'node/audit',
    'node/alerts',
    'node/metrics',
    'node/activation',
    'node/rollout',
    'node/secrets',
    'node/swarm/fetch',
    'node/swarm/session',
    'node/swarm/lane',
    'node/swarm/schedule',
    'node/swarm/delta',
    'node/swarm/staging',
    'node/swarm/chunks',
    'node/swarm/recipe',
    'node/swarm',
    'node/bundle',
    'node/mesh/exchange',
    'node/mesh/lane',
    'node/mesh/relay',
    'node/mesh/peers',
    'node/mesh/transport',
    'node/mesh/discovery',
    'node/mesh/router',
    'node/mesh',
    'node/state',
    'node/settings',
    'node/store/cache',
    'node/store/local',
    'node/store/nar',
    'node/store/worker',
    'node/store',
    'node/files',
    'node/concurrency',
    'node/process',
  ],
  controller: [
    'controller',
    'controller/cli',
    'controller/cli/groups',
    'controller/cli/commands',
    'controller/cli/shell',
    'controller/web/app',
    'controller/web/app/shell',
    'controller/web/app/views',
    'controller/web/app/forms',
    'controller/web/app/parts',
    'controller/web/app/data',
    'controller/web/app/base',
    'controller/web',
    'controller/ssh',
    'controller/api',
    'controller/vms',
    'controller/rehearsal',
    'controller/orders',
    'controller/adopt',
    'controller/views',
    'controller/queries',
    'controller/release',
    'controller/inputs',
    'controller/session',
    'controller/secrets',
    'controller/build',
    'controller/members',
    'controller/signing',
    'controller/fleet',
    'controller/project/thymis',
    'controller/project',
    'controller/keys',
    'controller/nix',
    'controller/machine',
    'controller/tasks',
    'controller/api/schemas',
    'controller/format',
  ],
}

/** The files of node/ that controller/ may import, and why; a folder means its files. */
const doors: Record<string, string> = {
  'node/peer/controller-peer.ts': 'the interface of its peer',
  'node/peer/make-controller-peer.ts': 'makes that peer',
  'node/mesh/relay/network-view.ts': 'the form of what a peer says of its network',
  'node/peer/membership.ts': 'joining with a token, as devices do',
  'node/state/peer-state.ts': 'what the peer keeps on disk, for commands that need no mesh',
  'node/state/limits.ts': 'how many releases a peer keeps, for errors',
  'node/state/releases.ts': 'pure functions: which release counts for a device',
  'node/alerts/sending-controllers.ts': 'pure functions: which controllers send alerts',
  'node/rollout/site-uplink.ts': 'what a site has used of its uplink, for `status`',
  'node/rollout/decision.ts': 'pure functions: waves are shown as devices see them',
  'node/rollout/evaluate-waves.ts': 'the same',
  'node/rollout/news.ts': 'the same',
  'node/access/duplex-messages.ts': 'streams for forwarding, which commands open',
  'node/access/open-access.ts': 'what a device says to them',
  'node/access/sshd-program.ts': 'where a machine has sshd, for `doctor`',
  'node/access/key-proof.ts': 'what a key signs for a ticket',
  'node/access/rfb-picture.ts': 'reads a picture of a screen',
  'node/access/png.ts': 'writes it',
  'node/settings': 'controllers have the same settings file',
  'node/process': 'logs and child processes',
  'node/files': 'writing files durably',
  'node/concurrency': 'limits and waits',
  'node/standing/facts.ts': 'what any peer knows of a device, for `thymesh why`',
  'node/carry/check-bundle.ts': 'bundles are shown and verified without a peer',
  'node/carry/ask-daemon.ts': '`thymesh bundle take` hands a bundle to the daemon, `thymesh why` asks it',
  'node/carry/feed-bundle.ts': 'what the daemon tells meanwhile',
  'node/api/schemas.ts': '`thymesh status` asks the daemon of a device',
  'node/api/socket-place.ts': 'where that listens',
  'node/courier/courier.ts': '`thymesh courier` is a peer without signing keys',
  'node/device/daemon.ts': '`thymesh node` is the daemon of a device',
  'node/device/leave.ts': '`thymesh leave` ends what that daemon was',
  'node/secrets/at-boot.ts': 'so is the command that installs secrets at its start',
}

/** Test files that may sleep, and why. */
const maySleep: Record<string, string> = {
  'test/helpers/until.ts': 'polls a condition',
  'test/portable-systemd.test.ts': 'cuts the power at parts of a measured switch, which must not know of it',
}

/** What may touch standard output and error, and why. */
const terminalDoors: Record<string, string> = {
  'controller/format/terminal.ts': 'the door: makes text visible, and moves the cursor',
  'controller/cli/shell/standard-output.ts': 'listens for errors of writing',
  'controller/cli/shell/confirm.ts': 'asks a question, which it makes visible',
  'controller/keys/passphrase.ts': 'asks for a passphrase without an echo',
  'controller/cli/shell/draw.ts': 'asks whether it is a terminal',
  'controller/views/progress-bar.ts': 'the same',
  'controller/views/progress.ts': 'the same',
}

describe('house rules', () => {
  it('imports run one way: protocol ← node ← controller', () => {
    const wrong = imports(product).filter(
      ([file, target]) => !allowed[file.split('/')[0] ?? '']?.includes(target.split('/')[0] ?? ''),
    )
    assert.deepEqual(wrong.map(inWords), [])
  })

  it('imports run down within a part, from floor to floor', () => {
    for (const [part, folders] of Object.entries(floors)) {
      const own = product.filter(file => file.startsWith(`${part}/`))
      const present = [...new Set(own.map(file => dirname(file)))]
      assert.deepEqual([...folders].sort(), present.sort(), `every folder of ${part}/ has its floor`)
      const floor = (file: string) => folders.indexOf(dirname(file))
      const upward = imports(own).filter(([file, target]) => own.includes(target) && floor(target) < floor(file))
      assert.deepEqual(upward.map(inWords), [])
    }
  })

  it('no files import each other in a circle, by types neither', () => {
    assert.deepEqual(
      circlesOf(product, file => importsOf(file).map(({ target }) => target)),
      [],
    )
  })

  it('controller/ knows node/ by its doors', () => {
    const outward = imports(product.filter(file => file.startsWith('controller/'))).filter(([, target]) =>
      target.startsWith('node/'),
    )
    const wrong = outward.filter(([, target]) => !(target in doors) && !(dirname(target) in doors))
    assert.deepEqual(wrong.map(inWords), [])
    const open = new Set(outward.flatMap(([, target]) => [target, dirname(target)]))
    const unused = Object.keys(doors).filter(door => !open.has(door))
    assert.deepEqual(unused, [], 'every door is used')
  })

  it('the product holds no export that nobody imports, and none that only tests need', () => {
    const importedBy = new Map<string, string[]>()
    for (const file of sources) {
      for (const { target, name } of importsOf(file)) {
        const key = `${target} ${name}`
        importedBy.set(key, [...(importedBy.get(key) ?? []), file])
      }
    }
    const wrong = product.flatMap(file =>
      exportsOf(file).flatMap(({ name, kind, usedHere }) => {
        const by = [...(importedBy.get(`${file} ${name}`) ?? []), ...(importedBy.get(`${file} *`) ?? [])]
        // A unit test may look at what its file uses itself; types and errors are part of a signature.
        const needed = by.some(each => product.includes(each)) || (usedHere && (by.length > 0 || kind !== 'value'))
        return needed ? [] : [`${file} ${name}`]
      }),
    )
    assert.deepEqual(wrong, [])
  })

  it('nothing is written to a terminal but through its door, where others’ text is made visible', () => {
    const touches = product.filter(file => /\bprocess\.std(?:out|err)\b|\bconsole\.|process\[/.test(textOf(file)))
    assert.deepEqual(touches.sort(), Object.keys(terminalDoors).sort())
    // Keys that an operator types begin with the escape character too; what others' terminals showed is read to leave things out.
    const reads = ['controller/keys/hidden-line.ts', 'controller/format/harmless-terminal.ts']
    const steers = product.filter(file => /\\x1b|\\u001b|\\u\{1b\}|\\033/.test(textOf(file)) && !reads.includes(file))
    assert.deepEqual(steers, ['controller/format/terminal.ts'])
  })

  it('protocol/ does no I/O and knows no libp2p host', () => {
    const forbidden = /from '(?:libp2p|@libp2p\/|node:(?:fs|net|http|child_process|dgram)|level|pino)/
    const wrong = product.filter(file => file.startsWith('protocol/') && forbidden.test(textOf(file)))
    assert.deepEqual(wrong, [])
  })

  it('every source opens with a sentence that says what it is for', () => {
    const wrong = sources.filter(file => !/^(?:(?:#!.*\n)?\/\*\*|<!-- )/.test(textOf(file)))
    assert.deepEqual(wrong, [])
  })

  it(`no source is longer than ${maxLines} lines`, () => {
    const wrong = sources.filter(file => textOf(file).split('\n').length > maxLines)
    assert.deepEqual(wrong, [])
  })

  it('the lock file pins each package by its hash, and no script of a package brings anything else', () => {
    const { packages } = JSON.parse(textOf('package-lock.json')) as {
      packages: Record<string, { integrity?: string; hasInstallScript?: boolean }>
    }
    const installed = Object.entries(packages).filter(([place]) => place !== '')
    assert.deepEqual(
      installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([place]) => place),
      [],
    )
    assert.match(textOf('.npmrc'), /^ignore-scripts=true$/m)
    // Each of these works without its script: classic-level and esbuild bring their binaries in packages that are pinned;
    // ssh2 and its cpu-features would compile faster ciphers, for which Node's own do.
    assert.deepEqual(
      installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([place]) => place),
      ['node_modules/classic-level', 'node_modules/cpu-features', 'node_modules/esbuild', 'node_modules/ssh2'],
    )
  })

  it('no test sleeps for a fixed time: timers in tests are limits, kept to be cleared, or repeat a step', () => {
    const sleeps = /import \{[^}]*\bsetTimeout\b[^}]*\} from 'node:timers\/promises'|(?<!= )\bsetTimeout\(/
    const wrong = sources.filter(
      file => (file.startsWith('test/') || file.endsWith('.test.ts')) && sleeps.test(textOf(file)),
    )
    assert.deepEqual(wrong.sort(), Object.keys(maySleep))
  })

  it('no test is skipped, narrowed or left to do without a reason at run time', () => {
    const narrowed = /\b(?:it|test|describe)\.(?:only|skip|todo)\b|\btodo: |\bskip: true/
    const wrong = sources.filter(
      file => file.endsWith('.test.ts') && file !== 'test/house-rules.test.ts' && narrowed.test(textOf(file)),
    )
    assert.deepEqual(wrong, [])
  })
})

/** Each import of the project, as from → to, once. */
function imports(files: readonly string[]): [string, string][] {
  return files.flatMap(file =>
    [...new Set(importsOf(file).map(({ target }) => target))].map((target): [string, string] => [file, target]),
  )
}

function inWords([file, target]: readonly [string, string]): string {
  return `${file} imports ${target}`
}
