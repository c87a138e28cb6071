/** The difference between two closures, by packages and their versions, as `nvd` shows it. Pure. */

/** A store path and the size of its NAR. */
export interface SizedPath {
  readonly path: string
  readonly narSize: number
}

export interface PackageChange {
  readonly name: string
  /** Versions before and after; one without a version is ''. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

export interface ClosureDiff {
  readonly added: readonly PackageChange[]
  readonly removed: readonly PackageChange[]
  readonly changed: readonly PackageChange[]
  /** Paths of packages whose name and version are the same: rebuilt. */
  readonly rebuilt: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** Outputs of one package beside its main one. */
const outputs = /-(?:bin|dev|doc|devdoc|info|lib|man|out|static|debug|dist|data|py)$/

/** `/nix/store/…-openssl-3.0.13-bin` is openssl 3.0.13. */
export function packageOf(path: string): { name: string; version: string } {
  const whole = path.slice(path.lastIndexOf('/') + 1 + 33).replace(outputs, '')
  const [, name = whole, version = ''] = /^(.+?)-(\d.*)$/.exec(whole) ?? []
  return { name, version }
}

export function diffClosures(before: readonly SizedPath[], after: readonly SizedPath[]): ClosureDiff {
  const [old, next] = [versionsOf(before), versionsOf(after)]
  const changes = [...new Set([...old.keys(), ...next.keys()])].sort().map(name => ({
    name,
    before: [...(old.get(name) ?? [])].sort(),
    after: [...(next.get(name) ?? [])].sort(),
  }))
  const known = new Set(before.map(({ path }) => path))
  const fresh = after.filter(({ path }) => !known.has(path))
  const rebuilt = fresh.filter(({ path }) => {
    const { name, version } = packageOf(path)
    return old.get(name)?.has(version)
  })
  return {
    added: changes.filter(change => change.before.length === 0),
    removed: changes.filter(change => change.after.length === 0),
    changed: changes.filter(
      change => change.before.length > 0 && change.after.length > 0 && change.before.join() !== change.after.join(),
    ),
    rebuilt: rebuilt.length,
    bytesBefore: sum(before),
    bytesAfter: sum(after),
  }
}

function versionsOf(paths: readonly SizedPath[]): Map<string, Set<string>> {
  const versions = new Map<string, Set<string>>()
  for (const { path } of paths) {
    const { name, version } = packageOf(path)
    versions.set(name, (versions.get(name) ?? new Set()).add(version))
  }
  return versions
}

function sum(paths: readonly SizedPath[]): number {
  return paths.reduce((bytes, { narSize }) => bytes + narSize, 0)
}
