/** Join tokens in images: put into a copy of an image, taken by the device that starts from it, gone afterwards. */

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'

const scripts = join(import.meta.dirname, '../../nix/nixos')
const token = `thymesh-join-1.${'A'.repeat(40)}`

/** Programs that make disk images; CI must have them. */
function imageSkip(): string | false {
  const missing = ['sfdisk', 'mcopy', 'mkfs.vfat'].filter(
    program => spawnSync('sh', ['-c', `command -v ${program}`]).status,
  )
  if (missing.length === 0) return false
  if (process.env.CI === 'true') throw new Error(`expected CI to have ${missing}; scripts/setup --tests installs them`)
  return `${missing} missing: scripts/setup --tests installs them`
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'thymesh-image-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function run(program: string, args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } })
  return { status, stdout, stderr }
}

describe('add-join-token', { skip: imageSkip() }, () => {
  const start = 2048
  /** A small disk with one FAT partition, as images of SD cards (dos) and PCs (gpt) have one. */
  function disk(directory: string, label: 'dos' | 'gpt'): string {
    const image = join(directory, `${label}.img`)
    const type = label === 'dos' ? 'b' : 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
    execFileSync('truncate', ['-s', '48M', image])
    execFileSync('sfdisk', ['--quiet', image], {
      input: `label: ${label}\nstart=${start}, size=32M, type=${type}\n`,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const partition = join(directory, 'partition')
    execFileSync('truncate', ['-s', '32M', partition])
    execFileSync('mkfs.vfat', [partition], { stdio: 'pipe' })
    execFileSync('dd', [`if=${partition}`, `of=${image}`, `seek=${start}`, 'conv=notrunc'], { stdio: 'pipe' })
    return image
  }
  const read = (image: string) =>
    execFileSync('mtype', ['-i', `${image}@@${start * 512}`, '::/thymesh-join'], {
      encoding: 'utf8',
    })

  for (const label of ['dos', 'gpt'] as const) {
    it(`puts a token on the FAT partition of a disk with a ${label} table, and keeps the image to its owner`, t => {
      const directory = scratch(t)
      const image = disk(directory, label)
      writeFileSync(join(directory, 'token'), `${token}\n`)
      const ended = run('sh', [
        join(scripts, 'add-join-token.sh'),
        image,
        join(directory, 'token'),
        'kiosk-1',
        'harbour',
      ])
      assert.equal(ended.status, 0, ended.stderr)
      assert.equal(read(image), `token=${token}\nname=kiosk-1\nsite=harbour\n`)
      assert.equal(statSync(image).mode & 0o777, 0o600)
      // Again, for another device.
      assert.equal(run('sh', [join(scripts, 'add-join-token.sh'), image, join(directory, 'token')]).status, 0)
      assert.equal(read(image), `token=${token}\n`)
    })
  }

  it('refuses what is no image, no token, no name or in the store', t => {
    const directory = scratch(t)
    const image = disk(directory, 'gpt')
    const file = (name: string, text: string) => {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    }
    const good = file('token', token)
    const empty = file('empty.img', 'x'.repeat(4096))
    const cases: [string[], RegExp][] = [
      [[image], /usage: add-join-token/],
      [[join(directory, 'none.img'), good], /there is no file/],
      [[image, file('wrong', 'hello')], /has no join token/],
      [[image, good, 'Not A Name'], /expected a name of lowercase letters/],
      [[empty, good], /has no FAT partition/],
    ]
    for (const [args, said] of cases) {
      const ended = run('sh', [join(scripts, 'add-join-token.sh'), ...args])
      assert.notEqual(ended.status, 0, said.source)
      assert.match(ended.stderr, said)
    }
  })
})

describe('take-join-token', () => {
  function machine(t: TestContext, text: string) {
    const directory = scratch(t)
    const boot = join(directory, 'boot')
    mkdirSync(boot)
    mkdirSync(join(directory, 'state'))
    writeFileSync(join(directory, 'machine-id'), '0123456789abcdef0123456789abcdef\n')
    writeFileSync(join(directory, 'fstab'), '')
    const file = join(boot, 'thymesh-join')
    if (text !== '') writeFileSync(file, text)
    const taken = join(directory, 'state/join')
    const env = { THYMESH_MACHINE_ID: join(directory, 'machine-id'), THYMESH_FSTAB: join(directory, 'fstab') }
    const take = () => run('sh', [join(scripts, 'take-join-token.sh'), taken, join(boot, 'missing'), file], env)
    const kept = (name: string) => readFileSync(join(taken, name), 'utf8')
    return { file, taken, take, kept }
  }

  it('takes the token for root only, and removes it from the boot partition', t => {
    const { file, taken, take, kept } = machine(t, `token=${token}\r\nname=kiosk-1\r\nsite=harbour\r\n`)
    const ended = take()
    assert.equal(ended.status, 0, ended.stderr)
    assert.deepEqual([kept('token'), kept('name'), kept('site')], [`${token}\n`, 'kiosk-1\n', 'harbour\n'])
    assert.equal(statSync(join(taken, 'token')).mode & 0o777, 0o600)
    assert.equal(existsSync(file), false)
    assert.ok(!ended.stdout.includes(token) && !ended.stderr.includes(token))
    // The next start finds nothing, and keeps what is there.
    assert.equal(take().status, 0)
    assert.equal(kept('name'), 'kiosk-1\n')
  })

  it('names a device after its machine, if the image is for many', t => {
    const { take, kept } = machine(t, `token=${token}\n`)
    assert.equal(take().status, 0)
    assert.equal(kept('name'), 'device-01234567\n')
    assert.equal(kept('site'), '')
  })

  it('leaves a machine without token alone, and a file without one where it is', t => {
    const none = machine(t, '')
    assert.equal(none.take().status, 0)
    assert.equal(existsSync(none.taken), false)
    const wrong = machine(t, 'hello\n')
    const ended = wrong.take()
    assert.equal(ended.status, 0)
    assert.match(ended.stderr, /has no line token=/)
    assert.equal(existsSync(wrong.taken) || !existsSync(wrong.file), false)
  })
})
