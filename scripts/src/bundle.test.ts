/** The bundled program, as a package has it: every command that its manual names starts and ends as it should. */

import assert from 'node:assert/strict'
import { type ExecFileException, execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { bundle } from './bundle.ts'

const repository = resolve(import.meta.dirname, '../..')
/** So many run at a time: most wait for peers, and nobody is in reach. */
const AT_A_TIME = 6
/** A command that hangs ends here; on a loaded machine one may take a minute. */
const LIMIT_MS = 180_000
/** These stay until a signal comes. */
const staying = new Set(['serve', 'node', 'web'])
/** Arguments and options that a command cannot do without, beside those that its usage line names. */
const needed: Readonly<Record<string, readonly string[]>> = {
  node: ['--state', 'none'],
  join: ['--name', 'x', '--no-start'],
  'install-secrets': ['--state', 'none'],
  logs: ['x'],
  'alerts silence': ['--for', '1h'],
  'root sign': ['--file', 'none'],
  'device add': ['--config', 'hello'],
  'config set': ['1'],
  'tag set': ['1'],
  'device set': ['1'],
  visit: ['--timeout', '1'],
  move: ['--site', 'x'],
  // So that none is made.
  'vm create': ['--config', 'none'],
  screen: ['--save', 'none.png'],
}

describe('the bundle', () => {
  let directory: string
  let program: string
  let project: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'thymesh-bundle-'))
    program = await bundle(join(directory, 'dist'))
    // Beside it, as in the package.
    await symlink(join(repository, 'node_modules'), join(directory, 'node_modules'))
    await cp(join(repository, 'nix'), join(directory, 'nix'), { recursive: true })
    project = join(directory, 'project')
  })
  after(() => rm(directory, { recursive: true, force: true }))

  const run = (args: readonly string[], { cwd = project, stays = false } = {}) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((done, failed) => {
      const env = {
        PATH: process.env.PATH,
        HOME: directory,
        TMPDIR: directory,
        THYMESH_HOME: join(directory, 'home'),
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'bundle',
        GIT_AUTHOR_EMAIL: 'bundle@localhost',
        GIT_COMMITTER_NAME: 'bundle',
        GIT_COMMITTER_EMAIL: 'bundle@localhost',
        NIX_REMOTE: `local?root=${join(directory, 'store')}`,
        NIX_CONFIG: 'build-users-group =\nsubstitute = false\nconnect-timeout = 1\n',
      }
      const ended = (error: ExecFileException | null, stdout: string, stderr: string) => {
        if (error !== null && typeof error.code !== 'number') failed(new Error(`${args.join(' ')}: ${error.message}`))
        else done({ code: Number(error?.code ?? 0), stdout, stderr })
      }
      const child = execFile(program, [...args], { cwd, env, timeout: LIMIT_MS, maxBuffer: 1 << 24 }, ended)
      child.stdin?.end()
      if (stays) child.stdout?.once('data', () => child.kill('SIGTERM'))
    })

  /** All commands with their usage lines, by their manual pages: one process, where asking each for its help is hundreds. */
  async function commands(): Promise<{ command: string[]; usage: string }[]> {
    const pages = join(directory, 'pages')
    const { code, stderr } = await run(['man-pages', pages], { cwd: directory })
    assert.equal(code, 0, stderr)
    const found = await Promise.all(
      (await readdir(pages)).map(async name => {
        const [, line = ''] = /^\.SH SYNOPSIS\n\.B (.*)$/m.exec(await readFile(join(pages, name), 'utf8')) ?? []
        const usage = line.replaceAll('\\-', '-')
        const [, ...words] = usage.split(' ')
        const end = words.findIndex(word => /^[[<]/.test(word))
        return { usage, command: end === -1 ? words : words.slice(0, end) }
      }),
    )
    return found.filter(({ usage }) => !usage.includes('[command]'))
  }

  it('runs every command of its manual', { timeout: 20 * 60_000 }, async () => {
    const found = await commands()
    const founded = await run(['init', project, '--name', 'trial', '--no-passphrase', '--json'], { cwd: directory })
    assert.equal(founded.code, 0, founded.stdout + founded.stderr)
    const wrong: string[] = []
    const runEach = async (left: Iterable<(typeof found)[number]>) => {
      for (const { command, usage } of left) {
        const name = command.join(' ')
        const given = [...usage.matchAll(/<([a-z]+)[.]*>/g)].map(() => 'x')
        const args = [...command, ...given, ...(needed[name] ?? []), '--json']
        const { stdout, stderr } = await run(args, { stays: staying.has(name) })
        // Unforeseen errors have this code; so has a module that isn't in the bundle. The page has a code of its own.
        if (/"code":"(?:failed|usage|no-page)"|ERR_|Cannot find/.test(stdout + stderr))
          wrong.push(`${name}: ${stdout}${stderr}`)
      }
    }
    const ends = found.filter(({ command }) => !staying.has(command.join(' '))).values()
    await Promise.all(Array.from({ length: AT_A_TIME }, () => runEach(ends)))
    await runEach(found.filter(({ command }) => staying.has(command.join(' '))))
    assert.deepEqual(wrong, [])
    for (const name of ['init', 'check', 'config add', 'key show', 'deploy', 'node']) {
      assert.ok(
        found.some(({ command }) => command.join(' ') === name),
        `${name} is not among ${found.length} commands`,
      )
    }
  })
})
