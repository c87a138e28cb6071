/** Texts of others on their way to an operator's terminal: what the real CLI writes, byte for byte. */

import assert from 'node:assert/strict'
import { multiaddr } from '@multiformats/multiaddr'
import { withChannel } from '../../../node/mesh/transport/channel.ts'
import { timeText } from '../../../protocol/encoding/fields.ts'
import { type HistoryEntry, historyCodec, logRequestCodec } from '../../../protocol/messages/logs.ts'
import { answerCodec } from '../../../protocol/messages/messages.ts'
import { type Report, reportKind } from '../../../protocol/report/report.ts'
import { signEnvelope } from '../../../protocol/signing/dsse.ts'
import { hello } from '../../e2e/helpers/project.ts'
import { hostileTexts, steers } from '../../helpers/hostile-text.ts'
import { poll } from '../../helpers/until.ts'
import type { Arena } from '../arena.ts'
import type { Attack } from '../attack.ts'
import { DaemonScene } from '../daemon-scene.ts'
import type { HostilePeer } from '../hostile-peer.ts'
import { attackLimitMs } from '../run.ts'

const forgedLine = 'ALARM: this line is forged'
const texts = Object.values(hostileTexts)
/** All of them in one field, as far as it has room; each begins on its own, so that none hides in another. */
const all = (room: number) =>
  texts
    .filter(each => each.length < 100)
    .join(' ')
    .slice(0, room)

/** What a command writes as text and as JSON; the text shows `word`, which came beside the hostile text. */
async function shows(scene: DaemonScene, word: string, ...args: string[]): Promise<void> {
  for (const more of [[], ['--json']]) {
    const { code, stdout, stderr } = await scene.fleet.run(...args, ...more)
    const command = `thymesh ${[...args, ...more].join(' ')}`
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`)
    if (more.length === 0) assert.ok(stdout.includes(word), `${command} does not show ${word}: ${stdout}`)
    for (const written of [stdout, stderr]) {
      assert.ok(!steers(written), `${command} steers the terminal: ${JSON.stringify(written)}`)
      assert.ok(!written.split('\n').some(line => line.startsWith(forgedLine)), `${command} forges a line: ${written}`)
    }
  }
}

/** A report of a member with everything that it can say. */
async function reports(hostile: HostilePeer, scene: DaemonScene, said: Partial<Report>): Promise<void> {
  const { connection, verdict } = await hostile.greet(scene.victim)
  assert.ok(verdict.admitted)
  const { fleet } = hostile.fleet
  const at = timeText(new Date())
  const base: Report = { v: 1, fleet, peer: hostile.id, counter: 1, at, state: 'failed', freshness: 'fresh' }
  await hostile.sync(connection, {}, [{ report: signEnvelope(reportKind, { ...base, ...said }, hostile.signer) }])
}

/** Connects to a controller while a command of it runs, and answers what it asks about logs. */
async function servesLogs(hostile: HostilePeer, scene: DaemonScene, journal: string, history: HistoryEntry[]) {
  await hostile.host.handle(hostile.names.log, stream =>
    withChannel(stream, undefined, async channel => {
      const request = await channel.receive(logRequestCodec)
      const body = 'history' in request ? historyCodec.encode(history) : Buffer.from(journal)
      await channel.send(answerCodec, { size: body.length })
      await channel.sendBody([body])
    }).catch(() => {}),
  )
  const controller = { host: { getMultiaddrs: () => [multiaddr(scene.fleet.address)] } }
  const done = new AbortController()
  const redial = async () => {
    await hostile.greet(controller).catch(() => {})
    return done.signal.aborted
  }
  const dialling = poll(redial, { limitMs: attackLimitMs, everyMs: 100 })
  return async () => {
    done.abort()
    await dialling
  }
}

/** A member with a leaked token, gone when the attack is over. */
async function member(arena: Arena, scene: DaemonScene, word: string): Promise<HostilePeer> {
  const hostile = await scene.hostile(arena, word)
  arena.ending.after(async () => hostile.host.stop())
  return hostile
}

const attacks: Omit<Attack, 'alone' | 'needs'>[] = [
  {
    id: 'terminal-report',
    power: 'join token',
    tried: 'reports errors, failed units and excerpts that clear the screen, write the clipboard and forge lines',
    expected: 'each command shows them as visible text within their line, to terminals and as JSON',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const hostile = await member(arena, scene, 'liar-report')
      await reports(hostile, scene, {
        error: { code: `said-code ${all(30)}`, message: `said-message ${all(900)}` },
        excerpt: `said-excerpt ${all(900)}`,
        health: { state: 'failed', units: [`said-unit ${all(80)}`], probes: [`said-probe ${all(80)}`] },
        turn: { release: 1, wave: 1, is: 'held', reason: `said-reason ${all(280)}` },
      })
      await shows(scene, 'said-message', 'status')
      for (const word of ['said-excerpt', 'said-unit', 'said-probe']) await shows(scene, word, 'device', 'liar-report')
      scene.alive()
    },
  },
  {
    id: 'terminal-alarm',
    power: 'join token',
    tried: 'raises alarms about subjects that clear the screen and forge further alarms',
    expected: 'they are shown as visible text behind the name of the device that says so',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const hostile = await member(arena, scene, 'liar-alarm')
      const subjects = texts.filter(each => each.length < 90).slice(0, 4)
      await reports(hostile, scene, {
        alarms: subjects.map(text => ({ kind: 'equivocation' as const, subject: `said ${text}` })),
      })
      await shows(scene, 'said a', 'status')
      await shows(scene, 'liar-alarm', 'members')
      scene.alive()
    },
  },
  {
    id: 'terminal-log-line',
    power: 'join token',
    tried: 'answers questions for its journal and its history with texts that steer a terminal',
    expected: '`thymesh logs` and `device` show them as visible text, line by line',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const hostile = await member(arena, scene, 'liar-log')
      await reports(hostile, scene, {})
      const lines = texts.map(text => `said-line ${text.replaceAll('\n', '')}`)
      const history: HistoryEntry[] = [
        { release: 1, outcome: 'failed', code: 'x', message: `said-history ${all(150)}` },
      ]
      const stop = await servesLogs(hostile, scene, `${lines.join('\n')}\n`, history)
      try {
        await shows(scene, 'said-line', 'logs', 'liar-log', '--wait', '30')
        await shows(scene, 'liar-log', 'device', 'liar-log')
      } finally {
        await stop()
      }
      scene.alive()
    },
  },
  {
    id: 'terminal-device-name',
    power: 'join token',
    tried: 'joins under a name with escape sequences',
    expected: 'refused: it is no name; the log of the device shows the refusal, and no byte that steers a terminal',
    async run(arena) {
      const scene = await DaemonScene.shared()
      const hostile = await member(arena, scene, 'liar-name')
      hostile.certificate = scene.joinedAs(hostile.signer, 'liar-name\x1b[2J\x1b]52;c;Zm9v\x07\u202e')
      const { verdict } = await hostile.greet(scene.victim)
      assert.equal(verdict.admitted, false)
      const listed = await scene.fleet.run('members')
      assert.ok(!listed.stdout.includes('liar-name') && !steers(listed.stdout), listed.stdout)
      assert.ok(!steers(await scene.device.daemon.log()), 'the log of the device steers a terminal')
      scene.alive()
    },
  },
  {
    id: 'terminal-git-subject',
    power: 'commit',
    tried: 'writes the subject of a commit, and names of files, so that they steer the terminal of who deploys it',
    expected: 'the commands that show the release, its log and the problems of the project show visible text',
    async run() {
      const scene = await DaemonScene.shared()
      const subject = `said-subject ${all(200).replaceAll('\n', ' ')}`
      await scene.fleet.commit(subject, { 'configs/hello.json': hello('a subject') })
      const message = (await scene.fleet.git('log', '-1', '--format=%s')).trimEnd()
      await shows(scene, 'elease', 'deploy', '-m', message, '--wait-for', 'first', '--timeout', '300', '--force')
      for (const command of ['status', 'releases', 'log', 'rollout']) await shows(scene, 'said-subject', command)
      await scene.fleet.write({ 'configs/a\x1b[2J\u202e.json': '{' })
      const checked = await scene.fleet.run('check')
      assert.ok(!steers(checked.stdout + checked.stderr), JSON.stringify(checked))
      await scene.fleet.write({ 'configs/a\x1b[2J\u202e.json': undefined })
      await scene.updates()
    },
  },
]

export const terminalAttacks: Attack[] = attacks.map(attack => ({ ...attack, alone: true, needs: 'nix' }))
